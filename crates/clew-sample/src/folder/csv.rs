//! Rows as CSV, written by hand: thirty million of them in seconds. No value here needs quotes, which a test holds.

use crate::price::{write_number, write_price};
use crate::row::{CampaignRow, CustomerRow, EventRow, ProductRow};
use crate::time::{date_text, time_text};

/// Lines of CSV in memory.
#[derive(Default)]
pub(crate) struct Csv {
    out: Vec<u8>,
    begun: bool,
}

impl Csv {
    pub(crate) fn header(&mut self, names: &[&str]) {
        names.iter().for_each(|name| self.text(name));
        self.end_line();
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    pub(crate) fn end_line(&mut self) {
        self.out.push(b'\n');
        self.begun = false;
    }

    fn cell(&mut self) -> &mut Vec<u8> {
        if self.begun {
            self.out.push(b',');
        }
        self.begun = true;
        &mut self.out
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.cell().extend_from_slice(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(crate) fn number(&mut self, number: u64) {
        write_number(number, self.cell());
    }

    /// Three decimals.
    pub(crate) fn decimal(&mut self, value: f32) {
        let thousandths = (f64::from(value) * 1_000.0).round();
        let out = self.cell();
        if thousandths < 0.0 {
            out.push(b'-');
        }
        let whole = thousandths.abs() as u64;
        write_number(whole / 1_000, out);
        let rest = (whole % 1_000) as u16;
        out.extend_from_slice(&[b'.', digit(rest / 100), digit(rest / 10), digit(rest)]);
    }

    /// A letter and a number with leading zeros.
    pub(crate) fn id(&mut self, letter: u8, number: u64, n_digits: u32) {
        let out = self.cell();
        out.push(letter);
        for place in (0..n_digits).rev() {
            out.push(b'0' + (number / 10_u64.pow(place) % 10) as u8);
        }
    }

    fn moment(&mut self, at: i64) {
        let out = self.cell();
        out.extend_from_slice(&date_text(at));
        out.extend_from_slice(&time_text(at));
    }
}

fn digit(number: u16) -> u8 {
    b'0' + (number % 10) as u8
}

pub(crate) const CUSTOMER: [&str; 11] = [
    "customer_id",
    "first_name",
    "nickname",
    "sex",
    "age",
    "postcode",
    "department",
    "email_domain",
    "joined_on",
    "newsletter",
    "source",
];

pub(crate) fn customer(row: &CustomerRow, out: &mut Csv) {
    out.id(b'C', row.number.into(), 7);
    out.text(row.first_name);
    out.text(&row.nickname);
    out.text(row.sex.unwrap_or(""));
    match row.age {
        Some(age) => out.number(age.into()),
        None => out.text(""),
    }
    out.text(&row.postcode);
    out.text(row.department);
    out.text(row.email_domain);
    out.bytes(&date_text(row.joined));
    out.text(if row.newsletter { "true" } else { "false" });
    out.text(row.source);
    out.end_line();
}

pub(crate) const PRODUCT: [&str; 8] =
    ["product_id", "title", "aisle", "category", "brand", "price", "tags", "launched_on"];

pub(crate) fn product(row: &ProductRow<'_>, out: &mut Csv) {
    out.id(b'P', row.number.into(), 7);
    out.text(&row.title);
    out.text(row.aisle);
    out.text(row.category);
    out.text(row.brand);
    write_price(row.price, out.cell());
    out.text(&row.tags.join("|"));
    out.bytes(&date_text(row.launched));
    out.end_line();
}

pub(crate) const CAMPAIGN: [&str; 5] = ["campaign_id", "name", "category", "sent_at", "holdout_share"];

pub(crate) fn campaign(row: &CampaignRow, out: &mut Csv) {
    out.id(b'M', row.number.into(), 4);
    out.text(&row.name);
    out.text(row.category);
    out.moment(row.sent);
    out.decimal(row.holdout_share);
    out.end_line();
}

pub(crate) const EVENT: [&str; 9] = [
    "kind",
    "customer_id",
    "occurred_at",
    "product_id",
    "quantity",
    "revenue",
    "campaign_id",
    "query",
    "basket_id",
];

/// An event; `day` is the text of its day, which the calendar has at hand.
pub(crate) fn event(row: &EventRow, day: &[u8; 10], out: &mut Csv) {
    out.text(row.kind.name());
    out.id(b'C', row.customer.into(), 7);
    out.bytes(day);
    out.out.extend_from_slice(&time_text(row.at));
    match row.product {
        Some(product) => out.id(b'P', product.into(), 7),
        None => out.text(""),
    }
    match row.quantity {
        0 => out.text(""),
        pieces => out.number(pieces.into()),
    }
    match row.revenue {
        0 => out.text(""),
        cents => write_price(cents, out.cell()),
    }
    match row.campaign {
        Some(campaign) => out.id(b'M', campaign.into(), 4),
        None => out.text(""),
    }
    out.text(row.query);
    match row.basket {
        0 => out.text(""),
        basket => {
            out.id(b'B', row.customer.into(), 7);
            out.out.push(b'-');
            write_number(basket.into(), &mut out.out);
        }
    }
    out.end_line();
}

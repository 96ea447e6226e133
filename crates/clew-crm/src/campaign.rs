//! Campaigns as the tenant sent them: when the first message went out, and what was promoted.
use serde::{Deserialize, Serialize};

use crate::column::{ColumnType, ColumnView};
use crate::effect::HELD_OUT;
use crate::error::{Error, Result};
use crate::event::EventKind;
use crate::history::History;
use crate::ids::NONE;
use crate::offer::Offer;
use crate::product_set::ProductSet;
use crate::table::TableView;

/// Columns that campaigns and products have in common: a campaign "about wine" promotes what is of the category wine.
const SHARED: [&str; 2] = ["category", "brand"];

/// How it is known what a campaign promoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromotedBy {
    /// Somebody said so when asking.
    Asked,
    /// The campaign's row says so: in its column `expression`, `product_ids` or `product_id`.
    Campaign,
    /// The campaign's row has a category or a brand, and so do products.
    Shared,
    /// Nothing says so: the whole catalogue.
    Everything,
}

/// What a campaign promoted.
#[derive(Clone, Debug, PartialEq)]
pub struct Promoted {
    /// Its products.
    pub products: ProductSet,
    /// As an expression, where there is one.
    pub expression: Option<String>,
    /// How that is known.
    pub by: PromotedBy,
}

/// The code of a campaign. Errors on one that the history does not know.
pub(crate) fn code(history: &History<'_>, campaign: &str) -> Result<u32> {
    history.campaigns().find(campaign).ok_or_else(|| Error::Nothing {
        what: format!("the campaign '{campaign}'"),
        remedy: "import its row, and an event 'message_sent' or 'held_out' for each customer of its audience"
            .to_owned(),
    })
}

/// The code of the events of customers who were held out; none when there are no such events.
pub(crate) fn held_out(history: &History<'_>) -> Option<usize> {
    (0..history.n_kinds()).find(|&kind| history.kind_name(kind as u8) == HELD_OUT)
}

/// When the first message of a campaign was sent or withheld, Unix seconds; none without an audience. Errors on an unknown campaign.
pub fn began(history: &History<'_>, campaign: &str) -> Result<Option<i64>> {
    let code = code(history, campaign)?;
    let held_out = held_out(history);
    let of_audience = |kind: u8| kind == EventKind::MESSAGE_SENT || held_out == Some(usize::from(kind));
    let first = |customer: u32| {
        let events = history.events_of(customer);
        let all = events.kind.iter().zip(events.campaign).zip(events.at);
        all.filter(|&((&kind, &of), _)| of == code && of_audience(kind)).map(|(_, &at)| at).min()
    };
    Ok((0..history.n_customers() as u32).filter_map(first).min())
}

/// What a campaign promoted: the products that its row names, else those of its category and brand, else all. Errors on an unknown
/// campaign, and on an expression in its row that is wrong or matches nothing.
pub fn promoted(history: &History<'_>, campaign: &str) -> Result<Promoted> {
    let row = code(history, campaign)?;
    let (campaigns, products) = (history.campaigns(), history.products());
    let mut offer = Offer { name: campaign.to_owned(), ..Offer::default() };
    let by = if let Some(expression) = texts(&campaigns, "expression", row).pop() {
        offer.expression = Some(expression);
        PromotedBy::Campaign
    } else {
        let listed = [texts(&campaigns, "product_ids", row), texts(&campaigns, "product_id", row)].concat();
        if listed.is_empty() {
            offer.expression = shared(&campaigns, &products, row);
            PromotedBy::Shared
        } else {
            offer.product_ids = Some(listed);
            PromotedBy::Campaign
        }
    };
    match offer.resolve_in(products) {
        Ok(products) if by == PromotedBy::Campaign || offer.expression.is_some() => {
            Ok(Promoted { products, expression: offer.expression, by })
        }
        Err(error) if by == PromotedBy::Campaign => Err(error),
        // A category that no product has, or nothing at all.
        _ => Ok(Promoted {
            products: ProductSet::new(products.len(), 0..products.len() as u32),
            expression: None,
            by: PromotedBy::Everything,
        }),
    }
}

/// The expression of what a campaign's row and products have in common.
fn shared(campaigns: &TableView<'_>, products: &TableView<'_>, row: u32) -> Option<String> {
    let is_text = |name: &str| products.column(name).is_some_and(|c| c.column_type() == ColumnType::Text);
    let parts: Vec<String> = SHARED
        .into_iter()
        .filter(|name| is_text(name))
        .filter_map(|name| {
            let value = texts(campaigns, name, row).pop()?;
            Some(format!("product.{name} == \"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")))
        })
        .collect();
    (!parts.is_empty()).then(|| parts.join(" && "))
}

/// The words of a cell; none when it is null, or holds no words.
fn texts(table: &TableView<'_>, name: &str, row: u32) -> Vec<String> {
    let at = row as usize;
    match table.column(name) {
        Some(ColumnView::Category { codes, values }) => {
            let code = codes.get(at).copied().filter(|&code| code != NONE);
            code.map(|code| values.name(code))
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
                .into_iter()
                .collect()
        }
        Some(ColumnView::Tags { starts, codes, values }) => {
            let range = starts.get(at).zip(starts.get(at + 1)).map(|(&from, &to)| from as usize..to as usize);
            let codes = range.and_then(|range| codes.get(range)).unwrap_or_default();
            codes.iter().map(|&code| values.name(code).to_owned()).collect()
        }
        _ => Vec::new(),
    }
}

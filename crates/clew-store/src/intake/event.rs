//! Events of a file: rows under our names, checked.

use chrono::{DateTime, Utc};
use clew_crm::ColumnType;

use super::cell::{Cell, Record, Span};
use super::date::{self, DateForm, EARLIEST};
use super::file::File;
use super::kind::Kinds;
use super::layout::{self, Place};
use super::outlier::Outliers;
use super::reader::Reader;
use super::report::{ColumnReport, FileReport, RejectedSink, Rejections};
use crate::entity::Entity;
use crate::erased::{REASON, Refuser};
use crate::error::{Error, Result};
use crate::mapping::EntityMapping;

/// The columns of an event, in the order of [`Fields`].
pub(crate) const COLUMNS: [&str; 10] = [
    "kind",
    "customer_id",
    "occurred_at",
    "product_id",
    "quantity",
    "revenue",
    "campaign_id",
    "query",
    "basket_id",
    "event_id",
];

/// The longest id, in bytes; longer ones do not fit into an index.
pub const MAX_ID: usize = 512;
/// The longest searched words, in bytes; longer ones are cut.
pub(crate) const MAX_QUERY: usize = 512;
const DAY: i64 = 86_400_000_000;

/// An event of a file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EventRow<'a> {
    /// The line in the file.
    pub line: u64,
    /// The kind: a well-known one under our name, or the tenant's own.
    pub kind: &'a str,
    /// The customer.
    pub customer_id: &'a str,
    /// Microseconds since 1970, UTC.
    pub occurred_at: i64,
    /// The product, if the event is about one.
    pub product_id: Option<&'a str>,
    /// How many.
    pub quantity: Option<f64>,
    /// Money paid for all of them together.
    pub revenue: Option<f64>,
    /// The campaign.
    pub campaign_id: Option<&'a str>,
    /// The words searched for.
    pub query: Option<&'a str>,
    /// What ties the events of one order together.
    pub basket_id: Option<&'a str>,
    /// The sender's own id of the event: the same id at the same time is the same event.
    pub event_id: Option<&'a str>,
}

/// The same, with its texts still as places in the record.
struct Fields {
    kind: usize,
    customer_id: Span,
    occurred_at: i64,
    product_id: Option<Span>,
    quantity: Option<f64>,
    revenue: Option<f64>,
    campaign_id: Option<Span>,
    query: Option<Span>,
    basket_id: Option<Span>,
    event_id: Option<Span>,
}

/// A file of events, read row by row.
pub struct EventFile {
    mapping: EntityMapping,
    reader: Reader,
    record: Record,
    rejections: Rejections,
    refuser: Option<Refuser>,
    places: Vec<Place>,
    n_nulls: [u64; COLUMNS.len()],
    form: DateForm,
    latest: Option<i64>,
    kinds: Kinds,
    n_accepted: u64,
    n_queries_cut: u64,
    n_without_product: u64,
    n_without_revenue: u64,
    quantities: Outliers,
    revenues: Outliers,
    report: FileReport,
}

impl EventFile {
    /// Opens a file of events. Events later than a day after `now` will be rejected.
    pub fn open(file: &File, mapping: &EntityMapping, now: Option<DateTime<Utc>>) -> Result<EventFile> {
        let (mut reader, note) = Reader::open(file, mapping, &COLUMNS)?;
        let mut places = Vec::with_capacity(COLUMNS.len());
        for name in COLUMNS {
            places.push(layout::find(&mut reader, file, Entity::Events, mapping, name)?);
        }
        let unknown = mapping.columns.keys().find(|name| !COLUMNS.contains(&name.as_str()));
        if let Some(name) = unknown {
            return Err(Error::input(
                format!("mapping: events.{name}"),
                format!("is no column of events; they are {}", COLUMNS.join(", ")),
            ));
        }
        let mut report = FileReport { file: file.name.clone(), ..FileReport::default() };
        if let Some(note) = note {
            report.note("delimiter", 0, note);
        }
        Ok(EventFile {
            mapping: mapping.clone(),
            reader,
            record: Record::default(),
            rejections: Rejections::default(),
            refuser: None,
            places,
            n_nulls: [0; COLUMNS.len()],
            form: mapping.dates.get("occurred_at").cloned().unwrap_or_default(),
            latest: now.map(|now| now.timestamp_micros() + DAY),
            kinds: Kinds::default(),
            n_accepted: 0,
            n_queries_cut: 0,
            n_without_product: 0,
            n_without_revenue: 0,
            quantities: Outliers::default(),
            revenues: Outliers::default(),
            report,
        })
    }

    /// Where every rejected line is to go from now on; the report lists only the first ones.
    pub fn reject_to(&mut self, sink: RejectedSink) {
        self.rejections.sink = Some(sink);
    }

    /// Who decides from now on which customers are refused.
    pub(crate) fn refuse(&mut self, refuser: Refuser) {
        self.refuser = Some(refuser);
    }

    /// The share of the file that has been read, 0..=1.
    pub fn share(&self) -> f64 {
        self.reader.share()
    }

    /// The next event that can be used; none at the end.
    #[expect(
        clippy::should_implement_trait,
        reason = "a row is lent until the next one, which Iterator cannot say"
    )]
    pub fn next(&mut self) -> Result<Option<EventRow<'_>>> {
        let fields = loop {
            if !self.reader.read(&mut self.record, &mut self.rejections)? {
                return Ok(None);
            }
            match self.check() {
                Ok(fields) => {
                    let id = self.record.text(fields.customer_id);
                    if !self.refuser.as_mut().is_some_and(|refuses| refuses(id)) {
                        break fields;
                    }
                    self.rejections.n_erased += 1;
                    self.rejections.add(self.record.line, None, REASON.to_owned());
                }
                Err((column, reason)) => {
                    let column = self.places.get(column).map(Place::shown);
                    self.rejections.add(self.record.line, column.as_deref(), reason);
                }
            }
        };
        self.count(&fields);
        let record = &self.record;
        let text = |span: Option<Span>| span.map(|span| record.text(span));
        Ok(Some(EventRow {
            line: record.line,
            kind: self.kinds.names.get(fields.kind).map_or("", String::as_str),
            customer_id: record.text(fields.customer_id),
            occurred_at: fields.occurred_at,
            product_id: text(fields.product_id),
            quantity: fields.quantity,
            revenue: fields.revenue,
            campaign_id: text(fields.campaign_id),
            query: text(fields.query),
            basket_id: text(fields.basket_id),
            event_id: text(fields.event_id),
        }))
    }

    /// What was read. An error when every line was rejected.
    pub fn finish(mut self) -> Result<FileReport> {
        self.report.take(&mut self.rejections, self.n_accepted)?;
        for ((name, place), n_nulls) in COLUMNS.iter().zip(&self.places).zip(self.n_nulls) {
            let column_type = match *name {
                "quantity" | "revenue" => ColumnType::Number,
                "occurred_at" => ColumnType::Date,
                _ => ColumnType::Text,
            };
            // Without a header, a column is one that some row has.
            let is_there = self.reader.has_header() || n_nulls < self.n_accepted;
            if *place != Place::Absent && is_there {
                let source = place.shown();
                self.report.columns.push(ColumnReport {
                    name: (*name).to_owned(),
                    source,
                    column_type,
                    n_nulls,
                });
            }
        }
        self.note_unused();
        self.note_quality();
        Ok(self.report)
    }

    fn note_unused(&mut self) {
        let is_used =
            |i: usize| self.places.iter().any(|place| matches!(place, Place::Column(used, _) if *used == i));
        let unused: Vec<&str> = self
            .reader
            .columns()
            .iter()
            .enumerate()
            .filter(|(i, name)| !name.is_empty() && !is_used(*i))
            .map(|(_, name)| name.as_str())
            .collect();
        if !unused.is_empty() {
            let message = format!(
                "columns that events do not have are left out: {}; name them in the mapping if they hold one of {}",
                unused.join(", "),
                COLUMNS.join(", ")
            );
            self.report.note("ignored_columns", 0, message);
        }
    }

    fn note_quality(&mut self) {
        for (name, outliers) in [("quantities", &self.quantities), ("revenues", &self.revenues)] {
            if let Some((n, limit, largest, line)) = outliers.found() {
                let message = format!(
                    "{n} {name} are above {limit}, a hundred times the usual; the largest is {largest} in line {line}; \
                     they are kept"
                );
                self.report.note("outliers", n, message);
            }
            let n = outliers.n_negative;
            if n > 0 {
                self.report.note("negative", n, format!("{n} {name} are below zero; they are kept"));
            }
        }
        let notes = [
            (
                "no_revenue",
                self.n_without_revenue,
                "purchases have a quantity or a revenue of 0; they are kept and not counted as bought",
            ),
            ("no_product", self.n_without_product, "purchases name no product; they are kept"),
            ("queries_cut", self.n_queries_cut, "searches were cut to 512 bytes"),
        ];
        for (code, n, message) in notes {
            if n > 0 {
                self.report.note(code, n, format!("{n} {message}"));
            }
        }
    }

    /// Counts what an accepted row is worth telling of.
    fn count(&mut self, fields: &Fields) {
        self.n_accepted += 1;
        let missing = [
            false,
            false,
            false,
            fields.product_id.is_none(),
            fields.quantity.is_none(),
            fields.revenue.is_none(),
            fields.campaign_id.is_none(),
            fields.query.is_none(),
            fields.basket_id.is_none(),
            fields.event_id.is_none(),
        ];
        self.n_nulls.iter_mut().zip(missing).for_each(|(n, missing)| *n += u64::from(missing));
        let line = self.record.line;
        fields.quantity.into_iter().for_each(|value| self.quantities.add(value, line));
        fields.revenue.into_iter().for_each(|value| self.revenues.add(value, line));
        let is_purchase = self.kinds.names.get(fields.kind).is_some_and(|kind| kind == "purchase");
        if is_purchase {
            self.n_without_product += u64::from(fields.product_id.is_none());
            let nothing = fields.revenue == Some(0.0) || fields.quantity == Some(0.0);
            self.n_without_revenue += u64::from(nothing);
        }
    }

    /// Checks the row that was read; else the place of the column to blame, and why.
    fn check(&mut self) -> Result<Fields, (usize, String)> {
        if self.record.has_zero_byte() {
            return Err((usize::MAX, "holds a zero byte; remove it".to_owned()));
        }
        let kind = self.kind().map_err(|reason| (0, reason))?;
        let customer_id = self.id(1)?.ok_or_else(|| (1, "has no customer".to_owned()))?;
        let occurred_at = self.time().map_err(|reason| (2, reason))?;
        let number = |i: usize| {
            let place = self.places.get(i).unwrap_or(&Place::Absent);
            layout::number(&self.record, place, "events", &self.mapping).map_err(|reason| (i, reason))
        };
        let (quantity, revenue) = (number(4)?, number(5)?);
        Ok(Fields {
            kind,
            customer_id,
            occurred_at,
            product_id: self.id(3)?,
            quantity,
            revenue,
            campaign_id: self.id(6)?,
            query: self.query(),
            basket_id: self.id(8)?,
            event_id: self.id(9)?,
        })
    }

    fn text(&mut self, column: usize) -> Option<Span> {
        let place = self.places.get(column).unwrap_or(&Place::Absent);
        layout::text(&mut self.record, place, &self.mapping.nulls)
    }

    fn id(&mut self, column: usize) -> Result<Option<Span>, (usize, String)> {
        match self.text(column) {
            Some(span) if (span.end - span.start) as usize > MAX_ID => {
                Err((column, format!("is longer than {MAX_ID} bytes, too long for an id")))
            }
            span => Ok(span),
        }
    }

    fn query(&mut self) -> Option<Span> {
        let mut span = self.text(7)?;
        if (span.end - span.start) as usize > MAX_QUERY {
            let cut = self.record.text(span).floor_char_boundary(MAX_QUERY);
            span.end = span.start + cut as u32;
            self.n_queries_cut += 1;
        }
        Some(span)
    }

    fn kind(&mut self) -> Result<usize, String> {
        let span = self.text(0).ok_or("has no kind")?;
        self.kinds.find(self.record.text(span), &self.mapping)
    }

    fn time(&mut self) -> Result<i64, String> {
        let place = self.places.get(2).unwrap_or(&Place::Absent);
        let offset = self.mapping.utc_offset;
        let complain = |text: &str| self.form.complaint(text, "events", "occurred_at");
        let read = |text: &str| self.form.read(text, offset).ok_or_else(|| complain(text));
        let micros = match place {
            Place::Absent => return Err("has no date".to_owned()),
            Place::Constant(value) => read(value)?,
            Place::Column(index, _) => match self.record.cell(*index) {
                Cell::Null => return Err("has no date".to_owned()),
                Cell::Text(span) | Cell::Tags(span) => read(self.record.text(span))?,
                Cell::Integer(value) => read(&value.to_string())?,
                Cell::Number(value) => {
                    self.form.read_number(value).ok_or_else(|| complain(&value.to_string()))?
                }
                Cell::Time(micros) => micros,
                Cell::Day(day) => i64::from(day) * DAY - i64::from(offset) * 1_000_000,
                Cell::Bool(value) => return Err(complain(&value.to_string())),
            },
        };
        if micros < EARLIEST {
            let remedy = match self.form {
                DateForm::UnixSeconds | DateForm::Standard | DateForm::Pattern(_) => "correct the date",
                DateForm::UnixMillis => "are these seconds? then say dates.occurred_at = \"unix_seconds\"",
            };
            return Err(format!(
                "{} is before 1990, the earliest that is taken; {remedy}",
                date::show(micros)
            ));
        }
        if self.latest.is_some_and(|latest| micros > latest) {
            return Err(format!(
                "{} is in the future; only what has happened is an event",
                date::show(micros)
            ));
        }
        Ok(micros)
    }
}

//! Customers, products and campaigns of a file: an id and any attributes, with their types.

use std::collections::HashSet;

use clew_crm::ColumnType;

use super::cell::{Cell, Record, Span};
use super::event::MAX_ID;
use super::file::File;
use super::infer::{Guess, widest};
use super::key_columns;
use super::layout::{self, Place};
use super::reader::Reader;
use super::report::{ColumnReport, FileReport, RejectedSink, Rejections};
use super::value::{Attribute, Attributes, Typed, typed};
use crate::entity::Entity;
use crate::erased::{REASON, Refuser};
use crate::error::{Error, Result};
use crate::mapping::{EntityMapping, Origin};

/// The longest name of an attribute, in letters.
const MAX_NAME: usize = 200;

/// A file of customers, products or campaigns. It is read twice: once for its columns' types, once for its rows.
pub struct TableFile {
    file: File,
    entity: Entity,
    mapping: EntityMapping,
    reader: Reader,
    record: Record,
    rejections: Rejections,
    refuser: Option<Refuser>,
    id: Place,
    attributes: Vec<Attribute>,
    values: Vec<Typed>,
    n_accepted: u64,
    report: FileReport,
}

/// A row of such a file.
#[derive(Debug, Clone, Copy)]
pub struct AttributeRow<'a> {
    /// The line in the file.
    pub line: u64,
    /// The id.
    pub id: &'a str,
    /// The attributes, in the order of the file's schema.
    pub attributes: Attributes<'a>,
}

impl TableFile {
    /// Opens a file of customers, products or campaigns, and reads it once for its columns' types.
    pub fn open(file: &File, entity: Entity, mapping: &EntityMapping) -> Result<TableFile> {
        let key = key_columns(entity).first().copied().unwrap_or("id");
        let mut known = vec![key];
        known.extend(mapping.columns.values().filter_map(|origin| match origin {
            Origin::Column(name) => Some(name.as_str()),
            Origin::Constant(_) => None,
        }));
        let (mut reader, note) = Reader::open(file, mapping, &known)?;
        let id = layout::find(&mut reader, file, entity, mapping, key)?;
        // A column that NDJSON names late is only known at the end: its header is all of its rows.
        let (mut record, mut ignored) = (Record::default(), Rejections::default());
        let mut guesses: Vec<Guess> = Vec::new();
        while reader.read(&mut record, &mut ignored)? {
            if guesses.len() < record.len() {
                guesses.resize(record.len(), Guess::default());
            }
            for (i, guess) in guesses.iter_mut().enumerate() {
                guess.add(record.cell(i), &record, mapping);
            }
        }
        let mut places = named_places(&mut reader, file, entity, mapping, key)?;
        let taken: HashSet<usize> = std::iter::once(&id)
            .chain(places.iter().map(|(_, place)| place))
            .filter_map(|place| match place {
                Place::Column(index, _) => Some(*index),
                Place::Constant(_) | Place::Absent => None,
            })
            .collect();
        for (i, name) in reader.columns().iter().enumerate() {
            if !taken.contains(&i) && !name.is_empty() && !mapping.ignore.contains(name) {
                places.push((name.clone(), Place::Column(i, name.clone())));
            }
        }
        // In the file's order.
        places.sort_by_key(|(_, place)| match place {
            Place::Column(index, _) => *index,
            Place::Constant(_) | Place::Absent => usize::MAX,
        });
        let mut attributes: Vec<Attribute> = Vec::with_capacity(places.len());
        for (name, place) in places {
            if attributes.iter().any(|attribute| attribute.name == name) || name == key {
                return Err(Error::input(
                    format!("{}, line 1", file.name),
                    format!(
                        "two columns are to be '{name}': one by its own name, one by the mapping; list the other \
                             in the mapping: [{entity}.options] ignore = [\"{name}\"]"
                    ),
                ));
            }
            if name.chars().count() > MAX_NAME || name.contains(|c: char| c.is_control()) {
                return Err(Error::input(
                    format!("{}, line 1", file.name),
                    format!("column {name:?} has no usable name; give it one of at most {MAX_NAME} letters"),
                ));
            }
            let form = mapping.dates.get(&name);
            let guessed = match &place {
                Place::Column(index, _) => guesses.get(*index).cloned().unwrap_or_default(),
                Place::Constant(value) => {
                    let mut guess = Guess::default();
                    record.clear(0);
                    let span = record.append(value);
                    guess.add(Cell::Text(span), &record, mapping);
                    guess
                }
                Place::Absent => Guess::default(),
            };
            let column_type =
                mapping.types.get(&name).copied().unwrap_or_else(|| guessed.column_type(&name, form));
            let form = form.cloned().unwrap_or_default();
            attributes.push(Attribute { name, place, column_type, form, n_nulls: 0 });
        }
        let mut report = FileReport { file: file.name.clone(), ..FileReport::default() };
        if let Some(note) = note {
            report.note("delimiter", 0, note);
        }
        let mut table = TableFile {
            file: file.clone(),
            entity,
            mapping: mapping.clone(),
            reader,
            record,
            rejections: Rejections::default(),
            refuser: None,
            id,
            attributes,
            values: Vec::new(),
            n_accepted: 0,
            report,
        };
        table.rewind(&known)?;
        Ok(table)
    }

    fn rewind(&mut self, known: &[&str]) -> Result<()> {
        let seen = self.reader.columns().to_vec();
        self.reader = Reader::open(&self.file, &self.mapping, known)?.0;
        // NDJSON numbers its keys as they come: the same keys get the same places again.
        for name in &seen {
            self.reader.place(name);
        }
        Ok(())
    }

    /// The attribute columns and their types, in order.
    pub fn schema(&self) -> Vec<(String, ColumnType)> {
        self.attributes.iter().map(|attribute| (attribute.name.clone(), attribute.column_type)).collect()
    }

    /// Makes columns hold values of another type too: that under which the tenant sent them before. A type that the
    /// mapping names stays.
    pub fn widen(&mut self, name: &str, known: ColumnType) {
        if self.mapping.types.contains_key(name) {
            return;
        }
        for attribute in self.attributes.iter_mut().filter(|attribute| attribute.name == name) {
            attribute.column_type = widest(attribute.column_type, known);
        }
    }

    /// Where every rejected line is to go from now on; the report lists only the first ones.
    pub fn reject_to(&mut self, sink: RejectedSink) {
        self.rejections.sink = Some(sink);
    }

    /// Who decides from now on which customers are refused.
    pub(crate) fn refuse(&mut self, refuser: Refuser) {
        self.refuser = Some(refuser);
    }

    /// The share of the file that has been read for its rows, 0..=1.
    pub fn share(&self) -> f64 {
        self.reader.share()
    }

    /// The next row that can be used; none at the end.
    #[expect(
        clippy::should_implement_trait,
        reason = "a row is lent until the next one, which Iterator cannot say"
    )]
    pub fn next(&mut self) -> Result<Option<AttributeRow<'_>>> {
        let id = loop {
            if !self.reader.read(&mut self.record, &mut self.rejections)? {
                return Ok(None);
            }
            match self.check() {
                Ok(id) if self.refuser.as_mut().is_some_and(|refuses| refuses(self.record.text(id))) => {
                    self.rejections.n_erased += 1;
                    self.rejections.add(self.record.line, None, REASON.to_owned());
                }
                Ok(id) => break id,
                Err((column, reason)) => self.rejections.add(self.record.line, column.as_deref(), reason),
            }
        };
        self.n_accepted += 1;
        for (attribute, value) in self.attributes.iter_mut().zip(&self.values) {
            attribute.n_nulls += u64::from(matches!(value, Typed::Null));
        }
        Ok(Some(AttributeRow {
            line: self.record.line,
            id: self.record.text(id),
            attributes: Attributes::new(&self.record, &self.values, &self.attributes),
        }))
    }

    /// What was read. An error when every line was rejected.
    pub fn finish(mut self) -> Result<FileReport> {
        self.report.take(&mut self.rejections, self.n_accepted)?;
        let key = key_columns(self.entity).first().copied().unwrap_or("id");
        let source = self.id.shown();
        let column_type = ColumnType::Text;
        self.report.columns.push(ColumnReport { name: key.to_owned(), source, column_type, n_nulls: 0 });
        let mut unwritable = Vec::new();
        for attribute in &self.attributes {
            if !is_identifier(&attribute.name) {
                unwritable.push(attribute.name.as_str());
            }
            self.report.columns.push(ColumnReport {
                name: attribute.name.clone(),
                source: attribute.place.shown(),
                column_type: attribute.column_type,
                n_nulls: attribute.n_nulls,
            });
        }
        if !unwritable.is_empty() {
            let message = format!(
                "expressions cannot name these columns: {}; give them names of letters, digits and _ in the mapping",
                unwritable.join(", ")
            );
            self.report.note("unwritable_columns", 0, message);
        }
        Ok(self.report)
    }

    /// Checks the row that was read and fills `values`; gives the id.
    fn check(&mut self) -> Result<Span, (Option<String>, String)> {
        if self.record.has_zero_byte() {
            return Err((None, "holds a zero byte; remove it".to_owned()));
        }
        let id = layout::text(&mut self.record, &self.id, &self.mapping.nulls);
        let blame = |reason: String| (Some(self.id.shown()), reason);
        let id = id.ok_or_else(|| blame("has no id".to_owned()))?;
        if (id.end - id.start) as usize > MAX_ID {
            return Err(blame(format!("is longer than {MAX_ID} bytes, too long for an id")));
        }
        self.values.clear();
        for attribute in &self.attributes {
            let value = typed(&mut self.record, attribute, self.entity, &self.mapping)
                .map_err(|reason| (Some(attribute.place.shown()), reason))?;
            self.values.push(value);
        }
        Ok(id)
    }
}

/// The columns that the mapping names, but the key.
fn named_places(
    reader: &mut Reader,
    file: &File,
    entity: Entity,
    mapping: &EntityMapping,
    key: &str,
) -> Result<Vec<(String, Place)>> {
    let mut places = Vec::new();
    for name in mapping.columns.keys().filter(|name| *name != key) {
        places.push((name.clone(), layout::find(reader, file, entity, mapping, name)?));
    }
    for (name, origin) in
        mapping.shared.iter().filter(|(name, _)| *name != key && !mapping.columns.contains_key(*name))
    {
        // What all files share applies here only if this file has the column.
        if let Origin::Column(source) = origin
            && let Some(index) = reader.columns().iter().position(|column| column == source)
        {
            places.push((name.clone(), Place::Column(index, source.clone())));
        }
    }
    Ok(places)
}

/// Whether expressions can name a column.
fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

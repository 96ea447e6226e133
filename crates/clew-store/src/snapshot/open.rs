//! From files into memory: the codes of events are taken over as they are, attributes read as their column's type.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};

use clew_crm::{ColumnType, EventKind, EventTable, Ids, NONE, Records, Table, TableBuilder, Value};
use serde::de::{DeserializeSeed, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::dictionary::Dictionaries;
use super::part::{self, EventColumns, Kind};
use crate::basket;
use crate::error::{Error, Result};
use crate::intake::day_of_text;

/// The local files of a snapshot, and what is needed to read them.
pub(crate) struct Opening {
    pub(crate) dictionaries: Vec<PathBuf>,
    pub(crate) events: Vec<PathBuf>,
    pub(crate) n_events: u64,
    /// Customers, products, campaigns: files, and the types of their attributes.
    pub(crate) tables: [(Vec<PathBuf>, BTreeMap<String, ColumnType>); 3],
    pub(crate) weights: BTreeMap<String, f64>,
}

impl Opening {
    /// Reads all of it.
    pub(crate) fn records(self) -> Result<Records> {
        let mut dictionaries = Dictionaries::new();
        for path in &self.dictionaries {
            dictionaries.read(path)?;
        }
        let events = events(&self.events, self.n_events, dictionaries, &self.weights)?;
        let [customers, products, campaigns] = self.tables;
        let table = |(paths, types): (Vec<PathBuf>, BTreeMap<String, ColumnType>)| table(&paths, types);
        Records::new(table(customers)?, table(products)?, table(campaigns)?, events)
            .map_err(|error| Error::corrupt("snapshot", error.to_string()))
    }
}

fn events(
    paths: &[PathBuf],
    n_events: u64,
    dictionaries: Dictionaries,
    weights: &BTreeMap<String, f64>,
) -> Result<EventTable> {
    let n = usize::try_from(n_events).unwrap_or(0);
    let mut events = EventTable::with_capacity(n);
    let [kinds, customers, products, campaigns, queries] = dictionaries.into_parts();
    events.kind_weights =
        (0..kinds.len()).map(|kind| EventKind::weight(u8::try_from(kind).unwrap_or(u8::MAX))).collect();
    (events.kinds, events.customers, events.products) = (kinds, customers, products);
    (events.campaigns, events.queries) = (campaigns, queries);
    let mut baskets = Baskets::default();
    for path in paths {
        for batch in part::read(path, Kind::Events)? {
            let batch = batch.map_err(|_| part::damaged(path))?;
            let columns = EventColumns::of(&batch).ok_or_else(|| part::damaged(path))?;
            events.kind.extend_from_slice(columns.kind);
            events.customer.extend_from_slice(columns.customer);
            events.product.extend_from_slice(columns.product);
            events.at.extend_from_slice(columns.at);
            events.quantity.extend_from_slice(columns.quantity);
            events.revenue.extend_from_slice(columns.revenue);
            events.campaign.extend_from_slice(columns.campaign);
            events.query.extend_from_slice(columns.query);
            events.basket.extend(columns.basket.iter().map(|&hash| baskets.code(hash)));
        }
    }
    events.baskets = baskets.ids;
    for (kind, weight) in weights {
        events
            .set_kind_weight(kind, *weight as f32)
            .map_err(|error| Error::corrupt("snapshot", error.to_string()))?;
    }
    Ok(events)
}

/// Numbers baskets by their hashes.
struct Baskets {
    codes: hashbrown::HashMap<u64, u32, ahash::RandomState>,
    ids: Ids,
    /// The basket seen last: its events mostly follow each other.
    last: (u64, u32),
}

impl Default for Baskets {
    fn default() -> Baskets {
        Baskets { codes: hashbrown::HashMap::default(), ids: Ids::new(), last: (0, NONE) }
    }
}

impl Baskets {
    fn code(&mut self, hash: u64) -> u32 {
        if hash == self.last.0 {
            return self.last.1;
        }
        let code = if hash == 0 {
            NONE
        } else {
            let ids = &mut self.ids;
            *self.codes.entry(hash).or_insert_with(|| {
                let name = basket::name(hash);
                std::str::from_utf8(&name).map_or(NONE, |name| ids.intern(name))
            })
        };
        self.last = (hash, code);
        code
    }
}

fn table(paths: &[PathBuf], types: BTreeMap<String, ColumnType>) -> Result<Table> {
    let columns: HashMap<String, (usize, ColumnType)> =
        types.iter().enumerate().map(|(i, (name, column_type))| (name.clone(), (i, *column_type))).collect();
    let mut table = TableBuilder::new(types.into_iter().collect());
    for path in paths {
        for batch in part::read(path, Kind::Rows)? {
            let batch = batch.map_err(|_| part::damaged(path))?;
            let (ids, attributes) = part::row_columns(&batch).ok_or_else(|| part::damaged(path))?;
            for (id, attributes) in ids.iter().zip(attributes.iter()) {
                table.row(id.unwrap_or(""));
                set_attributes(&mut table, &columns, attributes.unwrap_or("{}"), path)?;
            }
        }
    }
    Ok(table.finish())
}

/// The attributes of a row on their way into the table, without a map in between.
struct Row<'a> {
    table: &'a mut TableBuilder,
    columns: &'a HashMap<String, (usize, ColumnType)>,
}

fn set_attributes(
    table: &mut TableBuilder,
    columns: &HashMap<String, (usize, ColumnType)>,
    attributes: &str,
    path: &Path,
) -> Result<()> {
    let mut json = serde_json::Deserializer::from_str(attributes);
    serde::Deserializer::deserialize_map(&mut json, Row { table, columns }).map_err(|_| part::damaged(path))
}

impl<'de> Visitor<'de> for Row<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of attributes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(column) = map.next_key_seed(Name(self.columns))? {
            let value: &RawValue = map.next_value()?;
            if let Some((index, column_type)) = column {
                set(self.table, index, column_type, value.get()).map_err(A::Error::custom)?;
            }
        }
        Ok(())
    }
}

struct Name<'a>(&'a HashMap<String, (usize, ColumnType)>);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Option<(usize, ColumnType)>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<(usize, ColumnType)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of an attribute")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.get(name).copied())
    }
}

/// Sets a cell. What does not fit the column's type (it was sent under another one once) is as good as null, but for
/// text and tags, which hold everything.
fn set(table: &mut TableBuilder, index: usize, column_type: ColumnType, json: &str) -> clew_crm::Result<()> {
    // Without a copy when nothing in it is escaped.
    let text = || match serde_json::from_str::<&str>(json) {
        Ok(text) => Some(Cow::Borrowed(text)),
        Err(_) => serde_json::from_str::<String>(json).ok().map(Cow::Owned),
    };
    let plain = |json: &str| !json.starts_with(['"', '[', '{']) && json != "null";
    let value = match column_type {
        ColumnType::Number => json.parse().map_or(Value::Null, Value::Number),
        ColumnType::Bool => match json {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => Value::Null,
        },
        ColumnType::Date => text().and_then(|text| day_of_text(&text)).map_or(Value::Null, Value::Date),
        ColumnType::Text if plain(json) => Value::Text(json),
        ColumnType::Text => {
            return match text() {
                Some(text) => table.set(index, Value::Text(&text)),
                None => Ok(()),
            };
        }
        ColumnType::Tags if plain(json) => Value::Text(json),
        ColumnType::Tags => {
            if let Ok(tags) = serde_json::from_str::<Vec<String>>(json) {
                let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
                return table.set(index, Value::Tags(&tags));
            }
            return match text() {
                Some(text) => table.set(index, Value::Text(&text)),
                None => Ok(()),
            };
        }
    };
    table.set(index, value)
}

#[cfg(test)]
mod tests {
    use clew_crm::Column;

    use super::*;

    fn column(column_type: ColumnType, json: &str) -> Column {
        let mut table = TableBuilder::new(vec![("a".to_owned(), column_type)]);
        table.row("x");
        set(&mut table, 0, column_type, json).unwrap();
        table.finish().columns.remove(0)
    }

    fn shown(column: &Column) -> String {
        match column {
            Column::Category { codes, values } => values.name(codes[0]).to_owned(),
            Column::Tags { codes, values, .. } => {
                codes.iter().map(|&code| values.name(code)).collect::<Vec<_>>().join("|")
            }
            Column::Number(values) => values[0].to_string(),
            Column::Bool(values) => values[0].to_string(),
            Column::Date(days) => days[0].to_string(),
        }
    }

    #[test]
    fn values_are_read_as_their_columns_type_whatever_they_were_sent_as() {
        let cases = [
            (ColumnType::Number, "31.5", "31.5"),
            (ColumnType::Number, "\"old\"", "NaN"),
            (ColumnType::Text, "\"caf\\u00e9 \\\"x\\\"\"", "café \"x\""),
            (ColumnType::Text, "31", "31"),
            (ColumnType::Text, "true", "true"),
            (ColumnType::Tags, "[\"a\",\"b\"]", "a|b"),
            (ColumnType::Tags, "\"a|c\"", "a|c"),
            (ColumnType::Tags, "7", "7"),
            (ColumnType::Bool, "true", "1"),
            (ColumnType::Bool, "\"yes\"", "2"),
            (ColumnType::Date, "\"2016-05-01\"", "16922"),
            (ColumnType::Date, "\"2016-05-01T23:00:00Z\"", "16922"),
        ];
        for (column_type, json, expected) in cases {
            assert_eq!(shown(&column(column_type, json)), expected, "{json}");
        }
    }
}

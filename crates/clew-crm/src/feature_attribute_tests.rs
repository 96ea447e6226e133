//! Groups of customers: none is smaller than the minimum support, and rare values count with broader ones.

use super::*;
use crate::column::ColumnType;
use crate::table::{Table, TableBuilder, Value};

/// A table of one text column; "" is null.
fn table(name: &str, values: &[(&str, usize)]) -> Table {
    let mut table = TableBuilder::new(vec![(name.to_owned(), ColumnType::Text)]);
    let mut n = 0;
    for (value, n_rows) in values {
        for _ in 0..*n_rows {
            table.row(&format!("c{n}"));
            n += 1;
            if !value.is_empty() {
                table.set(0, Value::Text(value)).unwrap();
            }
        }
    }
    table.finish()
}

fn groupings(table: &Table, folds: bool) -> Vec<Grouping> {
    learn_groupings(&table.view(), 20, 16, &[], folds)
}

fn labels(grouping: &Grouping) -> Vec<&str> {
    grouping.labels.iter().map(String::as_str).collect()
}

/// How many rows each group has.
fn sizes(grouping: &Grouping, table: &Table) -> Vec<usize> {
    grouping.apply(&table.view()).members().iter().map(Vec::len).collect()
}

#[test]
fn rare_names_are_one_group_together() {
    let known = table("first_name", &[("Ann", 30), ("Bob", 25), ("Zebedee", 12), ("Tryphena", 10), ("", 5)]);
    let [names] = groupings(&known, true).try_into().unwrap();
    assert_eq!((labels(&names), sizes(&names, &known)), (vec!["Ann", "Bob", REST], vec![30, 25, 22]));
    // Who comes later with a name that nobody had counts as rare, who has none as none.
    let later = table("first_name", &[("Bob", 1), ("Xantippe", 2), (REST, 1), ("", 3)]);
    assert_eq!(sizes(&names, &later), [0, 1, 3]);
    // Of products, what is rare has no group.
    let [names] = groupings(&known, false).try_into().unwrap();
    assert_eq!(labels(&names), ["Ann", "Bob"]);
}

#[test]
fn what_is_rare_even_together_has_no_group() {
    let known = table("first_name", &[("Ann", 30), ("Bob", 25), ("Zebedee", 12), ("Tryphena", 7)]);
    let [names] = groupings(&known, true).try_into().unwrap();
    assert_eq!((labels(&names), sizes(&names, &known)), (vec!["Ann", "Bob"], vec![30, 25]));
}

#[test]
fn rare_postcodes_count_with_their_department_and_rare_departments_together() {
    let rare: Vec<String> = (0..60)
        .map(|n| format!("69{n:03}"))
        .chain((0..30).map(|n| format!("{:05}", 10_000 + 1_000 * n)))
        .collect();
    let mut values = vec![("75011", 30), ("97411", 22), ("97111", 21)];
    values.extend(rare.iter().map(|code| (code.as_str(), 2)));
    values.extend([("01000", 5), ("33000", 12)].iter().copied());
    let more: Vec<String> = (0..20).map(|n| format!("691{n:02}")).collect();
    values.extend(more.iter().map(|code| (code.as_str(), 1)));
    let known = table("postcode", &values);
    let [codes, departments] = groupings(&known, true).try_into().unwrap();
    assert_eq!(labels(&codes), ["75011", "97411", "97111"]);
    assert_eq!(labels(&departments)[..2], ["69", "75"]);
    assert!(labels(&departments).contains(&"974") && labels(&departments).contains(&"971"));
    assert_eq!(labels(&departments).last(), Some(&REST));
    let (n_rows, sizes) = (known.len(), sizes(&departments, &known));
    assert_eq!(sizes.iter().sum::<usize>(), n_rows, "everybody with a postcode counts somewhere");
    assert!(sizes.iter().all(|&size| size >= 20), "{sizes:?}");
}

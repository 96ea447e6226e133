//! Facts of all customers at one date, each counted once, when it is first asked for: twenty rules over the same fact count it once.
use std::sync::OnceLock;

use rayon::prelude::*;

use crate::fact::Fact;
use crate::history::History;

/// The facts of all customers that a history knows, as far as somebody has asked for them.
#[derive(Default)]
pub(crate) struct FactColumns([OnceLock<Vec<f64>>; Fact::ALL.len()]);

impl FactColumns {
    /// A fact of every customer, by code. `history` is always the same one.
    pub(crate) fn of(&self, fact: Fact, history: &History<'_>) -> &[f64] {
        let Some(cell) = self.0.get(fact as usize) else { return &[] };
        if let Some(column) = cell.get() {
            return column;
        }
        // Not within `get_or_init`: a thread of the pool that waits takes up other work, which may ask for the same.
        let customers = (0..history.n_customers() as u32).into_par_iter();
        let value = |customer: u32| fact.value(&history.events_of(customer), history.as_of());
        let column = customers.map(value).collect();
        cell.get_or_init(|| column)
    }

    /// A fact of every customer if it was asked for before.
    pub(crate) fn known(&self, fact: Fact) -> Option<&[f64]> {
        self.0.get(fact as usize)?.get().map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EventRow, EventTable};
    use crate::expression::{Predicate, Schema, Scope};
    use crate::records::Records;
    use crate::table::TableBuilder;

    fn records() -> Records {
        let empty = || TableBuilder::new(Vec::new()).finish();
        let mut events = EventTable::new();
        for at in 0..200_i64 {
            events
                .push(&EventRow {
                    kind: if at % 3 == 0 { "purchase" } else { "view" },
                    customer: &format!("c{}", at * at % 37),
                    at: at * 86_400,
                    product: Some("p"),
                    quantity: None,
                    revenue: Some(at as f32),
                    campaign: None,
                    query: None,
                    basket: None,
                })
                .unwrap();
        }
        Records::new(empty(), empty(), empty(), events).unwrap()
    }

    #[test]
    fn kept_facts_answer_as_counted_ones_do_and_stay_with_their_date() {
        let records = records();
        let facts = FactColumns::default();
        let plain = records.history(150 * 86_400);
        let keeping = plain.with_facts(&facts);
        let schema = Schema::of(Scope::Customer, &plain);
        for fact in
            Fact::ALL.into_iter().filter(|fact| fact.column_type() == crate::column::ColumnType::Number)
        {
            for limit in [0, 1, 5, 40, 200] {
                let source = format!("customer.{} > {limit}", fact.name());
                let predicate = Predicate::parse(&source, &schema).unwrap();
                let counted = predicate.evaluate(&plain).unwrap();
                let one = predicate.evaluate_row(&keeping, 3).unwrap();
                assert_eq!(one, counted.get(3), "{source}");
                assert_eq!(predicate.evaluate(&keeping).unwrap(), counted, "{source}");
            }
            assert!(facts.known(fact).is_some());
        }
        let earlier = keeping.earlier(60 * 86_400);
        let predicate = Predicate::parse("customer.days_since_event < 20", &schema).unwrap();
        let fresh = records.history(60 * 86_400);
        assert_eq!(predicate.evaluate(&earlier).unwrap(), predicate.evaluate(&fresh).unwrap());
    }
}

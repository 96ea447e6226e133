//! Days by what is kept, the least there may be, and what is wrong with some.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::intake::canonical_kind;

/// The least days that events are kept.
pub const MIN_EVENTS_DAYS: i32 = 30;
/// The least days that customers are kept who are in touch no more.
pub const MIN_INACTIVE_CUSTOMERS_DAYS: i32 = 90;
/// The least days that the audit log is kept. Postgres refuses workers fewer, see migration 0061.
pub const MIN_AUDIT_DAYS: i32 = 180;
/// The most days that can be written: a century.
pub const MAX_DAYS: i32 = 36_500;
/// Kinds of events that are no sign of the customer: what was sent, was shown by a program, or was kept from being sent.
/// Every other kind is a contact, a tenant's own too.
pub const NO_CONTACT: [&str; 3] = ["message_sent", "message_opened", "held_out"];

/// How many days what is kept; `None` and what is absent: for ever.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Days {
    /// Events by kind, the tenant's own kinds too. `None` keeps a kind for ever whatever `other_events_days` says.
    pub events_days: BTreeMap<String, Option<i32>>,
    /// Events of all other kinds.
    pub other_events_days: Option<i32>,
    /// Customers after their last contact.
    pub inactive_customers_days: Option<i32>,
    /// Entries of the audit log.
    pub audit_days: Option<i32>,
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The field of [`Days`].
    pub field: &'static str,
    /// The kind of event, as it was written.
    pub kind: Option<String>,
    /// What is wrong, and what is expected.
    pub detail: String,
}

impl Fault {
    pub(super) fn place(&self) -> String {
        match &self.kind {
            Some(kind) => format!("{}: {kind}", self.field),
            None => self.field.to_owned(),
        }
    }
}

impl Days {
    /// The same with each kind under our one name of it.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the fields.
    pub fn checked(&self) -> Result<Days, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut range = |field: &'static str, kind: Option<&String>, days: Option<i32>, least: i32| {
            if let Some(days) = days.filter(|days| !(least..=MAX_DAYS).contains(days)) {
                let detail = if days < least {
                    format!("expected at least {least}, found {days}; null keeps for ever")
                } else {
                    format!("expected at most {MAX_DAYS}, found {days}; null keeps for ever")
                };
                faults.push(Fault { field, kind: kind.cloned(), detail });
            }
        };
        for (kind, days) in &self.events_days {
            range("events_days", Some(kind), *days, MIN_EVENTS_DAYS);
        }
        range("other_events_days", None, self.other_events_days, MIN_EVENTS_DAYS);
        range("inactive_customers_days", None, self.inactive_customers_days, MIN_INACTIVE_CUSTOMERS_DAYS);
        range("audit_days", None, self.audit_days, MIN_AUDIT_DAYS);
        let mut events_days = BTreeMap::new();
        for (kind, days) in &self.events_days {
            let detail = match canonical_kind(kind) {
                Err(reason) => reason,
                Ok(name) => match events_days.insert(name.clone(), *days) {
                    None => continue,
                    Some(_) => format!("is another name of {name}, which is there already; write it once"),
                },
            };
            faults.push(Fault { field: "events_days", kind: Some(kind.clone()), detail });
        }
        if faults.is_empty() { Ok(Days { events_days, ..self.clone() }) } else { Err(faults) }
    }

    /// How many days events of a kind are kept.
    pub fn of_kind(&self, kind: &str) -> Option<i32> {
        self.events_days.get(kind).copied().unwrap_or(self.other_events_days)
    }

    /// Whether events of any kind are ever removed.
    pub fn removes_events(&self) -> bool {
        self.other_events_days.is_some() || self.events_days.values().any(Option::is_some)
    }

    /// Whether anything is ever removed.
    pub fn removes(&self) -> bool {
        self.removes_events() || self.inactive_customers_days.is_some() || self.audit_days.is_some()
    }

    /// The longer days of the two, each by itself: what is past them is past both.
    pub(super) fn longer(&self, other: &Days) -> Days {
        let longer = |one: Option<i32>, other: Option<i32>| Some(one?.max(other?));
        let kinds: BTreeSet<&String> = self.events_days.keys().chain(other.events_days.keys()).collect();
        let of_kind = |kind: &String| (kind.clone(), longer(self.of_kind(kind), other.of_kind(kind)));
        Days {
            events_days: kinds.into_iter().map(of_kind).collect(),
            other_events_days: longer(self.other_events_days, other.other_events_days),
            inactive_customers_days: longer(self.inactive_customers_days, other.inactive_customers_days),
            audit_days: longer(self.audit_days, other.audit_days),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(kinds: &[(&str, Option<i32>)], other: Option<i32>) -> Days {
        let events_days = kinds.iter().map(|(kind, days)| ((*kind).to_owned(), *days)).collect();
        Days { events_days, other_events_days: other, ..Days::default() }
    }

    #[test]
    fn every_fault_is_named_with_what_is_expected() {
        let written = Days {
            inactive_customers_days: Some(89),
            audit_days: Some(40_000),
            ..days(
                &[("view", Some(29)), ("", Some(30)), ("Order Completed", None), ("purchase", None)],
                Some(-1),
            )
        };
        let faults = written.checked().unwrap_err();
        let told: Vec<String> =
            faults.iter().map(|fault| format!("{}: {}", fault.place(), fault.detail)).collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        events_days: view: expected at least 30, found 29; null keeps for ever
        other_events_days: expected at least 30, found -1; null keeps for ever
        inactive_customers_days: expected at least 90, found 89; null keeps for ever
        audit_days: expected at most 36500, found 40000; null keeps for ever
        events_days: : has no kind
        events_days: purchase: is another name of purchase, which is there already; write it once
        ");
        let right = days(&[(" Product Viewed", Some(30)), ("coupon", None)], None).checked().unwrap();
        assert_eq!(right, days(&[("view", Some(30)), ("coupon", None)], None));
    }

    #[test]
    fn of_two_the_longer_days_count() {
        let one = days(&[("view", Some(30)), ("purchase", None)], Some(90));
        let two = days(&[("view", Some(60)), ("search", Some(40))], Some(50));
        let longer = one.longer(&two);
        let expected = [("purchase", None), ("search", Some(90)), ("view", Some(60))];
        assert_eq!(longer, days(&expected, Some(90)));
        assert_eq!((longer.of_kind("view"), longer.of_kind("coupon")), (Some(60), Some(90)));
        assert!(longer.removes_events());
        // Against one that keeps everything, nothing is removed.
        let nothing = one.longer(&Days::default());
        assert!(!nothing.removes() && nothing.of_kind("view").is_none());
    }
}

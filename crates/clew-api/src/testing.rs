//! Small things that several unit tests of this crate need.

use clew_crm::{EventTable, Records, TableBuilder};

/// Records without a row.
pub(crate) fn records() -> Records {
    let empty = || TableBuilder::new(Vec::new()).finish();
    Records::new(empty(), empty(), empty(), EventTable::new()).unwrap()
}

//! What a sample is made from.

use crate::error::{Error, Result};

/// The moment at which the default sample ends (exclusive): 2026-11-01T00:00:00Z, in unix seconds.
pub const DEFAULT_END: i64 = 1_793_491_200;

/// What a sample is made from. The same parameters always give the same tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleParams {
    /// How many customers.
    pub n_customers: u32,
    /// How many products; at least one per category is needed.
    pub n_products: u32,
    /// How many events in all, exactly.
    pub n_events: u64,
    /// The seed of all chance.
    pub seed: u64,
    /// The end of the history (exclusive), unix seconds UTC. No event is at or after it.
    pub end: i64,
    /// How many days the history spans.
    pub n_days: u32,
}

impl Default for SampleParams {
    fn default() -> Self {
        Self {
            n_customers: 50_000,
            n_products: 5_000,
            n_events: 2_000_000,
            seed: 1,
            end: DEFAULT_END,
            n_days: 500,
        }
    }
}

impl SampleParams {
    /// The first moment of the history, unix seconds UTC.
    #[must_use]
    pub fn start(&self) -> i64 {
        self.end - i64::from(self.n_days) * crate::time::DAY
    }

    /// # Errors
    /// When no shop can be made with these parameters.
    pub(crate) fn check(&self) -> Result<()> {
        let need = |ok: bool, place: String, remedy: &str| {
            if ok { Ok(()) } else { Err(Error::Input { place, remedy: remedy.to_owned() }) }
        };
        need(
            self.n_customers >= 10,
            format!("{} customers are no shop", self.n_customers),
            "ask for 10 or more",
        )?;
        need(
            self.n_products as usize >= crate::category::CATEGORIES.len(),
            format!("{} products do not fill the shop's categories", self.n_products),
            "ask for 100 or more",
        )?;
        let per_customer = self.n_events as f64 / f64::from(self.n_customers);
        need(
            (1.0..=2_000.0).contains(&per_customer),
            format!("{} events are {per_customer:.1} per customer", self.n_events),
            "ask for between 1 and 2,000 events per customer",
        )?;
        need(
            (60..=3_650).contains(&self.n_days),
            format!("{} days are too few or too many", self.n_days),
            "ask for between 60 and 3,650 days",
        )?;
        need(
            (0..=7_258_118_400).contains(&self.end) && self.start() >= 0,
            format!("an end at {} s after 1970 is out of range", self.end),
            "end the sample between 1980 and 2199",
        )
    }
}

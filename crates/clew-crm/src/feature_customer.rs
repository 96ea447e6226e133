//! Customer: what one customer did overall as of a cutoff, whatever the offer: recency, frequency, value, rhythm, messages.
use crate::event::EventKind;
use crate::feature_inside::log_count;
use crate::feature_ledger::NEVER;
use crate::feature_state::{ACTIVE_DAYS, decay};

/// Windows in days, the last for everything.
pub(crate) const WINDOWS: [u16; 4] = [28, 56, 112, u16::MAX];

/// Names of the features of a customer, in the order in which [`Customer::write`] writes them.
pub(crate) const NAMES: [&str; 17] = [
    "days since the last purchase",
    "baskets in 28 days",
    "baskets in 56 days",
    "baskets in 112 days",
    "baskets",
    "days since the first event",
    "spent in 56 days",
    "spent in 112 days",
    "days since the last purchase over the usual gap",
    "baskets in 28 days over those of 112",
    "lines in 112 days",
    "lines per basket",
    "views and carts in 28 days",
    "days since the last event",
    "messages in 28 days",
    "messages opened or clicked",
    "expected baskets",
];

/// What one customer did.
#[derive(Clone, Debug)]
pub(crate) struct Customer {
    /// Distinct days with a purchase, by window.
    pub(crate) baskets: [u16; 4],
    /// Days since the last purchase.
    pub(crate) last: u16,
    /// Days since the first purchase.
    pub(crate) first: u16,
    /// Mean days between baskets; NaN with fewer than two.
    pub(crate) gap: f32,
    /// Baskets to be expected within the horizon.
    pub(crate) expected_baskets: f32,
    /// Lines bought in 112 days.
    pub(crate) lines_112: u32,
    /// Lines bought.
    pub(crate) lines: u32,
    spent: [f32; 2],
    first_event: u16,
    last_event: u16,
    recent_baskets: f32,
    interest_28: u32,
    messages_28: u32,
    messages: u32,
    answers: u32,
}

impl Customer {
    /// A customer of whom nothing is known.
    pub(crate) fn new() -> Customer {
        Customer {
            baskets: [0; 4],
            last: NEVER,
            first: NEVER,
            gap: f32::NAN,
            expected_baskets: 0.0,
            lines_112: 0,
            lines: 0,
            spent: [0.0; 2],
            first_event: NEVER,
            last_event: NEVER,
            recent_baskets: 0.0,
            interest_28: 0,
            messages_28: 0,
            messages: 0,
            answers: 0,
        }
    }

    /// Sees an event of any kind; oldest first.
    pub(crate) fn event(&mut self, kind: u8, age: u16) {
        if self.first_event == NEVER {
            self.first_event = age;
        }
        self.last_event = age;
        match kind {
            EventKind::MESSAGE_SENT => {
                self.messages += 1;
                self.messages_28 += u32::from(age < 28);
            }
            EventKind::MESSAGE_OPENED | EventKind::MESSAGE_CLICKED => self.answers += 1,
            EventKind::VIEW | EventKind::ADD_TO_CART | EventKind::SEARCH => {
                self.interest_28 += u32::from(age < 28)
            }
            _ => {}
        }
    }

    /// Sees a purchase that counts; oldest first.
    pub(crate) fn purchase(&mut self, age: u16, value: f32) {
        if self.first == NEVER {
            self.first = age;
        }
        if age != self.last {
            for (n, window) in self.baskets.iter_mut().zip(WINDOWS) {
                *n = n.saturating_add(u16::from(age < window));
            }
            self.recent_baskets += decay(age, 56.0);
            self.last = age;
        }
        self.lines += 1;
        self.lines_112 += u32::from(age < 112);
        self.spent[0] += if age < 56 { value } else { 0.0 };
        self.spent[1] += if age < 112 { value } else { 0.0 };
    }

    /// After the last event.
    pub(crate) fn end(&mut self) {
        if self.baskets[3] >= 2 {
            self.gap = f32::from(self.first - self.last) / f32::from(self.baskets[3] - 1);
        }
    }

    /// Whether there was a purchase of late.
    pub(crate) fn is_active(&self) -> bool {
        self.last < ACTIVE_DAYS
    }

    /// Whether there was an event at all.
    pub(crate) fn is_known(&self) -> bool {
        self.first_event != NEVER
    }

    /// Money spent in 112 days.
    pub(crate) fn spent_112(&self) -> f32 {
        self.spent[1]
    }

    /// Writes the features that [`NAMES`] names.
    pub(crate) fn write(&self, out: &mut [f32]) {
        let log = |value: f32| value.max(0.0).ln_1p();
        let baskets = self.baskets.map(f32::from);
        let values = [
            days(self.last),
            log(baskets[0]),
            log(baskets[1]),
            log(baskets[2]),
            log(baskets[3]),
            days(self.first_event),
            log(self.spent[0]),
            log(self.spent[1]),
            rhythm(self.last, self.gap),
            ((baskets[0] + 0.5) / (baskets[2] / 4.0 + 0.5)).ln(),
            log(self.lines_112 as f32),
            log(self.lines as f32 / baskets[3].max(1.0)),
            log(self.interest_28 as f32),
            days(self.last_event),
            log(self.messages_28 as f32),
            (self.answers as f32 + 0.3) / (self.messages as f32 + 1.0),
            log(self.expected_baskets),
        ];
        out[..values.len()].copy_from_slice(&values);
    }
}

/// Days since something, compressed; what never happened is farther than anything that did.
pub(crate) fn days(age: u16) -> f32 {
    if age == NEVER { 8.0 } else { log_count(age) }
}

/// Logarithm of days since the last over the usual gap; NaN where there is no usual gap.
fn rhythm(last: u16, gap: f32) -> f32 {
    rhythm_ratio(last, gap).ln()
}

/// Days since the last over the usual gap; NaN where there is none.
pub(crate) fn rhythm_ratio(last: u16, gap: f32) -> f32 {
    if last == NEVER { f32::NAN } else { (f32::from(last) + 0.5) / (gap + 0.5) }
}

/// Sets the baskets to be expected within the horizon: the recent rate, shrunk towards that of everybody.
pub(crate) fn finish(customers: &mut [Customer], horizon_days: u32) {
    // The mass that an everlasting rate of one a day leaves in the decayed count of somebody known for `first` days.
    let exposure = |customer: &Customer| {
        let known = if customer.first_event == NEVER { 0.0 } else { f32::from(customer.first_event) + 1.0 };
        (1.0 - (-known / 56.0).exp2()) * 56.0 / std::f32::consts::LN_2
    };
    let baskets: f64 = customers.iter().map(|customer| f64::from(customer.recent_baskets)).sum();
    let days: f64 = customers.iter().map(|customer| f64::from(exposure(customer))).sum();
    let rate = if days > 0.0 { (baskets / days) as f32 } else { 0.0 };
    for customer in customers {
        let shrunk = (customer.recent_baskets + rate * 14.0) / (exposure(customer) + 14.0);
        customer.expected_baskets = shrunk * horizon_days as f32;
    }
}

//! One customer's life: a queue of visits, each of which leaves events and may queue others.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::campaign::{EFFECT_DAYS, Outcome};
use crate::category::{CATEGORIES, Category};
use crate::customer::Customer;
use crate::effect::BIRTH;
use crate::random::Chance;
use crate::row::{EventRow, Kind};
use crate::shop::Shop;
use crate::taste::{PARENT, Traits, dot, sparse};
use crate::time::DAY;

/// How many categories there are.
pub(crate) const N_CATEGORIES: usize = CATEGORIES.len();

/// Why somebody comes to the shop, or what befalls them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Visit {
    /// To look round.
    Browse,
    /// Because something is used up.
    Need(usize),
    /// For what was left in the cart.
    Resume(usize, u32),
    /// A campaign reaches them, perhaps.
    Message(usize),
    /// Because a campaign made them.
    Caused(usize),
    /// To send something back: product, pieces.
    Return(u32, u16),
    /// A child is born.
    Birth,
}

/// A life as it unfolds.
pub(crate) struct Life<'a> {
    pub(crate) shop: &'a Shop,
    pub(crate) customer: &'a Customer,
    pub(crate) chance: Chance,
    pub(crate) events: &'a mut Vec<EventRow>,
    pub(crate) outcomes: &'a mut [Outcome],
    pub(crate) traits: Traits,
    /// How much each category attracts.
    pub(crate) weights: [f32; N_CATEGORIES],
    /// The last product bought of each category, and when.
    pub(crate) favourite: [Option<(u32, i64)>; N_CATEGORIES],
    /// The category of the last visit without a purchase, and until when it is on their mind.
    pub(crate) on_mind: Option<(usize, i64)>,
    pub(crate) n_baskets: u32,
    queue: BinaryHeap<Reverse<(i64, u32, Visit)>>,
    n_queued: u32,
    own_rhythm: f32,
    last_messages: [i64; 4],
    unsubscribed: bool,
}

impl<'a> Life<'a> {
    /// Lives the life to the end of the history; its events come unsorted.
    pub(crate) fn live(
        shop: &'a Shop,
        customer: &'a Customer,
        chance: Chance,
        events: &'a mut Vec<EventRow>,
        outcomes: &'a mut [Outcome],
    ) {
        let mut life = Life {
            shop,
            customer,
            chance,
            events,
            outcomes,
            traits: customer.traits,
            weights: [0.0; N_CATEGORIES],
            favourite: [None; N_CATEGORIES],
            on_mind: None,
            n_baskets: 0,
            queue: BinaryHeap::new(),
            n_queued: 0,
            own_rhythm: 1.0,
            last_messages: [i64::MIN; 4],
            unsubscribed: !customer.row.newsletter,
        };
        life.begin();
        while let Some(Reverse((at, _, visit))) = life.queue.pop() {
            if at >= life.shop.params().end {
                break;
            }
            life.visit(at, visit);
        }
    }

    fn begin(&mut self) {
        let (start, end) = (self.shop.params().start(), self.shop.params().end);
        let own: [f32; N_CATEGORIES] = std::array::from_fn(|_| self.chance.normal() * 0.5);
        for ((weight, category), own) in self.weights.iter_mut().zip(CATEGORIES).zip(own) {
            *weight =
                category.demand * (dot(&self.traits, &sparse(category.loads)) + own).clamp(-4.0, 4.0).exp();
        }
        self.own_rhythm = (self.chance.normal() * 0.25).exp();
        let from = self.customer.joined.max(start);
        let to = self.customer.left.min(end);
        let first = from + if self.customer.joined >= start { 600 } else { self.gap(from) };
        self.push(first, Visit::Browse);
        for (n, category) in CATEGORIES.iter().enumerate().filter(|(_, c)| c.rhythm_days > 0.0) {
            let weight = self.weights.get(n).copied().unwrap_or(0.0);
            let rate = self.shop.shopping() * self.customer.activity * weight * 0.0017;
            if !self.chance.happens(1.0 - (-rate).exp()) {
                continue;
            }
            // Some have needed it for long, others take it up on the way.
            let at = if self.chance.happens(0.45) {
                from + (self.chance.unit() * category.rhythm_days * DAY as f32) as i64
            } else {
                self.chance.between(from, to)
            };
            self.push(at, Visit::Need(n));
        }
        if let Some(birth) = self.customer.birth {
            self.push(birth, Visit::Birth);
        }
        for (n, campaign) in self.shop.campaigns().iter().enumerate() {
            if campaign.sent >= from && campaign.sent < to {
                self.push(campaign.sent, Visit::Message(n));
            }
        }
    }

    /// Queues a visit.
    pub(crate) fn push(&mut self, at: i64, visit: Visit) {
        self.queue.push(Reverse((at, self.n_queued, visit)));
        self.n_queued += 1;
    }

    fn visit(&mut self, at: i64, visit: Visit) {
        let here = at < self.customer.left;
        match visit {
            Visit::Browse if here => {
                let next = at + self.gap(at);
                self.push(next, Visit::Browse);
                self.browse(at);
            }
            Visit::Need(category) if here => {
                // Every need ends one day: a habit is broken, a child grows up.
                let mean = Category::of(category).rhythm_days * self.own_rhythm;
                if !self.chance.happens((mean / 320.0).min(0.5)) {
                    let next = at + (self.chance.rhythm(mean).max(1.0) * DAY as f32) as i64;
                    self.push(next, Visit::Need(category));
                }
                self.replenish(at, category);
            }
            Visit::Resume(category, product) if here => self.resume(at, category, product),
            Visit::Message(campaign) => self.message(at, campaign),
            Visit::Caused(campaign) => self.caused(at, campaign),
            Visit::Return(product, pieces) => {
                self.emit(EventRow {
                    product: Some(product),
                    quantity: pieces,
                    ..self.event(at, Kind::Return)
                });
            }
            Visit::Birth => self.birth(at),
            Visit::Browse | Visit::Need(_) | Visit::Resume(..) => {}
        }
    }

    fn birth(&mut self, at: i64) {
        if let Some(parent) = self.traits.get_mut(PARENT) {
            *parent += BIRTH;
        }
        for ((n, weight), category) in self.weights.iter_mut().enumerate().zip(CATEGORIES) {
            let load =
                category.loads.iter().find(|(index, _)| *index == PARENT).map_or(0.0, |(_, load)| *load);
            *weight *= (BIRTH * load).min(3.0).exp();
            if category.aisle == "baby" && category.rhythm_days > 0.0 && self.chance.happens(0.45) {
                let later = self.chance.between(2 * DAY, 40 * DAY);
                self.queue.push(Reverse((at + later, self.n_queued, Visit::Need(n))));
                self.n_queued += 1;
            }
        }
    }

    /// Seconds until the next visit without a need.
    fn gap(&mut self, at: i64) -> i64 {
        let busy = match self.shop.calendar().day(at).month {
            11 => 1.35,
            12 => 1.5,
            1 | 6 | 7 => 1.1,
            8 => 0.75,
            _ => 0.95,
        };
        let rate = self.shop.shopping() * self.customer.activity * busy * 0.02;
        // At most some four visits a day, however many events are asked for.
        let days = self.chance.exponential(1.0 / rate.clamp(1e-5, 4.0)).min(4_000.0);
        3_600 + (days * DAY as f32) as i64
    }

    /// A campaign goes out: is this customer in its audience, and what does the message do?
    fn message(&mut self, at: i64, number: usize) {
        let Some(campaign) = self.shop.campaigns().get(number) else { return };
        let category = Category::of(campaign.category);
        let liking = dot(&self.traits, &sparse(category.loads));
        let bought =
            self.favourite.get(campaign.category).is_some_and(|f| f.is_some_and(|(_, t)| at - t < 150 * DAY));
        let targeted = 0.3 + sigmoid(1.2 * liking) + if bought { 0.8 } else { 0.0 };
        if self.unsubscribed || !self.chance.happens(self.shop.messaging() * targeted) {
            return;
        }
        let held_out = self.chance.happens(campaign.holdout_share);
        let interest = sigmoid(liking - 0.4);
        let caused = campaign.effect * interest;
        let at = at + self.chance.between(0, 900);
        let row = EventRow { campaign: Some(number as u16), ..self.event(at, Kind::HeldOut) };
        let outcome = self.outcomes.get_mut(number);
        if held_out {
            outcome.into_iter().for_each(|o| o.n_held_out += 1);
            return self.emit(row);
        }
        outcome.into_iter().for_each(|o| {
            o.n_sent += 1;
            o.expected_caused += f64::from(caused);
        });
        self.emit(EventRow { kind: Kind::MessageSent, ..row });
        self.last_messages.rotate_right(1);
        self.last_messages[0] = at;
        let n_recent = self.last_messages.iter().filter(|t| at - **t < 28 * DAY).count();

        let buys = self.chance.happens(caused);
        if buys || self.chance.happens(self.customer.attention * (0.7 + 0.6 * interest)) {
            let opened = at + 60 + (self.chance.exponential(6.0 * 3_600.0) as i64).min(6 * DAY);
            self.emit(EventRow { kind: Kind::MessageOpened, at: opened, ..row });
            if self.chance.happens(if buys { 0.75 } else { 0.03 + 0.22 * interest }) {
                let clicked = opened + 4 + self.chance.between(0, 90);
                self.emit(EventRow { kind: Kind::MessageClicked, at: clicked, ..row });
                self.look_round(clicked + 5, campaign.category);
            }
            if buys {
                let wait = (self.chance.exponential(3.0) * DAY as f32) as i64;
                self.push((opened + 600 + wait).min(at + EFFECT_DAYS * DAY - 60), Visit::Caused(number));
            }
        }
        // The more messages lately and the less they concern, the more who have had enough.
        if self.chance.happens(0.0025 * n_recent as f32 * (1.6 - interest)) {
            self.unsubscribed = true;
            let gone = at + 120 + self.chance.between(0, 2 * 3_600);
            self.emit(EventRow { kind: Kind::Unsubscribe, at: gone, ..row });
        }
    }

    fn caused(&mut self, at: i64, number: usize) {
        let Some(campaign) = self.shop.campaigns().get(number) else { return };
        if let Some(product) = self.shop.catalogue().draw(campaign.category, at, &mut self.chance) {
            self.n_baskets += 1;
            self.buy(at, product);
            self.outcomes.get_mut(number).into_iter().for_each(|o| o.n_caused += 1);
        }
    }
}

/// The logistic function.
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

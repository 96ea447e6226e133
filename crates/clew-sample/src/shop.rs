//! The shop: all that its customers share, and the chunks of customers that are made from it.

use crate::campaign::{self, Campaign, Outcome};
use crate::catalogue::Catalogue;
use crate::category::CATEGORIES;
use crate::customer::{Crowd, Customer};
use crate::effect::Effects;
use crate::error::Result;
use crate::life::{Life, N_CATEGORIES};
use crate::params::SampleParams;
use crate::random::{Chance, Stream};
use crate::row::{CampaignRow, CustomerRow, EventRow, Kind, ProductRow};
use crate::time::{Calendar, DAY};

/// How many customers are made at a time.
const CHUNK: u32 = 4_096;
/// The share of the events that campaigns make.
const MESSAGE_SHARE: f64 = 0.25;

/// A shop whose customers are yet to be made, chunk by chunk.
pub struct Shop {
    params: SampleParams,
    calendar: Calendar,
    catalogue: Catalogue,
    campaigns: Vec<Campaign>,
    effects: Effects,
    crowd: Crowd,
    /// By day: season × trend of each category.
    moods: Vec<[f32; N_CATEGORIES]>,
    shopping: f32,
    messaging: f32,
}

/// Some customers and their whole lives.
pub struct Chunk {
    /// The customers, by number.
    pub customers: Vec<CustomerRow>,
    /// Their events, by customer, then by time; no two of one customer at the same second.
    pub events: Vec<EventRow>,
    pub(crate) truths: Vec<Customer>,
    pub(crate) outcomes: Vec<Outcome>,
}

impl Shop {
    /// Plans a shop: catalogue, campaigns, effects, and how often people must come for the number of events.
    ///
    /// # Errors
    /// When no shop can be made with these parameters.
    pub fn new(params: SampleParams) -> Result<Self> {
        params.check()?;
        let (seed, start, end, n_days) = (params.seed, params.start(), params.end, params.n_days);
        let calendar = Calendar::new(start, n_days);
        let moods = (0..=i64::from(n_days)).map(|day| mood(&calendar, start, start + day * DAY)).collect();
        let mut shop = Self {
            catalogue: Catalogue::new(seed, params.n_products, start, n_days),
            campaigns: campaign::campaigns(seed, start, n_days),
            effects: Effects::new(seed),
            crowd: Crowd::new(start, end),
            calendar,
            moods,
            shopping: 1.0,
            messaging: 0.1,
            params,
        };
        shop.calibrate();
        Ok(shop)
    }

    /// Tries the shop on customers that are not in it until as many events come as were asked for.
    fn calibrate(&mut self) {
        let wanted = self.params.n_events as f64 / f64::from(self.params.n_customers);
        let n_pilots = 3_000;
        for _ in 0..4 {
            let (mut events, mut outcomes) = (Vec::new(), vec![Outcome::default(); self.campaigns.len()]);
            for n in 0..n_pilots {
                let mut chance = Chance::new(self.params.seed, Stream::Pilot, n);
                let customer = self.crowd.draw(0, &self.effects, &mut chance);
                Life::live(self, &customer, chance, &mut events, &mut outcomes);
            }
            let by_campaign = events.iter().filter(|event| event.campaign.is_some()).count() as f64;
            let by_shopping = events.len() as f64 - by_campaign;
            let mean = |n: f64| (n / n_pilots as f64).max(1e-3);
            let messaging = f64::from(self.messaging) * wanted * MESSAGE_SHARE / mean(by_campaign);
            self.messaging = messaging.clamp(1e-4, 0.6) as f32;
            // What campaigns cannot give, shopping does.
            let rest = (wanted - mean(by_campaign).min(wanted * MESSAGE_SHARE)).max(wanted * 0.5);
            self.shopping = (f64::from(self.shopping) * rest / mean(by_shopping)).clamp(1e-3, 1e3) as f32;
        }
    }

    /// The number of chunks.
    #[must_use]
    pub fn n_chunks(&self) -> u32 {
        self.params.n_customers.div_ceil(CHUNK)
    }

    /// Makes a chunk: the same bytes at any time, in any order, on any thread.
    #[must_use]
    pub fn chunk(&self, number: u32) -> Chunk {
        let (n, seed) = (self.params.n_customers, self.params.seed);
        let from = (number * CHUNK).min(n);
        let to = (from + CHUNK).min(n);
        let mut events = Vec::new();
        let mut outcomes = vec![Outcome::default(); self.campaigns.len()];
        let mut truths = Vec::with_capacity((to - from) as usize);
        for n in from..to {
            let customer =
                self.crowd.draw(n, &self.effects, &mut Chance::new(seed, Stream::Customer, n.into()));
            let chance = Chance::new(seed, Stream::Life, n.into());
            Life::live(self, &customer, chance, &mut events, &mut outcomes);
            truths.push(customer);
        }
        let until = |customer: u32| {
            (u128::from(self.params.n_events) * u128::from(customer) / u128::from(n.max(1))) as u64
        };
        let quota = (until(to) - until(from)) as usize;
        self.meet(quota, &truths, &mut events, Chance::new(seed, Stream::Fill, number.into()));
        let customers = truths.iter().map(|customer| customer.row.clone()).collect();
        Chunk { customers, events, truths, outcomes }
    }

    /// Brings the events into order and to the exact number: views, the least of events, are added or dropped.
    fn meet(&self, quota: usize, customers: &[Customer], events: &mut Vec<EventRow>, mut chance: Chance) {
        let surplus = events.len().saturating_sub(quota);
        if surplus > 0 {
            let n_views = events.iter().filter(|event| event.kind == Kind::View).count();
            let (mut left, mut to_drop) = (n_views, surplus.min(n_views));
            // Selection sampling: each view is as likely to go as any other.
            events.retain(|event| {
                if event.kind != Kind::View {
                    return true;
                }
                let drop = (chance.unit64() * left as f64) < to_drop as f64;
                left -= 1;
                to_drop -= usize::from(drop);
                !drop
            });
            events.truncate(quota);
        }
        while events.len() < quota {
            let Some(customer) = customers.get(chance.below(customers.len())) else { break };
            let (from, to) = (customer.joined.max(self.params.start()), customer.left.min(self.params.end));
            let at = chance.between(from, to);
            let category = chance.below(N_CATEGORIES);
            let product = self.catalogue.draw(category, at, &mut chance);
            let (number, kind) = (customer.row.number, Kind::View);
            let (quantity, revenue, campaign, query, basket) = (0, 0, None, "", 0);
            events.push(EventRow {
                customer: number,
                kind,
                at,
                product,
                quantity,
                revenue,
                campaign,
                query,
                basket,
            });
        }
        events.sort_by_key(|event| (event.customer, event.at));
        // One event a second and customer, so that no two are exactly alike.
        let mut next = (u32::MAX, i64::MIN);
        for event in events.iter_mut() {
            if event.customer == next.0 && event.at < next.1 {
                event.at = next.1;
            }
            next = (event.customer, event.at + 1);
        }
        // Pushed over the end, some would be: pull those back.
        let mut latest = (u32::MAX, i64::MAX);
        for event in events.iter_mut().rev() {
            if event.customer != latest.0 {
                latest = (event.customer, self.params.end - 1);
            }
            event.at = event.at.min(latest.1);
            latest.1 = event.at - 1;
        }
    }

    /// What the shop was made from.
    #[must_use]
    pub fn params(&self) -> &SampleParams {
        &self.params
    }

    /// The products, by number.
    pub fn products(&self) -> impl Iterator<Item = ProductRow<'_>> {
        (0..self.catalogue.len() as u32).filter_map(|n| self.catalogue.row(n))
    }

    /// The campaigns, by number.
    pub fn campaign_rows(&self) -> impl Iterator<Item = CampaignRow> + '_ {
        self.campaigns.iter().enumerate().map(|(n, campaign)| campaign::row(n, campaign))
    }

    pub(crate) fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    pub(crate) fn campaigns(&self) -> &[Campaign] {
        &self.campaigns
    }

    pub(crate) fn effects(&self) -> &Effects {
        &self.effects
    }

    /// How often people shop, so that the number of events comes out.
    pub(crate) fn shopping(&self) -> f32 {
        self.shopping
    }

    /// How many of those who could are written to.
    pub(crate) fn messaging(&self) -> f32 {
        self.messaging
    }

    /// Season × trend of each category on the day of `at`.
    pub(crate) fn mood(&self, at: i64) -> &[f32; N_CATEGORIES] {
        static EVEN: [f32; N_CATEGORIES] = [1.0; N_CATEGORIES];
        let day = ((at - self.params.start()) / DAY).max(0) as usize;
        self.moods.get(day).unwrap_or(&EVEN)
    }
}

fn mood(calendar: &Calendar, start: i64, at: i64) -> [f32; N_CATEGORIES] {
    let years = (at - start) as f32 / (365.25 * DAY as f32);
    let share = calendar.day(at).year_share;
    std::array::from_fn(|n| {
        let category = crate::category::Category::of(n);
        let season = 1.0 + category.swing * (std::f32::consts::TAU * (share - category.peak)).cos();
        season.max(0.05) * (category.trend * years).exp()
    })
}

const _: () =
    assert!(CATEGORIES.len() < 100, "a tenth of a percent of the products must still fill every category");

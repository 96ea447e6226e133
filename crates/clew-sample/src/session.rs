//! A visit to the shop, click by click: search, views, cart, purchase, what else goes into the basket.

use crate::category::Category;
use crate::life::{Life, N_CATEGORIES, Visit};
use crate::random::cumulate;
use crate::row::{EventRow, Kind};
use crate::taste::{THRIFT, dot};
use crate::time::DAY;

/// How many products somebody compares.
const N_COMPARED: usize = 10;

/// When in the day people shop: running shares by hour.
const HOURS: [f32; 24] = [
    1.0, 1.4, 1.6, 1.7, 1.8, 2.0, 2.8, 4.6, 7.6, 11.5, 16.0, 20.5, 26.0, 31.5, 36.0, 40.5, 45.5, 51.5, 58.5,
    66.5, 76.5, 87.5, 95.5, 100.0,
];

impl Life<'_> {
    /// An event of this customer with nothing but its kind and moment.
    pub(crate) fn event(&self, at: i64, kind: Kind) -> EventRow {
        let customer = self.customer.row.number;
        let (quantity, revenue, basket) = (0, 0, 0);
        EventRow { customer, kind, at, product: None, quantity, revenue, campaign: None, query: "", basket }
    }

    /// Keeps the event if it lies within the history.
    pub(crate) fn emit(&mut self, event: EventRow) {
        if event.at < self.shop.params().end {
            self.events.push(event);
        }
    }

    /// A visit without a need: what is on their mind, what they like in this season, or a present for somebody.
    pub(crate) fn browse(&mut self, at: i64) {
        let at = self.at_a_good_hour(at);
        let again = self.on_mind.take().filter(|(_, until)| at < *until);
        let category = match again {
            Some((category, _)) if self.chance.happens(0.5) => category,
            _ if self.chance.happens(0.1) => self.any_category(at),
            _ => self.liked_category(at, None),
        };
        let taste = self.weights.get(category).copied().unwrap_or(0.0) / Category::of(category).demand;
        let buys = (0.2 * taste.powf(0.25) * if again.is_some() { 1.4 } else { 1.0 }).clamp(0.04, 0.6);
        let (n_views, query) = (1 + self.chance.geometric(1.3), self.chance.happens(0.2));
        self.shop_for(at, category, n_views, query, buys);
    }

    /// A visit for what is used up: short, and nearly always a purchase.
    pub(crate) fn replenish(&mut self, at: i64, category: usize) {
        let at = self.at_a_good_hour(at);
        let (n_views, query) = (self.chance.geometric(0.5), self.chance.happens(0.12));
        self.shop_for(at, category, n_views, query, 0.93);
    }

    /// The cart is taken up again, or forgotten.
    pub(crate) fn resume(&mut self, at: i64, category: usize, product: u32) {
        let at = self.at_a_good_hour(at);
        self.emit(EventRow { product: Some(product), ..self.event(at, Kind::View) });
        if self.chance.happens(0.6) {
            self.n_baskets += 1;
            self.buy(at + 40, product);
            self.fill_basket(at + 40, category);
        }
    }

    /// Looks at some products of a category, and leaves.
    pub(crate) fn look_round(&mut self, at: i64, category: usize) {
        let n_views = 1 + self.chance.geometric(0.6);
        self.compare(at, category, n_views);
    }

    fn shop_for(&mut self, at: i64, category: usize, n_views: usize, search: bool, buys: f32) {
        let mut at = at;
        if search {
            let words = Category::of(category).words;
            let word = words.get(self.chance.below(words.len())).copied();
            // Half search for the shelf, half for the thing.
            let query =
                if self.chance.happens(0.5) { Category::of(category).name } else { word.unwrap_or("") };
            self.emit(EventRow { query, ..self.event(at, Kind::Search) });
            at += 8 + self.chance.between(0, 30);
        }
        let used = Category::of(category).rhythm_days > 0.0;
        let favourite =
            self.favourite.get(category).copied().flatten().filter(|_| used && self.chance.happens(0.6));
        let best = self.compare(at, category, n_views);
        at += 45 * n_views as i64 + self.chance.between(5, 60);
        let Some(product) = favourite.map(|(product, _)| product).or(best) else { return };
        if self.chance.happens(buys) {
            if self.chance.happens(0.75) {
                self.emit(EventRow {
                    product: Some(product),
                    quantity: 1,
                    ..self.event(at, Kind::AddToCart)
                });
                at += 20 + self.chance.between(0, 200);
            }
            self.n_baskets += 1;
            self.buy(at, product);
            self.fill_basket(at, category);
        } else {
            self.on_mind = Some((category, at + 21 * DAY));
            if self.chance.happens(0.22) {
                self.emit(EventRow {
                    product: Some(product),
                    quantity: 1,
                    ..self.event(at, Kind::AddToCart)
                });
                if self.chance.happens(0.55) {
                    let later = at + DAY / 2 + (self.chance.exponential(3.0) * DAY as f32) as i64;
                    self.push(later, Visit::Resume(category, product));
                }
            }
        }
    }

    /// Draws some products by popularity, looks at the `n_views` that suit best, and gives the best one.
    fn compare(&mut self, at: i64, category: usize, n_views: usize) -> Option<u32> {
        let mut scored = [(f32::NEG_INFINITY, 0_u32); N_COMPARED];
        for slot in &mut scored {
            let product = self.shop.catalogue().draw(category, at, &mut self.chance)?;
            *slot = (self.suits(category, product) + 0.6 * self.chance.normal(), product);
        }
        scored.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut seen = at;
        for &(_, product) in scored.iter().take(n_views) {
            self.emit(EventRow { product: Some(product), ..self.event(seen, Kind::View) });
            seen += 12 + self.chance.between(0, 60);
        }
        scored.first().map(|(_, product)| *product)
    }

    /// How well a product suits, within its category.
    fn suits(&self, category: usize, number: u32) -> f32 {
        let Some(product) = self.shop.catalogue().get(number) else { return 0.0 };
        let dear = (product.price as f32 / Category::of(category).price).ln();
        let thrift = self.traits.get(THRIFT).copied().unwrap_or(0.0);
        let bought =
            self.favourite.get(category).copied().flatten().and_then(|(n, _)| self.shop.catalogue().get(n));
        let same_brand = bought.is_some_and(|b| b.brand == product.brand);
        0.7 * dot(&self.traits, &product.traits) - 0.5 * thrift * dear + if same_brand { 0.8 } else { 0.0 }
    }

    /// One line of a basket.
    pub(crate) fn buy(&mut self, at: i64, number: u32) {
        let Some(product) = self.shop.catalogue().get(number) else { return };
        let category = usize::from(product.category);
        let used = Category::of(category).rhythm_days > 0.0;
        let pieces = if used { 1 + self.chance.geometric(0.4) as u16 } else { 1 };
        let day = self.shop.calendar().day(at);
        let sales = matches!(day.month, 1 | 7) && self.chance.happens(0.4);
        let share = if sales { 0.75 } else { 1.0 };
        let revenue = (product.price as f32 * f32::from(pieces) * share) as u32;
        let basket = self.n_baskets;
        let row = self.event(at, Kind::Purchase);
        self.emit(EventRow { product: Some(number), quantity: pieces, revenue, basket, ..row });
        if let Some(slot) = self.favourite.get_mut(category) {
            *slot = Some((number, at));
        }
        let sent_back = if Category::of(category).aisle == "fashion" { 0.14 } else { 0.02 };
        if self.chance.happens(sent_back) {
            let later = at + self.chance.between(3 * DAY, 20 * DAY);
            self.push(later, Visit::Return(number, pieces));
        }
    }

    /// What else goes into the basket: often from the same aisle.
    fn fill_basket(&mut self, at: i64, category: usize) {
        let mut at = at;
        for _ in 0..self.chance.geometric(0.55).min(6) {
            at += 1;
            let aisle = self.chance.happens(0.55).then(|| Category::of(category).aisle);
            let other = self.liked_category(at, aisle);
            if let Some(product) = self.compare(at, other, 0) {
                if self.chance.happens(0.4) {
                    let seen = at - 300 - self.chance.between(0, 300);
                    self.emit(EventRow { product: Some(product), ..self.event(seen, Kind::View) });
                }
                self.buy(at, product);
            }
        }
    }

    /// Draws a category by taste, season and what was bought lately; within an aisle when one is given.
    fn liked_category(&mut self, at: i64, aisle: Option<&str>) -> usize {
        let mood = self.shop.mood(at);
        let mut sums = [0.0_f32; N_CATEGORIES];
        let mut sum = 0.0;
        let states = self.weights.iter().zip(mood).zip(&self.favourite);
        for ((n, slot), ((weight, mood), favourite)) in sums.iter_mut().enumerate().zip(states) {
            let category = Category::of(n);
            if aisle.is_none_or(|aisle| category.aisle == aisle) {
                let rest = if category.rhythm_days > 0.0 { category.rhythm_days * 0.5 } else { 40.0 };
                let sated = favourite.is_some_and(|(_, last)| ((at - last) as f32) < rest * DAY as f32);
                sum += weight * mood * if sated { 0.35 } else { 1.0 };
            }
            *slot = sum;
        }
        self.chance.pick(&sums)
    }

    /// Draws a category by demand and season alone: a present, an errand, a whim.
    fn any_category(&mut self, at: i64) -> usize {
        let mood = self.shop.mood(at);
        let sums = cumulate(mood.iter().enumerate().map(|(n, mood)| Category::of(n).demand * mood));
        self.chance.pick(&sums)
    }

    /// The same day at an hour at which people shop, later on Sundays, never before they joined.
    fn at_a_good_hour(&mut self, at: i64) -> i64 {
        let hour = self.chance.pick(&HOURS) as i64;
        let late = i64::from(self.shop.calendar().day(at).weekday == 6 && hour < 9) * 3;
        let moved = at.div_euclid(DAY) * DAY + (hour + late) * 3_600 + self.chance.between(0, 3_600);
        moved.max(self.customer.joined + 60).max(self.shop.params().start())
    }
}

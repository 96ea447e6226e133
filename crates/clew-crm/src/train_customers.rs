//! Train customers: at each cutoff, those whose answers are learned from, and those on whose answers it is judged.
//!
//! Of a small tenant both are all. Of a large one each cutoff has a sample of its own to learn from, since the same customers at every
//! cutoff would be remembered instead of learned from; and most of those whom the model is asked about are in no sample: so it is judged on
//! a sample of all customers, in which the learned-from are as rare as they are among all.
use clew_learn::Run;

use crate::history::History;
use crate::lot::Lots;
use crate::train_params::TrainParams;

/// Of how many customers one is learned from at a cutoff, and how many that is at least (or all) and at most. At a million customers
/// 40,000 in place of 12,000, with rows in proportion, gained 0.007 of AUC out of time and took 15 s more.
const LEARNED: (usize, usize, usize) = (25, 12_000, 40_000);
/// Customers judged on, at most.
pub(crate) const MAX_JUDGED: usize = 12_000;
const STREAM: u64 = 0x5e77_0000;

/// Customers learned from at one cutoff, of so many.
pub(crate) fn n_at_once(n_customers: usize, params: &TrainParams) -> usize {
    let (one_of, least, most) = LEARNED;
    (n_customers / one_of).clamp(least, most).min(params.max_customers).min(n_customers)
}

/// Rows to learn from, of so many customers: as many for each of a cutoff as a tenant of the least size has.
pub(crate) fn max_rows(n_customers: usize, params: &TrainParams) -> usize {
    let least = LEARNED.1;
    params.max_rows.saturating_mul(n_at_once(n_customers, params).max(least)) / least
}

/// The customers of a training.
pub(crate) struct TrainCustomers {
    /// All that are learned from or judged on at some cutoff, rising.
    pub(crate) customers: Vec<u32>,
    /// Rows to learn from, at most.
    pub(crate) max_rows: usize,
    /// By window, from 0 for the judged-on alone; none when all customers are all of it at every cutoff.
    windows: Option<Vec<Window>>,
}

/// The customers of one cutoff.
#[derive(Default)]
struct Window {
    /// Rising.
    customers: Vec<u32>,
    /// Aligned with `customers`: where they are among the customers of all windows.
    places: Vec<u32>,
    /// Aligned with `customers`.
    learned_from: Vec<bool>,
    /// Aligned with `customers`.
    judged_on: Vec<bool>,
}

impl TrainCustomers {
    /// Draws them from all with an event: by their ids, so that a day later nearly the same are drawn.
    pub(crate) fn draw(run: &Run<'_>, history: &History<'_>, params: &TrainParams) -> TrainCustomers {
        let table = history.customers();
        TrainCustomers::draw_from(run, history.active_customers(), |customer| table.id(customer), params)
    }

    fn draw_from<'a>(
        run: &Run<'_>,
        active: Vec<u32>,
        id: impl Fn(u32) -> &'a str,
        params: &TrainParams,
    ) -> TrainCustomers {
        let n_at_once = n_at_once(active.len(), params);
        if n_at_once == active.len() {
            return TrainCustomers {
                max_rows: max_rows(active.len(), params),
                customers: active,
                windows: None,
            };
        }
        let draw = |stream: u64, from: &[u32], n: usize| Lots::new(run, STREAM + stream).least(from, n, &id);
        let judged = draw(0, &active, MAX_JUDGED);
        let some = draw(1, &active, params.max_customers);
        let mut windows = vec![Window::of(&[], &judged)];
        let learned = |window: usize| draw(1 + window as u64, &some, n_at_once);
        windows.extend((1..=params.n_cutoffs).map(|window| Window::of(&learned(window), &judged)));
        let customers = merged(windows.iter().map(|window| window.customers.as_slice()));
        for window in &mut windows {
            let place = |customer| customers.partition_point(|&other| other < customer) as u32;
            window.places = window.customers.iter().map(|&customer| place(customer)).collect();
        }
        TrainCustomers { max_rows: max_rows(active.len(), params), customers, windows: Some(windows) }
    }

    /// Whether all customers are learned from and judged on at every cutoff.
    pub(crate) fn are_all(&self) -> bool {
        self.windows.is_none()
    }

    /// The customers of a window, rising.
    pub(crate) fn of(&self, window: u32) -> &[u32] {
        self.window(window).map_or(&self.customers, |window| &window.customers)
    }

    /// How many are learned from in some of the windows.
    pub(crate) fn n_learned(&self, windows: &[u32]) -> usize {
        if self.are_all() {
            return self.customers.len();
        }
        let mut learned: Vec<u32> = windows
            .iter()
            .filter_map(|&window| self.window(window))
            .flat_map(|window| window.customers.iter().zip(&window.learned_from))
            .filter_map(|(&customer, &learned_from)| learned_from.then_some(customer))
            .collect();
        learned.sort_unstable();
        learned.dedup();
        learned.len()
    }

    /// What each customer of a window answered, from what all did.
    pub(crate) fn answers_of(&self, window: u32, all: Vec<u8>) -> Vec<u8> {
        match self.window(window) {
            Some(window) => window.places.iter().map(|&place| all[place as usize]).collect(),
            None => all,
        }
    }

    /// Whether the customer at a place of a window is learned from there.
    pub(crate) fn is_learned_from(&self, window: u32, place: usize) -> bool {
        self.window(window).is_none_or(|window| window.learned_from[place])
    }

    /// Whether the customer at a place of a window is judged on there.
    pub(crate) fn is_judged_on(&self, window: u32, place: usize) -> bool {
        self.window(window).is_none_or(|window| window.judged_on[place])
    }

    fn window(&self, window: u32) -> Option<&Window> {
        self.windows.as_ref().and_then(|windows| windows.get(window as usize))
    }
}

impl Window {
    fn of(learned: &[u32], judged: &[u32]) -> Window {
        let customers = merged([learned, judged]);
        let among = |some: &[u32]| -> Vec<bool> {
            customers.iter().map(|customer| some.binary_search(customer).is_ok()).collect()
        };
        Window { learned_from: among(learned), judged_on: among(judged), places: Vec::new(), customers }
    }
}

/// The customers of all lists, each once, rising.
fn merged<'a>(lists: impl IntoIterator<Item = &'a [u32]>) -> Vec<u32> {
    let mut all: Vec<u32> = lists.into_iter().flatten().copied().collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use clew_learn::{Silent, Stop};

    use super::*;

    fn drawn(n_customers: u32, max_customers: usize) -> TrainCustomers {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let run = Run { pool: &pool, seed: 1, progress: &Silent, stop: &Stop::new() };
        let ids: Vec<String> = (0..n_customers).map(|n| format!("customer {n}")).collect();
        let params = TrainParams { max_customers, n_cutoffs: 3, ..TrainParams::new(0) };
        TrainCustomers::draw_from(&run, (0..n_customers).collect(), |c| ids[c as usize].as_str(), &params)
    }

    fn learned(drawn: &TrainCustomers, window: u32) -> Vec<u32> {
        let of = drawn.of(window);
        (0..of.len()).filter(|&place| drawn.is_learned_from(window, place)).map(|place| of[place]).collect()
    }

    fn judged(drawn: &TrainCustomers, window: u32) -> Vec<u32> {
        let of = drawn.of(window);
        (0..of.len()).filter(|&place| drawn.is_judged_on(window, place)).map(|place| of[place]).collect()
    }

    fn shared(a: &[u32], b: &[u32]) -> usize {
        a.iter().filter(|customer| b.binary_search(customer).is_ok()).count()
    }

    #[test]
    fn each_cutoff_has_its_own_customers_and_all_are_judged_on_the_same_of_all() {
        let drawn = drawn(40_000, 30_000);
        let windows = [learned(&drawn, 1), learned(&drawn, 2), learned(&drawn, 3)];
        assert!(windows.iter().all(|window| window.len() == 12_000 && window.is_sorted()));
        // Independent draws of 12,000 of 30,000.
        let both = shared(&windows[0], &windows[1]);
        assert!((4_500..5_100).contains(&both), "{both} at both cutoffs");
        let n_learned = drawn.n_learned(&[1, 2, 3]);
        assert!((22_000..=30_000).contains(&n_learned), "{n_learned} learned from");
        let judged_on = judged(&drawn, 0);
        assert_eq!(judged_on.len(), MAX_JUDGED);
        assert!((1..=3).all(|window| judged(&drawn, window) == judged_on));
        assert!(learned(&drawn, 0).is_empty());
        // Of the judged, as many are learned from as of all.
        let both = shared(&judged_on, &windows[0]);
        assert!((3_300..3_900).contains(&both), "{both} judged and learned from");
    }

    #[test]
    fn a_day_later_nearly_the_same_are_drawn() {
        let (today, tomorrow) = (drawn(40_000, 30_000), drawn(40_200, 30_000));
        assert!(shared(&learned(&today, 1), &learned(&tomorrow, 1)) > 11_800);
        assert!(shared(&judged(&today, 1), &judged(&tomorrow, 1)) > 11_900);
    }

    #[test]
    fn of_a_small_tenant_all_are_both() {
        let all = drawn(12_000, 30_000);
        assert!(all.are_all() && all.of(3).len() == 12_000 && all.n_learned(&[1, 2]) == 12_000);
        assert!(all.is_learned_from(1, 0) && all.is_judged_on(1, 0));
        assert_eq!(all.answers_of(1, vec![1, 0]), [1, 0]);
    }

    #[test]
    fn large_tenants_are_learned_from_more_customers_and_rows() {
        let params = TrainParams::new(0);
        let sizes = |n| (n_at_once(n, &params), max_rows(n, &params));
        assert_eq!(sizes(2_500), (2_500, 240_000));
        assert_eq!(sizes(50_000), (12_000, 240_000));
        assert_eq!(sizes(600_000), (24_000, 480_000));
        assert_eq!(sizes(18_000_000), (40_000, 800_000));
        let few = TrainParams { max_customers: 250, ..params };
        assert_eq!((n_at_once(500, &few), max_rows(500, &few)), (250, 240_000));
    }

    #[test]
    fn answers_are_those_of_the_windows_customers() {
        let drawn = drawn(40_000, 30_000);
        let answers = drawn.customers.iter().map(|customer| (customer % 2) as u8).collect();
        let of_window = drawn.answers_of(2, answers);
        let expected: Vec<u8> = drawn.of(2).iter().map(|customer| (customer % 2) as u8).collect();
        assert_eq!(of_window, expected);
    }
}

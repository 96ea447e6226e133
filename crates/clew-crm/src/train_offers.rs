//! Practice offers: random groupings of the catalogue that play the offer in training: the values of each attribute, unions of some,
//! and what two attributes have in common.
use std::cmp::Reverse;

use clew_learn::Run;
use hashbrown::HashSet;
use rand::seq::SliceRandom;

use crate::feature_attribute::Attribute;
use crate::lot::{Lots, turned};
use crate::product_set::ProductSet;
use crate::table::TableView;
use crate::train_mixture::Mixture;

/// A grouping of the catalogue that plays the offer.
#[derive(Clone, Debug)]
pub(crate) struct PracticeOffer {
    /// In words: `category = COFFEE`.
    pub(crate) name: String,
    /// What it promotes.
    pub(crate) products: ProductSet,
}

impl PracticeOffer {
    /// Whether it sold enough by then to be practised on: an offer picked for what it sold later would teach that small offers grow.
    pub(crate) fn has_sold(&self, popularity: &[f32]) -> bool {
        self.products.products().iter().map(|&p| popularity[p as usize]).sum::<f32>() >= MIN_POPULARITY
    }
}

const STREAM: u64 = 0x0ffe;
/// Decayed buyers (summed over products) under which a grouping is too small to practise on.
const MIN_POPULARITY: f32 = 15.0;
/// Share of the events that masked offers may hide together, and each of them alone.
const MAX_HIDDEN: (f32, f32) = (0.15, 0.03);

/// At most `n` offers with buyers: about two thirds values of single attributes, the rest unions, intersections and plain lists. They
/// are drawn by name, those of products being their ids in `products`: a day later nearly the same are drawn.
pub(crate) fn practice_offers(
    run: &Run<'_>,
    products: &TableView<'_>,
    attributes: &[Attribute],
    popularity: &[f32],
    n: usize,
) -> Vec<PracticeOffer> {
    let lots = Lots::new(run, STREAM);
    let eligible = eligible_groups(&lots, attributes, popularity);
    let mut offers = Gathered { popularity, offers: Vec::new(), seen: HashSet::new() };
    // Values of single attributes, in turn over the attributes so that each has its share.
    let mut queues: Vec<Vec<&Group>> = eligible.iter().map(|groups| groups.iter().collect()).collect();
    queues.iter_mut().for_each(|queue| queue.sort_by_key(|group| Reverse(group.lot)));
    let n_single = n * 2 / 3;
    while offers.n() < n_single && queues.iter().any(|queue| !queue.is_empty()) {
        for queue in &mut queues {
            if let Some(group) = queue.pop()
                && offers.n() < n_single
            {
                offers.add(group.name.clone(), group.products.clone());
            }
        }
    }
    let mixture = Mixture {
        n_products: popularity.len(),
        attributes,
        groups: eligible.iter().filter(|groups| groups.len() >= 4).collect(),
        bought: (0..popularity.len() as u32)
            .filter(|&product| popularity[product as usize] >= 1.0)
            .map(|product| (lots.of(products.id(product)), product))
            .collect(),
        lots,
    };
    for turn in 0..n as u64 * 4 {
        if offers.n() >= n {
            break;
        }
        let drawn = match turn % 3 {
            0 if !mixture.groups.is_empty() => mixture.union(turn),
            1 if attributes.len() >= 2 => mixture.intersection(turn),
            _ => mixture.list(turn),
        };
        if let Some((name, products)) = drawn {
            offers.add(name, products);
        }
    }
    let mut offers = offers.offers;
    offers.sort_by_cached_key(|offer| turned(mixture.lots.of(&offer.name), n as u64));
    offers
}

/// Offers gathered, each of its own products and sold enough.
struct Gathered<'a> {
    popularity: &'a [f32],
    offers: Vec<PracticeOffer>,
    seen: HashSet<Vec<u32>>,
}

impl Gathered<'_> {
    fn n(&self) -> usize {
        self.offers.len()
    }

    fn add(&mut self, name: String, mut products: Vec<u32>) {
        products.sort_unstable();
        products.dedup();
        let mass: f32 = products.iter().map(|&p| self.popularity[p as usize]).sum();
        if mass >= MIN_POPULARITY && self.seen.insert(products.clone()) {
            let products = ProductSet::new(self.popularity.len(), products);
            self.offers.push(PracticeOffer { name, products });
        }
    }
}

/// Offers to hide from the history, to practise launches on; and all their products together. `worth_it` says whether as many buy from an
/// offer as it takes to launch one.
pub(crate) fn masked_offers(
    run: &Run<'_>,
    attributes: &[Attribute],
    popularity: &[f32],
    n: usize,
    worth_it: impl Fn(&ProductSet) -> bool,
) -> (Vec<PracticeOffer>, ProductSet) {
    let n_products = popularity.len();
    let all: f32 = popularity.iter().sum();
    let lots = Lots::new(run, STREAM);
    let mut groups: Vec<Group> =
        eligible_groups(&lots, attributes, popularity).into_iter().flatten().collect();
    groups.shuffle(&mut run.rng(STREAM + 1));
    let mut hidden = vec![false; n_products];
    let mut offers: Vec<PracticeOffer> = Vec::new();
    let mut hidden_mass = 0.0;
    for group in groups {
        let mass = |products: &[u32]| products.iter().map(|&p| popularity[p as usize]).sum::<f32>();
        let fresh: Vec<u32> = group.products.iter().copied().filter(|&p| !hidden[p as usize]).collect();
        let more = mass(&fresh);
        if offers.len() >= n
            || mass(&group.products) > all * MAX_HIDDEN.1
            || hidden_mass + more > all * MAX_HIDDEN.0
        {
            continue;
        }
        let products = ProductSet::new(n_products, group.products);
        if !worth_it(&products) {
            continue;
        }
        hidden_mass += more;
        fresh.iter().for_each(|&p| hidden[p as usize] = true);
        offers.push(PracticeOffer { name: group.name, products });
    }
    let products = ProductSet::new(n_products, (0..n_products as u32).filter(|&p| hidden[p as usize]));
    (offers, products)
}

/// A group of an attribute with enough buyers.
pub(crate) struct Group {
    /// `category = COFFEE`.
    pub(crate) name: String,
    /// Its products, rising.
    pub(crate) products: Vec<u32>,
    /// Of its name.
    pub(crate) lot: u64,
    /// Of its column's name.
    pub(crate) column_lot: u64,
}

/// A group in words.
pub(crate) fn label(attribute: &Attribute, group: u32) -> String {
    format!(
        "{} = {}",
        attribute.grouping.column,
        attribute.grouping.labels.get(group as usize).map_or("", String::as_str)
    )
}

fn eligible_groups(lots: &Lots, attributes: &[Attribute], popularity: &[f32]) -> Vec<Vec<Group>> {
    attributes
        .iter()
        .map(|attribute| {
            attribute
                .members()
                .into_iter()
                .enumerate()
                .filter(|(_, products)| {
                    products.iter().map(|&p| popularity[p as usize]).sum::<f32>() >= MIN_POPULARITY
                })
                .map(|(group, products)| {
                    let name = label(attribute, group as u32);
                    let column_lot = lots.of(&attribute.grouping.column);
                    Group { lot: lots.of(&name), column_lot, name, products }
                })
                .collect()
        })
        .collect()
}

//! Practice offers: random groupings of the catalogue that play the offer in training: the values of each attribute, unions of some,
//! and what two attributes have in common.
use clew_learn::Run;
use hashbrown::HashSet;
use rand::Rng;
use rand::seq::SliceRandom;

use crate::feature_attribute::Attribute;
use crate::product_set::ProductSet;

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
/// Products that are listed for an offer made of a list.
const MAX_LISTED: usize = 40;

/// At most `n` offers with buyers: about two thirds values of single attributes, the rest unions, intersections and plain lists.
pub(crate) fn practice_offers(
    run: &Run<'_>,
    attributes: &[Attribute],
    popularity: &[f32],
    n: usize,
) -> Vec<PracticeOffer> {
    let n_products = popularity.len();
    let mut rng = run.rng(STREAM);
    let eligible = eligible_groups(attributes, popularity);
    let mut offers = Vec::new();
    let mut seen: HashSet<Vec<u32>> = HashSet::new();
    let mut add = |name: String, mut products: Vec<u32>, offers: &mut Vec<PracticeOffer>| {
        products.sort_unstable();
        products.dedup();
        let mass: f32 = products.iter().map(|&p| popularity[p as usize]).sum();
        if mass >= MIN_POPULARITY && seen.insert(products.clone()) {
            offers.push(PracticeOffer { name, products: ProductSet::new(n_products, products) });
        }
    };
    // Values of single attributes, in turn over the attributes so that each has its share.
    let mut queues: Vec<Vec<&Group>> = eligible.iter().map(|groups| groups.iter().collect()).collect();
    queues.iter_mut().for_each(|queue| queue.shuffle(&mut rng));
    let n_single = n * 2 / 3;
    while offers.len() < n_single && queues.iter().any(|queue| !queue.is_empty()) {
        for queue in &mut queues {
            if let Some(group) = queue.pop()
                && offers.len() < n_single
            {
                add(group.name.clone(), group.products.clone(), &mut offers);
            }
        }
    }
    let with_groups: Vec<&Vec<Group>> = eligible.iter().filter(|groups| groups.len() >= 4).collect();
    let bought: Vec<u32> = (0..n_products as u32).filter(|&p| popularity[p as usize] >= 1.0).collect();
    for turn in 0..n * 4 {
        if offers.len() >= n || bought.is_empty() {
            break;
        }
        match (turn % 3, with_groups.as_slice()) {
            (0, [_, ..]) => {
                let groups = with_groups[rng.random_range(0..with_groups.len())];
                let picked: Vec<&Group> = (0..rng.random_range(2..=4))
                    .map(|_| &groups[rng.random_range(0..groups.len())])
                    .collect();
                let name = picked.iter().map(|group| group.name.as_str()).collect::<Vec<_>>().join(" or ");
                add(
                    name,
                    picked.iter().flat_map(|group| group.products.iter().copied()).collect(),
                    &mut offers,
                );
            }
            (1, _) if attributes.len() >= 2 => {
                // What a sold product has in common with others by two of its groups.
                let product = bought[rng.random_range(0..bought.len())] as usize;
                let groups: Vec<(usize, u32)> = attributes
                    .iter()
                    .enumerate()
                    .flat_map(|(at, attribute)| attribute.of(product).iter().map(move |&group| (at, group)))
                    .collect();
                if groups.len() >= 2 {
                    let (a, b) = (
                        groups[rng.random_range(0..groups.len())],
                        groups[rng.random_range(0..groups.len())],
                    );
                    if a.0 != b.0 {
                        let has = |p: u32, (at, group): (usize, u32)| {
                            attributes[at].of(p as usize).contains(&group)
                        };
                        let products = (0..n_products as u32).filter(|&p| has(p, a) && has(p, b)).collect();
                        let name = |(at, group): (usize, u32)| label(&attributes[at], group);
                        add(format!("{} and {}", name(a), name(b)), products, &mut offers);
                    }
                }
            }
            _ => {
                // A list of products, as a marketer would write it: some of one group.
                let product = bought[rng.random_range(0..bought.len())] as usize;
                let all: Vec<u32> =
                    match attributes.iter().filter(|a| !a.of(product).is_empty()).nth(turn % 2) {
                        Some(attribute) => {
                            let group = attribute.of(product)[0];
                            bought
                                .iter()
                                .copied()
                                .filter(|&p| attribute.of(p as usize).contains(&group))
                                .collect()
                        }
                        None => bought.clone(),
                    };
                let n_listed = rng.random_range(3..=MAX_LISTED);
                let mut listed = all;
                listed.shuffle(&mut rng);
                listed.truncate(n_listed);
                add(format!("a list of {} products", listed.len()), listed, &mut offers);
            }
        }
    }
    offers.shuffle(&mut rng);
    offers
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
    let mut rng = run.rng(STREAM + 1);
    let all: f32 = popularity.iter().sum();
    let mut groups: Vec<Group> = eligible_groups(attributes, popularity).into_iter().flatten().collect();
    groups.shuffle(&mut rng);
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
struct Group {
    name: String,
    products: Vec<u32>,
}

fn label(attribute: &Attribute, group: u32) -> String {
    format!(
        "{} = {}",
        attribute.grouping.column,
        attribute.grouping.labels.get(group as usize).map_or("", String::as_str)
    )
}

fn eligible_groups(attributes: &[Attribute], popularity: &[f32]) -> Vec<Vec<Group>> {
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
                .map(|(group, products)| Group { name: label(attribute, group as u32), products })
                .collect()
        })
        .collect()
}

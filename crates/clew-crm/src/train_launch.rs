//! Launches practised: the head for never-sold offers, learned on histories from which the products of some offers are hidden.
use clew_learn::Run;

use crate::error::Result;
use crate::feature_attribute::{Attribute, Cut};
use crate::product_set::ProductSet;
use crate::train_head::{self, HeadPlan, LearnedHead};
use crate::train_offers::masked_offers;
use crate::train_setting::Setting;

/// Masked offers to practise launches on, at most; and the fewest that are worth a model.
const N_MASKED: (usize, usize) = (60, 8);
/// Windows to learn from, at most: each costs a factorisation of its own.
const N_WINDOWS: usize = 3;

/// The attributes whose values may play the offer: all but words.
pub(crate) fn groupings(attributes: &[Attribute]) -> Vec<Attribute> {
    attributes.iter().filter(|attribute| attribute.grouping.cut != Cut::Words).cloned().collect()
}

/// The head for never-sold offers; none where too little can be masked. Products of `never` are hidden throughout, as in a tenant that
/// has not launched them yet.
pub(crate) fn cold_head(
    run: &Run<'_>,
    setting: &Setting<'_>,
    groups: &[Attribute],
    names: &[(String, bool)],
    never: Option<&ProductSet>,
) -> Result<Option<LearnedHead>> {
    let mut popularity = setting.all.popularity.clone();
    for &product in never.map_or(&[][..], ProductSet::products) {
        popularity[product as usize] = 0.0;
    }
    let windows: Vec<u32> = setting.windows.iter().copied().take(N_WINDOWS).collect();
    // By what they sold before a window, never in it: offers picked for what they came to sell would teach too high a level.
    let (mut offers, mut hidden) = masked_offers(run, groups, &popularity, N_MASKED.0, |offer| {
        windows.iter().any(|&window| setting.is_worth_it(offer, window))
    });
    if offers.len() < N_MASKED.1 {
        return Ok(None);
    }
    if let Some(never) = never {
        // What they sold must not be seen in the labels either.
        for offer in &mut offers {
            let known = offer.products.products().iter().copied().filter(|&p| !never.contains(p));
            offer.products = ProductSet::new(popularity.len(), known);
        }
        let both = hidden.products().iter().chain(never.products()).copied();
        hidden = ProductSet::new(popularity.len(), both);
    }
    let chosen: Vec<usize> = (0..names.len()).filter(|&feature| names[feature].1).collect();
    let plan = HeadPlan {
        offers: &offers,
        groups: None,
        hidden: Some(&hidden),
        windows: &windows,
        chosen: &chosen,
        n_features: names.len(),
        max_rows: setting.chosen.max_rows / 3,
    };
    train_head::learn(run, setting, &plan).map(Some)
}

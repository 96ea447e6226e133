//! Brands: invented names, each with a price level and a taste of its own.

use crate::category::CATEGORIES;
use crate::random::{Chance, Stream, cumulate};
use crate::taste::{THRIFT, Traits};

/// A brand of one aisle.
#[derive(Debug)]
pub(crate) struct Brand {
    pub(crate) name: String,
    pub(crate) aisle: &'static str,
    /// What it charges, relative to the category's median.
    pub(crate) price_level: f32,
    /// Whom it suits.
    pub(crate) traits: Traits,
}

const FORMS: [&str; 6] = ["Maison ", "Atelier ", "", "Les Fils ", "Domaine ", "Petit "];
const STARTS: [&str; 24] = [
    "Bel", "Bré", "Car", "Cha", "Cor", "Dau", "Del", "Far", "Gar", "Lau", "Lor", "Mar", "Mon", "Mor", "Nor",
    "Pel", "Riv", "Rou", "Sau", "Ser", "Tal", "Val", "Ver", "Vil",
];
const ENDS: [&str; 20] = [
    "bert", "bois", "champ", "court", "dier", "don", "fort", "gnac", "lac", "lier", "mont", "neau", "rac",
    "rand", "rin", "sac", "tier", "vel", "vigne", "zon",
];

/// The brands of a shop: as many in every aisle, the first ones larger.
pub(crate) struct Brands {
    all: Vec<Brand>,
    per_aisle: usize,
    picks: Vec<f32>,
}

impl Brands {
    /// The brands of a shop with `n_products` products.
    pub(crate) fn new(seed: u64, n_products: u32) -> Self {
        let aisles = aisles();
        let per_aisle = ((f64::from(n_products).sqrt() / 4.0) as usize).clamp(6, 200);
        let mut all = Vec::with_capacity(aisles.len() * per_aisle);
        for aisle in aisles {
            for _ in 0..per_aisle {
                let mut chance = Chance::new(seed, Stream::Brand, all.len() as u64);
                let price_level = (chance.normal() * 0.32).exp();
                let mut traits: Traits = std::array::from_fn(|_| chance.normal() * 0.45);
                if let Some(thrift) = traits.get_mut(THRIFT) {
                    *thrift -= 0.8 * price_level.ln();
                }
                all.push(Brand { name: name(all.len()), aisle, price_level, traits });
            }
        }
        let picks = cumulate((0..per_aisle).map(|rank| 1.0 / (1.0 + rank as f32).powf(0.8)));
        Self { all, per_aisle, picks }
    }

    /// The brand with this number.
    pub(crate) fn get(&self, n: usize) -> Option<&Brand> {
        self.all.get(n)
    }

    /// Draws the number of a brand that sells in this aisle.
    pub(crate) fn pick(&self, aisle: &str, chance: &mut Chance) -> usize {
        let first =
            self.all.iter().step_by(self.per_aisle).position(|brand| brand.aisle == aisle).unwrap_or(0);
        first * self.per_aisle + chance.pick(&self.picks)
    }
}

/// The aisles in the order of the categories.
pub(crate) fn aisles() -> Vec<&'static str> {
    let mut aisles: Vec<&'static str> = CATEGORIES.iter().map(|category| category.aisle).collect();
    aisles.dedup();
    aisles
}

/// The name of brand number `n`: no two of the first 2,880 are the same.
fn name(n: usize) -> String {
    let of = |words: &[&'static str], n: usize| words.get(n % words.len()).copied().unwrap_or_default();
    // Seven shares no factor with the number of pairs, so that neighbours differ and every pair comes once a round.
    let (pair, round) = (n * 7 % (STARTS.len() * ENDS.len()), n / (STARTS.len() * ENDS.len()));
    let form = of(&FORMS, round + pair);
    format!("{form}{}{}", of(&STARTS, pair), of(&ENDS, pair / STARTS.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brands_have_names_of_their_own() {
        let brands = Brands::new(1, 200_000);
        let mut names: Vec<_> = brands.all.iter().map(|b| b.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), brands.all.len());
    }
}

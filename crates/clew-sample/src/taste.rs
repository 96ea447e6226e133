//! The latent traits: twelve directions of taste that customers, products and campaigns share.

/// How many traits there are.
pub(crate) const N_TRAITS: usize = 12;

/// A place in the space of tastes.
pub(crate) type Traits = [f32; N_TRAITS];

/// The traits' names, in the order of every trait vector in the truth.
pub const TRAITS: [&str; N_TRAITS] = [
    "parent", "garden", "gourmet", "sport", "beauty", "tech", "culture", "home", "pets", "fashion", "thrift",
    "organic",
];

pub(crate) const PARENT: usize = 0;
pub(crate) const GARDEN: usize = 1;
pub(crate) const GOURMET: usize = 2;
pub(crate) const SPORT: usize = 3;
pub(crate) const BEAUTY: usize = 4;
pub(crate) const TECH: usize = 5;
pub(crate) const CULTURE: usize = 6;
pub(crate) const HOME: usize = 7;
pub(crate) const PETS: usize = 8;
pub(crate) const FASHION: usize = 9;
pub(crate) const THRIFT: usize = 10;
pub(crate) const ORGANIC: usize = 11;

/// The product of two trait vectors.
pub(crate) fn dot(a: &Traits, b: &Traits) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Adds `weight × effect` to `traits`.
pub(crate) fn add(traits: &mut Traits, weight: f32, effect: &Traits) {
    for (sum, value) in traits.iter_mut().zip(effect) {
        *sum += weight * value;
    }
}

/// A trait vector that is zero but for the given traits.
pub(crate) fn sparse(entries: &[(usize, f32)]) -> Traits {
    let mut traits = [0.0; N_TRAITS];
    for &(index, value) in entries {
        if let Some(slot) = traits.get_mut(index) {
            *slot = value;
        }
    }
    traits
}

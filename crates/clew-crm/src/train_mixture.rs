//! Mixture: practice offers of more than one group, each drawn by the names of what it is made of and the number of its turn.
use crate::feature_attribute::Attribute;
use crate::lot::{Lots, drawn, turned};
use crate::train_offers::{Group, label};

/// Products that are listed for an offer made of a list.
const MAX_LISTED: usize = 40;

/// What offers of more than one group are drawn from.
pub(crate) struct Mixture<'a> {
    /// Of the catalogue.
    pub(crate) n_products: usize,
    /// Of products.
    pub(crate) attributes: &'a [Attribute],
    /// Of each attribute with several groups.
    pub(crate) groups: Vec<&'a Vec<Group>>,
    /// Lots and codes of the products that sold.
    pub(crate) bought: Vec<(u64, u32)>,
    /// What names are drawn by.
    pub(crate) lots: Lots,
}

/// An offer in words, and its products.
pub(crate) type Drawn = Option<(String, Vec<u32>)>;

impl Mixture<'_> {
    /// Two to four groups of one attribute.
    pub(crate) fn union(&self, turn: u64) -> Drawn {
        let groups = *drawn(&self.groups, |groups| groups.first().map_or(0, |group| group.column_lot), turn)?;
        let n = 2 + turned(turn, 0) % 3;
        let picked: Vec<&Group> =
            (0..n).filter_map(|nth| drawn(groups, |group| group.lot, turned(turn, nth + 1))).collect();
        let name = picked.iter().map(|group| group.name.as_str()).collect::<Vec<_>>().join(" or ");
        Some((name, picked.iter().flat_map(|group| group.products.iter().copied()).collect()))
    }

    /// What a sold product has in common with others by two of its groups.
    pub(crate) fn intersection(&self, turn: u64) -> Drawn {
        let product = self.product(turn)? as usize;
        let groups: Vec<(usize, u32)> = self
            .attributes
            .iter()
            .enumerate()
            .flat_map(|(at, attribute)| attribute.of(product).iter().map(move |&group| (at, group)))
            .collect();
        let name = |&(at, group): &(usize, u32)| label(&self.attributes[at], group);
        let pick = |nth: u64| drawn(&groups, |group| self.lots.of(&name(group)), turned(turn, nth));
        let (a, b) = (pick(1)?, pick(2)?);
        if a.0 == b.0 {
            return None;
        }
        let has =
            |product: usize, &(at, group): &(usize, u32)| self.attributes[at].of(product).contains(&group);
        let products = (0..self.n_products).filter(|&product| has(product, a) && has(product, b));
        Some((format!("{} and {}", name(a), name(b)), products.map(|product| product as u32).collect()))
    }

    /// A list of products, as a marketer would write it: some of one group.
    pub(crate) fn list(&self, turn: u64) -> Drawn {
        let product = self.product(turn)? as usize;
        let attribute = self.attributes.iter().filter(|a| !a.of(product).is_empty()).nth(turn as usize % 2);
        let alike = |other: u32| match attribute {
            Some(attribute) => attribute.of(other as usize).contains(&attribute.of(product)[0]),
            None => true,
        };
        let mut listed: Vec<(u64, u32)> = self
            .bought
            .iter()
            .filter(|&&(_, other)| alike(other))
            .map(|&(lot, other)| (turned(lot, turned(turn, 1)), other))
            .collect();
        listed.sort_unstable();
        listed.truncate(3 + turned(turn, 2) as usize % (MAX_LISTED - 2));
        let name = format!("a list of {} products", listed.len());
        Some((name, listed.into_iter().map(|(_, product)| product).collect()))
    }

    fn product(&self, turn: u64) -> Option<u32> {
        drawn(&self.bought, |&(lot, _)| lot, turn).map(|&(_, product)| product)
    }
}

//! A selection of the catalogue: what an offer promotes.

use crate::bits::Bits;

/// Products by their codes, in rising order and with a quick test of membership.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProductSet {
    products: Vec<u32>,
    mask: Bits,
}

impl ProductSet {
    /// The set of these products of a catalogue of `n_products`; codes beyond it are left out.
    pub fn new(n_products: usize, products: impl IntoIterator<Item = u32>) -> ProductSet {
        let mut mask = Bits::new(n_products, false);
        products.into_iter().for_each(|product| mask.set(product, true));
        ProductSet::from_bits(mask)
    }

    /// The set of the products whose bit is set.
    pub fn from_bits(mask: Bits) -> ProductSet {
        ProductSet { products: mask.ones().collect(), mask }
    }

    /// Whether it holds `product`.
    #[inline]
    pub fn contains(&self, product: u32) -> bool {
        self.mask.get(product)
    }

    /// The products' codes, rising.
    pub fn products(&self) -> &[u32] {
        &self.products
    }

    /// How many products it holds.
    pub fn len(&self) -> usize {
        self.products.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.products.is_empty()
    }

    /// A bit a product of the catalogue.
    pub fn mask(&self) -> &Bits {
        &self.mask
    }
}

//! Products: category, brand, price, title by words, tags, the day of their launch, and whom they suit.

use crate::brand::Brands;
use crate::category::Category;
use crate::price::shop_price;
use crate::random::{Chance, Stream};
use crate::taste::{CULTURE, FASHION, ORGANIC, PARENT, THRIFT, Traits, add, sparse};

/// The tags a product can carry, with what they do to whom it suits.
pub(crate) static TAGS: [(&str, &[(usize, f32)]); 6] = [
    ("organic", &[(ORGANIC, 1.0), (THRIFT, -0.3)]),
    ("made-in-france", &[(CULTURE, 0.3), (THRIFT, -0.2)]),
    ("budget", &[(THRIFT, 0.9)]),
    ("premium", &[(THRIFT, -0.9), (FASHION, 0.2)]),
    ("family-size", &[(PARENT, 0.7), (THRIFT, 0.2)]),
    ("limited", &[(FASHION, 0.5)]),
];

const COLOURS: [&str; 14] = [
    "white", "black", "blue", "red", "green", "ochre", "ivory", "grey", "rose", "navy", "amber", "sand",
    "violet", "silver",
];
const STYLES: [&str; 16] = [
    "classic",
    "essential",
    "gentle",
    "grand",
    "heritage",
    "light",
    "natural",
    "new",
    "original",
    "pure",
    "rustic",
    "signature",
    "simple",
    "soft",
    "urban",
    "vintage",
];

/// A product, in the smallest form that a life needs.
#[derive(Debug, Clone)]
pub(crate) struct Product {
    pub(crate) category: u16,
    pub(crate) brand: u16,
    /// Cents.
    pub(crate) price: u32,
    /// Bits in the order of [`TAGS`].
    pub(crate) tags: u8,
    /// Days since the start of the history; negative when before it.
    pub(crate) launch_day: i32,
    /// The logarithm of how popular it is.
    pub(crate) appeal: f32,
    /// Whom it suits, beyond its category.
    pub(crate) traits: Traits,
    /// Which words its title is made of.
    title: u32,
}

/// Product number `n`, of this category.
pub(crate) fn product(seed: u64, n: u64, category: usize, brands: &Brands, n_days: u32) -> Product {
    let mut chance = Chance::new(seed, Stream::Product, n);
    let kind = Category::of(category);
    let brand = brands.pick(kind.aisle, &mut chance);
    let (level, mut traits) =
        brands.get(brand).map_or((1.0, Traits::default()), |b| (b.price_level, b.traits));
    for value in &mut traits {
        *value += chance.normal() * 0.25;
    }
    let spread = (chance.normal() * 0.3).exp();
    let (level_spread, mut tags) = (level * spread, 0_u8);
    for (bit, (name, entries)) in TAGS.iter().enumerate() {
        let probability = match *name {
            "budget" if level_spread < 0.75 => 0.6,
            "premium" if level_spread > 1.4 => 0.6,
            "budget" | "premium" => 0.02,
            "limited" => 0.04,
            _ => 0.16,
        };
        if chance.happens(probability) {
            tags |= 1 << bit;
            add(&mut traits, 1.0, &sparse(entries));
        }
    }
    // Half of the catalogue was there before; the rest is launched as time goes by.
    let n_days = i64::from(n_days);
    let launch_day =
        if chance.happens(0.5) { chance.between(-1_500, -30) } else { chance.between(-30, n_days - 5) };
    Product {
        category: category as u16,
        brand: brand as u16,
        price: shop_price(kind.price * level_spread),
        tags,
        launch_day: launch_day as i32,
        appeal: chance.normal() * 1.15,
        traits,
        title: chance.below(1 << 24) as u32,
    }
}

/// The words of a product's title, without its brand: `gentle shampoo ivory`.
pub(crate) fn title(product: &Product) -> [&'static str; 3] {
    let draw = product.title as usize;
    let of = |words: &[&'static str], n: usize| words.get(n % words.len()).copied().unwrap_or_default();
    let kind = Category::of(product.category.into());
    [of(&STYLES, draw), of(kind.words, draw / 16), of(&COLOURS, draw / 256)]
}

//! The catalogue: every product of the shop, and how popular each is as time goes by.

use crate::brand::Brands;
use crate::category::{CATEGORIES, Category};
use crate::product::{self, Product, TAGS};
use crate::random::{Chance, Stream, cumulate};
use crate::row::ProductRow;
use crate::time::DAY;

/// Days between two states of the products' popularity.
const STEP_DAYS: u32 = 20;

/// Every product, by category and by popularity.
pub(crate) struct Catalogue {
    start: i64,
    brands: Brands,
    products: Vec<Product>,
    /// The products' numbers, by category.
    members: Vec<Vec<u32>>,
    /// Running sums of popularity, by category and step: one entry per member.
    popularity: Vec<Vec<Vec<f32>>>,
}

impl Catalogue {
    pub(crate) fn new(seed: u64, n_products: u32, start: i64, n_days: u32) -> Self {
        let brands = Brands::new(seed, n_products);
        // Categories with more demand hold more products, but not in proportion.
        let shares = cumulate(CATEGORIES.iter().map(|category| category.demand.sqrt()));
        let mut chance = Chance::new(seed, Stream::Product, u64::MAX);
        let mut members = vec![Vec::new(); CATEGORIES.len()];
        let mut products = Vec::with_capacity(n_products as usize);
        for n in 0..n_products {
            // One product for each category, then by chance.
            let category = if (n as usize) < CATEGORIES.len() { n as usize } else { chance.pick(&shares) };
            let mut product = product::product(seed, u64::from(n), category, &brands, n_days);
            if (n as usize) < CATEGORIES.len() {
                product.launch_day = product.launch_day.min(-100);
            }
            products.push(product);
            if let Some(members) = members.get_mut(category) {
                members.push(n);
            }
        }
        let popularity = members
            .iter()
            .enumerate()
            .map(|(category, members)| {
                let of = |n: &u32| products.get(*n as usize);
                (0..=n_days / STEP_DAYS)
                    .map(|step| {
                        cumulate(members.iter().map(|n| of(n).map_or(0.0, |p| weight(p, category, step))))
                    })
                    .collect()
            })
            .collect();
        Self { start, brands, products, members, popularity }
    }

    pub(crate) fn len(&self) -> usize {
        self.products.len()
    }

    pub(crate) fn get(&self, n: u32) -> Option<&Product> {
        self.products.get(n as usize)
    }

    /// Draws a product of a category by its popularity at a moment.
    pub(crate) fn draw(&self, category: usize, at: i64, chance: &mut Chance) -> Option<u32> {
        let step = ((at - self.start) / DAY).max(0) as usize / STEP_DAYS as usize;
        let by_step = self.popularity.get(category)?;
        let cumulative = by_step.get(step.min(by_step.len().saturating_sub(1)))?;
        self.members.get(category)?.get(chance.pick(cumulative)).copied()
    }

    /// The product as the shop's file has it.
    pub(crate) fn row(&self, n: u32) -> Option<ProductRow<'_>> {
        let product = self.get(n)?;
        let category = Category::of(product.category.into());
        let brand = self.brands.get(product.brand.into())?.name.as_str();
        let [style, noun, colour] = product::title(product);
        let tags = TAGS.iter().enumerate().filter(|(bit, _)| product.tags >> bit & 1 == 1);
        Some(ProductRow {
            number: n,
            title: format!("{style} {noun} {colour} {brand}"),
            aisle: category.aisle,
            category: category.name,
            brand,
            price: product.price,
            tags: tags.map(|(_, (name, _))| *name).collect(),
            launched: self.start + i64::from(product.launch_day) * DAY,
        })
    }
}

/// How popular a product is in a step: nothing before its launch, then a novelty that fades to what stays.
fn weight(product: &Product, category: usize, step: u32) -> f32 {
    let age = (step * STEP_DAYS) as i32 - product.launch_day;
    if age < 0 {
        return 0.0;
    }
    let novelty = (-(age as f32) * std::f32::consts::LN_2 / Category::of(category).novelty_days).exp();
    product.appeal.exp() * (0.15 + 0.85 * novelty)
}

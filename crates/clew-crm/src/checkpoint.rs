//! Checkpoint: what a training keeps on the way, so that one that was killed does not begin anew.
//!
//! Kept are the factorisations, one for each cutoff. They grow with the customers; what is learned from a sample afterwards takes no longer
//! however many there are, and is learned again. Each is found by a hash of everything that it is learned from, so that it is
//! never that of other data, settings or versions, and a training that finds it makes the bytes of one that nobody disturbed.
use blake3::Hasher;
use clew_learn::Run;

use crate::error::Result;
use crate::feature_attribute::Attribute;
use crate::feature_state::Lines;
use crate::feature_taste::{TasteModel, TasteParams};
use crate::model;

/// Where a training keeps what it has done. A place that fails only costs time: what cannot be found is learned again.
pub trait Checkpoint: Sync {
    /// What was kept under a name (64 hexadecimal digits).
    fn find(&self, name: &str) -> Option<Vec<u8>>;
    /// Keeps bytes under a name.
    fn keep(&self, name: &str, bytes: Vec<u8>);
}

/// What a factorisation is learned from: the arguments of [`TasteModel::fit`].
pub(crate) struct Learned<'a> {
    pub(crate) seed: u64,
    pub(crate) lines: &'a Lines,
    pub(crate) product_attributes: &'a [Attribute],
    pub(crate) customer_attributes: &'a [Attribute],
    pub(crate) params: &'a TasteParams,
    pub(crate) start: Option<&'a TasteModel>,
}

impl Learned<'_> {
    /// The factorisation that was kept, or else one that is learned now and kept.
    pub(crate) fn fit(&self, run: &Run<'_>, checkpoint: Option<&dyn Checkpoint>) -> Result<TasteModel> {
        let learn = || {
            let (products, customers) = (self.product_attributes, self.customer_attributes);
            TasteModel::fit(run, self.lines, products, customers, self.params, self.start)
        };
        let Some(checkpoint) = checkpoint else { return learn() };
        let name = self.name();
        // What was damaged is learned again.
        if let Some(model) = checkpoint.find(&name).and_then(|bytes| TasteModel::open(bytes).ok()) {
            return Ok(model);
        }
        let model = learn()?;
        checkpoint.keep(&name, model.to_bytes()?);
        Ok(model)
    }

    /// The name that its factorisation is kept under.
    fn name(&self) -> String {
        let mut hasher = Hasher::new();
        let settings = format!("{} {} {:?}", model::VERSION, self.seed, self.params);
        add(&mut hasher, settings.as_bytes());
        add(&mut hasher, &self.lines.customers);
        add(&mut hasher, &self.lines.popularity);
        for ledger in [&self.lines.purchases, &self.lines.interest] {
            ledger.hash(&mut hasher);
        }
        for attributes in [self.product_attributes, self.customer_attributes] {
            add(&mut hasher, &[attributes.len() as u64]);
            attributes.iter().for_each(|attribute| attribute.hash(&mut hasher));
        }
        if let Some(start) = self.start {
            start.hash(&mut hasher);
        }
        hasher.finalize().to_hex().to_string()
    }
}

/// Adds numbers to a hash, behind how many they are: two lists are never taken for two others.
pub(crate) fn add<T: bytemuck::NoUninit>(hasher: &mut Hasher, numbers: &[T]) {
    let bytes: &[u8] = bytemuck::cast_slice(numbers);
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

//! Model: what a training leaves behind, in one checksummed and versioned file.
//!
//! The file is the container of `clew_learn::format` with these sections. `model` (JSON): version, dates, seed, groupings.
//! `report` (JSON). `products` (JSON): ids in the order of the factors. `taste.*`: factors of products and groups (f32, row by row),
//! descriptors and support. `blend.*`: what recommends, where recommendations are all that is wanted. `heads`, `warm.*`, `cold.*`: the propensity models; absent in a factorisation only.
//! `start.*`: what a training of a later day starts from.
use std::sync::Arc;

use clew_learn::blend::Blend;
use clew_learn::format::{File, Writer};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::feature_attribute::Grouping;
use crate::feature_descriptor::Descriptors;
use crate::feature_offer;
use crate::feature_taste::TasteModel;
use crate::propensity_heads::Heads;
use crate::report::Report;
use crate::train_from::Start;

/// Version of the sections and of what the features mean; a file of another version is refused.
pub(crate) const VERSION: u32 = 4;

/// A trained model. Opened from bytes it is the same as when it was trained.
#[derive(Clone, Debug)]
pub struct Model {
    /// Unix seconds: nothing at or after this was known to the training.
    pub as_of: i64,
    /// Days in which a purchase counts.
    pub horizon_days: u32,
    /// Seed of every random choice.
    pub seed: u64,
    /// What the training says of itself.
    pub report: Report,
    pub(crate) product_groupings: Vec<Grouping>,
    pub(crate) customer_groupings: Vec<Grouping>,
    /// Kinds of events that it does not look at.
    pub(crate) hidden_kinds: Vec<String>,
    /// Ids of the products, in the order of their factors.
    pub(crate) product_ids: Vec<String>,
    pub(crate) taste: TasteModel,
    /// What recommends, in the order of the products; only where recommendations are all that is wanted.
    pub(crate) blend: Option<Arc<Blend>>,
    /// None in a factorisation only.
    pub(crate) heads: Option<Heads>,
    /// What a training of a later day starts from; none in a factorisation only.
    pub(crate) start: Option<Start>,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    version: u32,
    as_of: i64,
    horizon_days: u32,
    seed: u64,
    product_groupings: Vec<Grouping>,
    customer_groupings: Vec<Grouping>,
    #[serde(default)]
    hidden_kinds: Vec<String>,
    with_heads: bool,
    /// Absent before version 2, whose number is then what is complained of.
    #[serde(default)]
    with_blend: bool,
    #[serde(default)]
    with_start: bool,
}

impl Model {
    /// The whole model as one file.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut writer = Writer::new();
        writer.json(
            "model",
            &Saved {
                version: VERSION,
                as_of: self.as_of,
                horizon_days: self.horizon_days,
                seed: self.seed,
                product_groupings: self.product_groupings.clone(),
                customer_groupings: self.customer_groupings.clone(),
                hidden_kinds: self.hidden_kinds.clone(),
                with_heads: self.heads.is_some(),
                with_blend: self.blend.is_some(),
                with_start: self.start.is_some(),
            },
        )?;
        writer.json("report", &self.report)?;
        writer.json("products", &self.product_ids)?;
        self.taste.write(&mut writer, "taste")?;
        if let Some(blend) = &self.blend {
            blend.write(&mut writer, "blend")?;
        }
        if let Some(heads) = &self.heads {
            heads.write(&mut writer)?;
        }
        if let Some(start) = &self.start {
            start.write(&mut writer)?;
        }
        Ok(writer.finish())
    }

    /// Opens a model from a file held in memory or mapped into it. Errors on a damaged or foreign file.
    pub fn open(bytes: Arc<dyn AsRef<[u8]> + Send + Sync>) -> Result<Model> {
        let file = File::open(bytes)?;
        let saved: Saved = file.json("model")?;
        if saved.version != VERSION {
            return Err(Error::input(
                format!("the model file is of version {} where {VERSION} is read", saved.version),
                "train again",
            ));
        }
        let model = Model {
            as_of: saved.as_of,
            horizon_days: saved.horizon_days,
            seed: saved.seed,
            report: file.json("report")?,
            product_groupings: saved.product_groupings,
            customer_groupings: saved.customer_groupings,
            hidden_kinds: saved.hidden_kinds,
            product_ids: file.json("products")?,
            taste: TasteModel::read(&file, "taste")?,
            blend: if saved.with_blend { Some(Arc::new(Blend::read(&file, "blend")?)) } else { None },
            heads: if saved.with_heads { Some(Heads::read(&file)?) } else { None },
            start: if saved.with_start { Some(Start::read(&file)?) } else { None },
        };
        model.check()?;
        Ok(model)
    }

    /// That the parts fit together: a file may be whole and yet be put together wrongly.
    fn check(&self) -> Result<()> {
        let n_products = self.product_ids.len();
        let n_features = feature_offer::n_features(&self.product_groupings);
        let n_groups: usize = self.product_groupings.iter().map(|grouping| grouping.labels.len()).sum();
        let factors = |taste: &TasteModel| {
            taste.products.columns.nrows() == n_products
                && taste.support.len() == n_products
                && taste.groups.columns.nrows() == n_groups
                && taste.products.columns.ncols() == self.taste.products.columns.ncols()
                && taste.groups.columns.ncols() == self.taste.groups.columns.ncols()
        };
        let described = |descriptors: &Descriptors, groupings: &[Grouping]| {
            descriptors.groups.len() == groupings.len()
                && descriptors.mean.len() == self.taste.products.columns.ncols()
                && descriptors.groups.iter().zip(groupings).all(|(d, g)| d.nrows() == g.labels.len())
        };
        let taste = |taste: &TasteModel| {
            factors(taste)
                && described(&taste.product_descriptors, &self.product_groupings)
                && described(&taste.customer_descriptors, &self.customer_groupings)
        };
        let fits = taste(&self.taste)
            && self.blend.as_ref().is_none_or(|blend| blend.n_columns() == n_products)
            && self.heads.as_ref().is_none_or(|heads| heads.fits(n_features))
            && self.start.as_ref().is_none_or(|start| taste(&start.taste) && start.unseen.fits(n_features));
        if fits {
            return Ok(());
        }
        Err(Error::input("the parts of the model file do not fit together", "train again"))
    }
}

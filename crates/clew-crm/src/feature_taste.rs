//! Taste: factors of customers and products as of a cutoff, from two factorisations.
//!
//! One is of customers × products, the other of customers × groups (each category, brand, … of the catalogue), which is denser and
//! also speaks of products that were never sold. Both are implicit alternating least squares from the toolbox. In the first, vectors
//! are pulled towards what the attributes of their customer or product predict; without any history that is the vector.
use std::sync::Arc;

use clew_learn::Run;
use clew_learn::als::{Factors, ImplicitAls};
use clew_learn::format::{File, Writer};
use ndarray::Array2;
use rayon::prelude::*;

use crate::checkpoint::add;
use crate::error::Result;
use crate::feature_attribute::Attribute;
use crate::feature_descriptor::Descriptors;
use crate::feature_look_alike::LookAlike;
use crate::feature_prior::{Prior, Priors};
use crate::feature_state::Lines;
use crate::feature_taste_matrix::{group_matrix, group_offsets, product_matrix};

/// Buyers at which a product's own factor and its descriptors count the same.
const PRIOR_BUYERS: f32 = 3.0;
/// Products with fewer decayed buyers than this take no part in the factorisation of products.
const MIN_BUYERS: f32 = 0.5;
/// Customers from whom the vectors of groups are learned, at most; of more, every k-th: groups are few, and each has many buyers.
pub(crate) const MAX_GROUP_CUSTOMERS: usize = 150_000;
/// Share of the sweeps that are made from the factors of an earlier cutoff.
pub(crate) const WARM_SWEEPS_SHARE: f64 = 1.0 / 3.0;

/// How to factorise.
#[derive(Clone, Debug)]
pub(crate) struct TasteParams {
    /// Of customers × products.
    pub(crate) products: ImplicitAls,
    /// Of customers × groups.
    pub(crate) groups: ImplicitAls,
    /// Days after which an event counts half.
    pub(crate) half_life_days: f32,
}

/// What a factorisation learned, enough to give vectors to customers and products that come later.
#[derive(Clone, Debug)]
pub(crate) struct TasteModel {
    /// Columns are products.
    pub(crate) products: Factors,
    /// Columns are the groups of all product attributes, one after the other.
    pub(crate) groups: Factors,
    /// Decayed buyers of each product when it was learned.
    pub(crate) support: Vec<f32>,
    /// Of product attributes.
    pub(crate) product_descriptors: Descriptors,
    /// Of customer attributes.
    pub(crate) customer_descriptors: Descriptors,
    /// Days after which an event counts half.
    pub(crate) half_life_days: f32,
}

/// Vectors of all customers and products of a state.
pub(crate) struct Taste {
    /// n_customers × n_factors.
    pub(crate) customers: Array2<f32>,
    /// n_products × n_factors, pulled towards the descriptors.
    pub(crate) products: Array2<f32>,
    /// Length of each product's vector.
    pub(crate) product_length: Vec<f32>,
    /// n_customers × n_group_factors.
    pub(crate) customers_by_group: Array2<f32>,
    /// n_products × n_group_factors: the mean of each product's groups.
    pub(crate) products_by_group: Array2<f32>,
    /// n_customers × n_factors: what attributes say of a customer, without any history.
    pub(crate) described: Array2<f32>,
    /// Popularity-weighted mean product.
    pub(crate) mean_product: Vec<f32>,
    /// Popularity-weighted mean product, by group.
    pub(crate) mean_by_group: Vec<f32>,
    /// Who resembles whom.
    pub(crate) look_alike: LookAlike,
}

impl TasteModel {
    /// Learns the factors of the lines' customers and products; `start` is an earlier cutoff's model of the same shape.
    pub(crate) fn fit(
        run: &Run<'_>,
        lines: &Lines,
        product_attributes: &[Attribute],
        customer_attributes: &[Attribute],
        params: &TasteParams,
        start: Option<&TasteModel>,
    ) -> Result<TasteModel> {
        let half_life = params.half_life_days;
        let by_product =
            product_matrix(lines, half_life, |product| lines.popularity[product as usize] >= MIN_BUYERS)?;
        let n_products = lines.popularity.len();
        // Warm: a few sweeps from the earlier cutoff's factors are enough.
        let sweeps = |als: &ImplicitAls, warm: bool| ImplicitAls {
            n_sweeps: if warm {
                (als.n_sweeps as f64 * WARM_SWEEPS_SHARE).ceil() as usize
            } else {
                als.n_sweeps
            },
            ..als.clone()
        };
        let support: Vec<f32> = (0..n_products)
            .map(|p| if lines.popularity[p] >= MIN_BUYERS { lines.popularity[p] } else { 0.0 })
            .collect();
        let mut priors = Priors {
            rows: Prior {
                attributes: customer_attributes,
                places: lines.customers.clone(),
                weight: lines.profile.iter().map(|customer| (customer.lines as f32).min(20.0)).collect(),
                ridge: 100.0,
                blank: false,
                first: start.map(|start| &start.customer_descriptors),
            },
            columns: Prior {
                attributes: product_attributes,
                places: (0..n_products as u32).collect(),
                weight: support.iter().map(|&n| n.min(50.0)).collect(),
                ridge: 10.0,
                blank: true,
                first: None,
            },
        };
        let products = sweeps(&params.products, start.is_some()).fit_towards(
            run,
            &by_product,
            start.map(|s| &s.products),
            &mut priors,
        )?;
        let step = lines.customers.len().div_ceil(MAX_GROUP_CUSTOMERS).max(1);
        let by_group = group_matrix(lines, product_attributes, half_life, step)?;
        let groups = if by_group.n_values() == 0 {
            Factors {
                rows: Array2::zeros((by_group.n_rows(), params.groups.n_factors)),
                columns: Array2::zeros((by_group.n_cols(), params.groups.n_factors)),
                params: params.groups.clone(),
            }
        } else {
            let start = start.map(|s| &s.groups).filter(|s| s.columns.nrows() == by_group.n_cols());
            sweeps(&params.groups, start.is_some()).fit(run, &by_group, start)?
        };
        let product_descriptors = priors.columns.descriptors(products.columns.view());
        let customer_descriptors = priors.rows.descriptors(products.rows.view());
        Ok(TasteModel {
            products,
            groups,
            support,
            product_descriptors,
            customer_descriptors,
            half_life_days: half_life,
        })
    }

    /// Gives vectors to the lines' customers and all products, without learning.
    pub(crate) fn apply(
        &self,
        run: &Run<'_>,
        lines: &Lines,
        product_attributes: &[Attribute],
        customer_attributes: &[Attribute],
    ) -> Result<Taste> {
        let by_product =
            product_matrix(lines, self.half_life_days, |product| self.support[product as usize] > 0.0)?;
        let described =
            run.pool.install(|| self.customer_descriptors.of_each(customer_attributes, &lines.customers));
        let customers = if customer_attributes.is_empty() {
            self.products.fold_in(run, &by_product)?
        } else {
            self.products.fold_in_towards(run, &by_product, described.view())?
        };
        let by_group = group_matrix(lines, product_attributes, self.half_life_days, 1)?;
        let customers_by_group = if self.groups.columns.nrows() == 0 {
            Array2::zeros((lines.customers.len(), self.groups.columns.ncols()))
        } else {
            self.groups.fold_in(run, &by_group)?
        };
        let n_products = lines.popularity.len();
        let offsets = group_offsets(product_attributes);
        let kg = self.groups.columns.ncols();
        let mut products = Array2::zeros((n_products, self.products.columns.ncols()));
        let mut products_by_group = Array2::zeros((n_products, kg));
        for product in 0..n_products {
            let prior = self.product_descriptors.explain(product_attributes, product);
            let own = self.support[product] / (self.support[product] + PRIOR_BUYERS);
            let row = self.products.columns.row(product);
            for ((out, &f), p) in products.row_mut(product).iter_mut().zip(row).zip(prior) {
                *out = own * f + (1.0 - own) * p;
            }
            let mut n = 0.0_f32;
            let mut out = products_by_group.row_mut(product);
            for (attribute, &offset) in product_attributes.iter().zip(&offsets) {
                for &group in attribute.of(product) {
                    n += 1.0;
                    out += &self.groups.columns.row(offset + group as usize);
                }
            }
            out /= n.max(1.0);
        }
        let look_alike = LookAlike::new(&customers, &customers_by_group);
        Ok(Taste {
            mean_product: weighted_mean(&products, &lines.popularity),
            mean_by_group: weighted_mean(&products_by_group, &lines.popularity),
            product_length: products.rows().into_iter().map(|row| row.dot(&row).sqrt().max(1e-9)).collect(),
            customers,
            products,
            customers_by_group,
            products_by_group,
            described,
            look_alike,
        })
    }
}

impl TasteModel {
    /// Adds the factors to a file; those of customers are left out, fold-in finds them again.
    pub(crate) fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        for (factors, part) in [(&self.products, "products"), (&self.groups, "groups")] {
            let lean = Factors { rows: Array2::zeros((0, factors.columns.ncols())), ..factors.clone() };
            lean.write(writer, &format!("{name}.{part}"))?;
        }
        writer.section(&format!("{name}.support"), &self.support)?;
        writer.section(&format!("{name}.half_life"), &[self.half_life_days])?;
        self.product_descriptors.write(writer, &format!("{name}.described_products"))?;
        self.customer_descriptors.write(writer, &format!("{name}.described_customers"))
    }

    /// As a file of its own.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut writer = Writer::new();
        self.write(&mut writer, "taste")?;
        Ok(writer.finish())
    }

    /// Opens what [`TasteModel::to_bytes`] wrote.
    pub(crate) fn open(bytes: Vec<u8>) -> Result<TasteModel> {
        TasteModel::read(&File::open(Arc::new(bytes))?, "taste")
    }

    /// Adds to a hash what a factorisation that starts from it makes use of.
    pub(crate) fn hash(&self, hasher: &mut blake3::Hasher) {
        let described = &self.customer_descriptors;
        add(hasher, &described.mean);
        for matrix in [&self.products.columns, &self.groups.columns].into_iter().chain(&described.groups) {
            add(hasher, &[matrix.nrows() as u64, matrix.ncols() as u64]);
            matrix.rows().into_iter().for_each(|row| match row.as_slice() {
                Some(row) => add(hasher, row),
                None => add(hasher, &row.to_vec()),
            });
        }
    }

    /// Reads back what [`TasteModel::write`] wrote.
    pub(crate) fn read(file: &File, name: &str) -> Result<TasteModel> {
        let half_life = file.view::<f32>(&format!("{name}.half_life"))?.first().copied();
        Ok(TasteModel {
            products: Factors::read(file, &format!("{name}.products"))?,
            groups: Factors::read(file, &format!("{name}.groups"))?,
            support: file.view::<f32>(&format!("{name}.support"))?.to_vec(),
            half_life_days: half_life.unwrap_or(180.0),
            product_descriptors: Descriptors::read(file, &format!("{name}.described_products"))?,
            customer_descriptors: Descriptors::read(file, &format!("{name}.described_customers"))?,
        })
    }

    /// The same model with its products in another order: `place[new]` is the old place, none for a product that it did not know.
    pub(crate) fn reordered(mut self, place: &[Option<usize>]) -> TasteModel {
        let mut columns = Array2::zeros((place.len(), self.products.columns.ncols()));
        let mut support = vec![0.0; place.len()];
        for (new, old) in place.iter().enumerate() {
            if let Some(old) = old {
                columns.row_mut(new).assign(&self.products.columns.row(*old));
                support[new] = self.support[*old];
            }
        }
        self.products.columns = columns;
        self.support = support;
        self
    }
}

/// Mean of the rows, each by its weight.
pub(crate) fn weighted_mean(rows: &Array2<f32>, weight: &[f32]) -> Vec<f32> {
    let mut mean = vec![0.0_f64; rows.ncols()];
    let mut sum = 0.0_f64;
    for (row, &w) in rows.rows().into_iter().zip(weight) {
        sum += f64::from(w);
        mean.iter_mut().zip(row).for_each(|(m, &v)| *m += f64::from(w * v));
    }
    mean.into_iter().map(|m| (m / sum.max(1e-9)) as f32).collect()
}

/// Dot products of every row of `rows` with one vector, in row order.
pub(crate) fn dots(rows: &Array2<f32>, vector: &[f32]) -> Vec<f32> {
    let k = vector.len().max(1);
    match rows.as_slice() {
        Some(flat) => flat
            .par_chunks(k * 4096)
            .flat_map_iter(|part| part.chunks(k).map(|row| dot(row, vector)))
            .collect(),
        None => rows.rows().into_iter().map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum()).collect(),
    }
}

/// Dot product in a fixed order, eight sums side by side.
#[inline]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a8.remainder().iter().zip(b8.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a8.zip(b8) {
        for i in 0..8 {
            sums[i] += x[i] * y[i];
        }
    }
    sums.iter().sum::<f32>() + rest
}

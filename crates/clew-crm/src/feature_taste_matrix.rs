//! The matrices that taste is factorised from: customers × products and customers × groups of products.
use clew_learn::sparse::Csr;
use rayon::prelude::*;

use crate::error::Result;
use crate::feature_attribute::Attribute;
use crate::feature_look_alike::CUSTOMERS;
use crate::feature_state::{Lines, decay};

/// Where the groups of each attribute start among the columns.
pub(crate) fn group_offsets(attributes: &[Attribute]) -> Vec<usize> {
    attributes
        .iter()
        .scan(0, |at, attribute| {
            let offset = *at;
            *at += attribute.n_groups();
            Some(offset)
        })
        .collect()
}

/// Customers × products: log2(1 + decayed events): 1 for one of today.
pub(crate) fn product_matrix(
    lines: &Lines,
    half_life_days: f32,
    keep: impl Fn(u32) -> bool + Sync,
) -> Result<Csr> {
    let n_products = lines.popularity.len();
    matrix(lines, half_life_days, n_products, 1, |product, see| {
        if keep(product) {
            see(product);
        }
    })
}

/// Every `step`-th customer × groups of all attributes: log2(1 + decayed events): 1 for one of today.
pub(crate) fn group_matrix(
    lines: &Lines,
    attributes: &[Attribute],
    half_life_days: f32,
    step: usize,
) -> Result<Csr> {
    let offsets = group_offsets(attributes);
    let n_groups = attributes.iter().map(Attribute::n_groups).sum();
    matrix(lines, half_life_days, n_groups, step, |product, see| {
        for (attribute, &offset) in attributes.iter().zip(&offsets) {
            for &group in attribute.of(product as usize) {
                see(offset as u32 + group);
            }
        }
    })
}

fn matrix(
    lines: &Lines,
    half_life_days: f32,
    n_columns: usize,
    step: usize,
    columns_of: impl Fn(u32, &mut dyn FnMut(u32)) + Sync,
) -> Result<Csr> {
    let customers: Vec<usize> = (0..lines.customers.len()).step_by(step).collect();
    let parts: Vec<Gathered> = customers
        .par_chunks(CUSTOMERS)
        .map(|part| gather(lines, half_life_days, n_columns, part, &columns_of))
        .collect();
    let n_cells = parts.iter().map(|part| part.values.len()).sum();
    let mut starts = Vec::with_capacity(customers.len() + 1);
    starts.push(0);
    let (mut indices, mut values) = (Vec::with_capacity(n_cells), Vec::with_capacity(n_cells));
    for part in parts {
        let before = values.len();
        starts.extend(part.ends.iter().map(|&end| before + end));
        indices.extend(part.indices);
        values.extend(part.values);
    }
    Ok(Csr::from_parts(n_columns, starts, indices, values)?)
}

/// Rows of a sparse matrix: where each ends, and its cells.
struct Gathered {
    ends: Vec<usize>,
    indices: Vec<u32>,
    values: Vec<f32>,
}

fn gather(
    lines: &Lines,
    half_life_days: f32,
    n_columns: usize,
    customers: &[usize],
    columns_of: &impl Fn(u32, &mut dyn FnMut(u32)),
) -> Gathered {
    let mut rows = Gathered { ends: Vec::with_capacity(customers.len()), indices: vec![], values: vec![] };
    let mut sum = vec![0.0_f32; n_columns];
    let mut touched: Vec<u32> = Vec::new();
    for &customer in customers {
        let bought =
            lines.purchases.lines_of(customer).map(|line| (line.product, decay(line.age, half_life_days)));
        let seen = lines
            .interest
            .lines_of(customer)
            .map(|line| (line.product, line.value * decay(line.age, half_life_days)));
        for (product, weight) in bought.chain(seen) {
            columns_of(product, &mut |column| {
                let cell = &mut sum[column as usize];
                if *cell == 0.0 {
                    touched.push(column);
                }
                *cell += weight;
            });
        }
        touched.sort_unstable();
        touched.dedup();
        for &column in &touched {
            let cell = &mut sum[column as usize];
            if *cell > 0.0 {
                rows.indices.push(column);
                rows.values.push(cell.ln_1p() * std::f32::consts::LOG2_E);
            }
            *cell = 0.0;
        }
        touched.clear();
        rows.ends.push(rows.values.len());
    }
    rows
}

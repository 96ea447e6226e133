//! Ranks products by what goes together with a customer's own (the blend of the toolbox).
use clew_learn::Run;
use clew_learn::blend::PreparedBlend;
use clew_learn::recommender::{Recommender, top_k};
use clew_learn::sparse::Csr;

use crate::error::Result;
use crate::feature_state::decay;
use crate::ids::NONE;
use crate::scorer::Scorer;

/// Customers ranked at a time: each may have the whole catalogue to leave out.
const BLOCK: usize = 256;

impl Scorer {
    /// The best `k` of the allowed `products` for each customer, as places among them. `place` is each product's place among the
    /// allowed, `exclude` (customers × allowed) what is left out besides.
    #[expect(clippy::too_many_arguments, reason = "the parts of a prepared request, used once")]
    pub(crate) fn best_by_blend(
        &self,
        run: &Run<'_>,
        blend: &PreparedBlend,
        customers: &[u32],
        place: &[u32],
        products: &[u32],
        k: usize,
        exclude: Option<&Csr>,
    ) -> Result<Vec<Vec<(u32, f32)>>> {
        let n = blend.n_columns();
        let mut allowed = vec![NONE; n];
        for (product, &column) in self.to_model.iter().enumerate() {
            if column != NONE {
                allowed[column as usize] = place[product];
            }
        }
        let refused: Vec<u32> = (0..n as u32).filter(|&column| allowed[column as usize] == NONE).collect();
        let mut best = Vec::with_capacity(customers.len());
        for (block, some) in customers.chunks(BLOCK).enumerate() {
            let mut bought = Vec::new();
            let mut hidden = Vec::new();
            for (row, &customer) in some.iter().enumerate() {
                bought.extend(self.weights(customer).map(|(column, weight)| (row as u32, column, weight)));
                hidden.extend(refused.iter().map(|&column| (row as u32, column, 1.0)));
                let seen = exclude.map_or(&[][..], |exclude| exclude.row(block * BLOCK + row).0);
                hidden.extend(
                    seen.iter()
                        .map(|&at| (row as u32, self.to_model[products[at as usize] as usize], 1.0))
                        .filter(|h| h.1 != NONE),
                );
            }
            let bought = Csr::from_triplets(some.len(), n, &bought)?.map(|_, _, sum| (1.0 + sum).log2());
            let hidden = Csr::from_triplets(some.len(), n, &hidden)?;
            for found in top_k(run, blend, &bought, k, Some(&hidden))? {
                best.push(
                    found.into_iter().map(|(column, score)| (allowed[column as usize], score)).collect(),
                );
            }
        }
        Ok(best)
    }

    /// The customer's decayed events as (column of the model, weight).
    fn weights(&self, customer: u32) -> impl Iterator<Item = (u32, f32)> + '_ {
        let half_life = self.model.taste.half_life_days;
        self.place(customer)
            .into_iter()
            .flat_map(move |place| {
                let bought = self
                    .state
                    .purchases
                    .lines_of(place)
                    .map(move |line| (line.product, decay(line.age, half_life)));
                let seen = self.state.interest.lines_of(place);
                bought.chain(seen.map(move |line| (line.product, line.value * decay(line.age, half_life))))
            })
            .map(|(product, weight)| (self.to_model[product as usize], weight))
            .filter(|&(column, _)| column != NONE)
    }
}

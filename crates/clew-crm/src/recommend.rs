//! Recommendations: products for a customer, best first, with reasons in plain words.
use serde::{Deserialize, Serialize};

/// One product for one customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recommendation {
    /// 1 for the best.
    pub rank: usize,
    /// Index of the product in `Records::products`.
    #[serde(skip)]
    pub product: u32,
    /// The product's own id.
    pub product_id: String,
    /// Orders products for this customer; comparable between products only.
    pub score: f64,
    /// Calibrated probability of a purchase of this product within the horizon; none where the model is a factorisation only.
    pub propensity: Option<f64>,
    /// In plain words, the strongest first; empty unless asked for.
    pub reasons: Vec<String>,
}

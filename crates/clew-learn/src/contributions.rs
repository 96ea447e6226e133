//! Exact contributions of each feature to a prediction: linear, additive and tree models.

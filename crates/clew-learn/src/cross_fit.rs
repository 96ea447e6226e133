//! Cross-fitting: predictions for each row by a model that has not seen it.

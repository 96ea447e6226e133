//! Attributes as prior means of factors (regression-based latent factors; Agarwal & Chen 2009).

//! Uplift: what a treatment changes, Qini curve and coefficient (Radcliffe 2007).

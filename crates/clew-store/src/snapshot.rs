//! The compressed columnar copy of a tenant, brought up to date by what changed.

//! Feature hashing with signed buckets (Weinberger et al. 2009).

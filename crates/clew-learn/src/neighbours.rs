//! Nearest neighbours: exact by blocked products, and approximate.

//! The web page, built once and embedded: a client of the public API like any other.

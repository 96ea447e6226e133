//! Tests of reading folders.

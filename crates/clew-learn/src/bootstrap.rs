//! Intervals by bootstrap over customers.

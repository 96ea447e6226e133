//! One offer over all customers: scores from stored factors, and their exact gain curve, in one pass.

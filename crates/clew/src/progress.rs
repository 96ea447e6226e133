//! Progress bars with an estimate, on standard error.

//! A generator of realistic tenants with a known truth, for the demo, tests and benchmarks.

//! Linear regression: ridge and elastic net.

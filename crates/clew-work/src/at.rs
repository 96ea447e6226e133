//! Places of a job where a test may step in: to kill the process there and see that nothing is lost. In service nobody
//! listens, and coming to a place does nothing.

use std::fmt;
use std::sync::Arc;

/// The places, in the order in which a job comes to them. `checkpoint` (each that is kept) and `train` are
/// of trainings alone.
pub const PLACES: [&str; 6] = ["claim", "read", "checkpoint", "train", "write", "publish"];

/// Who is told of the places that jobs come to; nobody, unless a test says otherwise.
#[derive(Clone, Default)]
pub struct At(Option<Arc<dyn Fn(&'static str) + Send + Sync>>);

impl At {
    /// Tells of each place, on the thread that comes to it, which goes on when `told` comes back.
    pub fn new(told: impl Fn(&'static str) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(told)))
    }

    pub(crate) fn reach(&self, place: &'static str) {
        if let Some(told) = &self.0 {
            told(place);
        }
    }
}

impl fmt::Debug for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "told" } else { "nobody" })
    }
}

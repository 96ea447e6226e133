//! Log lines on standard error, as text or JSON, with the spans' request and job ids on each line.

use std::io::IsTerminal as _;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt, registry};

use crate::config::{Config, LogFormat};

/// Starts logging for this process; a second call changes nothing.
pub(crate) fn init(config: &Config, json: bool) {
    let format = config.log_format.unwrap_or(if json || !std::io::stderr().is_terminal() {
        LogFormat::Json
    } else {
        LogFormat::Text
    });
    // The level was checked when the configuration was read. A statement's text is noise at `info`.
    let filter = EnvFilter::builder().parse_lossy(format!(
        "sqlx=warn,tower_http=info,hyper=warn,object_store=warn,{}",
        config.log_level.0
    ));
    let lines = match format {
        LogFormat::Json => fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(true)
            .with_writer(std::io::stderr)
            .boxed(),
        LogFormat::Text => fmt::layer().with_writer(std::io::stderr).with_target(false).compact().boxed(),
    };
    if registry().with(lines.with_filter(filter)).try_init().is_ok() {
        // A contained panic becomes a failure of its request or job; its place goes to the log like all else.
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            tracing::error!(panic.place = place, panic.message = panic.payload_as_str(), "a thread panicked");
        }));
    }
}

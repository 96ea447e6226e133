//! The steps of the demo: each with a bar while it runs, a line when it is done, and its seconds.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Map, Value};

use crate::output_file::tell;
use crate::progress::Bar;

/// The steps so far.
pub(super) struct Steps {
    json: bool,
    began: Instant,
    seconds: Map<String, Value>,
}

/// A step under way.
pub(super) struct Step {
    name: &'static str,
    title: &'static str,
    began: Instant,
    bar: Arc<Bar>,
}

impl Steps {
    /// No step yet; silent when the command speaks JSON.
    pub(super) fn new(json: bool) -> Self {
        Self { json, began: Instant::now(), seconds: Map::new() }
    }

    /// Begins a step: its name for machines, its title for people.
    pub(super) fn begin(&self, name: &'static str, title: &'static str) -> Step {
        Step { name, title, began: Instant::now(), bar: Arc::new(Bar::new(title, self.json)) }
    }

    /// Ends a step with what came of it.
    pub(super) fn end(&mut self, step: Step, came: &str) {
        let Step { name, title, began, bar } = step;
        bar.close();
        let seconds = began.elapsed().as_secs_f64();
        self.seconds.insert(name.to_owned(), rounded(seconds));
        if !self.json {
            tell(&format!("  {title:26} {seconds:>6.1} s   {came}"));
        }
    }

    /// The seconds of every step and of all together, by name.
    pub(super) fn seconds(&self) -> Value {
        let mut seconds = self.seconds.clone();
        seconds.insert("total".to_owned(), rounded(self.total()));
        Value::Object(seconds)
    }

    /// The seconds since the first step began.
    pub(super) fn total(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }
}

impl Step {
    /// The step's bar.
    pub(super) fn bar(&self) -> &Arc<Bar> {
        &self.bar
    }
}

fn rounded(seconds: f64) -> Value {
    ((seconds * 1_000.0).round() / 1_000.0).into()
}

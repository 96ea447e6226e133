//! Progress on standard error: a bar with an estimate on a terminal, one plain line a phase elsewhere.

use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use clew_learn::Progress;
use indicatif::{ProgressBar, ProgressStyle};

use crate::output_file::tell;

/// The steps of a bar: fine enough for an estimate.
const STEPS: f64 = 10_000.0;
/// Nothing is said of what takes less than this.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// Lines are told a tenth of the way apart.
const APART: f64 = 0.1;

#[derive(Default)]
struct Far {
    share: f64,
    told: f64,
}

/// How far one step of a command is.
pub(crate) struct Bar {
    title: String,
    began: Instant,
    bar: Option<ProgressBar>,
    /// How far it was at most, and up to where lines have been told.
    far: Mutex<Far>,
    /// Whether lines are told instead of a bar.
    lines: bool,
}

impl Bar {
    /// A bar under a title; silent when the command speaks JSON.
    pub(crate) fn new(title: impl Into<String>, json: bool) -> Self {
        let title = title.into();
        let terminal = std::io::stderr().is_terminal();
        let bar = (terminal && !json).then(|| {
            let style = ProgressStyle::with_template("{prefix:26.bold} [{bar:28}] {percent:>3} %  {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .progress_chars("━╸ ");
            let bar = ProgressBar::new(STEPS as u64).with_style(style).with_prefix(title.clone());
            bar.enable_steady_tick(Duration::from_millis(150));
            bar
        });
        Self { title, began: Instant::now(), bar, far: Mutex::default(), lines: !terminal && !json }
    }

    /// Tells how far it is, with the seconds left as somebody else estimates them.
    pub(crate) fn tell(&self, phase: &str, share: f64, eta_seconds: Option<f64>) {
        let elapsed = self.began.elapsed();
        let Ok(mut far) = self.far.lock() else { return };
        // A part that begins its own count again is no step back.
        let share = share.clamp(0.0, 1.0).max(far.share);
        far.share = share;
        if let Some(bar) = &self.bar {
            bar.set_position((share * STEPS) as u64);
            let eta = eta_seconds.unwrap_or_else(|| elapsed.as_secs_f64() * (1.0 - share) / share.max(1e-3));
            let known = elapsed > PATIENCE && share > 0.02 && eta.is_finite() && eta >= 0.5;
            let left = if known { format!(", about {eta:.0} s left") } else { String::new() };
            bar.set_message(format!("{phase}{left}"));
        }
        if self.lines && elapsed > PATIENCE && share < 1.0 && share >= far.told + APART {
            far.told = share;
            tell(&format!("{}: {phase} ({:.0} %)", self.title, share * 100.0));
        }
    }

    /// Ends the bar and gives the time it took.
    pub(crate) fn finish(self) -> Duration {
        self.close();
        self.began.elapsed()
    }

    /// Takes the bar off the terminal.
    pub(crate) fn close(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.close();
    }
}

impl Progress for Bar {
    fn report(&self, phase: &str, share: f64) {
        self.tell(phase, share, None);
    }
}

//! What the commands on files share: the options that say what to read and as of when, reading the folder, and the
//! surroundings of a computation (threads, seed, progress, a stop flag that Ctrl-C raises).

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use chrono::{DateTime, NaiveDate};
use clew_crm::{Counts, Estimate, LeftOut, Model, Records, Speed, TrainParams};
use clew_learn::{Run, Stop};
use clew_store::folder::{self, FolderReport};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::Globals;
use crate::failure::WrongUse;
use crate::progress::Bar;
use crate::{output_file, runtime};

/// A moment: a date (its first second, UTC) or an RFC 3339 time. Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) i64);

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let date = || text.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0).map(|at| at.and_utc());
        let time = || DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc());
        date().or_else(time).map(|at| Self(at.timestamp())).ok_or_else(|| {
            "is neither a date such as 2026-10-31 nor a time such as 2026-10-31T18:00:00Z".to_owned()
        })
    }
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = DateTime::from_timestamp(self.0, 0).unwrap_or_default();
        if self.0.rem_euclid(86_400) == 0 {
            write!(f, "{}", at.format("%Y-%m-%d"))
        } else {
            write!(f, "{}", at.format("%Y-%m-%dT%H:%M:%SZ"))
        }
    }
}

/// What to read, as of when, and how to learn from it.
#[derive(clap::Args, Debug)]
pub(crate) struct DataArgs {
    /// The folder with customers, products, events and optionally campaigns (.csv .ndjson .parquet, plain, .gz or
    /// .zst) and mapping.toml
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Nothing at or after this is read: a date (its beginning, UTC) or an RFC 3339 time; the end of the data when
    /// not given
    #[arg(long, value_name = "DATE")]
    pub(crate) as_of: Option<Moment>,
    /// Days after the date in which a purchase counts [default: the model's, else 28]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=365))]
    pub(crate) horizon_days: Option<u32>,
    /// The seed of all chance: the same one gives the same bytes, with any number of threads
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub(crate) seed: u64,
}

/// A folder that was read, and what a computation on it needs.
pub(crate) struct Session {
    pub(crate) records: Arc<Records>,
    /// Unix seconds: nothing at or after it was read.
    pub(crate) as_of: i64,
    pub(crate) report: FolderReport,
    pool: Arc<rayon::ThreadPool>,
    seed: u64,
    stop: Arc<Stop>,
    json: bool,
}

impl Session {
    /// Reads the folder.
    ///
    /// # Errors
    /// When there is no such folder, a file in it cannot be read, or it holds no event before the date.
    pub(crate) fn open(args: &DataArgs, globals: &Globals) -> anyhow::Result<Self> {
        let pool = runtime::pool(globals.threads.unwrap_or(0))?;
        let stop = Arc::new(Stop::new());
        stop_on_signal(&stop)?;
        let bar = Bar::new("read", globals.json);
        let (records, report) = folder::read_with(&args.data, args.as_of.map(|at| at.0), &bar)
            .with_context(|| format!("could not read {}", args.data.display()))?;
        bar.finish();
        let (end, n_later) = records.end_of_data().ok_or_else(|| {
            let until = args.as_of.map(|at| format!(" before {at}")).unwrap_or_default();
            WrongUse::new(format!(
                "{} has no event{until}; choose another folder or date",
                args.data.display()
            ))
        })?;
        let as_of = args.as_of.map_or(end, |at| at.0);
        if args.as_of.is_none() && n_later > 0 {
            output_file::tell(&format!(
                "events more than 60 days later than all others, as of clocks that run ahead, are not read: {n_later}; correct them, or \
                 give --as-of"
            ));
        }
        let session = Self {
            records: Arc::new(records),
            as_of,
            report,
            pool,
            seed: args.seed,
            stop,
            json: globals.json,
        };
        session.warn();
        Ok(session)
    }

    /// Runs a computation under a bar with this title.
    ///
    /// # Errors
    /// The computation's; "stopped" when Ctrl-C ended it.
    pub(crate) fn run<T>(
        &self,
        title: &str,
        compute: impl FnOnce(&Run<'_>) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let bar = Bar::new(title, self.json);
        let run = Run { pool: &self.pool, seed: self.seed, progress: &bar, stop: &self.stop };
        let result = compute(&run);
        bar.finish();
        result
    }

    /// The model in the file, or one that is trained now.
    ///
    /// # Errors
    /// When the file is no model or does not fit what is asked, and when there is too little to learn from.
    pub(crate) fn model(&self, args: &DataArgs, file: Option<&PathBuf>) -> anyhow::Result<Arc<Model>> {
        let Some(path) = file else {
            return Ok(Arc::new(self.train(&self.params(args), None)?));
        };
        let model = self.open_model(path)?;
        if model.as_of > self.as_of {
            return Err(WrongUse::new(format!(
                "{} was trained on what happened before {}, which is later than {}; train one as of that date",
                path.display(),
                Moment(model.as_of),
                Moment(self.as_of)
            ))
            .into());
        }
        if args.horizon_days.is_some_and(|days| days != model.horizon_days) {
            return Err(WrongUse::new(format!(
                "{} predicts {} days; leave --horizon-days out or train another",
                path.display(),
                model.horizon_days
            ))
            .into());
        }
        Ok(model)
    }

    /// What a training is asked for by these options: as the service does where no owner has said anything of the
    /// columns.
    pub(crate) fn params(&self, args: &DataArgs) -> TrainParams {
        TrainParams {
            horizon_days: args.horizon_days.unwrap_or(28),
            left_out: LeftOut::default().with_guesses(&self.records),
            ..TrainParams::new(self.as_of)
        }
    }

    /// What is not learned from: columns that look as if they stand for one person or tell what must not be known, but
    /// for those that `--trust` gives. Says which.
    ///
    /// # Errors
    /// As [`Session::trusted`].
    pub(crate) fn left_out(&self, trust: Vec<String>) -> anyhow::Result<LeftOut> {
        let left_out =
            LeftOut { trusted: self.trusted(trust)?, ..LeftOut::default() }.with_guesses(&self.records);
        if !left_out.customer_columns.is_empty() && !self.json {
            output_file::tell(&format!(
                "not learned from, as of columns that name persons or tell what is sensitive: {}; --trust takes one in",
                left_out.customer_columns.join(", ")
            ));
        }
        Ok(left_out)
    }

    /// The names that `--trust` gives, each of a column of customers or of a kind of event.
    ///
    /// # Errors
    /// When there is neither of that name: most likely it is misspelt, and what it means would still be refused.
    pub(crate) fn trusted(&self, names: Vec<String>) -> anyhow::Result<Vec<String>> {
        let kinds = self.records.n_events_by_kind();
        let known = |name: &String| {
            self.records.customers().names.contains(name) || kinds.iter().any(|(kind, _)| kind == name)
        };
        match names.iter().find(|name| !known(name)) {
            None => Ok(names),
            Some(name) => Err(WrongUse::new(format!(
                "--trust {name}: customers have no such column, and no event is of such a kind; correct the name"
            ))
            .into()),
        }
    }

    /// Trains, starting from a model where one is given.
    ///
    /// # Errors
    /// When there is too little to learn from, or the run is stopped.
    pub(crate) fn train(&self, params: &TrainParams, start: Option<&Model>) -> anyhow::Result<Model> {
        self.run("train", |run| {
            Ok(match start {
                Some(start) => clew_crm::train_from(run, &self.records, params, start)?,
                None => clew_crm::train(run, &self.records, params)?,
            })
        })
    }

    /// What a training will need on this machine, which is measured for it: from nothing, and from a model of some
    /// days before.
    ///
    /// # Errors
    /// When the run is stopped.
    pub(crate) fn estimates(&self, counts: &Counts, params: &TrainParams) -> anyhow::Result<[Estimate; 2]> {
        let began = Instant::now();
        self.run("estimate", |run| {
            let speed = Speed::probe(run, &|| began.elapsed().as_secs_f64())?;
            Ok([false, true].map(|warm| clew_crm::estimate(counts, params, &speed, warm)))
        })
    }

    /// Opens a model file.
    ///
    /// # Errors
    /// When it cannot be read or is no model.
    pub(crate) fn open_model(&self, path: &Path) -> anyhow::Result<Arc<Model>> {
        let bytes = std::fs::read(path).map_err(|error| {
            WrongUse::new(format!("{}: {error}; name a file that `clew train` wrote", path.display()))
        })?;
        let model =
            Model::open(Arc::new(bytes)).with_context(|| format!("{} cannot be used", path.display()))?;
        Ok(Arc::new(model))
    }

    /// What was read, for a summary in JSON.
    pub(crate) fn data(&self) -> Value {
        json!({
            "as_of": Moment(self.as_of).to_string(),
            "n_customers": self.records.n_customers(),
            "n_products": self.records.n_products(),
            "n_events": self.records.n_events(),
            "files": self.report.files,
        })
    }

    /// Tells on standard error what is worth knowing of the files.
    fn warn(&self) {
        if self.json {
            return;
        }
        for file in &self.report.files {
            for note in &file.notes {
                output_file::tell(&format!("{}: {}", file.file, note.message));
            }
            if file.n_rejected > 0 {
                output_file::tell(&format!(
                    "{}: {} lines are rejected, among them",
                    file.file, file.n_rejected
                ));
                for line in file.rejected.iter().take(3) {
                    let column =
                        line.column.as_ref().map(|column| format!(", column {column}")).unwrap_or_default();
                    output_file::tell(&format!("  line {}{column}: {}", line.line, line.reason));
                }
            }
        }
    }
}

/// Raises the flag at the first SIGINT or SIGTERM, so that nothing half done is left; the second ends at once.
///
/// # Errors
/// When the system refuses the handlers.
pub(crate) fn stop_on_signal(stop: &Arc<Stop>) -> anyhow::Result<()> {
    let stop = Arc::clone(stop);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("could not listen for Ctrl-C")?;
    let (mut interrupt, mut terminate) = {
        let _entered = runtime.enter();
        let listen = |kind| signal(kind).context("could not listen for Ctrl-C");
        (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?)
    };
    let wait = move || {
        runtime.block_on(async move {
            for round in 0..2 {
                tokio::select! { _ = interrupt.recv() => (), _ = terminate.recv() => () }
                if round > 0 {
                    std::process::exit(1);
                }
                stop.stop();
            }
        });
    };
    // The thread ends with the process.
    std::thread::Builder::new()
        .name("clew-signals".to_owned())
        .spawn(wait)
        .context("could not listen for Ctrl-C")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_dates_or_times() {
        let at = |text: &str| text.parse::<Moment>().map(|at| at.to_string());
        assert_eq!(at("2017-10-09").unwrap(), "2017-10-09");
        assert_eq!(at("2017-10-09T02:00:00+02:00").unwrap(), "2017-10-09");
        assert_eq!(at("2017-10-09T02:00:01Z").unwrap(), "2017-10-09T02:00:01Z");
        assert!(at("09/10/2017").unwrap_err().contains("2026-10-31"));
    }
}

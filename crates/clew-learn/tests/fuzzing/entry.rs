//! The entry of the fuzz target: bytes → an estimator and its data → fit → predict → write → read → predict, then
//! the file with its bytes changed. Whatever the bytes, nothing panics; what is fitted predicts finite numbers and
//! the same ones once read back; what is refused says where and what to do.

use std::sync::{Arc, OnceLock};

use clew_learn::format::{File, Writer};
use clew_learn::{Error, Result, Run, Silent, Stop};

use super::mutate;
use super::source::Source;
use super::{clusters, events, factors, judging, online, shaped, supervised, vectors};

/// A fitted model as a file, its predictions, and how to read and predict again.
pub struct Kept {
    pub bytes: Vec<u8>,
    pub predicted: Vec<f32>,
    pub again: Box<dyn Fn(&Run<'_>, &File) -> Result<Vec<f32>>>,
}

pub type Target = fn(&Run<'_>, &mut Source<'_>) -> Result<Kept>;

/// All estimators by name.
pub fn targets() -> Vec<(&'static str, Target)> {
    [
        supervised::TARGETS,
        shaped::TARGETS,
        online::TARGETS,
        factors::TARGETS,
        events::TARGETS,
        vectors::TARGETS,
        clusters::TARGETS,
        judging::TARGETS,
    ]
    .concat()
}

/// Writes a model and keeps what is needed to check it.
pub fn kept(
    predicted: Vec<f32>,
    write: impl FnOnce(&mut Writer) -> Result<()>,
    again: impl Fn(&Run<'_>, &File) -> Result<Vec<f32>> + 'static,
) -> Result<Kept> {
    let mut writer = Writer::new();
    write(&mut writer)?;
    Ok(Kept { bytes: writer.finish(), predicted, again: Box::new(again) })
}

/// For what has no file: only its figures are checked.
pub fn nothing_kept(predicted: Vec<f32>) -> Result<Kept> {
    let again = predicted.clone();
    kept(predicted, |_| Ok(()), move |_, _| Ok(again.clone()))
}

fn with_run<T>(seed: u64, work: impl FnOnce(&Run<'_>) -> T) -> T {
    static POOL: OnceLock<rayon::ThreadPool> = OnceLock::new();
    let pool = POOL.get_or_init(|| rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap());
    work(&Run { pool, seed, progress: &Silent, stop: &Stop::new() })
}

/// One input of the fuzzer: the first byte chooses the estimator.
pub fn fit_any(bytes: &[u8]) {
    let targets = targets();
    let Some((&first, bytes)) = bytes.split_first() else { return };
    let (name, target) = targets[usize::from(first) % targets.len()];
    fit_one(name, target, bytes);
}

/// One input for one estimator. Returns whether it could be fitted.
pub fn fit_one(name: &str, target: Target, bytes: &[u8]) -> bool {
    let mut source = Source::new(bytes);
    with_run(u64::from(source.byte()), |run| {
        let kept = match target(run, &mut source) {
            Ok(kept) => kept,
            Err(Error::Input { place, remedy } | Error::Format { place, remedy }) => {
                assert!(place.len() > 3 && remedy.len() > 5, "{name}: '{place}; {remedy}'");
                return false;
            }
            Err(error) => panic!("{name}: {error}"),
        };
        if let Some(row) = kept.predicted.iter().position(|value| !value.is_finite()) {
            panic!("{name} predicts {} at {row}", kept.predicted[row]);
        }
        let file = File::open(Arc::new(kept.bytes.clone())).unwrap();
        let again = (kept.again)(run, &file).unwrap_or_else(|error| panic!("{name}, read back: {error}"));
        assert_eq!(kept.predicted, again, "{name}, read back");
        for _ in 0..3 {
            let mut changed = kept.bytes.clone();
            mutate::change(&mut source, &mut changed);
            if let Ok(file) = File::open(Arc::new(changed)) {
                // It may be refused or, where only a number changed, predict something else.
                let _ = (kept.again)(run, &file);
            }
        }
        true
    })
}

/// Any bytes opened as a file, and every section of it read.
pub fn open_any(bytes: &[u8]) {
    let Ok(file) = File::open(Arc::new(bytes.to_vec())) else { return };
    for section in file.sections() {
        let _ = (
            file.view::<u8>(&section.name),
            file.view::<f32>(&section.name),
            file.view::<f64>(&section.name),
        );
        let _ = file.json::<serde_json::Value>(&section.name);
    }
}

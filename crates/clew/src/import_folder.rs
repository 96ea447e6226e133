//! Which files of a folder are sent, as what, and with which mapping.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clew_store::mapping::Mapping;
use serde_json::{Map, Value};

use crate::failure::WrongUse;

/// The entities in the order in which they are best sent: events come last, so that they find what they speak of.
const ENTITIES: [&str; 4] = ["customers", "products", "campaigns", "events"];

/// Endings, and what they mean as a media type.
const FORMATS: [(&str, &str); 5] = [
    ("csv", "text/csv"),
    ("tsv", "text/csv"),
    ("ndjson", "application/x-ndjson"),
    ("jsonl", "application/x-ndjson"),
    ("parquet", "application/vnd.apache.parquet"),
];

/// A file to send.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FolderFile {
    /// Which table its rows go to.
    pub(crate) entity: &'static str,
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Its size on disk.
    pub(crate) size_bytes: u64,
    /// Its media type.
    pub(crate) content_type: &'static str,
    /// Its compression as an HTTP coding.
    pub(crate) content_encoding: Option<&'static str>,
    /// The folder's mapping, as JSON.
    pub(crate) mapping: Option<Value>,
}

/// Looks through a folder.
///
/// # Errors
/// A [`WrongUse`] when there is no such folder, nothing in it that is known, two files for one table, or a mapping
/// that is not understood.
pub(crate) fn files(dir: &Path) -> anyhow::Result<Vec<FolderFile>> {
    let mapping = mapping(dir)?;
    let mut names: Vec<String> = std::fs::read_dir(dir)
        .map_err(|error| WrongUse::new(format!("{}: {error}; name a folder of files", dir.display())))?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    let mut found = Vec::new();
    for entity in ENTITIES {
        let named = mapping.as_ref().and_then(|mapping| mapping[entity]["options"]["file"].as_str());
        let fits = |name: &&String| match named {
            Some(named) => name.as_str() == named,
            None => {
                name.split_once('.').is_some_and(|(stem, ending)| stem == entity && known(ending).is_some())
            }
        };
        let candidates: Vec<&String> = names.iter().filter(fits).collect();
        match (candidates.as_slice(), named) {
            ([name], _) => found.push(file(dir, name, entity, mapping.as_ref())?),
            ([], None) => {}
            ([], Some(named)) => {
                return Err(WrongUse::new(format!(
                    "mapping.toml names {named} for {entity}, but {} has no such file",
                    dir.display()
                ))
                .into());
            }
            (many, _) => {
                return Err(WrongUse::new(format!(
                    "{} has {} files for {entity} ({}); keep one, or name it in mapping.toml as {entity}.options.file",
                    dir.display(),
                    many.len(),
                    many.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ")
                ))
                .into());
            }
        }
    }
    if found.is_empty() {
        return Err(WrongUse::new(format!(
            "{} has no customers, products, events or campaigns (.csv .ndjson .parquet, plain, .gz or .zst)",
            dir.display()
        ))
        .into());
    }
    Ok(found)
}

fn file(dir: &Path, name: &str, entity: &'static str, mapping: Option<&Value>) -> anyhow::Result<FolderFile> {
    let path = dir.join(name);
    let size_bytes = path.metadata().with_context(|| format!("could not look at {}", path.display()))?.len();
    let ending = name.split_once('.').map_or("", |(_, ending)| ending);
    let (content_type, content_encoding) = known(ending).unwrap_or(("application/octet-stream", None));
    let mapping = mapping.map(|mapping| {
        let mut mapping = mapping.clone();
        if let Value::Object(sections) = &mut mapping {
            // With a section of its own, what stands outside of sections stays what all tables share.
            sections.entry(entity).or_insert_with(|| Value::Object(Map::new()));
        }
        mapping
    });
    Ok(FolderFile { entity, path, size_bytes, content_type, content_encoding, mapping })
}

/// What a file name's ending means: media type and coding. The last ones count: `events.2017.csv.gz`.
fn known(ending: &str) -> Option<(&'static str, Option<&'static str>)> {
    let (ending, coding) = match ending.rsplit_once('.') {
        Some((rest, "gz")) => (rest, Some("gzip")),
        Some((rest, "zst")) => (rest, Some("zstd")),
        _ => (ending, None),
    };
    let format = ending.rsplit('.').next().unwrap_or_default();
    FORMATS.iter().find(|(known, _)| *known == format).map(|(_, content_type)| (*content_type, coding))
}

/// The folder's mapping as the API takes it; checked here, so that its faults have the file's lines.
fn mapping(dir: &Path) -> anyhow::Result<Option<Value>> {
    let path = dir.join("mapping.toml");
    if !path.is_file() {
        return Ok(None);
    }
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("could not read {}", path.display()))?;
    Mapping::from_toml(&text).map_err(|error| WrongUse::new(format!("{}: {error}", path.display())))?;
    let table: toml::Table = text.parse().with_context(|| format!("could not read {}", path.display()))?;
    Ok(Some(serde_json::to_value(table)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_a_folder_are_found_in_order_with_their_mapping() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        write("customers.csv", "customer_id\n");
        write("transactions.2017.parquet", "PAR1");
        write("products.ndjson.zst", "x");
        write("notes.txt", "x");
        write(
            "mapping.toml",
            "customer_id = \"household\"\n[events.options]\nfile = \"transactions.2017.parquet\"\n",
        );
        let found = files(dir.path()).unwrap();
        let kinds: Vec<_> = found.iter().map(|f| (f.entity, f.content_type, f.content_encoding)).collect();
        assert_eq!(
            kinds,
            [
                ("customers", "text/csv", None),
                ("products", "application/x-ndjson", Some("zstd")),
                ("events", "application/vnd.apache.parquet", None),
            ]
        );
        let mapping = found[0].mapping.as_ref().unwrap();
        assert_eq!(mapping["customer_id"], "household");
        assert!(mapping["customers"].is_object(), "{mapping}");
    }

    #[test]
    fn a_folder_that_says_too_little_or_too_much_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert!(files(&dir.path().join("nowhere")).unwrap_err().to_string().contains("name a folder"));
        assert!(files(dir.path()).unwrap_err().to_string().contains("has no customers"));
        std::fs::write(dir.path().join("events.csv"), "").unwrap();
        std::fs::write(dir.path().join("events.csv.gz"), "").unwrap();
        assert!(files(dir.path()).unwrap_err().to_string().contains("events.csv, events.csv.gz"));
    }
}

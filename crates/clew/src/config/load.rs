//! Where the configuration comes from: defaults, then `clew.toml`, then `CLEW_*`, then `DATABASE_URL`.

use std::path::Path;

use figment::providers::{Env, Format as _, Serialized, Toml};
use figment::value::{Num, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::settings::{Config, SETTINGS};

/// The variables that clew reads beside the settings: options of commands, and where the file is.
const OTHER_VARIABLES: &[&str] = &["config", "url", "key"];

/// The file of the working folder, read when it is there.
const DEFAULT_FILE: &str = "clew.toml";

/// The environment as clew sees it: each variable as the text it is (a password of digits stays as written).
struct Environment;

impl Provider for Environment {
    fn metadata(&self) -> Metadata {
        Metadata::named("the environment").interpolater(|_, keys| {
            let name = keys.last().copied().unwrap_or_default();
            format!("CLEW_{}", name.to_uppercase())
        })
    }

    fn data(&self) -> figment::error::Result<figment::value::Map<Profile, figment::value::Dict>> {
        let dict = Env::prefixed("CLEW_")
            .iter()
            .map(|(name, text)| (name.as_str().to_lowercase(), text))
            .filter(|(name, text)| !text.is_empty() && !OTHER_VARIABLES.contains(&name.as_str()))
            .map(|(name, text)| (name, Value::from(text)))
            .collect();
        Ok(Profile::Default.collect(dict))
    }
}

/// Layers the sources and reads every setting.
///
/// `file` is the file asked for; without one `clew.toml` of the working folder is read when it is there.
///
/// # Errors
/// Every fault of every source, each with its place and its remedy.
pub(crate) fn load(file: Option<&Path>) -> Result<Config, Vec<String>> {
    let mut figment = Figment::new();
    match file {
        Some(file) if !file.is_file() => {
            return Err(vec![format!("{}: no such file; correct --config or CLEW_CONFIG", file.display())]);
        }
        Some(file) => figment = figment.merge(Toml::file_exact(file)),
        None if Path::new(DEFAULT_FILE).is_file() => figment = figment.merge(Toml::file_exact(DEFAULT_FILE)),
        None => {}
    }
    figment = figment.merge(Environment);
    if let Some(url) = Env::var("DATABASE_URL").filter(|url| !url.is_empty()) {
        figment = figment.merge(Serialized::default("database_url", url));
    }
    read(&figment)
}

/// Reads every setting of a layered configuration.
fn read(figment: &Figment) -> Result<Config, Vec<String>> {
    let data = figment.data().map_err(|error| {
        error.into_iter().map(|fault| format!("{fault}; correct that place")).collect::<Vec<_>>()
    })?;
    let names = data.values().flat_map(|dict| dict.keys());
    let mut faults: Vec<String> = names
        .filter(|name| !SETTINGS.iter().any(|s| s.name == *name))
        .map(|name| unknown(figment, name))
        .collect();
    let built = Config::build(|name| match figment.find_value(name) {
        Ok(value) => text(&value)
            .map(Some)
            .ok_or_else(|| "is not a single value; write text, a number, true or false".to_owned()),
        Err(_) => Ok(None),
    });
    match built {
        Ok(config) if faults.is_empty() => Ok(config),
        Ok(_) => Err(faults),
        Err(more) => {
            faults.extend(more.into_iter().map(|fault| place(figment, fault)));
            Err(faults)
        }
    }
}

/// Adds where a setting was given to its fault.
fn place(figment: &Figment, fault: String) -> String {
    let name = fault.split(':').next().unwrap_or_default();
    match figment.find_metadata(name) {
        Some(source) => format!("{fault} (from {})", source_of(source, name)),
        None => fault,
    }
}

fn source_of(source: &Metadata, name: &str) -> String {
    match source.source.as_ref().and_then(figment::Source::file_path) {
        Some(path) => path.display().to_string(),
        None if source.name == "the environment" => format!("the environment, CLEW_{}", name.to_uppercase()),
        None => "the environment, DATABASE_URL".to_owned(),
    }
}

fn unknown(figment: &Figment, name: &str) -> String {
    let near = SETTINGS.iter().map(|s| s.name).min_by_key(|known| distance(known, name)).unwrap_or_default();
    let from = figment.find_metadata(name).map(|source| source_of(source, name)).unwrap_or_default();
    format!("{name}: no such setting (from {from}); did you mean {near}?")
}

/// How many letters to change, add or drop to get from one word to the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for (y, pair) in b.iter().zip(row.windows(2)) {
            let &[diagonal, above] = pair else { continue };
            let left = next.last().copied().unwrap_or(0);
            next.push((diagonal + usize::from(x != *y)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

/// A single value as the text a person would write.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(_, text) => Some(text.clone()),
        Value::Char(_, char) => Some(char.to_string()),
        Value::Bool(_, bool) => Some(bool.to_string()),
        Value::Num(_, number) => Some(number_text(*number)),
        Value::Empty(..) | Value::Dict(..) | Value::Array(..) => None,
    }
}

fn number_text(number: Num) -> String {
    match (number.to_i128(), number.to_u128(), number.to_f64()) {
        (Some(whole), ..) => whole.to_string(),
        (_, Some(whole), _) => whole.to_string(),
        (.., Some(float)) => float.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(toml: &str) -> Result<Config, Vec<String>> {
        read(&Figment::new().merge(Toml::string(toml)))
    }

    #[test]
    fn the_defaults_are_valid() {
        let config = of("").unwrap();
        assert!(config.database_url.is_none());
        assert_eq!(config.listen.0.port(), 8080);
    }

    #[test]
    fn a_file_sets_what_it_names() {
        let config =
            of("listen = \"0.0.0.0:9000\"\ndrain = 2.5\nwork_places = 3\ns3_allow_http = true").unwrap();
        assert_eq!(config.listen.0.to_string(), "0.0.0.0:9000");
        assert_eq!(config.drain.0.as_millis(), 2500);
        assert_eq!(config.work_places, 3);
        assert!(config.s3_allow_http);
    }

    #[test]
    fn all_faults_come_at_once_with_place_and_remedy() {
        let faults = of("listn = \"x\"\ndrain = -1\nlisten = \"nowhere\"\nlog_format = [1]").unwrap_err();
        assert_eq!(faults.len(), 4, "{faults:#?}");
        assert!(faults[0].contains("did you mean listen"), "{faults:?}");
        assert!(faults.iter().all(|fault| fault.contains(';')), "{faults:#?}");
    }

    #[test]
    fn secrets_are_not_shown() {
        let config =
            of("database_url = \"postgres://clew:pw@db/clew\"\ns3_secret_access_key = \"abc123\"").unwrap();
        let shown = format!("{:?} {config:?}", config.shown());
        assert!(!shown.contains("pw@db") && !shown.contains("abc123"), "{shown}");
    }
}

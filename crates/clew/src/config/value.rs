//! How one setting's value is read from text, shown, and described. All faults name the remedy.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use axum::http::{HeaderValue, Uri};
use ipnet::IpNet;
use secrecy::{ExposeSecret as _, SecretString};
use tracing_subscriber::EnvFilter;

/// A type that a setting can have.
pub(crate) trait Setting: Sized {
    /// What a value looks like, for the table.
    const FORM: &'static str;
    /// Whether a value must never be shown.
    const SECRET: bool = false;
    /// Reads a value; the fault says what was found and what is expected.
    fn parse(text: &str) -> Result<Self, String>;
    /// The value as it may be shown.
    fn show(&self) -> String;
}

impl<T: Setting> Setting for Option<T> {
    const FORM: &'static str = T::FORM;
    const SECRET: bool = T::SECRET;
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Ok(None) } else { T::parse(text).map(Some) }
    }
    fn show(&self) -> String {
        self.as_ref().map(Setting::show).unwrap_or_default()
    }
}

impl Setting for SecretString {
    const FORM: &'static str = "text, secret";
    const SECRET: bool = true;
    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.into())
    }
    fn show(&self) -> String {
        if self.expose_secret().is_empty() { String::new() } else { "[hidden]".to_owned() }
    }
}

impl Setting for String {
    const FORM: &'static str = "text";
    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
    fn show(&self) -> String {
        self.clone()
    }
}

impl Setting for PathBuf {
    const FORM: &'static str = "path";
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("is empty; give a path".to_owned()) } else { Ok(text.into()) }
    }
    fn show(&self) -> String {
        self.display().to_string()
    }
}

impl Setting for bool {
    const FORM: &'static str = "`true` or `false`";
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "true" | "1" | "yes" | "on" => Ok(true),
            "false" | "0" | "no" | "off" => Ok(false),
            _ => Err(format!("\"{text}\" is neither true nor false; write `true` or `false`")),
        }
    }
    fn show(&self) -> String {
        self.to_string()
    }
}

impl Setting for u16 {
    const FORM: &'static str = "whole number";
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("\"{text}\" is not a whole number from 0 to 65535; give one"))
    }
    fn show(&self) -> String {
        self.to_string()
    }
}

/// An address and a port to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Address(pub(crate) SocketAddr);

impl Setting for Address {
    const FORM: &'static str = "address:port";
    fn parse(text: &str) -> Result<Self, String> {
        // `:8080` and `localhost:8080` are what hands type; names other than this one need a resolver.
        let spelled = match text.strip_prefix("localhost:").or_else(|| text.strip_prefix(':')) {
            Some(port) if text.starts_with(':') => format!("0.0.0.0:{port}"),
            Some(port) => format!("127.0.0.1:{port}"),
            None => text.to_owned(),
        };
        spelled.parse().map(Self).map_err(|_| {
            format!("\"{text}\" is not an address with a port; write for example 127.0.0.1:8080, or 0.0.0.0:8080 for every interface")
        })
    }
    fn show(&self) -> String {
        self.0.to_string()
    }
}

/// Networks, as `10.0.0.0/8`, or single addresses; perhaps none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Networks(pub(crate) Vec<IpNet>);

impl Setting for Networks {
    const FORM: &'static str = "networks";
    fn parse(text: &str) -> Result<Self, String> {
        let networks = text.split(',').map(str::trim).filter(|one| !one.is_empty()).map(|one| {
            one.parse().or_else(|_| one.parse::<IpAddr>().map(IpNet::from)).map_err(|_| {
                format!(
                    "\"{one}\" is neither an address nor a network; write for example 10.0.0.0/8, 192.0.2.1"
                )
            })
        });
        networks.collect::<Result<_, _>>().map(Self)
    }
    fn show(&self) -> String {
        self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }
}

/// Origins as browsers name them, `https://app.example.com`; perhaps none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origins(pub(crate) Vec<HeaderValue>);

impl Origins {
    fn one(text: &str) -> Option<HeaderValue> {
        let origin = text.parse::<Uri>().ok()?;
        let (scheme, authority) = (origin.scheme_str()?, origin.authority()?);
        let written = format!("{scheme}://{authority}");
        // Browsers send it in this very form, and it is compared letter by letter.
        let plain =
            matches!(scheme, "http" | "https") && written == text && written == text.to_ascii_lowercase();
        if plain { HeaderValue::from_str(text).ok() } else { None }
    }
}

impl Setting for Origins {
    const FORM: &'static str = "origins";
    fn parse(text: &str) -> Result<Self, String> {
        let origins = text.split(',').map(str::trim).filter(|one| !one.is_empty()).map(|one| {
            Self::one(one).ok_or_else(|| {
                format!("\"{one}\" is not an origin; write for example https://app.example.com")
            })
        });
        origins.collect::<Result<_, _>>().map(Self)
    }
    fn show(&self) -> String {
        self.0.iter().filter_map(|origin| origin.to_str().ok()).collect::<Vec<_>>().join(",")
    }
}

/// A time span in seconds, longer than nothing and at most a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seconds(pub(crate) Duration);

impl Setting for Seconds {
    const FORM: &'static str = "seconds";
    fn parse(text: &str) -> Result<Self, String> {
        match text.parse::<f64>() {
            Ok(seconds) if (0.1..=86_400.0).contains(&seconds) => Ok(Self(Duration::from_secs_f64(seconds))),
            _ => Err(format!("\"{text}\" is not a number of seconds from 0.1 to 86400; give one")),
        }
    }
    fn show(&self) -> String {
        self.0.as_secs_f64().to_string()
    }
}

/// An amount of memory or disk in megabytes (1,048,576 bytes).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Megabytes(pub(crate) u32);

impl Megabytes {
    /// The amount in bytes.
    pub(crate) fn bytes(self) -> u64 {
        u64::from(self.0) << 20
    }
}

impl Setting for Megabytes {
    const FORM: &'static str = "megabytes";
    fn parse(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(amount) if amount > 0 => Ok(Self(amount)),
            _ => Err(format!("\"{text}\" is not a whole number of megabytes above 0; give one")),
        }
    }
    fn show(&self) -> String {
        self.0.to_string()
    }
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

impl Setting for LogFormat {
    const FORM: &'static str = "`text` or `json`";
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("\"{text}\" is no log format; write `text` or `json`")),
        }
    }
    fn show(&self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Json => "json".to_owned(),
        }
    }
}

/// Which log lines are written, in the directives of `tracing`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Level(pub(crate) String);

impl Setting for Level {
    const FORM: &'static str = "level or directives";
    fn parse(text: &str) -> Result<Self, String> {
        match EnvFilter::builder().parse(text) {
            Ok(_) if !text.is_empty() => Ok(Self(text.to_owned())),
            _ => {
                Err(format!("\"{text}\" is no log level; write `error`, `warn`, `info`, `debug` or `trace`"))
            }
        }
    }
    fn show(&self) -> String {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_hands_write_them() {
        assert_eq!(Address::parse("localhost:8080").unwrap().show(), "127.0.0.1:8080");
        assert_eq!(Address::parse(":0").unwrap().show(), "0.0.0.0:0");
        assert_eq!(Address::parse("[::1]:80").unwrap().show(), "[::1]:80");
        assert_eq!(Seconds::parse("0.5").unwrap().show(), "0.5");
        assert_eq!(Megabytes::parse("2").unwrap().bytes(), 2_097_152);
        assert!(bool::parse("on").unwrap());
        assert_eq!(Networks::parse("10.0.0.0/8, ::1").unwrap().show(), "10.0.0.0/8,::1/128");
        assert!(Networks::parse("").unwrap().0.is_empty());
        assert_eq!(Origins::parse("https://a.example:8443,http://localhost:3000").unwrap().0.len(), 2);
    }

    #[test]
    fn a_wrong_value_is_told_with_its_remedy() {
        for fault in [
            Address::parse("8080").unwrap_err(),
            Seconds::parse("-1").unwrap_err(),
            Seconds::parse("NaN").unwrap_err(),
            Megabytes::parse("1 GB").unwrap_err(),
            bool::parse("maybe").unwrap_err(),
            u16::parse("70000").unwrap_err(),
            LogFormat::parse("xml").unwrap_err(),
            Level::parse("loud=very").unwrap_err(),
            Networks::parse("10.0.0.0/40").unwrap_err(),
            Origins::parse("https://a.example/").unwrap_err(),
            Origins::parse("*").unwrap_err(),
            Origins::parse("https://A.example").unwrap_err(),
        ] {
            assert!(fault.contains("; "), "{fault}");
        }
    }
}

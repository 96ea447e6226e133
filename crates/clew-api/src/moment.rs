//! A moment as clients write it: an RFC 3339 time, or a date, which means its first second in UTC.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

/// A moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Moment(pub(crate) DateTime<Utc>);

impl Moment {
    fn parse(text: &str) -> Option<Self> {
        let time = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc());
        let date = || text.parse::<NaiveDate>().map(|date| date.and_time(NaiveTime::MIN).and_utc());
        time.or_else(|_| date()).ok().map(Self)
    }

    /// Unix seconds.
    pub(crate) fn seconds(self) -> i64 {
        self.0.timestamp()
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("expected a date or an RFC 3339 time"))
    }
}

impl PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        let text = |format| {
            ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(format)))
        };
        OneOfBuilder::new()
            .item(text(KnownFormat::Date))
            .item(text(KnownFormat::DateTime))
            .description(Some("A date (its first second, in UTC) or an RFC 3339 time."))
            .examples([json!("2026-11-22")])
            .into()
    }
}

impl ToSchema for Moment {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Moment")
    }
}

#[cfg(test)]
mod tests {
    use super::Moment;

    #[test]
    fn a_date_is_its_first_second() {
        for (text, seconds) in [
            ("2017-10-09", Some(1_507_507_200)),
            ("2017-10-09T00:00:00Z", Some(1_507_507_200)),
            ("2017-10-09T02:00:00+02:00", Some(1_507_507_200)),
            ("09/10/2017", None),
            ("2017-02-30", None),
        ] {
            assert_eq!(Moment::parse(text).map(Moment::seconds), seconds, "{text}");
        }
    }
}

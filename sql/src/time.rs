//! Times as people write them in queries.

use crate::Error;
use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat};

/// Microseconds since the epoch of a time in RFC 3339, or of a date and time without zone (UTC), or of the start of
/// a day.
///
/// # Errors
///
/// [`Error::Argument`] that shows the formats.
pub fn parse(argument: &str, text: &str) -> Result<i64, Error> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.timestamp_micros());
    }
    for format in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(text, format) {
            return Ok(time.and_utc().timestamp_micros());
        }
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().and_then(|day| day.and_hms_opt(0, 0, 0));
    day.map(|time| time.and_utc().timestamp_micros()).ok_or_else(|| {
        Error::Argument(format!(
            "`{argument}` is not a time: `{text}`; write it as `2026-03-01T12:00:00Z`, `2026-03-01 12:00` (UTC) or \
             `2026-03-01`"
        ))
    })
}

/// A time in RFC 3339, UTC.
pub(crate) fn text(micros: i64) -> String {
    let time = DateTime::from_timestamp_micros(micros).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn times_in_several_forms() {
        for text in [
            "2026-03-01T00:00:00Z",
            "2026-03-01T01:00:00+01:00",
            "2026-03-01 00:00:00",
            "2026-03-01T00:00",
            " 2026-03-01 ",
        ] {
            assert_eq!(parse("as_of", text).expect(text), 1_772_323_200_000_000, "{text}");
        }
        let error = parse("as_of", "last week").expect_err("no time").to_string();
        assert_eq!(
            error,
            "`as_of` is not a time: `last week`; write it as `2026-03-01T12:00:00Z`, `2026-03-01 12:00` (UTC) or \
             `2026-03-01`"
        );
    }
}

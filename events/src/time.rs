//! Times as producers write them, to microseconds since the Unix epoch (UTC).

use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};

/// Microseconds since 1970-01-01T00:00:00Z.
pub type Timestamp = i64;

const NAIVE_FORMATS: [&str; 3] = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M"];

/// Reads a time: RFC 3339 with up to nanoseconds, the same without a zone (taken as UTC) or with a blank for the
/// `T`, or digits (seconds, milliseconds, microseconds or nanoseconds by magnitude). `None` where it is none of these.
pub fn parse_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(t) = DateTime::parse_from_rfc3339(text) {
        return Some(t.timestamp_micros());
    }
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse::<i64>().ok().and_then(from_epoch);
    }
    // `...+0000` and `... UTC` are not RFC 3339 but are written all the same.
    let bare = text.trim_end_matches(" UTC").trim_end_matches('Z');
    for format in NAIVE_FORMATS {
        if let Ok(t) = NaiveDateTime::parse_from_str(bare, format) {
            return Some(Utc.from_utc_datetime(&t).timestamp_micros());
        }
    }
    DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z").ok().map(|t| t.timestamp_micros())
}

/// A time from a number of seconds, milliseconds, microseconds or nanoseconds since the epoch, told apart by
/// magnitude (each unit covers the years 1973 to 5138 without overlap). `None` for a negative number.
pub fn from_epoch(number: i64) -> Option<Timestamp> {
    match number {
        ..0 => None,
        0..=99_999_999_999 => number.checked_mul(1_000_000),
        100_000_000_000..=99_999_999_999_999 => number.checked_mul(1_000),
        100_000_000_000_000..=99_999_999_999_999_999 => Some(number),
        _ => Some(number / 1_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_producers_write() {
        let expected = Some(1_787_348_328_000_000);
        for text in [
            "2026-08-21T21:38:48Z",
            "2026-08-21T21:38:48.000000000Z",
            "2026-08-21T23:38:48+02:00",
            "2026-08-21T23:38:48+0200",
            "2026-08-21T21:38:48",
            "2026-08-21 21:38:48",
            "2026-08-21 21:38:48 UTC",
            "1787348328",
            "1787348328000",
            "1787348328000000",
            "1787348328000000000",
        ] {
            assert_eq!(parse_time(text), expected, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in ["", "yesterday", "2026-13-01T00:00:00Z", "-5", "12:30"] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }
}

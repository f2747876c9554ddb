//! The times a question is asked at, where the protocol has no session to `SET` them in: headers of the request, of HTTP
//! and of Flight's calls alike.

use crate::Error;
use axum::http::HeaderMap;

/// Headers, with the setting that each stands for.
pub(crate) const HEADERS: [(&str, &str); 2] =
    [("lineward-as-of", "lineward.as_of"), ("lineward-recorded-as-of", "lineward.recorded_as_of")];

/// The settings in the headers of a request. One that cannot be read is an error: an answer of another time than was
/// asked is a wrong answer.
pub(crate) fn of_headers(headers: &HeaderMap) -> Result<Vec<(&'static str, String)>, Error> {
    let mut settings = Vec::new();
    for (header, setting) in HEADERS {
        let mut values = headers.get_all(header).iter();
        let Some(value) = values.next() else { continue };
        match (value.to_str(), values.next()) {
            (Ok(text), None) => settings.push((setting, text.to_owned())),
            _ => return Err(Error::Parameter(format!("the header `{header}` is one time, as `2026-01-31T12:00:00Z`"))),
        }
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn headers_are_settings() {
        let mut headers = HeaderMap::new();
        assert_eq!(of_headers(&headers).expect("none"), []);
        headers.insert("Lineward-As-Of", HeaderValue::from_static("2026-01-01"));
        assert_eq!(of_headers(&headers).expect("one"), [("lineward.as_of", "2026-01-01".to_owned())]);
        headers.append("lineward-as-of", HeaderValue::from_static("2026-01-02"));
        assert!(of_headers(&headers).is_err(), "two times");
        let unreadable = HeaderValue::from_bytes(&[0xFF]).expect("a value");
        assert!(
            of_headers(&HeaderMap::from_iter([("lineward-recorded-as-of".parse().expect("a name"), unreadable)]))
                .is_err()
        );
    }
}

//! One form for each value, whatever way it was written: what a fingerprint is made of.
//!
//! Somebody's telephone number stands with brackets in one data set and with dots in the next. Forms are only ever
//! joined where they say the same without doubt: a date like `03/04/1980` may be in March or in April, so it is neither,
//! and a number without its country stays without one. What cannot be read in the way of its entity is taken by its
//! letters and digits, so that every value has a form. Nothing here decides whether a value is one.

use crate::structure;
use serde::Deserialize;
use std::net::IpAddr;

/// How values are normalised before they are fingerprinted, so that one person's number written in two ways has one
/// fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normalise {
    /// ASCII digits only.
    Digits,
    /// Lower case.
    Lower,
    /// Letters and digits only, upper case.
    AlnumUpper,
    /// As it stands; the block of a key (`-----BEGIN ...-----`) is its label and its letters, for line breaks, indentation
    /// and the quotes of a program around its lines are not the key.
    Exact,
    /// A telephone number: digits with the country's code where it is known, without a trunk zero in brackets and
    /// without an extension.
    Phone,
    /// A date: year, month and day as `YYYYMMDD`, without a time. A two-digit year and an order of day and month that
    /// nobody can know stay as they are.
    Date,
    /// An IP address as RFC 5952 writes it; an IPv4 address in an IPv6 one is an IPv4 address.
    Ip,
}

impl Normalise {
    /// The form of a value.
    pub(crate) fn form(self, value: &str) -> String {
        match self {
            Self::Exact => structure::pem_form(value).unwrap_or_else(|| value.to_owned()),
            Self::Lower => value.to_lowercase(),
            Self::Digits => digits(value),
            Self::AlnumUpper => alnum_upper(value),
            Self::Phone => phone(value),
            Self::Date => date(value).unwrap_or_else(|| alnum_upper(value)),
            Self::Ip => ip(value),
        }
    }
}

fn digits(value: &str) -> String {
    value.chars().filter(char::is_ascii_digit).collect()
}

fn alnum_upper(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars().filter(|c| c.is_alphanumeric()) {
        match c.is_ascii() {
            true => out.push(c.to_ascii_uppercase()),
            false => out.extend(c.to_uppercase()),
        }
    }
    out
}

/// Fewest digits of a number before letters behind it can be an extension (`x12`, `ext. 4`).
const PHONE_DIGITS_MIN: usize = 6;
/// Digits of a number in the North American Numbering Plan, its country code aside.
const NANP_DIGITS: usize = 10;

fn phone(value: &str) -> String {
    let mut number = digits(before_extension(value));
    let plus = value.trim_start_matches([' ', '(', '\t']).starts_with('+');
    let prefixed = number.starts_with("00") && number.len() > NANP_DIGITS;
    if prefixed {
        number.drain(..2);
    }
    // `+49 (0)30 ...`: the zero is dialled inside the country only.
    if (plus || prefixed)
        && let Some(at) = value.find("(0)")
    {
        let before = digits(&value[..at]).len().checked_sub(if prefixed { 2 } else { 0 });
        if let Some(zero) = before.filter(|at| number.as_bytes().get(*at) == Some(&b'0')) {
            number.remove(zero);
        }
    }
    if !plus && !prefixed && is_nanp(&number) {
        number.insert(0, '1');
    }
    number
}

/// The part of a telephone number before its extension.
fn before_extension(value: &str) -> &str {
    let mut count = 0;
    for (at, c) in value.char_indices() {
        if c.is_ascii_digit() {
            count += 1;
        } else if count >= PHONE_DIGITS_MIN && matches!(c, 'x' | 'X' | 'e' | 'E' | '#' | ';') {
            return &value[..at];
        }
    }
    value
}

/// Whether digits are area code, exchange and line of North America: neither of the first two begins with 0 or 1.
fn is_nanp(number: &str) -> bool {
    let begins = |at: usize| number.as_bytes().get(at).is_some_and(|b| *b >= b'2');
    number.len() == NANP_DIGITS && begins(0) && begins(3)
}

fn ip(value: &str) -> String {
    let bare = value.trim().trim_start_matches('[').trim_end_matches(']');
    let (address, rest) = bare.split_at(bare.find(['/', '%']).unwrap_or(bare.len()));
    match address.parse::<IpAddr>() {
        Ok(address) => format!("{}{}", address.to_canonical(), rest.to_lowercase()),
        Err(_) => value.to_lowercase(),
    }
}

/// A part of a date: digits, or letters.
enum Part<'a> {
    Number(&'a str),
    Word(&'a str),
}

fn date(value: &str) -> Option<String> {
    let mut parts = parts(value).filter(|part| !matches!(part, Part::Word(word) if is_filler(word)));
    let first = parts.next()?;
    if let Part::Number(whole) = first
        && whole.len() == 8
    {
        return calendar(&whole[..4], &whole[4..6], &whole[6..]);
    }
    match (first, parts.next()?, parts.next()?) {
        (Part::Number(a), Part::Number(b), Part::Number(c)) => numbers(value, a, b, c),
        (Part::Number(day), Part::Word(month), Part::Number(year))
        | (Part::Word(month), Part::Number(day), Part::Number(year)) => match day.len() {
            4 => calendar(day, month_number(month)?, year),
            _ => calendar(year, month_number(month)?, day),
        },
        _ => None,
    }
}

fn parts(value: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = value;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
        let first = rest.chars().next()?;
        let is_number = first.is_ascii_digit();
        let end = rest.find(|c: char| !c.is_alphanumeric() || c.is_ascii_digit() != is_number);
        let (part, behind) = rest.split_at(end.unwrap_or(rest.len()));
        rest = behind;
        Some(if is_number { Part::Number(part) } else { Part::Word(part) })
    })
}

/// Words that say nothing: endings of ordinal numbers, prepositions, and the signs for year, month and day.
fn is_filler(word: &str) -> bool {
    const FILLERS: [&str; 21] = [
        "st", "nd", "rd", "th", "of", "de", "del", "do", "di", "er", "º", "ª", "年", "月", "日", "년", "월", "일",
        "the", "den", "г",
    ];
    FILLERS.iter().any(|filler| word.eq_ignore_ascii_case(filler))
}

/// Three numbers: the year is the one of four digits, and day and month are told apart where they can be.
fn numbers(value: &str, a: &str, b: &str, c: &str) -> Option<String> {
    if a.len() == 4 {
        return calendar(a, b, c);
    }
    let (first, second): (u32, u32) = (a.parse().ok()?, b.parse().ok()?);
    // Not just anywhere: a time behind the date may have one too.
    let has_dot = value.split_once(a).is_some_and(|(_, behind)| behind.starts_with('.'));
    if c.len() == 4 && (first > 12 || has_dot || first == second) {
        return calendar(c, b, a);
    }
    if c.len() == 4 && second > 12 {
        return calendar(c, a, b);
    }
    (a.len() <= 2 && b.len() <= 2).then(|| format!("{first:02}/{second:02}/{c}"))
}

fn calendar(year: &str, month: &str, day: &str) -> Option<String> {
    let (month, day): (u32, u32) = (month.parse().ok()?, day.parse().ok()?);
    ((1..=12).contains(&month) && (1..=31).contains(&day)).then(|| format!("{year}{month:02}{day:02}"))
}

/// The number of a month by the beginning of its name, in the languages in which dates of birth are found.
fn month_number(word: &str) -> Option<&'static str> {
    const BEGINNINGS: [(&str, &[&str]); 12] = [
        ("1", &["jan", "jän", "ene", "gen", "sty", "tam", "oca", "янв", "ian"]),
        ("2", &["feb", "fév", "fev", "lut", "hel", "şub", "фев"]),
        ("3", &["mar", "mär", "maa", "mrt", "мар", "maerz"]),
        ("4", &["apr", "avr", "abr", "kwi", "huh", "nis", "апр"]),
        ("5", &["may", "mai", "mag", "mei", "maj", "tou", "мая", "май"]),
        ("6", &["jun", "juin", "giu", "cze", "kes", "haz", "июн", "iun"]),
        ("7", &["jul", "juil", "lug", "lip", "hei", "tem", "июл", "iul"]),
        ("8", &["aug", "aoû", "aou", "ago", "sie", "elo", "ağu", "авг"]),
        ("9", &["sep", "set", "wrz", "syy", "eyl", "сен"]),
        ("10", &["oct", "okt", "ott", "out", "paź", "lok", "eki", "окт"]),
        ("11", &["nov", "lis", "marras", "kas", "ноя"]),
        ("12", &["dec", "dez", "dic", "déc", "gru", "jou", "ara", "дек"]),
    ];
    let lower = word.to_lowercase();
    // From the end of the year: the Finnish November begins like March.
    BEGINNINGS
        .iter()
        .rev()
        .find(|(_, names)| names.iter().any(|name| lower.starts_with(name)))
        .map(|(number, _)| *number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(normalise: Normalise, expected: &str, values: &[&str]) {
        for value in values {
            assert_eq!(normalise.form(value), expected, "{value}");
        }
    }

    #[test]
    fn a_telephone_number_has_one_form() {
        same(
            Normalise::Phone,
            "493055574418",
            &["+49 (0)30 5557 4418", "0049 30 55574418", "+493055574418", "(+49) 30/5557-4418", "0049 (0)30 5557 4418"],
        );
        same(
            Normalise::Phone,
            "16285557714",
            &["(628) 555-7714 ext. 4", "628-555-7714x212", "+1 628 555 7714", "1-628-555-7714", "628.555.7714;ext=3"],
        );
        // Whose country is not known stays without one.
        same(Normalise::Phone, "03055574418", &["030 5557 4418", "(030) 5557-4418"]);
        same(Normalise::Phone, "6287714", &["628-7714"]);
    }

    #[test]
    fn a_date_has_one_form_where_nobody_can_doubt_it() {
        same(
            Normalise::Date,
            "19680317",
            &[
                "03/17/1968",
                "17/03/1968",
                "17.3.1968",
                "1968-03-17",
                "1968/3/17",
                "19680317",
                "1968-03-17T00:00:00Z",
                "19680317T101500",
                "19680317 10:15:00.000",
                "03/17/1968 10:15:00.000",
                "March 17th, 1968",
                "17 March 1968",
                "17. März 1968",
                "17 mars 1968",
                "17 de marzo de 1968",
                "1968年3月17日",
                "1968년 3월 17일",
                "17 марта 1968",
                "Mar 17 1968",
            ],
        );
        same(Normalise::Date, "03/04/1980", &["03/04/1980", "3/4/1980", "03-04-1980"]);
        // The dot of a time says nothing of the date before it.
        same(Normalise::Date, "03/04/1980", &["03/04/1980 00:00:00.000"]);
        assert_ne!(Normalise::Date.form("03/04/1980"), Normalise::Date.form("04/03/1980"));
        // A dot is between day and month.
        same(Normalise::Date, "19800403", &["03.04.1980", "3.4.1980", "1980-04-03"]);
        same(Normalise::Date, "03/17/68", &["3/17/68", "03-17-68"]);
        same(Normalise::Date, "1974", &["1974"]);
        same(Normalise::Date, "MARCH1968", &["March 1968"]);
        same(Normalise::Date, "19801109", &["9 marraskuuta 1980", "9 de noviembre de 1980"]);
    }

    #[test]
    fn an_ip_address_has_one_form() {
        same(Normalise::Ip, "2001:db8::1", &["2001:DB8:0:0:0:0:0:1", "2001:0db8::0001", "[2001:db8::1]"]);
        same(Normalise::Ip, "203.0.113.9", &["203.0.113.9", "::ffff:203.0.113.9"]);
        same(Normalise::Ip, "2001:db8::/32", &["2001:0DB8::/32"]);
        same(Normalise::Ip, "010.1.2.3", &["010.1.2.3"]);
    }

    #[test]
    fn a_key_block_has_one_form() {
        let body = ["MHcCAQEEIBkg4LVmB1mzdt7SNq9W", "Tq2xUoAoGCCqGSM49+AwEHoUQDQg/A", "E1kq=="];
        let block = |end: &str, before: &str| {
            let lines: Vec<String> = body.iter().map(|line| format!("{before}{line}{end}")).collect();
            format!("-----BEGIN EC PRIVATE KEY-----{end}{}{before}-----END EC PRIVATE KEY-----", lines.concat())
        };
        let expected = format!("EC PRIVATE KEY {}", body.concat());
        for (end, before) in [
            ("\n", ""),
            ("\r\n", ""),
            ("\n", "    "),
            ("\\n", ""),
            ("\\r\\n", ""),
            ("\\\\n", ""),
            ("\\n\" +\n", "  \""),
        ] {
            same(Normalise::Exact, &expected, &[&block(end, before)]);
        }
        assert_ne!(Normalise::Exact.form(&block("\n", "").replace("MHc", "MHd")), expected);
        assert_ne!(Normalise::Exact.form(&block("\n", "").replace("EC ", "")), expected);
        // A block that was cut off is another value than the whole one.
        same(Normalise::Exact, "EC PRIVATE KEY MHcC", &["-----BEGIN EC PRIVATE KEY-----\nMHcC"]);
        same(Normalise::Exact, "-----BEGIN", &["-----BEGIN"]);
        same(Normalise::Exact, "a b\nc", &["a b\nc"]);
    }

    #[test]
    fn every_value_has_a_form() {
        for value in [
            "",
            "(0)",
            "+",
            "00",
            "00(0)",
            "T",
            "年",
            "1T",
            "(0)00123456789",
            "+1(0)",
            "é",
            "12345678",
            "99999999",
            "1/1/1/1",
        ] {
            for normalise in [Normalise::Phone, Normalise::Date, Normalise::Ip, Normalise::AlnumUpper] {
                normalise.form(value);
            }
        }
    }
}

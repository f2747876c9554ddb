//! Tests of rules by their own examples, and what they may cost: for the built-in rules and for users' own.
//!
//! A rule's examples mark the value by «»; each must give a finding of exactly that span by this rule, in text, in a field
//! of a record and between other values, and no counter-example may give one. No Rust is written for a new rule. Failures
//! name examples by their number, since an example may hold what its author would not like to see in a log.

use crate::rule::{self, Positive, Rule, Trigger};
use crate::scan::{Names, Ner};
use crate::values::{FieldTable, ValueBatch};
use crate::{Engine, Error, Match, RuleSet};
use std::sync::Arc;
use std::time::Instant;

/// Literals of a rule that are shorter start attempts everywhere.
const LITERAL_BYTES_MIN: usize = 4;
/// A rule that looks further ahead is tried on much text at each of its places.
const WINDOW_BYTES_MAX: usize = 4_096;
/// Bytes of the hostile text on which a rule's speed is measured: the least, and the most.
const HOSTILE_BYTES_MIN: usize = 4 << 10;
const HOSTILE_BYTES: usize = 256 << 10;
/// Seconds of measuring after which no more text is taken.
const SECONDS_ENOUGH: f64 = 0.2;
/// Least speed there, bytes a second.
const SPEED_MIN: f64 = 2e6;

/// What testing one rule came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// Id of the rule.
    pub rule: String,
    /// Examples and counter-examples.
    pub examples: usize,
    /// What is wrong; nothing where it passes.
    pub failures: Vec<String>,
}

/// Tests each rule of a file alone.
///
/// # Errors
/// [`Error::Rule`] where the file or a rule of it breaks the contract.
pub fn test_file(name: &str, text: &str) -> Result<Vec<Tested>, Error> {
    alone(name, text)?.iter().map(test_rule).collect()
}

/// What a rule may cost too much by: each in a sentence that says what to change.
///
/// # Errors
/// [`Error::Rule`] where an expression does not compile within its limits.
pub fn check_cost(name: &str, text: &str) -> Result<Vec<(String, Vec<String>)>, Error> {
    let engines = alone(name, text)?;
    engines
        .iter()
        .map(|engine| {
            let rule = engine.rules().get(0);
            rule::verify(rule)?;
            Ok((rule.id.clone(), costs(engine, rule)?))
        })
        .collect()
}

fn costs(engine: &Engine, rule: &Rule) -> Result<Vec<String>, Error> {
    let mut out = Vec::new();
    if let Trigger::Literals { anchors, keywords } = &rule.trigger {
        for short in anchors.iter().chain(keywords).filter(|l| l.len() < LITERAL_BYTES_MIN) {
            out.push(format!("`{short}` is short and starts attempts everywhere; write more of what stands there"));
        }
    }
    if rule.window_bytes > WINDOW_BYTES_MAX {
        out.push(format!("`window` is {}; {WINDOW_BYTES_MAX} and less is cheap", rule.window_bytes));
    }
    let speed = hostile_speed(engine, rule)?;
    if speed < SPEED_MIN {
        out.push(format!(
            "text full of what starts it is scanned at {:.1} MB/s; narrow `find`, or make `window` smaller",
            speed / 1e6
        ));
    }
    Ok(out)
}

/// Bytes a second on the worst of some texts that start an attempt of the rule wherever they can: nothing but what starts
/// it, that between words without an order, in which an automaton meets ever new states, and the rule's own examples.
fn hostile_speed(engine: &Engine, rule: &Rule) -> Result<f64, Error> {
    let unit = match &rule.trigger {
        Trigger::Literals { anchors, keywords } => anchors.iter().chain(keywords).next().cloned().unwrap_or_default(),
        Trigger::Run(kind) => match kind {
            crate::RunKind::Digits => "0123456789 ".to_owned(),
            crate::RunKind::At => "a@b.c ".to_owned(),
            crate::RunKind::Token => "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7 ".to_owned(),
        },
        Trigger::Slow => "aB3 dE6, ".to_owned(),
        Trigger::Field | Trigger::Tagger(_) => return Ok(f64::INFINITY),
    };
    let examples: String =
        rule.positives.iter().filter_map(|p| unmark(parts(p).1)).map(|(text, ..)| text + "\n").collect();
    let mut slowest = f64::INFINITY;
    let between = if rule.trigger == Trigger::Slow { "" } else { &unit };
    for text in [&unit, &disordered(between), &examples] {
        if !text.is_empty() {
            slowest = slowest.min(speed_on(engine, text)?);
        }
    }
    Ok(slowest)
}

/// Words without an order, with a text behind each: nothing behind those on which a rule is tried at every word.
fn disordered(between: &str) -> String {
    let mut out = String::with_capacity(HOSTILE_BYTES);
    let mut number = 0u64;
    while out.len() < HOSTILE_BYTES {
        number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let letters = number.to_be_bytes().map(|byte| char::from(b'a' + byte % 26));
        let word = &letters[..2 + usize::from(letters[7] > 'm') * 5];
        out.extend(word);
        out.push(' ');
        out.push_str(between);
        out.push(' ');
    }
    out
}

/// Bytes a second on a text that is repeated, or as much of it as is needed.
fn speed_on(engine: &Engine, text: &str) -> Result<f64, Error> {
    let mut scanner = engine.scanner()?;
    // Bytes a second, seconds, and whether the rule took so long that it was stopped.
    let mut measure = |bytes: usize| -> Result<(f64, f64, bool), Error> {
        let text: Vec<u8> = text.bytes().cycle().take(bytes).collect();
        let batch = ValueBatch::of_text(text);
        let mut out = Vec::new();
        let start = Instant::now();
        scanner.scan(&batch, &FieldTable::default(), &mut out)?;
        let seconds = start.elapsed().as_secs_f64().max(1e-9);
        // What comes behind would be the speed of doing nothing.
        let is_stopped = !scanner.take_stopped_rules().is_empty();
        Ok((batch.len() as f64 / seconds, seconds, is_stopped))
    };
    // The first scan compiles. A rule that is slow is slow on little text, and is not made to scan much.
    let (first, _, is_stopped) = measure(HOSTILE_BYTES_MIN)?;
    if is_stopped {
        return Ok(first);
    }
    let mut bytes = HOSTILE_BYTES_MIN;
    loop {
        let (mut best, mut seconds) = (0.0, 0.0);
        // The best of some counts, since other work on the machine only slows.
        for _ in 0..3 {
            let (speed, more, is_stopped) = measure(bytes)?;
            if is_stopped {
                return Ok(speed);
            }
            (best, seconds) = (speed.max(best), seconds + more);
        }
        if bytes >= HOSTILE_BYTES || seconds > SECONDS_ENOUGH {
            return Ok(best);
        }
        bytes *= 2;
    }
}

/// Each rule of a file in an engine of its own.
pub(crate) fn alone(file: &str, text: &str) -> Result<Vec<Engine>, Error> {
    let broken = |e: serde_norway::Error| Error::Rule { rule: "?".into(), file: file.into(), message: e.to_string() };
    let rules: Vec<serde_norway::Value> = serde_norway::from_str(text).map_err(broken)?;
    let engine = |rule| {
        let text = serde_norway::to_string(&[rule]).map_err(broken)?;
        Engine::new(Arc::new(RuleSet::from_files([(file, text.as_str())])?))
    };
    rules.into_iter().map(engine).collect()
}

/// Tests the one rule of an engine.
pub(crate) fn test_rule(engine: &Engine) -> Result<Tested, Error> {
    let rule = engine.rules().get(0);
    let mut failures = Vec::new();
    if let Err(e) = rule::verify(rule) {
        // Examples are not tried: what does not compile within its limits has none in the automata of several rules.
        failures.push(e.to_string());
        return Ok(Tested { rule: rule.id.clone(), examples: 0, failures });
    }
    if rule.positives.is_empty() || rule.negatives.is_empty() {
        failures.push("it needs examples in `match` and counter-examples in `no_match`".to_owned());
    }
    for (number, positive) in (1..).zip(&rule.positives) {
        if let Some(what) = positive_failure(engine, rule, positive)? {
            failures.push(format!("`match` {number}: {what}"));
        }
    }
    for (number, negative) in (1..).zip(&rule.negatives) {
        let found = scan(engine, negative.field.as_deref(), &[&negative.text])?;
        if found.iter().any(|m| m.score >= 0.5) {
            failures.push(format!("`no_match` {number}: it is found ({})", negative.why));
        }
    }
    Ok(Tested { rule: rule.id.clone(), examples: rule.positives.len() + rule.negatives.len(), failures })
}

fn positive_failure(engine: &Engine, rule: &Rule, positive: &Positive) -> Result<Option<&'static str>, Error> {
    let (field, marked) = parts(positive);
    if rule.trigger == Trigger::Field && field.is_none() {
        return Ok(Some("the rule finds by field only, so the example needs a field"));
    }
    let Some((text, start, end)) = unmark(marked) else { return Ok(Some("no value is marked by «»")) };
    let exact = |found: &[Match], value: u32| found.iter().any(|m| (m.value, m.start, m.end) == (value, start, end));
    if !exact(&scan(engine, field, &[&text])?, 0) {
        return Ok(Some("the marked span is not found"));
    }
    if !exact(&scan(engine, field, &["", "7", &text, "x@y"])?, 2) {
        return Ok(Some("another result between other values"));
    }
    if field.is_none() && !exact(&scan(engine, Some("content"), &[&text])?, 0) {
        return Ok(Some("another result in a field"));
    }
    Ok(None)
}

/// Field and marked text of an example.
pub(crate) fn parts(positive: &Positive) -> (Option<&str>, &str) {
    match positive {
        Positive::Text(text) => (None, text),
        Positive::InField { field, text } => (Some(field), text),
    }
}

/// A text without its marks, and the marked range.
pub(crate) fn unmark(marked: &str) -> Option<(String, usize, usize)> {
    let start = marked.find('«')?;
    let end = marked.find('»').filter(|end| *end > start)?;
    let text =
        format!("{}{}{}", &marked[..start], &marked[start + '«'.len_utf8()..end], &marked[end + '»'.len_utf8()..]);
    Some((text, start, end - '«'.len_utf8()))
}

/// Scans texts as values of one field, names included.
pub(crate) fn scan(engine: &Engine, field: Option<&str>, texts: &[&str]) -> Result<Vec<Match>, Error> {
    let mut fields = FieldTable::default();
    let mut batch = ValueBatch::new();
    for text in texts {
        let id = field.map(|f| fields.intern(f));
        batch.push(0, id, text.as_bytes());
    }
    let mut out = Vec::new();
    engine.scanner()?.scan(&batch, &fields, &mut out)?;
    if let Some(mut names) = Names::new(engine.rules(), Ner::On) {
        names.add(&batch, 0, engine.rules(), &mut out);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r"
- id: badge
  title: Badge of a made-up works
  entity: BADGE
  categories: [pii]
  keywords: [badge]
  find: '(?i:badge) ([A-Z]{2}\d{4})\b'
  score: 0.7
  match: ['his badge «QX4711» was found']
  no_match: [{ text: 'badge 12', why: too short }]
";

    #[test]
    fn a_rule_without_a_trigger_is_tried_at_every_word_where_that_is_meant() {
        let slow = r"
- id: badge
  title: Badge of a made-up works
  entity: BADGE
  categories: [pii]
  slow: true
  find: '[A-Z]{2}\d{6}\b'
  score: 0.7
  match: ['his badge, «QX471122», was found', '(«QX471122»)', 'ä«QX471122»ä', '«QX471122»']
  no_match: [{ text: 'aQX471122 QX4711223', why: inside a word }]
";
        let tested = test_file("own.yaml", slow).expect("it parses");
        assert_eq!(tested, [Tested { rule: "badge".into(), examples: 5, failures: vec![] }]);
        let broken =
            |from: &str, to: &str| test_file("own.yaml", &slow.replace(from, to)).expect_err("refused").to_string();
        assert!(broken("  slow: true\n", "").contains("or `slow: true`"));
        assert!(broken("slow: true", "slow: true\n  keywords: [badge]").contains("`slow` goes without"));
        let large =
            check_cost("own.yaml", &slow.replace(r"\d{6}", r"(?u:\w{100}){100}")).expect_err("refused").to_string();
        assert!(large.contains("more than 4 MiB"), "{large}");
    }

    #[test]
    fn rules_are_tested_by_their_examples() {
        let tested = test_file("own.yaml", GOOD).expect("it parses");
        assert_eq!(tested, [Tested { rule: "badge".into(), examples: 2, failures: vec![] }]);
        for (from, to, what) in [
            ("«QX4711»", "QX«4711»", "`match` 1: the marked span is not found"),
            ("«QX4711»", "QX4711", "`match` 1: no value is marked by «»"),
            ("badge 12", "badge QX1234", "`no_match` 1: it is found (too short)"),
            ("  match: ['his badge «QX4711» was found']\n", "", "it needs examples"),
        ] {
            let tested = test_file("own.yaml", &GOOD.replace(from, to)).expect("it parses");
            assert!(tested[0].failures.iter().any(|f| f.starts_with(what)), "{what}: {:?}", tested[0].failures);
        }
    }

    #[test]
    fn a_check_lowers_the_score_and_never_raises_it() {
        let with = |lower: &str| GOOD.replace("  score: 0.7", &format!("  score: 0.7\n  lower: [{lower}]"));
        let rule = with("{check: mixed, score: 0.4}, {check: luhn, score: 0.1}");
        let engine = alone("own.yaml", &rule).expect("a rule").remove(0);
        let found = scan(&engine, None, &["his badge QX4711 was found"]).expect("scanned");
        assert_eq!(found.iter().map(|m| m.score).collect::<Vec<_>>(), [0.4]);
        assert_eq!(engine.rules().get(0).checked_by(), ["mixed<=0.4", "luhn<=0.1"]);
        for (lower, told) in [
            ("{check: mixed, score: 0.7}", "below the rule's own"),
            ("{check: mixed, score: -0.1}", "below the rule's own"),
            ("{check: mixxed, score: 0.1}", "no check is named `mixxed`"),
            ("{check: mixed}", "missing field `score`"),
            ("{check: mixed, score: 0.1, near: [x]}", "unknown field `near`"),
        ] {
            let error = test_file("own.yaml", &with(lower)).expect_err(lower).to_string();
            assert!(error.contains(told), "{lower}: {error}");
        }
    }

    #[test]
    fn what_is_nobodys_scores_less() {
        use crate::scan::{ScanOptions, scan_bytes};
        use crate::{Confidence, FingerprintKey};
        let engine = Engine::new(Arc::new(RuleSet::built_in().expect("rules"))).expect("an engine");
        let key = FingerprintKey::new(&[3; 32]).expect("a key");
        let options = ScanOptions { confidence_min: Confidence::Low, ner: Ner::Off, ..ScanOptions::new(key) };
        let found = |name: &str, text: &str| {
            let scanned = scan_bytes(&engine, name, text.as_bytes().to_vec(), &options).expect("scanned");
            scanned.findings.into_iter().map(|f| (f.entity, f.confidence)).collect::<Vec<_>>()
        };
        for (entity, low, nobodys, somebodys) in [
            (
                "EMAIL_ADDRESS",
                Confidence::Medium,
                "write to ana.brandt@example.com",
                "write to ana.brandt@kestrelmail.net",
            ),
            ("EMAIL_ADDRESS", Confidence::Medium, "write to no-reply@kestrelmail.net", "write to nora@kestrelmail.net"),
            ("IP_ADDRESS", Confidence::Medium, "client_ip=192.168.0.12 in", "client_ip=185.47.209.66 in"),
            ("IP_ADDRESS", Confidence::Low, "client_ip=203.0.113.12 in", "client_ip=185.47.209.66 in"),
            (
                "IP_ADDRESS",
                Confidence::Low,
                "from 2001:db8:51b:8d04:77a:f21c:63e9:1b4 up",
                "from 2a0e:97c3:51b:8d04:77a:f21c:63e9:1b4 up",
            ),
            (
                "CREDIT_CARD",
                Confidence::Low,
                "my visa card 4111 1111 1111 1111 was",
                "my visa card 4079 4636 1743 0119 was",
            ),
        ] {
            assert_eq!(found("a.txt", nobodys), [(entity.to_owned(), low)], "{nobodys}");
            assert_eq!(found("a.txt", somebodys), [(entity.to_owned(), Confidence::High)], "{somebodys}");
        }
        let column = |network: &str| {
            let rows: String = (1..120).map(|host| format!("{network}.{host},x\n")).collect();
            found("a.csv", &format!("client_ip,note\n{rows}"))
        };
        assert!(column("10.20.30").iter().all(|(_, confidence)| *confidence == Confidence::Medium));
        assert!(column("192.0.2").iter().all(|(_, confidence)| *confidence == Confidence::Low));
        assert!(column("185.47.209").iter().all(|(_, confidence)| *confidence == Confidence::High));
        assert_eq!(column("10.20.30").len(), 119);
    }

    #[test]
    fn a_rule_that_is_stopped_while_it_is_measured_is_slow() {
        let worst = "- { id: worst, title: t, entity: WORST, categories: [pii], slow: true, window: 16384, score: 0.9, \
                     find: '[a-z ]*[a-m][a-z ]{2000}!' }";
        let told = check_cost("own.yaml", worst).expect("it compiles").remove(0).1;
        assert!(told.iter().any(|warning| warning.contains("is scanned at 0.0 MB/s")), "{told:?}");
    }

    #[test]
    fn costs_are_told_and_what_does_not_compile_is_refused() {
        let warnings = |text: &str| check_cost("own.yaml", text).expect("it compiles").remove(0).1;
        assert_eq!(warnings(GOOD), Vec::<String>::new());
        assert!(warnings(&GOOD.replace("[badge]", "[bad]"))[0].contains("`bad` is short"));
        assert!(
            warnings(&GOOD.replace("  score: 0.7", "  score: 0.7\n  window: 9000"))[0].contains("`window` is 9000")
        );
        for broken in ["[A-Z]{2}\\d{4}(", "(?:[A-Za-z0-9_]{1,2000}){1,2000}"] {
            let error = check_cost("own.yaml", &GOOD.replace(r"[A-Z]{2}\d{4}", broken)).expect_err("refused");
            assert!(matches!(error, Error::Rule { .. }), "{error}");
        }
    }
}

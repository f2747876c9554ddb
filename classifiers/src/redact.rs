//! Redaction of JSON documents: matched values are replaced by entity and keyed fingerprint.
//!
//! A replacement is deterministic, so equal values stay equal after redaction and joins still work. Fields that say
//! who did what (identity fields) are searched for credentials only. Encoded parts of values are looked into
//! ([`crate::decoders`]); what is found in them is replaced where it is encoded, in base64 the whole run. Every key of an object is searched once; one that
//! holds or could be a value is treated as a value and never becomes part of a field path. Names are looked for by the tagger
//! in sentences of fields that people write into: in titles, identifiers and settings it sees names where none are. What is
//! returned holds no matched value.

use crate::columns::TypedNames;
use crate::decoders::{self, Decoded, Layers};
use crate::engine::overlap::Beaten;
use crate::finding::{Category, Confidence, Match};
use crate::rule::Trigger;
use crate::scan::names;
use crate::values::{FieldTable, ValueBatch};
use crate::{Engine, Error, FingerprintKey, Scanner};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// What was found in one document, counted by field and detector.
#[derive(Debug, Clone, PartialEq)]
pub struct Redacted {
    /// Dotted path of the field.
    pub field: String,
    /// Index of the rule.
    pub rule: u16,
    /// Matches in this field.
    pub match_count: u64,
    /// Best score.
    pub score_max: f32,
}

/// Redacts documents in batches.
pub struct Redactor<'e> {
    engine: &'e Engine,
    scanner: Scanner<'e>,
    key: FingerprintKey,
    confidence_min: Confidence,
    batch: ValueBatch,
    fields: FieldTable,
    matches: Vec<Match>,
    /// Of matches with which more is replaced than themselves, their own value: of one in an encoded part, the decoded one.
    /// By value, the range that is replaced, and rule.
    own_values: HashMap<(u32, usize, usize, u16), Vec<u8>>,
    identity: IdentityFields,
    names: Names,
    people: Option<People>,
    typed: Arc<TypedNames>,
}

/// The tagger of names, with the values of a batch that are sentences.
struct People {
    tagger: names::Names,
    sentences: ValueBatch,
    /// Of each sentence, the value that it is.
    values: Vec<u32>,
    matches: Vec<Match>,
}

/// Blanks of the shortest text that counts as a sentence.
const SENTENCE_BLANKS: usize = 3;

/// Names of fields that people, and models in their place, write into.
const WRITTEN: [&str; 24] = [
    "answer",
    "body",
    "chat",
    "comment",
    "comments",
    "completion",
    "content",
    "email_body",
    "feedback",
    "input",
    "instruction",
    "message",
    "messages",
    "note",
    "notes",
    "output",
    "parts",
    "prompt",
    "question",
    "response",
    "summary",
    "text",
    "transcript",
    "utterance",
];

/// Whether a path is that of a field that people write into, or of an element of it.
fn is_written(path: &str) -> bool {
    let named = path.rsplit('.').find(|segment| *segment != "*").unwrap_or_default();
    WRITTEN.iter().any(|written| written.eq_ignore_ascii_case(named))
}

fn is_sentence(text: &[u8]) -> bool {
    memchr::memchr_iter(b' ', text).take(SENTENCE_BLANKS).count() == SENTENCE_BLANKS
}

impl People {
    fn new(engine: &Engine) -> Option<Self> {
        let tagger = names::Names::new(engine.rules(), names::Ner::On)?;
        Some(Self { tagger, sentences: ValueBatch::new(), values: Vec::new(), matches: Vec::new() })
    }

    /// Adds the names in sentences to the matches of a batch, which are in the order of values and starts.
    fn add(&mut self, engine: &Engine, batch: &ValueBatch, fields: &FieldTable, matches: &mut Vec<Match>) {
        self.sentences.clear();
        self.values.clear();
        self.matches.clear();
        let mut from = 0;
        for (index, span) in (0u32..).zip(batch.spans()) {
            let text = batch.value(index);
            if !is_sentence(text) || !span.field.is_some_and(|field| is_written(fields.path(field))) {
                continue;
            }
            let sentence = self.values.len() as u32;
            self.sentences.push(span.row, span.field, text);
            self.values.push(index);
            from += matches[from..].partition_point(|m| m.value < index);
            let here = matches[from..].iter().take_while(|m| m.value == index);
            self.matches.extend(here.map(|m| Match { value: sentence, ..*m }));
        }
        if self.values.is_empty() {
            return;
        }
        let rules = engine.rules();
        self.tagger.add(&self.sentences, 0, rules, &mut self.matches);
        // Companies, towns and dates are nobody's. What a rule has found stays, also where the tagger would have it give way.
        self.matches.retain(|m| matches!(rules.get(m.rule).trigger, Trigger::Tagger(of) if of.is_personal()));
        let known = |m: &Match| self.values.get(m.value as usize).map(|value| Match { value: *value, ..*m });
        matches.extend(self.matches.iter().filter_map(known));
        matches.sort_by_key(|m| (m.value, m.start, m.end, m.rule));
    }
}

/// Keys of objects met so far, and whether each is data rather than a name.
#[derive(Default)]
struct Names {
    is_data: HashMap<String, bool>,
}

impl Names {
    fn is_data(&self, name: &str) -> bool {
        // A key that was not learned cannot be; if it were, hiding it would be the safe side.
        self.is_data.get(name).copied().unwrap_or(true)
    }

    /// As [`Self::is_data`], of a key that may not have been met before: then it is searched.
    fn learn(&mut self, key: &str, scanner: &mut Scanner<'_>, min: Confidence) -> Result<bool, Error> {
        if let Some(known) = self.is_data.get(key) {
            return Ok(*known);
        }
        let is_data = crate::values::is_value_like(key) || finds_any(scanner, key, min)?;
        self.is_data.insert(key.to_owned(), is_data);
        Ok(is_data)
    }
}

/// Whether a name holds anything that a rule matches.
fn finds_any(scanner: &mut Scanner<'_>, name: &str, min: Confidence) -> Result<bool, Error> {
    let mut batch = ValueBatch::new();
    batch.push(0, None, name.as_bytes());
    let mut found = Vec::new();
    let fields = FieldTable::default();
    scanner.scan(&batch, &fields, &mut found)?;
    for plain in Layers::of(&batch).batches() {
        scanner.scan(plain, &fields, &mut found)?;
    }
    Ok(found.iter().any(|m| m.score >= min.score_min()))
}

/// Field paths whose values are identities, cached by interned field.
#[derive(Default)]
struct IdentityFields {
    known: HashMap<(usize, u32), bool>,
}

/// Distinct field paths kept before the table starts afresh: hostile keys must not fill the memory.
const FIELDS_MAX: usize = 20_000;

impl<'e> Redactor<'e> {
    /// A redactor for matches at or above a confidence.
    ///
    /// # Errors
    /// [`Error::Engine`] where the engine cannot start.
    pub fn new(engine: &'e Engine, key: FingerprintKey, confidence_min: Confidence) -> Result<Self, Error> {
        Ok(Self {
            engine,
            scanner: engine.scanner()?,
            key,
            confidence_min,
            batch: ValueBatch::new(),
            fields: FieldTable::default(),
            matches: Vec::new(),
            own_values: HashMap::new(),
            identity: IdentityFields::default(),
            names: Names::default(),
            people: People::new(engine),
            typed: TypedNames::of(engine.rules()),
        })
    }

    /// Redacts documents in place; `identity(i)` gives the identity fields (globs over dotted paths, `*` for any
    /// characters) of document `i`. The result has one list per document.
    ///
    /// # Errors
    /// [`Error::Engine`] where matching fails.
    pub fn redact(
        &mut self,
        documents: &mut [Value],
        identity: &dyn Fn(usize) -> &'static [&'static str],
    ) -> Result<Vec<Vec<Redacted>>, Error> {
        if self.fields.len() > FIELDS_MAX {
            self.fields = FieldTable::default();
            self.scanner.reset_fields();
            self.identity = IdentityFields::default();
        }
        if self.names.is_data.len() > FIELDS_MAX {
            self.names = Names::default();
        }
        self.batch.clear();
        self.matches.clear();
        let mut path = String::new();
        for (row, document) in documents.iter().enumerate() {
            self.collect(document, row as u64, &mut path)?;
        }
        self.scanner.scan(&self.batch, &self.fields, &mut self.matches)?;
        self.own_values.clear();
        self.stretch();
        self.scan_decoded()?;
        if let Some(people) = &mut self.people {
            people.add(self.engine, &self.batch, &self.fields, &mut self.matches);
        }
        let mut out: Vec<Vec<Redacted>> = vec![Vec::new(); documents.len()];
        let mut by_row: Vec<(usize, Match)> = Vec::new();
        for m in &self.matches {
            let span = self.batch.spans()[m.value as usize];
            let row = span.row as usize;
            let (Some(field), true) = (span.field, m.score >= self.confidence_min.score_min()) else { continue };
            let is_credential = self.engine.rules().get(m.rule).categories.contains(&Category::Credential);
            let globs = identity(row);
            if !is_credential && self.identity.is(globs, field.0, self.fields.path(field)) {
                continue;
            }
            by_row.push((row, *m));
            note(&mut out[row], self.fields.path(field), m);
        }
        let mut at = 0;
        while at < by_row.len() {
            let row = by_row[at].0;
            let end = at + by_row[at..].iter().take_while(|(r, _)| *r == row).count();
            self.rewrite(&mut documents[row], &by_row[at..end]);
            at = end;
        }
        Ok(out)
    }

    /// Appends every string of a document (keys that are data too), every long whole number and every fraction that could
    /// be a place, in a fixed order.
    fn collect(&mut self, value: &Value, row: u64, path: &mut String) -> Result<(), Error> {
        match value {
            Value::String(text) => self.push(row, path, text),
            Value::Number(number) => {
                if let Some(text) = long(number) {
                    // A fraction in any other field is a measure, and only keeps its place.
                    let is_looked_at = !text.contains('.') || self.typed.fractions(path);
                    self.push(row, path, if is_looked_at { &text } else { "" });
                }
            }
            Value::Array(items) => {
                let len = path.len();
                push_segment(path, "*");
                for item in items {
                    self.collect(item, row, path)?;
                }
                path.truncate(len);
            }
            Value::Object(map) => {
                let len = path.len();
                for (key, item) in map {
                    if self.names.learn(key, &mut self.scanner, self.confidence_min)? {
                        push_segment(path, "*");
                        self.push(row, path, key);
                    } else {
                        push_segment(path, key);
                    }
                    self.collect(item, row, path)?;
                    path.truncate(len);
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
        Ok(())
    }

    fn push(&mut self, row: u64, path: &str, text: &str) {
        let field = self.fields.intern(path);
        self.batch.push(row, Some(field), text.as_bytes());
    }

    /// Stretches matches over what they have beaten: of two keys that overlap, none leaves a part.
    fn stretch(&mut self) {
        let beaten = Beaten::of(self.scanner.beaten(), self.confidence_min.score_min());
        for (place, (start, end)) in beaten.stretch(&mut self.matches) {
            let text = self.batch.value(place.0).get(start..end).unwrap_or_default();
            self.own_values.insert(place, text.to_vec());
        }
        self.matches.sort_by_key(|m| (m.value, m.start, m.end, m.rule));
    }

    /// Adds what encoded parts of values hold, as matches of all that has to go with it.
    fn scan_decoded(&mut self) -> Result<(), Error> {
        let layers = Layers::of(&self.batch);
        if layers.is_empty() {
            return Ok(());
        }
        let (mut found, mut all) = (Vec::new(), Vec::new());
        for (layer, plain) in layers.batches().enumerate() {
            found.clear();
            self.scanner.scan(plain, &self.fields, &mut found)?;
            decoders::found_in_layer(&layers, layer, &self.batch, plain, &found, &mut all);
        }
        let mut values = decoders::merge(&mut self.matches, all, self.engine.rules());
        if values.is_empty() {
            return Ok(());
        }
        for m in &mut self.matches {
            if let Some(Decoded { text, stretch }) = values.take(m) {
                (m.start, m.end) = stretch;
                // Of several that go as one, the first that counts gives the mark.
                if m.score >= self.confidence_min.score_min() {
                    self.own_values.entry((m.value, m.start, m.end, m.rule)).or_insert(text);
                }
            }
        }
        self.matches.sort_by_key(|m| (m.value, m.start, m.end, m.rule));
        Ok(())
    }

    /// Replaces the matches of one document. Values are met in the order in which they were collected.
    fn rewrite(&self, document: &mut Value, matches: &[(usize, Match)]) {
        let first = self.batch.spans().partition_point(|s| s.row < matches[0].0 as u64);
        let mut next_value = first as u32;
        let mut rest = matches;
        replace(document, &mut next_value, &self.names, &mut |value_index, text| {
            let count = rest.iter().take_while(|(_, m)| m.value == value_index).count();
            if count == 0 {
                return None;
            }
            let (here, later) = rest.split_at(count);
            rest = later;
            Some(self.replaced(text, here))
        });
    }

    fn replaced(&self, text: &str, matches: &[(usize, Match)]) -> String {
        let matches: Vec<Match> = matches.iter().map(|(_, m)| *m).collect();
        crate::text::replaced(text, &matches, &|m, value| {
            let rule = self.engine.rules().get(m.rule);
            let decoded =
                self.own_values.get(&(m.value, m.start, m.end, m.rule)).map(|text| String::from_utf8_lossy(text));
            let value = decoded.as_deref().unwrap_or(value);
            format!("[{}:{}]", rule.entity, self.key.fingerprint(&rule.entity, value, rule.normalise))
        })
    }
}

impl IdentityFields {
    fn is(&mut self, globs: &'static [&'static str], field: u32, path: &str) -> bool {
        *self
            .known
            .entry((globs.as_ptr() as usize, field))
            .or_insert_with(|| globs.iter().any(|g| crate::engine_fields_glob(g, path)))
    }
}

fn note(found: &mut Vec<Redacted>, path: &str, m: &Match) {
    match found.iter_mut().find(|r| r.rule == m.rule && r.field == path) {
        Some(r) => {
            r.match_count += 1;
            r.score_max = r.score_max.max(m.score);
        }
        None => found.push(Redacted { field: path.to_owned(), rule: m.rule, match_count: 1, score_max: m.score }),
    }
}

fn push_segment(path: &mut String, segment: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(segment);
}

/// A number as text, where it is long enough to be looked at: whole, or with as many decimals as tell a place.
fn long(number: &serde_json::Number) -> Option<String> {
    let long = |magnitude: u64| (magnitude >= crate::columns::INTEGER_MIN).then(|| number.to_string());
    match (number.as_u64(), number.as_i64()) {
        (Some(n), _) => long(n),
        (_, Some(n)) => long(n.unsigned_abs()),
        _ => {
            let number = number.as_f64()?;
            let whole = crate::columns::whole_number(number).map(|n| n.to_string());
            whole.or_else(|| crate::columns::fraction(number))
        }
    }
}

/// Visits the same values in the same order as [`Redactor::collect`] and replaces those for which `change` gives a new text.
fn replace(value: &mut Value, next: &mut u32, names: &Names, change: &mut dyn FnMut(u32, &str) -> Option<String>) {
    match value {
        Value::String(text) => {
            let index = *next;
            *next += 1;
            if let Some(new) = change(index, text) {
                *text = new;
            }
        }
        Value::Number(number) => {
            let Some(text) = long(number) else { return };
            let index = *next;
            *next += 1;
            if let Some(new) = change(index, &text) {
                *value = Value::String(new);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, next, names, change)),
        Value::Object(map) => {
            let mut renamed = Vec::new();
            for (key, item) in map.iter_mut() {
                if names.is_data(key) {
                    let index = *next;
                    *next += 1;
                    if let Some(new) = change(index, key) {
                        renamed.push((key.clone(), new));
                    }
                }
                replace(item, next, names, change);
            }
            let mut numbers = HashMap::new();
            for (old, new) in renamed {
                if let Some(item) = map.remove(&old) {
                    let key = free_key(map, new, &mut numbers);
                    map.insert(key, item);
                }
            }
        }
        _ => {}
    }
}

/// The key that a member gets for its new one. Values that are equal when normalised have one new key; none of their
/// members may be lost, so the later ones get a number. `numbers` holds the last of each key, so that a million of them
/// are not a million times counted from the first.
fn free_key(map: &Map<String, Value>, new: String, numbers: &mut HashMap<String, u32>) -> String {
    if !map.contains_key(&new) {
        return new;
    }
    let last = numbers.entry(new.clone()).or_insert(1);
    loop {
        *last += 1;
        let key = format!("{new}#{last}");
        if !map.contains_key(&key) {
            return key;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RuleSet;
    use std::sync::Arc;

    fn redacted(document: Value) -> Value {
        let engine = Engine::new(Arc::new(RuleSet::built_in().expect("rules"))).expect("an engine");
        let key = FingerprintKey::new(&[7; 32]).expect("a key");
        let mut documents = [document];
        let mut redactor = Redactor::new(&engine, key, Confidence::Medium).expect("a redactor");
        redactor.redact(&mut documents, &|_| &[]).expect("scanned");
        let [document] = documents;
        document
    }

    #[test]
    fn a_card_that_begins_in_a_url_goes_whole() {
        let document = redacted(serde_json::json!({"a": "his website: https://host.com/4079 4636 1743 0119 now"}));
        let text = document["a"].as_str().expect("text");
        assert!(!text.contains("1111") && text.starts_with("his website: [") && text.ends_with("] now"), "{text}");
    }

    #[test]
    fn names_in_sentences_go_and_those_in_identifiers_stay() {
        let document = redacted(serde_json::json!({
            "message": "Yesterday Ulrike Lindqvist drove home from the clinic.",
            "turns": [{"content": ["Ulrike Lindqvist can be reached as ulrike.l@hospital-north.org in the afternoon."]}],
            "title": "Ulrike Lindqvist drove home from the clinic",
            "model": "Ulrike Lindqvist",
            "path": "s3://lake/Robert Oppenheimer/notes.jsonl",
        }));
        for text in [&document["message"], &document["turns"][0]["content"][0]] {
            let text = text.as_str().expect("text");
            assert!(!text.contains("Lindqvist"), "{text}");
            assert!(text.contains("[PERSON:") && !text.contains("hospital-north"), "{text}");
        }
        assert_eq!(document["title"], "Ulrike Lindqvist drove home from the clinic");
        assert_eq!(document["model"], "Ulrike Lindqvist");
        assert_eq!(document["path"], "s3://lake/Robert Oppenheimer/notes.jsonl");
    }

    #[test]
    fn what_a_rule_finds_goes_also_where_the_tagger_sees_something_else() {
        let text = "As told, her place of birth: Tarvisio, Udine is known to the clinic";
        let document = redacted(serde_json::json!({"title": text, "message": text}));
        assert_eq!(document["title"], document["message"]);
        assert!(document["title"].as_str().is_some_and(|text| !text.contains("Tarvisio")), "{document}");
    }

    #[test]
    fn several_that_go_as_one_have_the_mark_of_the_first() {
        use base64::Engine as _;
        let packed = |text: &str| {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            std::io::Write::write_all(&mut out, text.as_bytes()).expect("in memory");
            base64::engine::general_purpose::STANDARD.encode(out.finish().expect("in memory"))
        };
        let both = packed("write to jane.roe@hospital-north.org or to john.roe@hospital-north.org, whoever is there");
        let document = redacted(serde_json::json!({"a": "jane.roe@hospital-north.org", "b": both}));
        assert_eq!(document["a"], document["b"]);
    }

    #[test]
    fn fractions_that_tell_where_somebody_is_go() {
        let document = redacted(serde_json::json!({"loss": 0.4242, "lat": 37.6156, "v": [0.1234], "lon": -96.9651}));
        assert!(document["lat"].is_string() && document["lon"].is_string(), "{document}");
        assert_eq!((&document["loss"], &document["v"][0]), (&serde_json::json!(0.4242), &serde_json::json!(0.1234)));
    }

    #[test]
    fn of_two_keys_that_overlap_none_leaves_a_part() {
        let rule = |id: &str, find: &str, score: f32| {
            format!(
                "- {{ id: {id}, title: t, entity: {id}, categories: [credential], anchors: ['{}'], find: '{find}', score: {score} }}",
                find.split('\\').next().unwrap_or_default()
            )
        };
        let text = [rule("front", r"tok-\w{8}", 0.9), rule("rear", r"AAAA1111\w{8}", 0.6)].join("\n");
        let rules = RuleSet::from_files([("t.yaml", text.as_str())]).expect("rules");
        let engine = Engine::new(Arc::new(rules)).expect("an engine");
        let key = FingerprintKey::new(&[7; 32]).expect("a key");
        let mut redactor = Redactor::new(&engine, key.clone(), Confidence::Medium).expect("a redactor");
        let mut documents = [serde_json::json!({"a": "x tok-AAAA1111 y", "b": "x tok-AAAA1111BBBB2222 y"})];
        redactor.redact(&mut documents, &|_| &[]).expect("scanned");
        let mark = documents[0]["a"].clone();
        assert!(mark.as_str().is_some_and(|text| text.starts_with("x [front:")), "{mark}");
        assert_eq!(documents[0]["b"], mark, "all goes, under the mark of the better one");
        let one = crate::text::redacted(&engine, &[(None, "x tok-AAAA1111BBBB2222 y")], Confidence::Medium, Some(&key));
        assert_eq!(one.expect("scanned"), [mark.as_str().expect("text")]);
    }

    #[test]
    fn what_a_match_beat_comes_back_where_a_token_beats_that_match() {
        let rules = r"
- { id: first, title: t, entity: first, categories: [pii], anchors: ['alpha-'], find: 'alpha-\w{4}', score: 0.6 }
- { id: second, title: t, entity: second, categories: [pii], anchors: ['beta '], find: 'beta \w{20}', score: 0.7 }
- { id: third, title: t, entity: third, categories: [credential], run: token, find: '\w{20}', score: 0.9 }";
        let rules = RuleSet::from_files([("t.yaml", rules)]).expect("rules");
        let engine = Engine::new(Arc::new(rules)).expect("an engine");
        let text =
            crate::text::redacted(&engine, &[(None, "x alpha-beta abcdefghij0123456789 y")], Confidence::Medium, None);
        assert_eq!(
            text.expect("scanned"),
            ["x [first] y"],
            "all of it goes, though the second is none of the findings"
        );
        let found =
            crate::text::entities(&engine, &[(None, "x alpha-beta abcdefghij0123456789 y")], Confidence::Medium);
        assert_eq!(found.expect("scanned"), [["first", "third"]]);
    }

    #[test]
    fn what_is_encoded_goes_whole_and_has_the_mark_of_the_plain_value() {
        use base64::Engine as _;
        let ssn = base64::engine::general_purpose::STANDARD.encode("the patient's SSN is 536-22-8726, as told");
        let plain = redacted(serde_json::json!({"a": "jane.roe@acme-corp.org", "b": "SSN 536-22-8726"}));
        let mark = |key: &str| plain[key].as_str().map(|t| t.trim_start_matches("SSN ").to_owned()).expect("text");
        let document = redacted(serde_json::json!({
            "url": "https://x.test/?q=1&mail=jane.roe%40acme-corp.org&n=2",
            "blob": format!("data {ssn} end"),
            "inner": "{\"mail\":\"jane.roe\\u0040acme-corp.org\"}",
            "jane.roe%40acme-corp.org": 1,
            "path": "a%20b/c%2Fd",
        }));
        let text = |key: &str| document[key].as_str().expect("text").to_owned();
        assert_eq!(text("blob"), format!("data {} end", mark("b")));
        assert!(text("inner").contains(&mark("a")) && !text("inner").contains("jane"), "{document}");
        assert!(!text("url").contains("jane") && !text("url").contains("acme"), "{document}");
        assert!(!document.to_string().contains("jane.roe"), "{document}");
        assert_eq!(text("path"), "a%20b/c%2Fd");
    }

    #[test]
    fn a_card_that_is_a_float_goes() {
        let document = redacted(serde_json::json!({"card": 4_079_463_617_430_119.0, "share": 0.5, "n": 3.0}));
        assert!(document["card"].is_string() && document["share"] == 0.5 && document["n"] == 3.0, "{document}");
    }

    #[test]
    fn the_number_of_a_key_goes_on_from_the_last_one() {
        let mut map: Map<String, Value> =
            [("mark", 0), ("mark#3", 0)].map(|(k, v)| (k.to_owned(), v.into())).into_iter().collect();
        let mut numbers = HashMap::new();
        for expected in ["mark#2", "mark#4", "mark#5"] {
            let key = free_key(&map, "mark".to_owned(), &mut numbers);
            assert_eq!(key, expected);
            map.insert(key, 0.into());
        }
        // What was counted is not counted again: a number that came free is not gone back to.
        map.remove("mark#2");
        assert_eq!(free_key(&map, "mark".to_owned(), &mut numbers), "mark#6");
        assert_eq!(free_key(&map, "other".to_owned(), &mut numbers), "other");
    }

    #[test]
    fn keys_that_become_one_keep_all_members() {
        let document = redacted(serde_json::json!({"ute@x-mail.org": 1, "UTE@x-mail.org": 2, "Ute@x-mail.org": 3}));
        let map = document.as_object().expect("an object");
        let mut values: Vec<i64> = map.values().filter_map(Value::as_i64).collect();
        values.sort_unstable();
        assert_eq!(values, [1, 2, 3]);
        assert!(map.keys().all(|key| key.starts_with("[EMAIL_ADDRESS:")));
    }
}

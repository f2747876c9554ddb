//! Rules: what a detector is, read from `rules/*.yaml`, and checked before anything runs.
//!
//! A rule says where to look (anchors, keywords, a kind of run, a field name), what must stand there (a regular
//! expression tried anchored at that place), which checks the value must pass, and which words nearby make it more
//! likely. It carries its own examples. How rules are matched is the engine's affair; a rule only detects: masking,
//! policy and remote validation belong elsewhere.

use crate::engine::{Need, RunKind};
use crate::finding::Category;
use crate::ner::Entity;
use crate::normalise::Normalise;
use crate::{Error, structure, validators};
use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};
use serde::Deserialize;
use std::sync::OnceLock;

/// The rule files that are part of the program, without their examples and with what each needs:
/// `[[file name, [[rule, need]]]]`, made by `build.rs`.
const BUILT_IN: &str = include_str!(concat!(env!("OUT_DIR"), "/rules.json"));
/// The SHA-256 of that text, by which scans with the same rules are known: made by `build.rs` too, so that no start of the
/// program hashes megabytes.
pub(crate) const BUILT_IN_SHA256: &[u8; 32] = include_bytes!(concat!(env!("OUT_DIR"), "/rules.sha256"));

/// Bytes after the candidate's start in which a match must end, unless a rule says otherwise.
pub const WINDOW_BYTES: usize = 512;
/// Largest window a rule may ask for.
pub const WINDOW_BYTES_MAX: usize = 16_384;
/// Longest part of a value before its literal.
const LEAD_BYTES_MAX: usize = 64;
/// Bytes before a value in which context words are looked for, unless a rule says otherwise.
pub const NEAR_BYTES: usize = 64;
/// Bytes after a value in which context words are looked for.
pub const NEAR_AFTER_BYTES: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RunName {
    Digits,
    At,
    Token,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Requires {
    Near,
}

/// What ends a value before its expression does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Until {
    /// The label of the next value: `MRN` is no part of a name.
    Label,
}

/// An example in which the value is marked by «».
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Positive {
    /// In plain text.
    Text(String),
    /// In a field of a record.
    InField {
        /// Name of the field.
        field: String,
        /// Text of the field.
        text: String,
    },
}

/// A text in which the rule must find nothing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Negative {
    /// Name of the field, where the text stands in one.
    pub field: Option<String>,
    /// The text.
    pub text: String,
    /// Why it is none.
    pub why: String,
}

/// A rule as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    id: String,
    title: String,
    entity: String,
    categories: Vec<Category>,
    #[serde(default)]
    hipaa: Vec<String>,
    provider: Option<String>,
    country: Option<String>,
    #[serde(default)]
    anchors: Vec<String>,
    #[serde(default)]
    keywords: Vec<String>,
    run: Option<RunName>,
    #[serde(default)]
    slow: bool,
    #[serde(default)]
    tagger: bool,
    find: Option<String>,
    lead: Option<String>,
    #[serde(default)]
    caseless: bool,
    #[serde(default)]
    until: Option<Until>,
    window: Option<usize>,
    #[serde(default)]
    check: Vec<String>,
    entropy: Option<f32>,
    score: f32,
    near_score: Option<f32>,
    #[serde(default)]
    near: Vec<String>,
    near_bytes: Option<usize>,
    requires: Option<Requires>,
    #[serde(default)]
    fields: Vec<String>,
    value: Option<String>,
    field_score: Option<f32>,
    #[serde(default)]
    lower: Vec<LowerSpec>,
    normalise: Option<Normalise>,
    #[serde(default, rename = "match")]
    positives: Vec<Positive>,
    #[serde(default, rename = "no_match")]
    negatives: Vec<Negative>,
    #[serde(default)]
    refs: Vec<String>,
}

/// An entry of `lower` as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct LowerSpec {
    check: String,
    score: f32,
}

/// A named check of a value.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// Its name in rule files.
    pub name: &'static str,
    pub(crate) passes: fn(&str) -> bool,
}

/// What starts an attempt of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// Literals: case-sensitive anchors and caseless keywords.
    Literals {
        /// Case-sensitive.
        anchors: Vec<String>,
        /// Case-insensitive.
        keywords: Vec<String>,
    },
    /// A run of bytes of one kind.
    Run(RunKind),
    /// Nothing: the expression is tried wherever a word or a sign begins, which costs time in all text.
    Slow,
    /// Only a field name.
    Field,
    /// A name of this kind that the tagger finds (see [`crate::ner`]); `score` is the least that counts.
    Tagger(Entity),
}

/// Context words and what they are worth.
#[derive(Debug)]
pub struct Near {
    /// Words in lower case.
    pub words: Vec<String>,
    /// Bytes looked at before the value.
    pub before_bytes: usize,
    /// Score of a match with a word near.
    pub score: f32,
    /// No word, no finding.
    pub required: bool,
}

/// What a rule finds by the name of a field.
#[derive(Debug)]
pub struct FieldRule {
    /// Globs over normalised field names.
    pub names: Vec<String>,
    /// What the whole trimmed value must match.
    pub value: Pattern,
    /// Score of such a match.
    pub score: f32,
}

/// What makes a value of the right form worth less: an address that is nobody's, a card number out of a manual.
#[derive(Debug)]
pub struct Lower {
    /// Check that tells such values.
    pub check: Check,
    /// The most that a match of such a value scores, whatever is near and in whatever field it stands.
    pub score: f32,
}

/// What of a value stands before the literal that starts the attempt, for tokens that are known by their middle.
#[derive(Debug)]
pub struct Lead {
    pattern: Pattern,
    /// Bytes of the shortest and of the longest.
    bytes: (usize, usize),
}

impl Lead {
    fn new(source: &str) -> Result<Self, String> {
        let hir = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(source);
        let hir = hir.map_err(|e| e.to_string())?;
        let bytes = hir.properties().minimum_len().zip(hir.properties().maximum_len());
        match bytes.filter(|(least, most)| *least > 0 && *most <= LEAD_BYTES_MAX) {
            Some(bytes) => Ok(Self { pattern: Pattern::new(format!(r"(?:{source})\z"), false), bytes }),
            None => Err(format!("`lead` must take from 1 to {LEAD_BYTES_MAX} bytes")),
        }
    }

    /// Where the value begins whose literal stands at a place; the longest is taken. `None` where there is no lead, or
    /// where it is the end of something longer.
    pub(crate) fn start(&self, text: &[u8], at: usize) -> Option<usize> {
        let regex = self.pattern.regex()?;
        let text = &text[..at];
        let (least, most) = self.bytes;
        let begins = |from: &usize| {
            let inside = from.checked_sub(1).is_some_and(|i| Self::is_inside(text[i]));
            !inside && regex.is_match(Input::new(text).range(*from..).anchored(Anchored::Yes))
        };
        (at.saturating_sub(most)..=at.checked_sub(least)?).find(begins)
    }

    /// Whether a byte before a lead makes it a part of a longer token.
    fn is_inside(before: u8) -> bool {
        before.is_ascii_alphanumeric() || matches!(before, b'_' | b'-' | b'+' | b'/')
    }
}

/// A regular expression that is compiled when it is first tried: start-up pays for none.
#[derive(Debug)]
pub struct Pattern {
    source: String,
    whole: bool,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    fn new(source: String, whole: bool) -> Self {
        Self { source, whole, compiled: OnceLock::new() }
    }

    /// The expression as written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The compiled expression. Built-in rules always compile (a test compiles all); users' are compiled when loaded.
    pub(crate) fn regex(&self) -> Option<&Regex> {
        self.compiled.get_or_init(|| self.compile().ok()).as_ref()
    }

    fn compile(&self) -> Result<Regex, String> {
        let source = if self.whole { format!(r"\A(?:{})\z", self.source) } else { self.source.clone() };
        Regex::builder()
            .syntax(syntax_config())
            // Every search is anchored where a literal or a run stands: there is nothing for a prefilter to skip, and the
            // one-pass automaton would be built at first use for the few matches whose value is only a part of them.
            .configure(
                Regex::config()
                    .nfa_size_limit(Some(4 << 20))
                    .hybrid_cache_capacity(1 << 18)
                    .utf8_empty(false)
                    .auto_prefilter(false)
                    .onepass(false),
            )
            .build(&source)
            .map_err(|e| match (e.syntax_error(), e.size_limit()) {
                (Some(syntax), _) => syntax.to_string(),
                (_, Some(bytes)) => format!(
                    "it is too large: compiled it takes more than {} MiB; write smaller repetitions, or fewer words",
                    bytes >> 20
                ),
                _ => e.to_string(),
            })
    }
}

/// ASCII unless a rule says `(?u:...)`: label words and numbers are, and it keeps the automata small.
pub(crate) fn syntax_config() -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(false).multi_line(true)
}

/// A detector, compiled and checked.
#[derive(Debug)]
pub struct Rule {
    /// Stable id, lower-kebab-case.
    pub id: String,
    /// One line for people.
    pub title: String,
    /// Kind of thing found, in Presidio's vocabulary where it has one.
    pub entity: String,
    /// Categories of the finding.
    pub categories: Vec<Category>,
    /// Which of the 18 identifiers of HIPAA's safe harbor it finds: letters from A to R, as 45 CFR 164.514(b)(2)(i) has them.
    /// For the documentation: a set that was built in has none.
    pub hipaa: Vec<String>,
    /// Provider of a credential.
    pub provider: Option<String>,
    /// Country of a national number, ISO 3166 alpha-2 in lower case.
    pub country: Option<String>,
    /// File the rule stands in.
    pub file: String,
    /// It is no part of the program: what it costs is watched while it is tried.
    pub(crate) is_users: bool,
    /// What starts an attempt.
    pub trigger: Trigger,
    /// What must stand at the candidate's start.
    pub find: Option<Pattern>,
    /// What of the value stands before that.
    pub lead: Option<Lead>,
    /// Values in small letters count too. They are checked in capitals.
    pub caseless: bool,
    /// What ends the value before the expression does.
    pub until: Option<Until>,
    /// What the expression needs around the literals of the trigger.
    pub(crate) need: Need,
    /// Bytes after the candidate's start that the expression may see.
    pub window_bytes: usize,
    /// Checks the value must pass.
    pub checks: Vec<Check>,
    /// Least Shannon entropy of the value, bits a character.
    pub entropy_min: Option<f32>,
    /// Score without context.
    pub score: f32,
    /// Context.
    pub near: Option<Near>,
    /// What it finds by field name.
    pub field: Option<FieldRule>,
    /// What lowers the score of a match.
    pub lower: Vec<Lower>,
    /// Normalisation for fingerprints: the same for all rules of an entity, or equal values would have several.
    pub normalise: Normalise,
    /// The rule file says which; else it is a default.
    pub(crate) normalise_is_given: bool,
    /// Examples with the value marked.
    pub positives: Vec<Positive>,
    /// Counter-examples.
    pub negatives: Vec<Negative>,
    /// Documentation of the format.
    pub refs: Vec<String>,
}

impl Rule {
    /// Whether it finds nothing where none of its context words is near.
    pub(crate) fn needs_context(&self) -> bool {
        self.near.as_ref().is_some_and(|near| near.required)
    }

    /// The best score that a match in text can have.
    pub(crate) fn score_max(&self) -> f32 {
        self.near.as_ref().map_or(self.score, |near| near.score.max(self.score))
    }

    /// The score of a match of this value, which scores so much by where it stands.
    pub(crate) fn score_of(&self, value: &str, score: f32) -> f32 {
        let lowered = self.lower.iter().filter(|lower| lower.score < score && (lower.check.passes)(value));
        lowered.map(|lower| lower.score).fold(score, f32::min)
    }

    /// Whether all values are such that score less where the best of their matches scores so much.
    pub(crate) fn is_lowered(&self, score_max: f32) -> bool {
        self.lower.iter().any(|lower| score_max <= lower.score)
    }

    /// How a match is checked, for lists and documentation: names of checks, `entropy`, `context`, and what lowers its score
    /// to how much.
    pub fn checked_by(&self) -> Vec<String> {
        let mut out: Vec<String> = self.checks.iter().map(|c| c.name.to_owned()).collect();
        if let Some(bits) = self.entropy_min {
            out.push(format!("entropy>={bits}"));
        }
        if self.near.as_ref().is_some_and(|n| n.required) {
            out.push("context".to_owned());
        }
        if matches!(self.trigger, Trigger::Tagger(_)) {
            out.push("tagger".to_owned());
        }
        out.extend(self.lower.iter().map(|lower| format!("{}<={}", lower.check.name, lower.score)));
        out
    }

    /// Whether a value passes the checks.
    pub(crate) fn accepts(&self, value: &str) -> bool {
        let has = |is: fn(&u8) -> bool| value.as_bytes().iter().any(is);
        match self.caseless && has(u8::is_ascii_lowercase) {
            // Letters of both kinds are a word.
            true => !has(u8::is_ascii_uppercase) && self.passes(&value.to_ascii_uppercase()),
            false => self.passes(value),
        }
    }

    /// Whether a value is one that counts in a context only: a number in small letters that no label stands before.
    pub(crate) fn is_doubtful(&self, value: &str) -> bool {
        self.caseless && matches!(self.trigger, Trigger::Run(_)) && value.bytes().any(|b| b.is_ascii_lowercase())
    }

    fn passes(&self, value: &str) -> bool {
        self.entropy_min.is_none_or(|least| structure::entropy_bits(value) >= least)
            && self.checks.iter().all(|c| (c.passes)(value))
    }
}

/// Reads the rules of one file.
///
/// # Errors
/// [`Error::Rule`] for the first rule that does not parse or breaks the contract.
pub fn parse(file: &str, text: &str) -> Result<Vec<Rule>, Error> {
    let specs: Vec<Spec> = serde_norway::from_str(text).map_err(|e| rule_error("?", file, e.to_string()))?;
    specs
        .into_iter()
        .map(|spec| {
            let literals = spec.anchors.iter().map(|a| (&**a, false)).chain(spec.keywords.iter().map(|k| (&**k, true)));
            let find = spec.find.clone().map(|find| folded(find, spec.caseless));
            let need = find.map(|find| Need::of(&find, literals)).unwrap_or_default();
            let words: Vec<String> = spec.near.iter().map(|w| w.to_lowercase()).collect();
            let need = need.with_near(words.iter().map(String::as_str));
            Ok(Rule { is_users: true, ..compile(file, spec, need)? })
        })
        .collect()
}

/// The rules that are part of the program, and the SHA-256 of the text that says them.
///
/// # Errors
/// [`Error::Rule`] for a rule that breaks the contract, which a test rules out.
pub(crate) fn built_in() -> Result<(Vec<Rule>, &'static [u8; 32]), Error> {
    let families: Vec<(&str, Vec<(Spec, Need)>)> =
        serde_json::from_str(BUILT_IN).map_err(|e| rule_error("?", "rules", e.to_string()))?;
    let mut rules = Vec::with_capacity(families.iter().map(|(_, specs)| specs.len()).sum());
    for (file, specs) in families {
        for (spec, need) in specs {
            rules.push(compile(file, spec, need)?);
        }
    }
    Ok((rules, BUILT_IN_SHA256))
}

fn rule_error(rule: &str, file: &str, message: impl Into<String>) -> Error {
    Error::Rule { rule: rule.to_owned(), file: file.to_owned(), message: message.into() }
}

fn compile(file: &str, spec: Spec, need: Need) -> Result<Rule, Error> {
    let fail = |message: String| rule_error(&spec.id, file, message);
    if !is_kebab(&spec.id) {
        return Err(fail("the id must be lower-kebab-case, as `aws-access-key-id`".into()));
    }
    if let Some(letter) = spec.hipaa.iter().find(|l| !matches!(l.as_bytes(), [b'A'..=b'R'])) {
        return Err(fail(format!(
            "`{letter}` in `hipaa` is no letter from A to R, as 45 CFR 164.514(b)(2)(i) has them"
        )));
    }
    if spec.categories.is_empty() {
        return Err(fail("`categories` is empty; name at least one of pii, phi, credential, financial".into()));
    }
    for (name, score) in
        [("score", Some(spec.score)), ("near_score", spec.near_score), ("field_score", spec.field_score)]
    {
        if score.is_some_and(|s| !(0.0..=1.0).contains(&s)) {
            return Err(fail(format!("`{name}` must be between 0 and 1")));
        }
    }
    let trigger = trigger(&spec).map_err(&fail)?;
    if spec.find.is_some() == matches!(trigger, Trigger::Field | Trigger::Tagger(_)) {
        return Err(fail("`find` and one of `anchors`, `keywords`, `run` go together".into()));
    }
    let lead = spec.lead.as_deref().map(Lead::new).transpose().map_err(&fail)?;
    if lead.is_some() && !matches!(trigger, Trigger::Literals { .. }) {
        return Err(fail("`lead` is what stands before a literal: it goes with `anchors` or `keywords`".into()));
    }
    let window_bytes = spec.window.unwrap_or(WINDOW_BYTES);
    if window_bytes > WINDOW_BYTES_MAX {
        return Err(fail(format!("`window` is {window_bytes}; at most {WINDOW_BYTES_MAX} is allowed")));
    }
    let checks = spec.check.iter().map(|name| check(name).map_err(&fail)).collect::<Result<Vec<_>, _>>()?;
    let near = near(&spec).map_err(&fail)?;
    let lower = lower(&spec).map_err(&fail)?;
    let field = match (spec.fields.is_empty(), &spec.value) {
        (true, None) => None,
        (false, Some(value)) => Some(FieldRule {
            names: spec.fields.clone(),
            value: Pattern::new(folded(value.clone(), spec.caseless), true),
            score: spec.field_score.unwrap_or(0.9),
        }),
        _ => return Err(fail("`fields` and `value` go together".into())),
    };
    let is_credential = spec.categories.contains(&Category::Credential);
    let default = if is_credential { Normalise::Exact } else { Normalise::AlnumUpper };
    Ok(Rule {
        trigger,
        find: spec.find.map(|f| Pattern::new(folded(f, spec.caseless), false)),
        lead,
        caseless: spec.caseless,
        until: spec.until,
        need,
        window_bytes,
        checks,
        entropy_min: spec.entropy,
        score: spec.score,
        near,
        field,
        lower,
        normalise: spec.normalise.unwrap_or(default),
        normalise_is_given: spec.normalise.is_some(),
        positives: spec.positives,
        negatives: spec.negatives,
        refs: spec.refs,
        file: file.to_owned(),
        is_users: false,
        id: spec.id,
        title: spec.title,
        entity: spec.entity,
        categories: spec.categories,
        hipaa: spec.hipaa,
        provider: spec.provider,
        country: spec.country,
    })
}

/// An expression, in any case where the rule says so.
fn folded(source: String, caseless: bool) -> String {
    if caseless { format!("(?i){source}") } else { source }
}

fn trigger(spec: &Spec) -> Result<Trigger, String> {
    let literals = !spec.anchors.is_empty() || !spec.keywords.is_empty();
    if spec.tagger {
        if literals || spec.run.is_some() || spec.slow || !spec.fields.is_empty() || !spec.near.is_empty() {
            return Err("`tagger` goes without `anchors`, `keywords`, `run`, `slow`, `fields` and `near`".into());
        }
        let entity = Entity::ALL.into_iter().find(|e| e.as_str() == spec.entity);
        return entity.map(Trigger::Tagger).ok_or_else(|| format!("the tagger knows no `{}`", spec.entity));
    }
    if spec.slow {
        return match (literals || spec.run.is_some(), spec.find.is_some()) {
            (true, _) => Err("`slow` goes without `anchors`, `keywords` and `run`, which make it fast".into()),
            (_, false) => Err("`slow` needs `find`, which is tried wherever a word begins".into()),
            _ => Ok(Trigger::Slow),
        };
    }
    match (literals, spec.run) {
        (true, Some(_)) => Err("`run` and `anchors` or `keywords` exclude each other".into()),
        (false, None) if spec.fields.is_empty() => Err(
            "no trigger: write `anchors`, `keywords`, `run` or `fields`, so that the rule costs nothing elsewhere; \
                 or `slow: true`, to try it wherever a word begins"
                .into(),
        ),
        (false, None) => Ok(Trigger::Field),
        (false, Some(run)) => Ok(Trigger::Run(match run {
            RunName::Digits => RunKind::Digits,
            RunName::At => RunKind::At,
            RunName::Token => RunKind::Token,
        })),
        (true, None) => match spec.anchors.iter().chain(&spec.keywords).find(|l| l.len() < 3 || l.contains('\0')) {
            Some(short) => Err(format!("the literal `{short}` is too short: at least 3 bytes, and no NUL")),
            None => Ok(Trigger::Literals { anchors: spec.anchors.clone(), keywords: spec.keywords.clone() }),
        },
    }
}

fn near(spec: &Spec) -> Result<Option<Near>, String> {
    if spec.near.is_empty() {
        return match (spec.requires, spec.near_score) {
            (None, None) => Ok(None),
            _ => Err("`requires: near` and `near_score` need words in `near`".into()),
        };
    }
    Ok(Some(Near {
        words: spec.near.iter().map(|w| w.to_lowercase()).collect(),
        before_bytes: spec.near_bytes.unwrap_or(NEAR_BYTES).min(1_024),
        score: spec.near_score.unwrap_or((spec.score + 0.35).min(0.95)),
        required: spec.requires.is_some(),
    }))
}

fn lower(spec: &Spec) -> Result<Vec<Lower>, String> {
    let best = [Some(spec.score), spec.near_score, spec.field_score].into_iter().flatten().fold(0.0, f32::max);
    let entry = |lower: &LowerSpec| {
        if !(0.0..best).contains(&lower.score) {
            return Err(format!("`lower` with `{}`: its score must be from 0 to below the rule's own", lower.check));
        }
        Ok(Lower { check: check(&lower.check)?, score: lower.score })
    };
    spec.lower.iter().map(entry).collect()
}

fn check(name: &str) -> Result<Check, String> {
    if let Some(s) = structure::by_name(name) {
        return Ok(Check { name: s.name, passes: s.check });
    }
    validators::by_name(name)
        .map(|v| Check { name: v.name, passes: v.check })
        .ok_or_else(|| format!("no check is named `{name}`; `lineward validators` lists them"))
}

/// Compiles every expression of a rule now and says what is wrong with it, instead of when it is first tried.
///
/// # Errors
/// [`Error::Rule`] with the regular expression's own message.
pub fn verify(rule: &Rule) -> Result<(), Error> {
    let patterns = [rule.find.as_ref(), rule.lead.as_ref().map(|l| &l.pattern), rule.field.as_ref().map(|f| &f.value)];
    for pattern in patterns.into_iter().flatten() {
        pattern.compile().map_err(|m| rule_error(&rule.id, &rule.file, m))?;
    }
    Ok(())
}

fn is_kebab(id: &str) -> bool {
    !id.is_empty()
        && id.split('-').all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
}

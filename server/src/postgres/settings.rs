//! Statements about the connection itself, which never reach the planner: settings, transactions that read only, and
//! what pools send to clean up. Settings that Lineward does not know are taken and told back, as clients expect.

use crate::Error;
use datafusion::sql::sqlparser::ast::{
    ContextModifier, Expr, Set, SetSessionAuthorizationParamKind, Statement, TransactionAccessMode, TransactionMode,
    Value,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Prefix of settings that belong to the session of SQL.
const OURS: &str = "lineward.";

/// What a connection begins with, by the names that PostgreSQL has for it.
pub(super) const KNOWN: [(&str, &str); 33] = [
    ("application_name", ""),
    ("bytea_output", "hex"),
    ("client_encoding", "UTF8"),
    ("client_min_messages", "notice"),
    ("DateStyle", "ISO, YMD"),
    ("default_tablespace", ""),
    ("default_transaction_isolation", "repeatable read"),
    ("default_transaction_read_only", "on"),
    ("extra_float_digits", "1"),
    ("idle_in_transaction_session_timeout", "0"),
    ("integer_datetimes", "on"),
    ("IntervalStyle", "postgres"),
    ("is_superuser", "off"),
    ("jit", "off"),
    ("lc_collate", "C"),
    ("lc_ctype", "C"),
    ("lineward.as_of", ""),
    ("lineward.recorded_as_of", ""),
    ("lock_timeout", "0"),
    ("max_identifier_length", "63"),
    ("max_index_keys", "32"),
    ("search_path", "public"),
    ("server_encoding", "UTF8"),
    ("server_version", super::SERVER_VERSION),
    ("server_version_num", "160006"),
    ("session_authorization", ""),
    ("standard_conforming_strings", "on"),
    ("statement_timeout", "0"),
    ("TimeZone", "Etc/UTC"),
    ("transaction_deferrable", "off"),
    ("transaction_isolation", "repeatable read"),
    ("transaction_read_only", "on"),
    ("xmloption", "content"),
];

/// Settings of a connection, by lower-case name.
#[derive(Debug, Clone, Default)]
pub(super) struct Settings {
    values: BTreeMap<String, String>,
    /// While a transaction is open.
    transaction: Option<Transaction>,
}

/// What a transaction gives back when it ends.
#[derive(Debug, Clone, Default)]
struct Transaction {
    before: BTreeMap<String, String>,
    /// Names that `SET LOCAL` set last.
    local: BTreeSet<String>,
}

/// What a statement is to a connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Aside {
    /// A setting was changed, for the transaction only where `local`; the client is told its new value.
    Set { name: String, value: String, local: bool },
    /// Settings go back to what they were: one, or all.
    Reset(Option<String>),
    /// The connection is to be as new, as pools ask before they hand it on.
    Discard,
    /// The value of a setting is asked.
    Show(String),
    /// A transaction begins.
    Begin,
    /// A transaction ends; whether with `COMMIT`.
    End { commits: bool },
    /// Nothing to do; answered with this tag.
    Nothing(&'static str),
}

/// What a statement is to the connection; `None` for one that is to be planned.
pub(super) fn aside(statement: &Statement) -> Result<Option<Aside>, Error> {
    Ok(Some(match statement {
        Statement::Set(set) => return of_set(set).map(Some),
        Statement::Reset(reset) => match reset.to_string().trim_start_matches("RESET ").to_ascii_lowercase() {
            all if all == "all" => Aside::Reset(None),
            name => Aside::Reset(Some(name)),
        },
        Statement::ShowVariable { variable } => {
            let name = variable.iter().map(|i| i.value.to_ascii_lowercase()).collect::<Vec<_>>().join(".");
            Aside::Show(shown_name(&name).to_owned())
        }
        Statement::StartTransaction { modes, .. } => {
            if modes.contains(&TransactionMode::AccessMode(TransactionAccessMode::ReadWrite)) {
                return Err(Error::ReadOnly("a transaction that writes was asked for".into()));
            }
            Aside::Begin
        }
        Statement::Commit { .. } => Aside::End { commits: true },
        // Back to a savepoint, within the transaction: nothing was written that had to be undone.
        Statement::Rollback { savepoint: Some(_), .. } => Aside::Nothing("ROLLBACK"),
        Statement::Rollback { .. } => Aside::End { commits: false },
        Statement::Discard { .. } => Aside::Discard,
        Statement::UNLISTEN { .. } => Aside::Nothing("UNLISTEN"),
        Statement::Savepoint { .. } => Aside::Nothing("SAVEPOINT"),
        Statement::ReleaseSavepoint { .. } => Aside::Nothing("RELEASE"),
        _ => return Ok(None),
    }))
}

fn of_set(set: &Set) -> Result<Aside, Error> {
    match set {
        Set::SingleAssignment { scope, variable, values, .. } => {
            if matches!(scope, Some(ContextModifier::Global)) {
                return Err(Error::Denied("settings of the whole server cannot be changed".into()));
            }
            let name = variable.to_string().to_ascii_lowercase().replace('"', "");
            if let [value] = values.as_slice()
                && is_default(value)
            {
                return Ok(Aside::Reset(Some(name)));
            }
            let value = values.iter().map(text).collect::<Vec<_>>().join(", ");
            let local = matches!(scope, Some(ContextModifier::Local));
            Ok(Aside::Set { name, value, local })
        }
        Set::SetTimeZone { value, .. } if is_default(value) => Ok(Aside::Reset(Some("timezone".into()))),
        Set::SetTimeZone { local, value } => {
            Ok(Aside::Set { name: "timezone".into(), value: text(value), local: *local })
        }
        Set::SetNames { charset_name, .. } => {
            Ok(Aside::Set { name: "client_encoding".into(), value: charset_name.value.clone(), local: false })
        }
        Set::SetTransaction { .. } => Ok(Aside::Nothing("SET")),
        Set::SetSessionAuthorization(to) => match &to.kind {
            SetSessionAuthorizationParamKind::Default => Ok(Aside::Nothing("SET")),
            // Only a superuser may become another.
            SetSessionAuthorizationParamKind::User(_) => {
                Err(Error::Denied("a connection stays who it began as; connect as that user".into()))
            }
        },
        _ => Err(Error::Unsupported("this form of SET is not supported; write `SET name = value`".into())),
    }
}

/// What a setting has without being set, by a word without quotes.
fn is_default(value: &Expr) -> bool {
    let word = matches!(value, Expr::Identifier(name) if name.quote_style.is_none());
    word && ["default", "local"].contains(&value.to_string().to_ascii_lowercase().as_str())
}

fn text(value: &Expr) -> String {
    match value {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => text.clone(),
            other => other.to_string(),
        },
        other => other.to_string(),
    }
}

/// `SHOW TRANSACTION ISOLATION LEVEL` and the like are settings by another name.
fn shown_name(words: &str) -> &str {
    match words {
        "transaction.isolation.level" => "transaction_isolation",
        "time.zone" => "timezone",
        other => other,
    }
}

impl Settings {
    /// Takes a setting, for the rest of the transaction where `local`; outside of one that does nothing.
    pub fn set(&mut self, name: &str, value: &str, local: bool) -> Result<(), Error> {
        let is_encoding = name == "client_encoding";
        if is_encoding && !["utf8", "utf-8", "unicode"].contains(&value.to_ascii_lowercase().as_str()) {
            return Err(Error::Parameter("the only encoding is UTF8".into()));
        }
        if name == "statement_timeout" && timeout(value).is_none() {
            return Err(Error::Parameter("`statement_timeout` is a number of milliseconds, or a time as `10s`".into()));
        }
        if name.starts_with("datafusion.") {
            return Err(Error::Denied("settings of the engine cannot be changed".into()));
        }
        match &mut self.transaction {
            None if local => return Ok(()),
            Some(transaction) if local => drop(transaction.local.insert(name.to_owned())),
            Some(transaction) => drop(transaction.local.remove(name)),
            None => {}
        }
        self.values.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    /// A transaction begins. One within another is the same one.
    pub fn begin(&mut self) {
        let before = &self.values;
        self.transaction.get_or_insert_with(|| Transaction { before: before.clone(), local: BTreeSet::new() });
    }

    /// A transaction ends: what it set stays where it `commits`, but for what was local.
    pub fn end(&mut self, commits: bool) {
        let Some(Transaction { mut before, local }) = self.transaction.take() else { return };
        if !commits {
            self.values = before;
            return;
        }
        for name in local {
            match before.remove(&name) {
                Some(value) => drop(self.values.insert(name, value)),
                None => drop(self.values.remove(&name)),
            }
        }
    }

    /// Whether a transaction is open.
    pub fn in_transaction(&self) -> bool {
        self.transaction.is_some()
    }

    /// Forgets one setting, or all.
    pub fn reset(&mut self, name: Option<&str>) {
        match name {
            Some(name) => drop(self.values.remove(name)),
            None => self.values.clear(),
        }
    }

    /// The value of a setting; `None` for one that nobody set and that has none.
    pub fn show(&self, name: &str) -> Option<String> {
        let known = KNOWN.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let Some((_, first)) = known else { return self.values.get(name).cloned() };
        Some(self.values.get(name).map_or_else(|| (*first).to_owned(), Clone::clone))
    }

    /// Longest time of a statement, where one was set.
    pub fn timeout(&self) -> Option<Duration> {
        timeout(self.values.get("statement_timeout")?).filter(|time| !time.is_zero())
    }

    /// Settings of the session of SQL.
    pub fn ours(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values
            .iter()
            .filter(|(name, _)| name.starts_with(OURS))
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// The name that clients know a setting by, of those they want to be told of.
pub(super) fn reported(name: &str) -> Option<&'static str> {
    const REPORTED: [&str; 6] =
        ["TimeZone", "DateStyle", "IntervalStyle", "application_name", "client_encoding", "search_path"];
    REPORTED.into_iter().find(|known| known.eq_ignore_ascii_case(name))
}

fn timeout(value: &str) -> Option<Duration> {
    let value = value.trim();
    let (digits, unit) = value.split_at(value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len()));
    let number: u64 = digits.parse().ok()?;
    let per = match unit.trim() {
        "" | "ms" => 1,
        "s" => 1000,
        "min" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    Some(Duration::from_millis(number.checked_mul(per)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion_pg_catalog::sql::PostgresCompatibilityParser;

    fn of(sql: &str) -> Option<Aside> {
        let statements = PostgresCompatibilityParser::new().parse(sql).expect(sql);
        aside(&statements[0]).expect(sql)
    }

    #[test]
    fn what_never_reaches_the_planner() {
        let set = |name: &str, value: &str| Some(Aside::Set { name: name.into(), value: value.into(), local: false });
        let local = |name: &str, value: &str| Some(Aside::Set { name: name.into(), value: value.into(), local: true });
        for (sql, expected) in [
            ("SET extra_float_digits = 3", set("extra_float_digits", "3")),
            ("SET application_name TO 'PostgreSQL JDBC Driver'", set("application_name", "PostgreSQL JDBC Driver")),
            ("SET lineward.as_of = '2026-01-01'", set("lineward.as_of", "2026-01-01")),
            ("SET SESSION lineward.as_of = '2026-01-01'", set("lineward.as_of", "2026-01-01")),
            ("SET LOCAL lineward.as_of = '2026-01-01'", local("lineward.as_of", "2026-01-01")),
            ("RESET lineward.as_of", Some(Aside::Reset(Some("lineward.as_of".into())))),
            ("SET TIME ZONE 'UTC'", set("timezone", "UTC")),
            ("SET TIMEZONE = 'UTC'", set("timezone", "UTC")),
            ("SET TIME ZONE LOCAL", Some(Aside::Reset(Some("timezone".into())))),
            ("SET TIMEZONE TO DEFAULT", Some(Aside::Reset(Some("timezone".into())))),
            ("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", Some(Aside::Nothing("SET"))),
            ("SHOW TRANSACTION ISOLATION LEVEL", Some(Aside::Show("transaction_isolation".into()))),
            ("SHOW lineward.as_of", Some(Aside::Show("lineward.as_of".into()))),
            ("BEGIN", Some(Aside::Begin)),
            ("BEGIN READ ONLY", Some(Aside::Begin)),
            ("COMMIT", Some(Aside::End { commits: true })),
            ("ROLLBACK", Some(Aside::End { commits: false })),
            ("ROLLBACK TO SAVEPOINT s", Some(Aside::Nothing("ROLLBACK"))),
            ("DISCARD ALL", Some(Aside::Discard)),
            ("RESET ALL", Some(Aside::Reset(None))),
            ("SELECT 1", None),
        ] {
            assert_eq!(of(sql), expected, "{sql}");
        }
    }

    #[test]
    fn settings_are_kept_and_checked() {
        let mut settings = Settings::default();
        settings.set("statement_timeout", "2s", false).expect("taken");
        settings.set("lineward.as_of", "2026-01-01", false).expect("taken");
        assert_eq!(settings.timeout(), Some(Duration::from_secs(2)));
        assert_eq!(settings.ours().collect::<Vec<_>>(), [("lineward.as_of", "2026-01-01")]);
        assert_eq!(settings.show("server_version_num").as_deref(), Some("160006"));
        assert_eq!(settings.show("no_such_setting"), None);
        for (name, value) in
            [("client_encoding", "LATIN1"), ("statement_timeout", "soon"), ("datafusion.execution.batch_size", "1")]
        {
            assert!(settings.set(name, value, false).is_err(), "{name}");
        }
        settings.reset(None);
        assert_eq!(settings.timeout(), None);
    }

    #[test]
    fn a_transaction_gives_settings_back() {
        let as_of = |settings: &Settings| settings.show("lineward.as_of").expect("known");
        let mut settings = Settings::default();
        settings.set("lineward.as_of", "no effect", true).expect("taken");
        assert_eq!(as_of(&settings), "");
        settings.set("lineward.as_of", "1", false).expect("taken");
        for (local, commits, after) in [(true, true, "1"), (true, false, "1"), (false, false, "1"), (false, true, "2")]
        {
            settings.begin();
            settings.set("lineward.as_of", "2", local).expect("taken");
            assert_eq!((settings.in_transaction(), as_of(&settings).as_str()), (true, "2"));
            settings.end(commits);
            assert_eq!((settings.in_transaction(), as_of(&settings).as_str()), (false, after), "{local} {commits}");
        }
        settings.begin();
        settings.set("lineward.as_of", "3", true).expect("taken");
        settings.set("lineward.as_of", "4", false).expect("taken");
        settings.end(true);
        assert_eq!(as_of(&settings), "4");
    }
}

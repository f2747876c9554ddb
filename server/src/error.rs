//! What can go wrong in a server, by what a client can do about it, with the SQLSTATE it is told.
//!
//! A message says where and what to do next. Errors that arise while rows are computed are reworded here, since the
//! engine's own texts quote the value that would not do.

use arrow::error::ArrowError;
use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;

/// An error of a server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration is not usable; nothing was started.
    #[error("{0}")]
    Config(String),
    /// An address cannot be listened on.
    #[error("cannot listen on `{address}`: {source}")]
    Listen {
        /// The address as given.
        address: String,
        /// Why not.
        source: std::io::Error,
    },
    /// Who asks is not known: no token, or one that does not hold.
    #[error("{0}")]
    Unauthenticated(String),
    /// Who asks may not.
    #[error("{0}")]
    Denied(String),
    /// The statement would change something.
    #[error("{0}; this server only reads: use SELECT, EXPLAIN, SHOW or DESCRIBE")]
    ReadOnly(String),
    /// More at once than the principal may.
    #[error("{0}")]
    Busy(String),
    /// The query ran longer than it may.
    #[error("the query ran for {0:?}, which is the limit; narrow it or ask for a longer limit")]
    TooLong(std::time::Duration),
    /// The answer has more rows than it may have.
    #[error("the answer has more than {0} rows, which is the limit; narrow the query or add a LIMIT")]
    TooManyRows(u64),
    /// The client asked to stop.
    #[error("the query was cancelled")]
    Cancelled,
    /// A request that this server does not serve.
    #[error("{0}")]
    Unsupported(String),
    /// A request that HTTP has a status of its own for: a method, a form of a body or of an answer, a size.
    #[error("{text}")]
    Request {
        /// The status.
        status: u16,
        /// What is wrong with it.
        text: String,
    },
    /// A parameter or argument does not fit.
    #[error("{0}")]
    Parameter(String),
    /// A cursor that was named is not open.
    #[error("there is no open cursor of this name; a cursor without WITH HOLD ends with its transaction")]
    NoCursor,
    /// A statement that belongs into a transaction came outside of one.
    #[error("{0}")]
    NoTransaction(String),
    /// Something that was named does not exist.
    #[error("{0}")]
    Unknown(String),
    /// The audit log cannot be written, and without it no query is run.
    #[error("the audit log cannot be written; no query is run without it: {0}")]
    Audit(std::io::Error),
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(#[from] lineward_store::Error),
    /// The classifier of incoming events failed.
    #[error(transparent)]
    Pipeline(#[from] lineward_pipelines::Error),
    /// The session over the store failed.
    #[error(transparent)]
    Sql(lineward_sql::Error),
    /// The query failed.
    #[error("{}", describe(.0).1)]
    Query(DataFusionError),
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        match error {
            DataFusionError::External(inner) => match inner.downcast::<Error>() {
                Ok(own) => *own,
                Err(other) => match other.downcast::<lineward_sql::Error>() {
                    Ok(sql) => (*sql).into(),
                    Err(other) => Self::Query(DataFusionError::External(other)),
                },
            },
            DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => (*inner).into(),
            other => Self::Query(other),
        }
    }
}

impl From<lineward_sql::Error> for Error {
    fn from(error: lineward_sql::Error) -> Self {
        match error {
            lineward_sql::Error::Query(inner) => inner.into(),
            lineward_sql::Error::Store(inner) => inner.into(),
            other => Self::Sql(other),
        }
    }
}

impl From<ArrowError> for Error {
    fn from(error: ArrowError) -> Self {
        Self::Query(error.into())
    }
}

impl From<Error> for DataFusionError {
    fn from(error: Error) -> Self {
        match error {
            Error::Query(inner) => inner,
            other => Self::External(Box::new(other)),
        }
    }
}

impl Error {
    /// The SQLSTATE of PostgreSQL that fits it.
    pub fn sql_state(&self) -> &'static str {
        match self {
            Self::Config(_) | Self::Listen { .. } => "F0000",
            Self::Unauthenticated(_) => "28P01",
            Self::Denied(_) => "42501",
            Self::ReadOnly(_) => "25006",
            Self::Busy(_) => "53300",
            Self::TooLong(_) | Self::Cancelled => "57014",
            Self::TooManyRows(_) => "54000",
            Self::Unsupported(_) => "0A000",
            Self::Request { status: 413, .. } => "54000",
            Self::Request { .. } => "08P01",
            Self::Parameter(_) => "22023",
            Self::NoCursor => "34000",
            Self::NoTransaction(_) => "25P01",
            Self::Unknown(_) => "42704",
            Self::Audit(_) | Self::Store(_) => "58030",
            Self::Pipeline(_) => "XX000",
            Self::Sql(inner) => match inner {
                lineward_sql::Error::Name(_) => "42704",
                lineward_sql::Error::Argument(_) => "22023",
                lineward_sql::Error::ReadOnly(_) => "25006",
                lineward_sql::Error::Complex(_) | lineward_sql::Error::Grown(_) => "54001",
                _ => "XX000",
            },
            Self::Query(inner) => describe(inner).0,
        }
    }

    /// The HTTP status that fits it.
    pub fn status(&self) -> u16 {
        if let Self::Request { status, .. } = self {
            return *status;
        }
        match self.sql_state() {
            "28P01" => 401,
            "42501" => 403,
            "42704" => 404,
            "53300" => 429,
            "57014" => 408,
            "54000" => 422,
            "0A000" => 501,
            "53200" => 507,
            state if state.starts_with("58") || state.starts_with("XX") || state.starts_with('F') => 500,
            _ => 400,
        }
    }
}

impl Error {
    /// What a client can do about it, for those who read the code and not the sentence.
    pub fn hint(&self) -> &'static str {
        match (self.status(), self.sql_state()) {
            (404, _) => {
                "names are listed by `/api/v1/namespaces`, tables by `information_schema.tables`, paths by `/openapi.json`"
            }
            (405, _) => "use a method that the header `Allow` names",
            (406, _) => "accept `application/json`, `application/x-ndjson` or `application/vnd.apache.arrow.stream`",
            (413, _) => "send less at a time",
            (415, _) => "send JSON with `Content-Type: application/json`, plain or with `Content-Encoding: gzip`",
            (_, "28P01") => "send a token as `Authorization: Bearer TOKEN`; `lineward token create` makes one",
            (_, "42501") => "ask who runs the server for a role that grants it",
            (_, "25006") => "use SELECT, EXPLAIN, SHOW or DESCRIBE",
            (_, "42P01") => "`SELECT table_name FROM information_schema.tables` lists the tables",
            (_, "42703") => "`DESCRIBE table` lists its columns",
            (_, "42883") => "`SELECT routine_name FROM information_schema.routines` lists the functions of rows",
            (_, "53300") => "ask again when a query has ended",
            (_, "53200" | "54000" | "57014") => "narrow the query, or ask for a wider limit",
            (_, "54001") => "write the statement shorter, or as several",
            (_, state) if state.starts_with("22") => "mend the value or the parameter that the message names",
            (_, state) if state.starts_with("42") => "mend the statement at the place that the message names",
            (_, "0A000") => "this server does not do it; `docs/guide.md` says what it does",
            (status, _) if status >= 500 => "the server's log says more; ask again later",
            _ => "mend the request as the message says; `/openapi.json` describes all of them",
        }
    }
}

/// SQLSTATE and message of an error of the engine. What the planner says quotes the query, which its author may see;
/// what arises while rows are computed may quote data, and is told in other words.
fn describe(error: &DataFusionError) -> (&'static str, String) {
    let value = |state, what: &str| (state, what.to_owned());
    match error {
        DataFusionError::SQL(inner, _) => ("42601", syntax(&inner.to_string())),
        DataFusionError::SchemaError(inner, _) => (schema_state(inner), inner.to_string()),
        DataFusionError::Plan(text) => (plan_state(text), text.clone()),
        DataFusionError::NotImplemented(text) => ("0A000", format!("not supported: {text}")),
        DataFusionError::ResourcesExhausted(text) => ("53200", text.clone()),
        DataFusionError::Diagnostic(_, inner) | DataFusionError::Context(_, inner) => describe(inner),
        DataFusionError::Shared(inner) => match inner.as_ref() {
            DataFusionError::External(outer) => external(outer.as_ref()),
            other => describe(other),
        },
        DataFusionError::Collection(all) => match all.first() {
            Some(first) => describe(first),
            None => value("XX000", "the query failed"),
        },
        DataFusionError::External(inner) => external(inner.as_ref()),
        DataFusionError::ArrowError(inner, _) => computed(inner),
        DataFusionError::ParquetError(_) | DataFusionError::ObjectStore(_) | DataFusionError::IoError(_) => {
            value("58030", "a file of the store cannot be read; the server's log says more")
        }
        _ => value("XX000", "the query failed while it ran; a value, pattern or format in it may not fit"),
    }
}

fn external(error: &(dyn std::error::Error + Send + Sync + 'static)) -> (&'static str, String) {
    if let Some(own) = error.downcast_ref::<Error>() {
        return (own.sql_state(), own.to_string());
    }
    if let Some(sql) = error.downcast_ref::<lineward_sql::Error>() {
        return match sql {
            lineward_sql::Error::Name(text) => ("42704", text.clone()),
            lineward_sql::Error::Argument(text) => ("22023", text.clone()),
            lineward_sql::Error::Query(inner) => describe(inner),
            other => ("58030", other.to_string()),
        };
    }
    ("XX000", "the query failed while it ran; the server's log says more".to_owned())
}

fn computed(error: &ArrowError) -> (&'static str, String) {
    let (state, text) = match error {
        ArrowError::DivideByZero => ("22012", "division by zero"),
        ArrowError::CastError(_) | ArrowError::ParseError(_) => {
            ("22P02", "a value cannot be cast to the type asked for; TRY_CAST gives NULL for such values")
        }
        ArrowError::ArithmeticOverflow(_) => ("22003", "a number is out of range"),
        ArrowError::ExternalError(inner) => return external(inner.as_ref()),
        _ => ("22000", "a value could not be computed; it may not fit the function or format it is given to"),
    };
    (state, text.to_owned())
}

fn syntax(text: &str) -> String {
    text.trim_start_matches("sql parser error: ").trim_start_matches("ParserError").trim().to_owned()
}

fn schema_state(error: &SchemaError) -> &'static str {
    match error {
        SchemaError::FieldNotFound { .. } => "42703",
        SchemaError::AmbiguousReference { .. } => "42702",
        _ => "42701",
    }
}

/// The planner has one kind of error for many mistakes; its wording tells them apart.
fn plan_state(text: &str) -> &'static str {
    let lower = text.to_ascii_lowercase();
    let names = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if names(&["table '", "table not found"]) && names(&["not found"]) {
        "42P01"
    } else if names(&["invalid function", "table function"]) {
        "42883"
    } else if names(&["schema", "catalog"]) && names(&["not found", "failed to resolve"]) {
        "3F000"
    } else {
        "42601"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rows_hold_stays_out_of_messages() {
        let secret = "078-05-1120";
        let errors = [
            DataFusionError::ArrowError(Box::new(ArrowError::CastError(format!("Cannot cast '{secret}'"))), None),
            DataFusionError::ArrowError(Box::new(ArrowError::ParseError(secret.to_owned())), None),
            DataFusionError::Execution(format!("bad value {secret}")),
            DataFusionError::External(secret.into()),
            DataFusionError::Internal(secret.to_owned()),
        ];
        for error in errors {
            for nested in [
                error,
                DataFusionError::Context(secret.to_owned(), Box::new(DataFusionError::Execution(secret.into()))),
            ] {
                let error = Error::from(nested);
                assert!(!error.to_string().contains(secret), "{error:?}");
                assert_eq!(error.sql_state().len(), 5);
            }
        }
    }

    #[test]
    fn states_tell_mistakes_apart() {
        for (error, state, status) in [
            (Error::Denied(String::new()), "42501", 403),
            (Error::Unauthenticated(String::new()), "28P01", 401),
            (Error::Busy(String::new()), "53300", 429),
            (DataFusionError::Plan("table 'lineward.public.x' not found".into()).into(), "42P01", 400),
            (DataFusionError::ResourcesExhausted("sort".into()).into(), "53200", 507),
            (lineward_sql::Error::Name("no asset".into()).into(), "42704", 404),
            (DataFusionError::ArrowError(Box::new(ArrowError::DivideByZero), None).into(), "22012", 400),
        ] {
            assert_eq!((error.sql_state(), error.status()), (state, status), "{error}");
        }
    }

    #[test]
    fn own_errors_pass_through_the_engine() {
        let error = DataFusionError::from(Error::Denied("no".into()));
        let wrapped = DataFusionError::Context("while planning".into(), Box::new(error));
        assert!(matches!(Error::from(wrapped), Error::Denied(_)));
    }
}

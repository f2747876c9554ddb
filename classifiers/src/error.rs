//! What can go wrong in this crate. Messages say where, never what stood there.

use std::path::PathBuf;

/// An error of the classifiers.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A rule file does not parse, or a rule breaks the contract of rules.
    #[error("rule `{rule}` in {file}: {message}")]
    Rule {
        /// Rule id, or `?` where the file does not parse.
        rule: String,
        /// File of the rule.
        file: String,
        /// What is wrong and what to write instead.
        message: String,
    },
    /// A detector, category or validator that does not exist was asked for.
    #[error("{0}")]
    Unknown(String),
    /// The matching engine failed.
    #[error("matching engine: {0}")]
    Engine(String),
    /// An input could not be opened or read.
    #[error("cannot read `{path}`: {message}")]
    Read {
        /// The input as given.
        path: PathBuf,
        /// What happened, with the place in the input where there is one.
        message: String,
    },
    /// The fingerprint key cannot be had.
    #[error("fingerprint key: {0}")]
    Key(String),
}

impl Error {
    /// A read error at an input.
    pub fn read(path: impl Into<PathBuf>, message: impl ToString) -> Self {
        Self::Read { path: path.into(), message: message.to_string() }
    }
}

//! What can go wrong with a query, by what its author can do about it.

use datafusion::error::DataFusionError;

/// An error of a query or of the store behind it. Messages may repeat the query's own text; never log them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store could not be opened or read.
    #[error(transparent)]
    Store(#[from] lineward_store::Error),
    /// An argument names an asset, version or tag that there is not, or several.
    #[error("{0}")]
    Name(String),
    /// A function was called with arguments it does not take.
    #[error("{0}")]
    Argument(String),
    /// The statement would change something.
    #[error("{0}; a session only reads: use SELECT, EXPLAIN, SHOW or DESCRIBE")]
    ReadOnly(String),
    /// The statement is too deep to be planned.
    #[error(
        "the statement has a chain of more than {0} operators, joins or queries; use IN with a list, or several queries"
    )]
    Complex(usize),
    /// The plan of a statement is too large to be worked on.
    #[error("the statement comes to more than {0} steps once its views and WITH queries are put in; use fewer of them")]
    Grown(usize),
    /// The text is not SQL, names unknown columns, or failed while running.
    #[error("{}", plain(.0))]
    Query(DataFusionError),
    /// The output could not be written.
    #[error("cannot write the result: {0}")]
    Output(#[from] std::io::Error),
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        Self::Query(error)
    }
}

impl From<arrow::error::ArrowError> for Error {
    fn from(error: arrow::error::ArrowError) -> Self {
        match error {
            arrow::error::ArrowError::IoError(_, source) => Self::Output(source),
            other => Self::Query(other.into()),
        }
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
    /// Whether the reader of the output went away, which is no failure.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(e) if e.kind() == std::io::ErrorKind::BrokenPipe)
    }
}

/// The engine's message without the layers it was wrapped in, and ours as we wrote it.
fn plain(error: &DataFusionError) -> String {
    match error.find_root() {
        DataFusionError::External(inner) => inner.to_string(),
        DataFusionError::SQL(inner, _) => inner.to_string(),
        DataFusionError::Plan(message) => message.clone(),
        DataFusionError::Execution(message) => message.clone(),
        other => other.strip_backtrace(),
    }
}

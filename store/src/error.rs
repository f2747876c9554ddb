//! What can go wrong with a store.

use deltalake::DeltaTableError;

/// An error of the store. Messages name tables, versions and places, never contents of rows.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The location is no store, or holds something else.
    #[error("`{uri}` is not a Lineward store: {message}")]
    NotAStore {
        /// The location as given.
        uri: String,
        /// What is there, and what to do.
        message: String,
    },
    /// The store was written by a newer version.
    #[error("the store `{uri}` was written by a newer version ({found}); {supported}; use {needs}")]
    TooNew {
        /// The location as given.
        uri: String,
        /// What of it this program does not know.
        found: String,
        /// What this program reads.
        supported: String,
        /// Which program reads it.
        needs: String,
    },
    /// Another writer took over; what this one held is stale.
    #[error("another writer has moved `{table}` on; this one's batch was not written")]
    Fenced {
        /// The table where it showed.
        table: String,
    },
    /// A table could not be read or written.
    #[error("table `{table}`: {source}")]
    Table {
        /// The table.
        table: String,
        /// The cause.
        source: Box<DeltaTableError>,
    },
    /// A table that the store had is gone.
    #[error(
        "table `{table}` is missing: {found}; restore its folder from a backup, or read the sources again into a new \
         store"
    )]
    Missing {
        /// The table.
        table: String,
        /// What says that there was one.
        found: String,
    },
    /// Rows and columns do not fit each other.
    #[error("table `{table}`: {message}")]
    Rows {
        /// The table.
        table: String,
        /// The cause.
        message: String,
    },
    /// The storage behind the store failed.
    #[error("storage of `{uri}`: {message}")]
    Storage {
        /// The location.
        uri: String,
        /// The cause.
        message: String,
    },
    /// A name or asset that the store does not know.
    #[error("{0}")]
    Unknown(String),
}

impl Error {
    pub(crate) fn table(name: &str) -> impl FnOnce(DeltaTableError) -> Self + '_ {
        move |source| Self::Table { table: name.to_owned(), source: Box::new(source) }
    }

    pub(crate) fn missing(name: &str, found: String) -> Self {
        Self::Missing { table: name.to_owned(), found }
    }

    pub(crate) fn rows(name: &str, message: impl ToString) -> Self {
        Self::Rows { table: name.to_owned(), message: message.to_string() }
    }
}

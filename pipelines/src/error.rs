//! What can go wrong in a pipeline.

use lineward_connectors::ConnectorError;

/// An error of a pipeline. A bad event is no error: it is a dead letter.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The pipeline's configuration is wrong; nothing was started.
    #[error("{file}: {message}")]
    Config {
        /// File of the configuration.
        file: String,
        /// What is wrong and what to write instead.
        message: String,
    },
    /// A source or sink failed.
    #[error(transparent)]
    Connector(#[from] ConnectorError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] lineward_store::Error),
    /// The classifiers failed.
    #[error(transparent)]
    Classifier(#[from] lineward_classifiers::Error),
    /// A thread or runtime could not be started, or ended early.
    #[error("the pipeline stopped: {0}")]
    Stopped(String),
}

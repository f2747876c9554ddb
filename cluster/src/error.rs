//! What can go wrong with a cluster, by what its user can do about it.

use datafusion::error::DataFusionError;
use std::path::PathBuf;

/// An error of a cluster, or of work on one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The scheduler's URL is not one.
    #[error("`{url}` is no scheduler: {problem}; write it as `http://127.0.0.1:50050`")]
    Url {
        /// As given.
        url: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// It would listen to, or talk over, the network without certificates.
    #[error("{0}")]
    Unsafe(String),
    /// An executor would tell others an address that is none of a machine.
    #[error(
        "{listen} stands for every address of this machine, and none that others reach; name one with `--advertise HOST`"
    )]
    Advertise {
        /// Where it listens.
        listen: std::net::SocketAddr,
    },
    /// A certificate or key cannot be read or used.
    #[error("cannot use `{}`: {problem}", .path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// Nobody answers, or somebody else does.
    #[error("no scheduler answers at {url}: {problem}; start one with `lineward cluster scheduler`")]
    Unreachable {
        /// Its URL.
        url: String,
        /// What happened.
        problem: String,
    },
    /// The other process refuses: another version, other rules, no executor.
    #[error("{0}")]
    Refused(String),
    /// The work was begun and failed.
    #[error("{0}")]
    Failed(String),
    /// What an executor had computed could not be fetched from it.
    #[error("executor {executor} went away with a part of the result: {problem}; ask again")]
    Lost {
        /// Where it was.
        executor: String,
        /// What happened.
        problem: String,
    },
    /// The plan cannot be made, or has a step that cannot be written down.
    #[error("{0}")]
    Plan(DataFusionError),
    /// The classifiers cannot start.
    #[error(transparent)]
    Classifiers(#[from] lineward_classifiers::Error),
    /// Files, threads or sockets of this machine.
    #[error("{what}: {source}")]
    System {
        /// What was to be done.
        what: &'static str,
        /// Why it could not.
        source: std::io::Error,
    },
}

impl From<Error> for DataFusionError {
    fn from(error: Error) -> Self {
        match error {
            Error::Plan(error) => error,
            other => Self::External(Box::new(other)),
        }
    }
}

/// Marks of a message in the text of an error that has been through other processes, which wrap and quote it.
const MARKS: [&str; 2] = ["<<lineward: ", " :lineward>>"];

/// An error of a task whose message its user is to read.
pub(crate) fn of_task(message: impl std::fmt::Display) -> DataFusionError {
    let [begin, end] = MARKS;
    DataFusionError::Execution(format!("{begin}{message}{end}"))
}

/// The message that a task meant, without what the way here put around it.
pub(crate) fn message_of_task(error: &str) -> String {
    let [begin, end] = MARKS;
    let marked = error.split_once(begin).and_then(|(_, rest)| rest.split_once(end));
    match marked {
        Some((message, _)) => unquoted(message),
        None => format!("the cluster could not compute it: {error}"),
    }
}

/// Undoes how `Debug` quotes a text, however often it did.
fn unquoted(text: &str) -> String {
    let mut text = text.to_owned();
    while text.contains("\\\"") || text.contains("\\\\") {
        text = text.replace("\\\"", "\"").replace("\\\\", "\\");
    }
    text.replace("\\'", "'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_through_as_it_was() {
        let message = "no entity `X \"Y\"`; there are A, B";
        let mut error = of_task(message).to_string();
        for _ in 0..3 {
            error = format!("Task failed: {:?}", DataFusionError::Execution(error));
        }
        assert_eq!(message_of_task(&error), message);
        assert_eq!(message_of_task("odd"), "the cluster could not compute it: odd");
    }
}

//! Queries and scans on several machines: a Ballista scheduler and executors that know our functions, our tables and our
//! scans, and the client that gives them work.
//!
//! A plan that travels holds descriptions, not data: which files of which version of a table ([`tables`]), which parts of
//! which inputs ([`scan`]). An executor opens what they describe and computes; the lineage graph stays on the node that
//! asks, and what it answers travels as rows ([`queries`]). Who may connect is decided by certificates ([`security`]);
//! every process says which rules it has, and different ones are refused ([`identity`]).
//!
//! This crate knows neither how queries are written nor what a finding looks like on paper.

mod client;
mod codec;
mod error;
mod executor;
mod functions;
mod identity;
mod parts;
mod queries;
mod scan;
mod scheduler;
mod security;
mod site;
mod tables;
#[cfg(test)]
mod tests;

pub use client::Cluster;
pub use error::Error;
pub use executor::{Executor, ExecutorOptions};
pub use identity::Identity;
pub use queries::ClusterQueries;
pub use scan::{RuleChoice, ScanOrder, scan};
pub use scheduler::{Scheduler, SchedulerOptions};
pub use security::{SchedulerUrl, Tls, TlsFiles};
pub use site::Site;

/// Bytes of a message between the processes, at the most: a plan with the answers of lineage functions in it.
const MESSAGE_BYTES_MAX: usize = 256 << 20;

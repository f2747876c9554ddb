//! The envelope of an event.

use crate::{EventKey, Statement, Timestamp};
use serde::{Deserialize, Serialize};

/// Family of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A run of a job.
    Run,
    /// A job as declared.
    Job,
    /// A data set as declared.
    Dataset,
    /// A model or model version.
    Model,
    /// An endpoint or service.
    Deployment,
    /// A report of sensitive data by another product.
    Dlp,
    /// A data access in an audit log.
    Access,
    /// Any other call in an audit log.
    Audit,
    /// Lineward's own scan.
    Scan,
    /// A policy that somebody declared.
    Policy,
    /// A document no format recognises; kept as it came.
    Unknown,
}

impl EventKind {
    /// The name used in tables, as `run`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Job => "job",
            Self::Dataset => "dataset",
            Self::Model => "model",
            Self::Deployment => "deployment",
            Self::Dlp => "dlp",
            Self::Access => "access",
            Self::Audit => "audit",
            Self::Scan => "scan",
            Self::Policy => "policy",
            Self::Unknown => "unknown",
        }
    }
}

/// One event: envelope and statements. The payload it was decoded from travels beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// SHA-256 of the canonical JSON of the payload.
    pub key: EventKey,
    /// Name of the wire format, as `openlineage`.
    pub format: &'static str,
    /// Family.
    pub kind: EventKind,
    /// The producer's own type: `START`, `CreateTrainingJob`, `DLPRuleMatch`.
    pub event_type: Option<String>,
    /// When it happened, by the producer's clock; `None` where the payload gives no time.
    pub event_time: Option<Timestamp>,
    /// Who made the event.
    pub producer: Option<String>,
    /// Schema the producer names.
    pub schema_url: Option<String>,
    /// Run the event is about.
    pub run_id: Option<String>,
    /// Job the event is about.
    pub job_namespace: Option<String>,
    /// Job the event is about.
    pub job_name: Option<String>,
    /// Who acted.
    pub principal: Option<String>,
    /// What the event says.
    pub statements: Vec<Statement>,
    /// Data sets in it that have no name, so that nothing can be said of them.
    pub nameless: u32,
}

impl Event {
    /// An event of a kind with an empty envelope.
    pub fn new(key: EventKey, format: &'static str, kind: EventKind) -> Self {
        Self {
            key,
            format,
            kind,
            event_type: None,
            event_time: None,
            producer: None,
            schema_url: None,
            run_id: None,
            job_namespace: None,
            job_name: None,
            principal: None,
            statements: Vec::new(),
            nameless: 0,
        }
    }
}

//! Belgium: one file per number.

pub mod bis;
pub mod eid;
pub mod iban;
pub mod nn;
pub mod ogm_vcs;
pub mod ssn;
pub mod vat;

//! Norway: one file per number.

pub mod fodselsnummer;
pub mod iban;
pub mod kontonr;
pub mod mva;
pub mod orgnr;

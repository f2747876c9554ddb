//! Sweden: one file per number.

pub mod orgnr;
pub mod personnummer;
pub mod postnummer;
pub mod vat;

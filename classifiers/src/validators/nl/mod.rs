//! Netherlands: one file per number.

pub mod brin;
pub mod bsn;
pub mod btw;
pub mod identiteitskaartnummer;
pub mod onderwijsnummer;
pub mod postcode;

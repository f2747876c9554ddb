//! Germany: one file per number.

pub mod handelsregisternummer;
pub mod idnr;
pub mod kvnr;
pub mod leitweg;
pub mod personalausweis;
pub mod rvnr;
pub mod stnr;
pub mod vat;
pub mod wkn;

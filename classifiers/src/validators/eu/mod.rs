//! European Union: one file per number.

pub mod at_02;
pub mod banknote;
pub mod ecnumber;
pub mod eic;
pub mod excise;
pub mod oss;
pub mod vat;

//! Hungary: one file per number.

pub mod adoazonosito;
pub mod anum;
pub mod taj;

//! United States: one file per number.

pub mod atin;
pub mod dea;
pub mod ein;
pub mod itin;
pub mod mbi;
pub mod npi;
pub mod ptin;
pub mod rtn;
pub mod ssn;
pub mod tin;

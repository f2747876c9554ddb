//! India: one file per number.

pub mod aadhaar;
pub mod epic;
pub mod gstin;
pub mod pan;
pub mod vid;

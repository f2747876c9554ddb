//! Slovenia: one file per number.

pub mod ddv;
pub mod emso;
pub mod maticna;

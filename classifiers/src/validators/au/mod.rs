//! Australia: one file per number.

pub mod abn;
pub mod acn;
pub mod medicare;
pub mod tfn;

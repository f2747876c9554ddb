//! Costa Rica: one file per number.

pub mod cpf;
pub mod cpj;
#[expect(clippy::module_inception, reason = "Costa Rica calls one of its numbers CR")]
pub mod cr;

//! Brazil: one file per number.

pub mod cnpj;
pub mod cpf;
pub mod pis;

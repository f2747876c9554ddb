//! Finland: one file per number.

pub mod alv;
pub mod associationid;
pub mod hetu;
pub mod veronumero;
pub mod ytunnus;

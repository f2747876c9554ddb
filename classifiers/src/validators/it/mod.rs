//! Italy: one file per number.

pub mod aic;
pub mod codicefiscale;
pub mod iva;

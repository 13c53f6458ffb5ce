//! Values and their forms: texts, amounts, days, zones, ids.
//!
//! Nothing here knows of requests or of declared fields; `declare::validation` checks a body against those.

pub mod collation;
pub mod days;
pub mod email;
pub mod field_error;
pub mod formula;
pub mod money;
pub(crate) mod phone;
pub mod random;
pub(crate) mod text;
pub mod zones;

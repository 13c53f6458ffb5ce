//! Values and their normal forms: texts, amounts, dates, time zones, ids. A body is checked against
//! its declared fields in `declare::validation`.

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

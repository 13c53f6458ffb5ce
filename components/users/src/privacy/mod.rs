//! Privacy: what is held on a person, taking a person out of it, and what prevents that.

pub(crate) mod erasures;
pub(crate) mod legal_holds;
pub(crate) mod receipt;
pub(crate) mod subjects;

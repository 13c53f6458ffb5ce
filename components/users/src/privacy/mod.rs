//! Privacy: exporting the data of a person, erasing it, and the legal holds that prevent an
//! erasure. The regular deletion after a retention period is the worker's task.

pub(crate) mod erasures;
pub(crate) mod legal_holds;
pub(crate) mod receipt;
pub(crate) mod subjects;

//! academics.

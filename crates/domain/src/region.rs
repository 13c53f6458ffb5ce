//! The regions that tenants live in; each has cells and databases of its own.

/// Every region's name, as variables, tokens and the database write it.
pub const ALL: [&str; 3] = ["eu", "au", "us"];

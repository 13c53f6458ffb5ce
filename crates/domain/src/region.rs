//! The regions in which tenants live; each has cells and databases of its own. The relocation of a
//! tenant between cells is in `operations`.

/// The names of the regions as variables, tokens and the database write them.
pub const ALL: [&str; 3] = ["eu", "au", "us"];

//! The parameters and fields of pages, for actions that have lists of their own. The lists of
//! resources are in `declare::statements::listing`.

use crate::declare::field::{Field, Kind};

/// The default number of items of a page.
pub const DEFAULT_LIMIT: u32 = 50;
/// The maximum number of items of a page.
pub const MAX_LIMIT: u32 = 200;

/// The parameter with the maximum number of items of a page.
pub const LIMIT: Field = limit("The maximum number of items in the page. Defaults to 50.");

/// Creates the parameter with the maximum number of items of a page, with a description that names
/// the items.
pub const fn limit(description: &'static str) -> Field {
    let max = MAX_LIMIT as i64;
    Field::new("limit", Kind::Integer { min: 1, max }, description)
}

/// Creates the parameter with the cursor of a page.
pub const fn cursor(kind: Kind) -> Field {
    Field::new("cursor", kind, "The `next_cursor` of the previous page.")
}

/// Creates the field with the cursor of the next page.
pub const fn next_cursor(kind: Kind) -> Field {
    Field::new(
        "next_cursor",
        kind,
        "The cursor of the next page. Null on the last page.",
    )
    .nullable()
    .required()
}

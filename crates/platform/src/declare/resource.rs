//! The declaration of a resource: a constant from which its plain verbs, their SQL, their
//! validation and their reference are derived. The derivations are in the other modules of
//! `declare`.

use serde_json::{Map, Value};

use crate::auth::policy::{Verb, text_equals};
use crate::declare::field::{Field, Kind};
use crate::declare::validation::WriteMode;
use crate::http::problem::Problem;
use crate::values::field_error::FieldError;

/// Checks the values of a body, or of a row of a file, as a whole: returns the errors and sets the
/// derived fields. For a body that changes a resource it sees the values of the body, not the
/// stored ones.
pub type Validate = fn(&mut Map<String, Value>, WriteMode) -> Vec<FieldError>;

/// A resource with its plain verbs.
#[derive(Debug, Clone, Copy)]
pub struct Resource {
    /// The plural noun in URLs, such as `finance-records`.
    pub name: &'static str,
    /// The table in schema `lms`, such as `finance_records`.
    pub table: &'static str,
    /// The singular noun for summaries and schema names, such as `finance record`.
    pub singular: &'static str,
    /// The plural noun for summaries, such as `finance records`.
    pub plural: &'static str,
    /// One sentence for the reference.
    pub description: &'static str,
    /// Its fields, without the common ones (see [`COMMON_FIRST`] and [`COMMON_LAST`]).
    pub fields: &'static [Field],
    /// The column that names the user who owns the row, if rows have an owner.
    pub owner: Option<&'static str>,
    /// The plain verbs that the platform serves. Others are actions of the component, or do not
    /// exist.
    pub verbs: &'static [Verb],
    /// Checks the fields against each other, and sets the derived ones.
    pub validate: Option<Validate>,
    /// True if a change needs `If-Match`, as changes of money do.
    pub requires_match: bool,
    /// True if a write needs `Idempotency-Key`, as writes of money do.
    pub requires_key: bool,
}

/// The common field before a resource's own.
pub static COMMON_FIRST: [Field; 1] =
    [
        Field::new("id", Kind::Id, "The unique identifier, a version 7 UUID.")
            .read_only()
            .sortable(),
    ];

/// The common fields after a resource's own.
pub static COMMON_LAST: [Field; 5] = [
    Field::new("created_at", Kind::Time, "The time of creation.")
        .read_only()
        .sortable(),
    Field::new("updated_at", Kind::Time, "The time of the last change.")
        .read_only()
        .sortable(),
    Field::new("created_by", Kind::Id, "The user who created the resource.")
        .read_only()
        .nullable()
        .filterable(),
    Field::new(
        "updated_by",
        Kind::Id,
        "The user who last changed the resource.",
    )
    .read_only()
    .nullable()
    .filterable(),
    Field::new(
        "deleted_at",
        Kind::Time,
        "The time of deletion. Null if the resource is not deleted.",
    )
    .read_only()
    .nullable(),
];

/// The only parameter of an import.
pub(crate) const DRY_RUN: Field = Field::new(
    "dry_run",
    Kind::Boolean,
    "Whether to only check the file: nothing is stored, and the response says what would be created.",
);

/// The only parameter of reading one resource.
pub(crate) const AS_OF: Field = Field::new(
    "as_of",
    Kind::Time,
    "The time at which to read the resource, according to the event log. Defaults to now. For admins only.",
);

impl Resource {
    /// Returns all fields with the common ones, in the order in which they are shown.
    pub fn all_fields(&self) -> impl Iterator<Item = &'static Field> + Clone + use<> {
        COMMON_FIRST
            .iter()
            .chain(self.fields)
            .chain(COMMON_LAST.iter())
    }

    /// Checks the values as a whole and returns them.
    ///
    /// # Errors
    ///
    /// 422 with the errors of the values as a whole.
    pub fn validated(
        &self,
        mode: WriteMode,
        mut values: Map<String, Value>,
    ) -> Result<Map<String, Value>, Problem> {
        let errors = self
            .validate
            .map_or_else(Vec::new, |validate| validate(&mut values, mode));
        if errors.is_empty() {
            Ok(values)
        } else {
            Err(Problem::invalid(errors))
        }
    }

    /// Returns the resource's own field of this name, for use in another declaration.
    ///
    /// # Panics
    ///
    /// At compile time, for an unknown name.
    pub const fn declared(&self, name: &str) -> Field {
        let mut index = 0;
        while !text_equals(self.fields[index].name, name) {
            index += 1;
            assert!(index < self.fields.len(), "the resource has no such field");
        }
        self.fields[index]
    }

    /// Returns the field of this name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.all_fields().find(|field| field.name == name)
    }
}

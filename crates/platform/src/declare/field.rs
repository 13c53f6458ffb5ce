//! The declaration of one field: its name, its kind with limits, and who may set it when.
//!
//! Validation, SQL and the reference page are all derived from these constants.

/// What values a field takes.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// One line of text of `min` to `max` characters, trimmed and composed (NFC): without control characters, line
    /// breaks and marks that override the direction of writing, and with something in it that can be seen. Lists are
    /// sorted by it as people sort.
    Text {
        /// Fewest characters.
        min: usize,
        /// Most characters.
        max: usize,
    },
    /// Text of several lines, otherwise like [`Kind::Text`].
    Multiline {
        /// Fewest characters.
        min: usize,
        /// Most characters.
        max: usize,
    },
    /// Text that is kept exactly as it came and never shown again: a token.
    Secret {
        /// Fewest characters.
        min: usize,
        /// Most characters.
        max: usize,
    },
    /// A password that somebody types, in the one form of all its encodings (NFKC). It is never shown again.
    Password {
        /// Fewest characters of that form.
        min: usize,
        /// Most characters of that form.
        max: usize,
    },
    /// An e-mail address, in the normal form of [`crate::values::email`].
    Email,
    /// A telephone number in E.164 form (`+441632960000`).
    Phone,
    /// Lower-case letters, digits and single hyphens: a name for use in URLs.
    Slug,
    /// One of a fixed set of words.
    OneOf(&'static [&'static str]),
    /// A UUID.
    Id,
    /// The id of a live row of another table that the caller can see.
    Reference(&'static str),
    /// A calendar date, `YYYY-MM-DD`.
    Date,
    /// An instant, RFC 3339; answered in UTC with `Z`.
    Time,
    /// What a clock on the wall shows, `2026-03-29T16:00:00`: an instant only together with a time zone.
    LocalTime,
    /// A time of any day, `16:00`; `24:00` is the end of it.
    TimeOfDay,
    /// A whole number within bounds, both included.
    Integer {
        /// Smallest value.
        min: i64,
        /// Largest value.
        max: i64,
    },
    /// A number with at most so many decimal places, within bounds, both included.
    Decimal {
        /// Smallest value.
        min: i32,
        /// Largest value.
        max: i32,
        /// Most digits behind the point.
        places: u8,
    },
    /// An amount of money above zero, as decimal text (`"125.50"`): never a float.
    Money,
    /// An amount of money that may be zero or below: a sum, a difference or an entry on an account.
    SignedMoney,
    /// True or false.
    Boolean,
    /// An IANA time zone, such as `Europe/London`.
    TimeZone,
    /// An ISO 4217 currency code, such as `EUR`.
    Currency,
    /// A list of distinct texts.
    TextList {
        /// Most items.
        items: usize,
        /// Most characters of an item.
        max: usize,
    },
    /// A list of distinct ids, each of a live row of another table that the caller can see.
    References {
        /// The table.
        table: &'static str,
        /// Most items.
        items: usize,
    },
    /// A BCP 47 language tag, such as `pt-BR`.
    Language,
    /// A list of BCP 47 language tags, such as `["en", "hi"]`.
    Languages,
    /// A JSON object with these fields and no others.
    Object(&'static [Field]),
    /// A list of JSON objects with these fields and no others.
    Rows(&'static [Field]),
    /// A JSON object of free form, at most so many bytes when written.
    Json {
        /// Most bytes of its compact text.
        bytes: usize,
    },
}

/// A rank.
const RANK: Kind = Kind::Integer {
    min: 0,
    max: i32::MAX as i64,
};

/// When a client may set a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writable {
    /// The database keeps it; a client never sets it.
    Never,
    /// The resource's rule sets it from other fields; a client neither sets nor sees it.
    Derived,
    /// The resource's rule sets it from other fields; a client sees it and never sets it.
    Computed,
    /// Set when the resource is made, and never changed.
    OnCreate,
    /// Set when the resource is made, changed by PATCH.
    Always,
}

/// One field of a resource, a body or a query.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// The name in JSON, in a query and as a column.
    pub name: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// Whether a body that creates must have it.
    pub required: bool,
    /// Whether `null` is a value of it.
    pub nullable: bool,
    /// When a client may set it.
    pub writable: Writable,
    /// The SQL literal that stands in when a creating body leaves it out.
    pub default: Option<&'static str>,
    /// Whether lists can be filtered by it.
    pub filterable: bool,
    /// Whether lists can be sorted by it; only fields that are never null.
    pub sortable: bool,
    /// The function in schema `lms` that gives the ids of the rows whose list holds a value: it looks past
    /// row security within the tenant, so that it may use an index that row security may not.
    pub filter_function: Option<&'static str>,
    /// The integer column by which lists are sorted instead of the field's own: the rank of its value, 1 first.
    pub sort_column: Option<&'static str>,
    /// The condition on the row `r`, as SQL, that this is instead of a column: lists can be filtered by it, and it is never
    /// shown, for it may come true without a change of the row.
    pub condition: Option<&'static str>,
    /// One sentence for the reference page.
    pub description: &'static str,
}

impl Field {
    /// A field that may be set at any time, is optional and not nullable.
    pub const fn new(name: &'static str, kind: Kind, description: &'static str) -> Self {
        Self {
            name,
            kind,
            required: false,
            nullable: false,
            writable: Writable::Always,
            default: None,
            filterable: false,
            sortable: false,
            filter_function: None,
            sort_column: None,
            condition: None,
            description,
        }
    }

    /// The field must be there when the resource is made.
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// `null` is a value of the field, and the one it has when it is left out.
    pub const fn nullable(mut self) -> Self {
        self.nullable = true;
        self
    }

    /// The SQL literal the field has when a creating body leaves it out.
    pub const fn default(mut self, literal: &'static str) -> Self {
        self.default = Some(literal);
        self
    }

    /// The field is set when the resource is made and never changed.
    pub const fn on_create(mut self) -> Self {
        self.writable = Writable::OnCreate;
        self
    }

    /// The database keeps the field; no client sets it.
    pub const fn read_only(mut self) -> Self {
        self.writable = Writable::Never;
        self
    }

    /// The field is set by the resource's rule, and no client's business.
    pub const fn derived(mut self) -> Self {
        self.writable = Writable::Derived;
        self
    }

    /// The field is set by the resource's rule, and clients see it.
    pub const fn computed(mut self) -> Self {
        self.writable = Writable::Computed;
        self
    }

    /// Lists can be filtered by what the field's list holds, which this function finds.
    pub const fn filter_function(mut self, function: &'static str) -> Self {
        self.filter_function = Some(function);
        self
    }

    /// Lists can be filtered by the field, and sorted by the rank of its value, which this column holds.
    pub const fn sort_column(self, column: &'static str) -> Self {
        Self {
            sort_column: Some(column),
            ..self.sortable()
        }
    }

    /// The field is no column but a condition on the row `r`, which lists can be filtered by.
    pub const fn condition(self, sql: &'static str) -> Self {
        Self {
            condition: Some(sql),
            ..self.read_only().filterable()
        }
    }

    /// Column and kind by which lists are sorted.
    pub const fn order_column(&self) -> (&'static str, Kind) {
        match self.sort_column {
            Some(column) => (column, RANK),
            None => (self.name, self.kind),
        }
    }

    /// Lists can be filtered by the field. Of a member of an object the table keeps a column
    /// `<field>_<member>`.
    pub const fn filterable(mut self) -> Self {
        self.filterable = true;
        self
    }

    /// Lists can be filtered and sorted by the field.
    pub const fn sortable(mut self) -> Self {
        self.filterable = true;
        self.sortable = true;
        self
    }
}

impl Kind {
    /// The PostgreSQL type that a value of this kind is cast to.
    pub const fn sql_type(self) -> &'static str {
        match self {
            Kind::Text { .. }
            | Kind::Multiline { .. }
            | Kind::Secret { .. }
            | Kind::Password { .. }
            | Kind::Email
            | Kind::Phone
            | Kind::Slug
            | Kind::OneOf(_)
            | Kind::TimeZone
            | Kind::Currency
            | Kind::Language => "text",
            Kind::Id | Kind::Reference(_) => "uuid",
            Kind::Date => "date",
            Kind::Time => "timestamptz",
            Kind::LocalTime => "timestamp",
            Kind::TimeOfDay => "time",
            Kind::Integer { .. } => "bigint",
            Kind::Decimal { .. } | Kind::Money | Kind::SignedMoney => "numeric",
            Kind::Boolean => "boolean",
            Kind::TextList { .. }
            | Kind::References { .. }
            | Kind::Languages
            | Kind::Object(_)
            | Kind::Rows(_)
            | Kind::Json { .. } => "jsonb",
        }
    }

    /// Whether the value is JSON of its own and not a scalar.
    pub const fn is_json(self) -> bool {
        matches!(
            self,
            Kind::TextList { .. }
                | Kind::References { .. }
                | Kind::Languages
                | Kind::Object(_)
                | Kind::Rows(_)
                | Kind::Json { .. }
        )
    }

    /// Whether the value is text that a `like` filter can search.
    pub const fn is_text(self) -> bool {
        matches!(
            self,
            Kind::Text { .. } | Kind::Multiline { .. } | Kind::Email | Kind::Phone | Kind::Slug
        )
    }

    /// Returns whether the value is never shown.
    pub const fn is_hidden(self) -> bool {
        matches!(self, Kind::Secret { .. } | Kind::Password { .. })
    }

    /// Returns whether lists are sorted by the order of a language's letters ([`crate::values::collation`]); everything else is
    /// sorted by its bytes.
    pub const fn has_letters(self) -> bool {
        matches!(self, Kind::Text { .. })
    }

    /// Whether values have an order that a range filter can use.
    pub const fn is_ordered(self) -> bool {
        matches!(
            self,
            Kind::Date
                | Kind::Time
                | Kind::Integer { .. }
                | Kind::Decimal { .. }
                | Kind::Money
                | Kind::SignedMoney
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_optional_and_changeable_unless_it_says_otherwise() {
        let field = Field::new("name", Kind::Boolean, "");
        assert!(!field.required && !field.nullable && !field.filterable && !field.sortable);
        assert_eq!(field.writable, Writable::Always);
        assert_eq!(field.on_create().writable, Writable::OnCreate);
        assert_eq!(field.read_only().writable, Writable::Never);
        assert_eq!(field.derived().writable, Writable::Derived);
        assert_eq!(field.computed().writable, Writable::Computed);
        assert_eq!(
            field.filter_function("finder").filter_function,
            Some("finder")
        );
        assert!(field.sortable().filterable && field.sortable().sortable);
        assert!(field.filterable().filterable && !field.filterable().sortable);
        assert!(field.required().required && field.nullable().nullable);
        assert_eq!(field.default("true").default, Some("true"));
        let asked = field.condition("r.watts > 3");
        assert!(asked.filterable && !asked.sortable && asked.writable == Writable::Never);
        let ranked = field.sort_column("rank");
        assert!(ranked.sortable && ranked.order_column().0 == "rank");
        assert_eq!(field.order_column().0, "name");
    }

    #[test]
    fn every_kind_has_its_type_and_its_comparisons() {
        for (kind, sql_type, is_json, is_text, is_ordered) in [
            (Kind::Text { min: 0, max: 1 }, "text", false, true, false),
            (
                Kind::Multiline { min: 0, max: 1 },
                "text",
                false,
                true,
                false,
            ),
            (Kind::Secret { min: 0, max: 1 }, "text", false, false, false),
            (
                Kind::Password { min: 0, max: 1 },
                "text",
                false,
                false,
                false,
            ),
            (Kind::Email, "text", false, true, false),
            (Kind::Phone, "text", false, true, false),
            (Kind::Slug, "text", false, true, false),
            (Kind::OneOf(&[]), "text", false, false, false),
            (Kind::TimeZone, "text", false, false, false),
            (Kind::Currency, "text", false, false, false),
            (Kind::Language, "text", false, false, false),
            (Kind::Id, "uuid", false, false, false),
            (Kind::Reference("users"), "uuid", false, false, false),
            (Kind::Date, "date", false, false, true),
            (Kind::Time, "timestamptz", false, false, true),
            (
                Kind::Integer { min: 0, max: 1 },
                "bigint",
                false,
                false,
                true,
            ),
            (
                Kind::Decimal {
                    min: 0,
                    max: 1,
                    places: 2,
                },
                "numeric",
                false,
                false,
                true,
            ),
            (Kind::Money, "numeric", false, false, true),
            (Kind::SignedMoney, "numeric", false, false, true),
            (Kind::LocalTime, "timestamp", false, false, false),
            (Kind::TimeOfDay, "time", false, false, false),
            (Kind::Boolean, "boolean", false, false, false),
            (
                Kind::TextList { items: 1, max: 1 },
                "jsonb",
                true,
                false,
                false,
            ),
            (
                Kind::References {
                    table: "users",
                    items: 1,
                },
                "jsonb",
                true,
                false,
                false,
            ),
            (Kind::Languages, "jsonb", true, false, false),
            (Kind::Object(&[]), "jsonb", true, false, false),
            (Kind::Rows(&[]), "jsonb", true, false, false),
            (Kind::Json { bytes: 1 }, "jsonb", true, false, false),
        ] {
            let found = (
                kind.sql_type(),
                kind.is_json(),
                kind.is_text(),
                kind.is_ordered(),
            );
            assert_eq!(found, (sql_type, is_json, is_text, is_ordered), "{kind:?}");
        }
    }
}

//! The declaration of a field: its name, its kind, and when it may be set. Validation, SQL and the
//! reference are derived from it in the other modules of `declare`.

#[cfg(test)]
mod tests;

/// The kind of a field's values.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// One line of text of `min` to `max` characters, trimmed and composed (NFC). It has at least
    /// one visible character, and no control characters, line breaks or marks that override the
    /// direction of writing. Lists are sorted by it in the order of a language.
    Text {
        /// The minimum number of characters.
        min: usize,
        /// The maximum number of characters.
        max: usize,
    },
    /// Text of several lines, otherwise like [`Kind::Text`].
    Multiline {
        /// The minimum number of characters.
        min: usize,
        /// The maximum number of characters.
        max: usize,
    },
    /// Text that is stored exactly as it came and is never shown again, such as a token.
    Secret {
        /// The minimum number of characters.
        min: usize,
        /// The maximum number of characters.
        max: usize,
    },
    /// A password that a person types, in one normal form (NFKC). It is never shown again.
    Password {
        /// The minimum number of characters of that form.
        min: usize,
        /// The maximum number of characters of that form.
        max: usize,
    },
    /// An e-mail address, in the normal form of [`crate::values::email`].
    Email,
    /// A telephone number in E.164 form (`+441632960000`).
    Phone,
    /// Lower-case letters, digits and single hyphens, for use in URLs.
    Slug,
    /// One of a fixed set of words.
    OneOf(&'static [&'static str]),
    /// A UUID.
    Id,
    /// The id of a live row of another table that the caller can see.
    Reference(&'static str),
    /// A calendar date, `YYYY-MM-DD`.
    Date,
    /// An instant (RFC 3339), returned in UTC with `Z`.
    Time,
    /// A local date and time, `2026-03-29T16:00:00`, which is an instant only together with a time
    /// zone.
    LocalTime,
    /// A time of day, `16:00`; `24:00` is the end of the day.
    TimeOfDay,
    /// A whole number within inclusive bounds.
    Integer {
        /// The smallest value.
        min: i64,
        /// The largest value.
        max: i64,
    },
    /// A number within inclusive bounds and with a maximum number of decimal places.
    Decimal {
        /// The smallest value.
        min: i32,
        /// The largest value.
        max: i32,
        /// The maximum number of digits after the decimal point.
        places: u8,
    },
    /// An amount of money above zero, as decimal text (`"125.50"`) and never as a float.
    Money,
    /// An amount of money that may be zero or negative: a sum, a difference or an entry in an
    /// account.
    SignedMoney,
    /// True or false.
    Boolean,
    /// An IANA time zone, such as `Europe/London`.
    TimeZone,
    /// An ISO 4217 currency code, such as `EUR`.
    Currency,
    /// A list of distinct texts.
    TextList {
        /// The maximum number of items.
        items: usize,
        /// The maximum number of characters of an item.
        max: usize,
    },
    /// A list of distinct ids, each of a live row of another table that the caller can see.
    References {
        /// The table.
        table: &'static str,
        /// The maximum number of items.
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
    /// A JSON object with any members, of a maximum size.
    Json {
        /// The maximum size of its compact text, in bytes.
        bytes: usize,
    },
}

/// The kind of a rank, by which lists are sorted.
const RANK_KIND: Kind = Kind::Integer {
    min: 0,
    max: i32::MAX as i64,
};

/// The times at which a client may set a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writable {
    /// The database maintains the field; a client never sets it.
    Never,
    /// The resource's validation derives the field from other fields; a client neither sets nor
    /// sees it.
    Derived,
    /// The resource's validation derives the field from other fields; a client sees it and never
    /// sets it.
    Computed,
    /// The field is set when the resource is created and never changes.
    OnCreate,
    /// The field is set when the resource is created and can be changed by PATCH.
    Always,
}

/// One field of a resource, a body or a query.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// The name in JSON, in a query and as a column.
    pub name: &'static str,
    /// The kind of its values.
    pub kind: Kind,
    /// True if the body of a create request must contain it.
    pub required: bool,
    /// True if it can be `null`.
    pub nullable: bool,
    /// The times at which a client may set it.
    pub writable: Writable,
    /// The SQL literal that is used when a create request leaves it out.
    pub default: Option<&'static str>,
    /// True if lists can be filtered by it.
    pub filterable: bool,
    /// True if lists can be sorted by it, which only fields that are never null can be.
    pub sortable: bool,
    /// The function in the schema `lms` that returns the ids of the rows whose list contains a
    /// value. It bypasses row security within the tenant, so that it may use an index that row
    /// security prevents.
    pub filter_function: Option<&'static str>,
    /// The integer column by which lists are sorted instead of the field's own: the rank of its
    /// value, 1 first.
    pub sort_column: Option<&'static str>,
    /// The SQL condition on the row `r` that the field stands for instead of a column. Lists can be
    /// filtered by it. It is never shown, because it can become true without a change of the row.
    pub condition: Option<&'static str>,
    /// One sentence for the reference.
    pub description: &'static str,
}

impl Field {
    /// Creates a field that may be set at any time, is optional and cannot be null.
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

    /// Requires the field when the resource is created.
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Allows `null`, which is also the value of the field when it is left out.
    pub const fn nullable(mut self) -> Self {
        self.nullable = true;
        self
    }

    /// Sets the SQL literal that is used when a create request leaves the field out.
    pub const fn default(mut self, literal: &'static str) -> Self {
        self.default = Some(literal);
        self
    }

    /// Lets the field be set when the resource is created, and never changed.
    pub const fn on_create(mut self) -> Self {
        self.writable = Writable::OnCreate;
        self
    }

    /// Leaves the field to the database; no client sets it.
    pub const fn read_only(mut self) -> Self {
        self.writable = Writable::Never;
        self
    }

    /// Leaves the field to the resource's validation, hidden from clients.
    pub const fn derived(mut self) -> Self {
        self.writable = Writable::Derived;
        self
    }

    /// Leaves the field to the resource's validation, visible to clients.
    pub const fn computed(mut self) -> Self {
        self.writable = Writable::Computed;
        self
    }

    /// Lets lists be filtered by the values in the field's list, which this function finds.
    pub const fn filter_function(mut self, function: &'static str) -> Self {
        self.filter_function = Some(function);
        self
    }

    /// Lets lists be filtered by the field, and sorted by the rank of its value, which this column
    /// contains.
    pub const fn sort_column(self, column: &'static str) -> Self {
        Self {
            sort_column: Some(column),
            ..self.sortable()
        }
    }

    /// Makes the field a condition on the row `r` instead of a column, by which lists can be
    /// filtered.
    pub const fn condition(self, sql: &'static str) -> Self {
        Self {
            condition: Some(sql),
            ..self.read_only().filterable()
        }
    }

    /// Returns the column and the kind by which lists are sorted.
    pub const fn order_column(&self) -> (&'static str, Kind) {
        match self.sort_column {
            Some(column) => (column, RANK_KIND),
            None => (self.name, self.kind),
        }
    }

    /// Lets lists be filtered by the field. For a member of an object, the table has a column
    /// `<field>_<member>`.
    pub const fn filterable(mut self) -> Self {
        self.filterable = true;
        self
    }

    /// Lets lists be filtered and sorted by the field.
    pub const fn sortable(mut self) -> Self {
        self.filterable = true;
        self.sortable = true;
        self
    }
}

impl Kind {
    /// Returns the PostgreSQL type to which a value of this kind is cast.
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

    /// Returns true if the value is a JSON array or object and not a scalar.
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

    /// Returns true if the value is text that a `like` filter can search.
    pub const fn is_text(self) -> bool {
        matches!(
            self,
            Kind::Text { .. } | Kind::Multiline { .. } | Kind::Email | Kind::Phone | Kind::Slug
        )
    }

    /// Returns true if the value is never shown.
    pub const fn is_hidden(self) -> bool {
        matches!(self, Kind::Secret { .. } | Kind::Password { .. })
    }

    /// Returns true if lists are sorted by the alphabet of a language
    /// ([`crate::values::collation`]). All other kinds are sorted by bytes.
    pub const fn has_letters(self) -> bool {
        matches!(self, Kind::Text { .. })
    }

    /// Returns true if values have an order that a range filter can use.
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

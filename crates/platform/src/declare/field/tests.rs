//! Tests of fields and their kinds. The validation of values is tested in `declare::validation`.

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

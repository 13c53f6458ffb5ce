//! Tests of values that are written as text. Whole bodies are tested in the parent module.

use proptest::prelude::*;

use super::{id, scalar};
use crate::declare::field::Kind;

/// All kinds that are written as text.
const SCALARS: [Kind; 17] = [
    Kind::Text { min: 0, max: 30 },
    Kind::Multiline { min: 0, max: 30 },
    Kind::Secret { min: 0, max: 30 },
    Kind::Password { min: 0, max: 30 },
    Kind::Email,
    Kind::Phone,
    Kind::Slug,
    Kind::OneOf(&["open", "closed"]),
    Kind::Id,
    Kind::Reference("centres"),
    Kind::Date,
    Kind::Time,
    Kind::Integer {
        min: i64::MIN,
        max: i64::MAX,
    },
    Kind::Boolean,
    Kind::TimeZone,
    Kind::Currency,
    Kind::Language,
];

fn code(kind: Kind, text: &str) -> &'static str {
    scalar(kind, text).expect_err(text).0
}

#[test]
fn integers_are_whole_and_within_bounds() {
    let kind = Kind::Integer { min: 1, max: 200 };
    assert_eq!(scalar(kind, "007").unwrap(), "7");
    for text in ["0", "201", "", "1.0", "1e2", "99999999999999999999"] {
        assert_eq!(code(kind, text), "out_of_range", "{text}");
    }
}

#[test]
fn text_is_counted_in_characters_after_trimming() {
    let kind = Kind::Text { min: 1, max: 3 };
    assert_eq!(scalar(kind, " äöü\n").unwrap(), "äöü");
    assert_eq!(code(kind, "a\nb"), "invalid_text");
    assert_eq!(
        scalar(Kind::Multiline { min: 1, max: 3 }, "a\nb ").unwrap(),
        "a\nb"
    );
    assert_eq!(code(kind, "   "), "too_short");
    assert_eq!(code(kind, "abcd"), "too_long");
    assert_eq!(code(kind, "a\0"), "invalid_text");
    assert_eq!(code(kind, "a\u{1b}"), "invalid_text");
    // A secret is stored as it came.
    assert_eq!(
        scalar(Kind::Secret { min: 1, max: 3 }, " a ").unwrap(),
        " a "
    );
}

#[test]
fn email_addresses_have_a_local_part_and_a_domain_of_labels() {
    assert_eq!(
        scalar(Kind::Email, " Ana.B+x@Example.Org ").unwrap(),
        "ana.b+x@example.org"
    );
    let long = format!("{}@example.org", "a".repeat(65));
    for text in [
        "",
        "ana",
        "@example.org",
        "ana@",
        "ana@org",
        "ana@.org",
        "ana@example.",
        "a b@example.org",
        "ana@-example.org",
        "ana@exam_ple.org",
        "a@b@example.org",
        "\"a\"@example.org",
        &long,
    ] {
        assert_eq!(code(Kind::Email, text), "invalid_email", "{text}");
    }
}

#[test]
fn telephone_numbers_are_international() {
    assert_eq!(
        scalar(Kind::Phone, "+44 (1632) 960-000").unwrap(),
        "+441632960000"
    );
    for text in [
        "",
        "+",
        "01632960000",
        "+0123456789",
        "+123456",
        "+1234567890123456",
        "+44163x960",
    ] {
        assert_eq!(code(Kind::Phone, text), "invalid_phone", "{text}");
    }
}

#[test]
fn slugs_are_words_joined_by_single_hyphens() {
    assert_eq!(scalar(Kind::Slug, "aurora-2").unwrap(), "aurora-2");
    let long = "a".repeat(64);
    for text in ["", "a", "Aurora", "-a", "a-", "a--b", "a_b", "ä-b", &long] {
        assert_eq!(code(Kind::Slug, text), "invalid_slug", "{text}");
    }
}

#[test]
fn ids_have_one_form() {
    let written = "0190163D-8694-739B-AEA5-966C26F8AD90";
    assert_eq!(scalar(Kind::Id, written).unwrap(), written.to_lowercase());
    assert_eq!(id(written).unwrap().to_string(), written.to_lowercase());
    for text in [
        "",
        "0190163d8694739baea5966c26f8ad90",
        "{0190163d-8694-739b-aea5-966c26f8ad90}",
        "urn:uuid:0190163d-8694-739b-aea5-966c26f8ad90",
        "0190163d-8694-739b-aea5-966c26f8ad9",
        "0190163d-8694-739b-aea5-966c26f8ad9g",
    ] {
        assert_eq!(code(Kind::Reference("users"), text), "invalid_id", "{text}");
    }
}

#[test]
fn dates_have_one_form_and_a_calendar() {
    for text in ["1900-01-01", "2024-02-29", "2199-12-31"] {
        assert_eq!(scalar(Kind::Date, text).unwrap(), text);
    }
    for text in [
        "",
        "1899-12-31",
        "2200-01-01",
        "2023-02-29",
        "2026-3-29",
        "2026-03-29T",
        "29.03.2026",
        " 2026-3-29",
        "+2026-3-29",
        // The fourth of ten bytes lies within a character.
        "  \u{2003}1-1-1",
        "\u{2003} 26-1-1",
    ] {
        assert_eq!(code(Kind::Date, text), "invalid_date", "{text:?}");
    }
}

#[test]
fn times_are_written_in_utc_with_microseconds() {
    for (given, normal) in [
        ("2026-03-29T16:00:00Z", "2026-03-29T16:00:00.000000Z"),
        (
            "2026-03-29T16:00:00.1234567+02:00",
            "2026-03-29T14:00:00.123456Z",
        ),
    ] {
        assert_eq!(scalar(Kind::Time, given).unwrap(), normal);
    }
    for text in [
        "",
        "2026-03-29",
        "2026-03-29T16:00:00",
        "2026-02-30T00:00:00Z",
        "2026-03-29T25:00:00Z",
        "1900-01-01T00:00:00+01:00",
        "2199-12-31T23:59:59-01:00",
        "é026-03-29T16:00:00Z",
    ] {
        assert_eq!(code(Kind::Time, text), "invalid_time", "{text}");
    }
}

#[test]
fn sets_zones_and_currencies_hold_what_they_name() {
    assert_eq!(
        scalar(Kind::OneOf(&["open", "closed"]), "open").unwrap(),
        "open"
    );
    let refused = scalar(Kind::OneOf(&["open", "closed"]), "Open").unwrap_err();
    assert_eq!(
        refused,
        ("not_allowed", "Must be one of: open, closed.".to_owned())
    );
    assert_eq!(scalar(Kind::Boolean, "true").unwrap(), "true");
    assert_eq!(code(Kind::Boolean, "1"), "wrong_type");
    crate::values::zones::remember(
        r#"[{"name": "Australia/Sydney", "offset": 36000, "abbreviation": "AEST", "changes": []}]"#,
    );
    assert_eq!(
        scalar(Kind::TimeZone, "Australia/Sydney").unwrap(),
        "Australia/Sydney"
    );
    assert_eq!(code(Kind::TimeZone, "Europe/Atlantis"), "unknown_time_zone");
    assert_eq!(scalar(Kind::Currency, "AUD").unwrap(), "AUD");
    assert_eq!(code(Kind::Currency, "aud"), "unknown_currency");
    assert_eq!(code(Kind::Currency, "ZZZ"), "unknown_currency");
    assert_eq!(scalar(Kind::Language, "pt-BR").unwrap(), "pt-BR");
    for wrong in ["e!", "e", "en-", "en_GB"] {
        assert_eq!(code(Kind::Language, wrong), "invalid_language", "{wrong}");
    }
    assert_eq!(code(Kind::Languages, "en"), "wrong_type");
}

/// Texts of the kinds' alphabets, which random characters would never produce, and random ones.
fn written() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,40}",
        "[ \\u{2003}\\u{0}-]{0,3}[0-9+-]{1,4}-[0-9]{1,2}-[0-9]{1,2}[Tt ]?",
        "(19|20|21|22)[0-9]{2}-[01][0-9]-[0-3][0-9]",
        "(18|19|21|22)[0-9]{2}-(01|12)-(01|31)[Tt ][0-2][0-9]:[0-5][0-9]:[0-6][0-9](\\.[0-9]{1,12})?(Z|z|[+-][01][0-9]:[0-5][0-9])",
        "[ ]?[A-Za-zİΣßé.+]{1,70}@[A-Za-zİΣß0-9-]{1,20}\\.[A-Za-zΣ]{1,8}[ ]?",
        "\\+[0-9 ()-]{5,20}",
        "[a-z0-9-]{1,65}",
        "[+-]?[0-9]{1,20}",
        "[0-9a-fA-F]{8}-[0-9a-f]{4}-[0-9A-F]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "(open|closed|true|false|EUR|GBP|UTC|Europe/Paris|EST5EDT)",
    ]
}

proptest! {
    #[test]
    fn a_normal_form_is_its_own_normal_form(text in written()) {
        for kind in SCALARS {
            if let Ok(normal) = scalar(kind, &text) {
                prop_assert_eq!(scalar(kind, &normal), Ok(normal), "{:?}", kind);
            }
        }
    }
}

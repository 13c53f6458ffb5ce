//! Cursors: positions from which a list continues. They are opaque to clients, and hold the sort
//! order and the keys of the last row. The lists are in `listing`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

use crate::declare::field::{Field, Kind};
use crate::declare::validation;

/// The maximum length of a cursor, in bytes.
const MAX_CURSOR_BYTES: usize = 4096;

/// One key of a list's order.
#[derive(Debug, Clone, Copy)]
pub struct SortKey {
    /// The field.
    pub field: &'static Field,
    /// True if the order is from the largest to the smallest.
    pub descending: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    sort: String,
    after: Vec<String>,
}

/// Returns the keys after which the list continues, or none if the cursor does not belong to this
/// list in this order.
pub fn decode(text: &str, sort: &str, keys: &[SortKey]) -> Option<Value> {
    if text.len() > MAX_CURSOR_BYTES {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let cursor: Cursor = serde_json::from_slice(&bytes).ok()?;
    if cursor.sort != sort || cursor.after.len() != keys.len() {
        return None;
    }
    // A cursor is not signed, so its content is checked like any other input.
    let sound = cursor
        .after
        .iter()
        .zip(keys)
        .all(|(value, key)| is_key(key.field.order_column().1, value));
    sound.then(|| Value::from(cursor.after))
}

/// Returns true if a row can have the key. A text stored before its kind had the present rules is a
/// key too, so that a list does not end there.
fn is_key(kind: Kind, value: &str) -> bool {
    if kind.is_text() {
        return !value.contains('\0');
    }
    validation::scalar(kind, value).is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::fixture::LAMPS;

    const SORT: &str = "-created_at,name,watts";
    const ID: &str = "0190163d-8694-739b-aea5-966c26f8ad90";
    const TIME: &str = "2026-03-29T16:00:00.000000Z";

    fn keys() -> Vec<SortKey> {
        ["created_at", "name", "watts", "id"]
            .into_iter()
            .map(|name| SortKey {
                field: LAMPS.field(name).unwrap(),
                descending: name == "created_at",
            })
            .collect()
    }

    /// Returns a cursor as the database writes it (`lms.cursor`).
    fn encode(cursor: &Value) -> String {
        URL_SAFE_NO_PAD.encode(cursor.to_string())
    }

    fn decoded(cursor: &Value) -> Option<Value> {
        decode(&encode(cursor), SORT, &keys())
    }

    #[test]
    fn a_cursor_of_the_list_goes_on_behind_its_keys() {
        let after = json!([TIME, "Desk", "5", ID]);
        assert_eq!(decoded(&json!({"sort": SORT, "after": after})), Some(after));
    }

    #[test]
    fn a_cursor_of_another_order_is_none_of_this_list() {
        let after = json!([TIME, "Desk", "5", ID]);
        assert_eq!(decoded(&json!({"sort": "name", "after": after})), None);
    }

    #[test]
    fn a_cursor_that_was_tampered_with_is_refused() {
        for after in [
            json!([]),
            json!([TIME, "Desk", "5"]),
            json!([TIME, "Desk", "5", ID, ID]),
            json!(["yesterday", "Desk", "5", ID]),
            json!([TIME, "a\0", "5", ID]),
            json!([TIME, "Desk", "5'; drop table lms.users", ID]),
            json!([TIME, "Desk", 5, ID]),
            json!([TIME, null, "5", ID]),
            json!([TIME, "Desk", "5", "1"]),
            json!("Desk"),
        ] {
            assert_eq!(
                decoded(&json!({"sort": SORT, "after": after})),
                None,
                "{after}"
            );
        }
        let whole = json!({"sort": SORT, "after": [TIME, "Desk", "5", ID]});
        let mut more = whole.clone();
        more["limit"] = json!(1_000_000);
        assert_eq!(decoded(&more), None);
        assert_eq!(decoded(&json!({"sort": SORT})), None);
        let text = encode(&whole);
        assert_eq!(decode(&text[1..], SORT, &keys()), None);
        assert_eq!(decode(&format!("{text}="), SORT, &keys()), None);
        assert_eq!(
            decode(&"A".repeat(MAX_CURSOR_BYTES + 1), SORT, &keys()),
            None
        );
        assert_eq!(decode("", SORT, &keys()), None);
    }

    proptest! {
        #[test]
        fn an_encoded_cursor_is_decoded(
            seconds in -2_208_988_800_i64..7_258_118_400,
            micros in 0_u32..1_000_000,
            name in "[a-zé%_\"\\\\]{1,20}",
            watts in 1_i64..=100,
            id in any::<u128>(),
        ) {
            let time = chrono::DateTime::from_timestamp(seconds, micros * 1_000).unwrap();
            let after = json!([
                time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
                name,
                watts.to_string(),
                uuid::Uuid::from_u128(id).to_string(),
            ]);
            prop_assert_eq!(decoded(&json!({"sort": SORT, "after": after})), Some(after));
        }

        #[test]
        fn any_text_is_decoded_without_a_crash(text in "[A-Za-z0-9_=-]{0,80}", json in "\\PC{0,60}") {
            let _ = decode(&text, SORT, &keys());
            prop_assert_eq!(decode(&URL_SAFE_NO_PAD.encode(json), SORT, &keys()), None);
        }
    }
}

//! Parses JSON text and refuses an object that has a member twice, because one reader would take
//! the first value and another the last (RFC 8259, section 4). The members of a body are checked
//! against its fields in the parent module.

use std::cell::RefCell;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

use crate::values::field_error::MAX_NAME_CHARACTERS;

/// An error in the text.
#[derive(Debug)]
pub(super) enum Fault {
    /// The text is not JSON.
    Syntax(serde_json::Error),
    /// The member at the pointer was given twice.
    Repeated(String),
}

/// Parses a JSON text.
pub(super) fn parse(text: &[u8]) -> Result<Value, Fault> {
    let repeated = RefCell::new(None);
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = Node(&repeated)
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value));
    match (value, repeated.into_inner()) {
        (Ok(value), _) => Ok(value),
        (Err(_), Some(pointer)) => Err(Fault::Repeated(pointer)),
        (Err(error), None) => Err(Fault::Syntax(error)),
    }
}

/// Reads one value. The pointer to a repeated member is composed on the way out, so that a text
/// without one costs nothing.
#[derive(Clone, Copy)]
struct Node<'r>(&'r RefCell<Option<String>>);

impl Node<'_> {
    /// Puts a step before the pointer, if there is one.
    fn within(self, step: &str) {
        if let Some(pointer) = self.0.borrow_mut().as_mut() {
            pointer.insert_str(0, &format!("/{step}"));
        }
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("any JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        loop {
            match access.next_element_seed(self) {
                Ok(Some(value)) => list.push(value),
                Ok(None) => return Ok(Value::Array(list)),
                Err(error) => {
                    self.within(&list.len().to_string());
                    return Err(error);
                }
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            match object.entry(name) {
                Entry::Occupied(entry) => {
                    let pointer = format!("/{}", escape_pointer(entry.key()));
                    self.0.replace(Some(pointer));
                    return Err(A::Error::custom("a member was given twice"));
                }
                Entry::Vacant(entry) => match access.next_value_seed(self) {
                    Ok(value) => {
                        entry.insert(value);
                    }
                    Err(error) => {
                        self.within(&escape_pointer(entry.key()));
                        return Err(error);
                    }
                },
            }
        }
        Ok(Value::Object(object))
    }
}

/// Escapes the name of a member for a JSON pointer (RFC 6901, section 3), and shortens it so that a
/// response stays small.
pub(super) fn escape_pointer(name: &str) -> String {
    name.chars()
        .take(MAX_NAME_CHARACTERS)
        .collect::<String>()
        .replace('~', "~0")
        .replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn repeated(text: &str) -> String {
        match parse(text.as_bytes()) {
            Err(Fault::Repeated(pointer)) => pointer,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_member_that_comes_twice_is_pointed_at_however_deep_it_is() {
        assert_eq!(repeated(r#"{"a": 1, "b": 2, "a": 1}"#), "/a");
        assert_eq!(repeated(r#"{"a": 1, "\u0061": null}"#), "/a");
        assert_eq!(
            repeated(r#"{"a": [1, {"b/c": {"d": 1, "d": [}}]}"#),
            "/a/1/b~1c/d"
        );
        assert_eq!(repeated(r#"[[], [{"": 0, "": 0}]]"#), "/1/0/");
    }

    #[test]
    fn the_same_name_in_different_objects_is_no_repetition() {
        let text = r#"{"a": {"a": [{"a": 1}, {"a": 2}]}, "b": {"a": 3}}"#;
        let expected: Value = serde_json::from_str(text).unwrap();
        assert_eq!(parse(text.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn other_mistakes_are_the_readers_own() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for text in [
            "",
            "{",
            "{\"a\":}",
            "[1,]",
            "1 2",
            "nul",
            "\"\\ud800\"",
            &deep,
        ] {
            let Err(Fault::Syntax(error)) = parse(text.as_bytes()) else {
                panic!("{text}");
            };
            let expected = serde_json::from_str::<Value>(text).unwrap_err();
            assert_eq!(error.to_string(), expected.to_string());
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "\\PC{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::btree_map("\\PC{0,4}", inner, 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_text_without_repetition_is_read_as_by_anybody(value in any_json()) {
            let text = value.to_string();
            let expected: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(parse(text.as_bytes()).unwrap(), expected);
        }
    }
}

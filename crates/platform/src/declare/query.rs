//! Reads the parameters of a query, and checks declared ones like the fields of a body. The
//! parameters of lists are in `statements::listing`.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::declare::field::Field;
use crate::declare::validation;
use crate::http::problem::Problem;
use crate::http::request::Request;
use crate::values::field_error::{FieldError, ValueError};

/// Returns the error of an unknown parameter.
pub fn unknown() -> ValueError {
    ("unknown_parameter", "No such parameter.".to_owned())
}

/// Passes each parameter to `take`, and returns the errors, one for each parameter.
pub fn read(
    request: &Request,
    mut take: impl FnMut(&str, String) -> Result<(), ValueError>,
) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut seen = BTreeSet::new();
    for parameter in request.parameters() {
        let Some((name, value)) = parameter else {
            errors.push(FieldError::parameter(
                "",
                "invalid_text",
                "The query string must be valid UTF-8.",
            ));
            continue;
        };
        let result = if seen.contains(&name) {
            Err(("duplicate", "The parameter was given twice.".to_owned()))
        } else {
            take(&name, value)
        };
        if let Err((code, detail)) = result {
            errors.push(FieldError::parameter(&name, code, detail));
        }
        seen.insert(name);
    }
    errors
}

/// Returns the checked parameters, each as text in its normal form.
///
/// # Errors
///
/// 400 with every parameter that is unknown, repeated, missing or malformed.
pub fn parameters(request: &Request, fields: &[Field]) -> Result<Map<String, Value>, Problem> {
    let mut values = Map::new();
    let mut errors = read(request, |name, value| {
        let field = fields
            .iter()
            .find(|field| field.name == name)
            .ok_or_else(unknown)?;
        let value = validation::scalar(field.kind, &value)?;
        values.insert(name.to_owned(), Value::from(value));
        Ok(())
    });
    for field in fields.iter().filter(|field| field.required) {
        let is_given = values.contains_key(field.name)
            || errors
                .iter()
                .any(|error| error.pointer.strip_prefix('?') == Some(field.name));
        if !is_given {
            errors.push(FieldError::parameter(
                field.name,
                "required",
                "This parameter is required.",
            ));
        }
    }
    if errors.is_empty() {
        Ok(values)
    } else {
        Err(Problem::malformed(errors))
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::json;

    use super::*;
    use crate::declare::field::Kind;
    use crate::fixture::request;
    use crate::http::problem;

    const FIELDS: &[Field] = &[
        Field::new("after", Kind::Integer { min: 0, max: 9 }, "").required(),
        Field::new("on", Kind::Date, ""),
    ];

    fn of(query: &str) -> Result<Value, Vec<(String, &'static str)>> {
        parameters(&request(Method::GET, &format!("/?{query}")), FIELDS)
            .map(Value::Object)
            .map_err(|problem| {
                assert_eq!(problem.kind, problem::Kind::Malformed);
                let errors = problem.errors.into_iter();
                errors.map(|error| (error.pointer, error.code)).collect()
            })
    }

    #[test]
    fn values_are_texts_in_normal_form() {
        assert_eq!(of("after=03"), Ok(json!({"after": "3"})));
        assert_eq!(
            of("on=2026-03-29&after=0"),
            Ok(json!({"after": "0", "on": "2026-03-29"}))
        );
    }

    #[test]
    fn every_mistake_is_named_once() {
        for (query, expected) in [
            ("", vec![("?after", "required")]),
            ("after=10", vec![("?after", "out_of_range")]),
            ("after=1&after=1", vec![("?after", "duplicate")]),
            (
                "after=10&after=11",
                vec![("?after", "out_of_range"), ("?after", "duplicate")],
            ),
            (
                "after=1&x%20y=1&on=",
                vec![("?x y", "unknown_parameter"), ("?on", "invalid_date")],
            ),
            ("after=1&on=%ff", vec![("?", "invalid_text")]),
        ] {
            let expected = expected
                .into_iter()
                .map(|(at, code)| (at.to_owned(), code))
                .collect();
            assert_eq!(of(query), Err(expected), "{query}");
        }
    }
}

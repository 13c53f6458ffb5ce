//! Variables: the values of an application's variables and of each component's, which are resolved
//! once when the application is loaded. The interface by which a component reads its own is
//! `wasm::variables`.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

use super::template;
use crate::manifest;

const ENVIRONMENT_PREFIX: &str = "SPIN_VARIABLE_";

/// The application variables that are set in the environment: `SPIN_VARIABLE_REGION` sets
/// `region`.
pub fn variables_from_environment() -> BTreeMap<String, String> {
    std::env::vars()
        .filter_map(|(name, value)| {
            let name = name.strip_prefix(ENVIRONMENT_PREFIX)?;
            Some((name.to_ascii_lowercase(), value))
        })
        .collect()
}

/// Returns the value of every declared application variable: the given one, or else its default.
pub(crate) fn resolve(
    declared: &BTreeMap<String, manifest::Variable>,
    given: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>> {
    let mut values = BTreeMap::new();
    for (name, variable) in declared {
        check_name(name).map_err(|reason| anyhow::anyhow!("variable {name:?}: {reason}"))?;
        let value = match (given.get(name), &variable.default) {
            (Some(value), _) => value.clone(),
            (None, Some(default)) => default.clone(),
            (None, None) => bail!(
                "variable {name:?} has no value: set {ENVIRONMENT_PREFIX}{}",
                name.to_ascii_uppercase()
            ),
        };
        values.insert(name.clone(), value);
    }
    Ok(values)
}

/// Returns the variables of one component, with the application's values in its templates.
pub(crate) fn for_component(
    component: &manifest::Component,
    application: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>> {
    component
        .variables
        .iter()
        .map(|(name, text)| {
            check_name(name).map_err(|reason| anyhow::anyhow!("variable {name:?}: {reason}"))?;
            let value = template::expand(text, application)
                .with_context(|| format!("variable {name:?}"))?;
            Ok((name.clone(), value))
        })
        .collect()
}

/// Checks the name of a variable by Spin's rule: a name must survive conversion to the name of an
/// environment variable and to a path.
///
/// # Errors
///
/// The reason for which the name is invalid.
pub(crate) fn check_name(name: &str) -> Result<(), &'static str> {
    let lower = |c: char| c.is_ascii_lowercase();
    let lower_or_digit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !name.starts_with(lower) {
        Err("a name begins with a lower-case letter")
    } else if !name.ends_with(lower_or_digit) {
        Err("a name ends with a lower-case letter or a digit")
    } else if !name.chars().all(|c| lower_or_digit(c) || c == '_') {
        Err("a name has only lower-case letters, digits and underscores")
    } else if name.contains("__") {
        Err("a name has no two underscores in a row")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(default: Option<&str>) -> BTreeMap<String, manifest::Variable> {
        let variable = manifest::Variable {
            default: default.map(str::to_owned),
            required: default.is_none(),
            ..Default::default()
        };
        BTreeMap::from([("region".to_owned(), variable)])
    }

    #[test]
    fn a_given_value_takes_precedence_over_the_default() {
        let given = BTreeMap::from([("region".to_owned(), "eu".to_owned())]);
        let values = resolve(&declared(Some("us")), &given).unwrap_or_default();
        assert_eq!(values.get("region").map(String::as_str), Some("eu"));
        let values = resolve(&declared(Some("us")), &BTreeMap::new()).unwrap_or_default();
        assert_eq!(values.get("region").map(String::as_str), Some("us"));
    }

    #[test]
    fn the_error_for_a_missing_value_says_how_to_set_it() {
        let error = resolve(&declared(None), &BTreeMap::new()).map_err(|error| error.to_string());
        assert_eq!(
            error,
            Err("variable \"region\" has no value: set SPIN_VARIABLE_REGION".to_owned())
        );
    }

    #[test]
    fn undeclared_values_are_ignored() {
        let given = BTreeMap::from([("other".to_owned(), "x".to_owned())]);
        let values = resolve(&declared(Some("us")), &given).unwrap_or_default();
        assert!(!values.contains_key("other"));
    }

    #[test]
    fn names_follow_the_rule_of_spin() {
        for good in ["a", "a1", "database_url", "a_1"] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        for bad in ["", "A", "1a", "_a", "a_", "a__b", "a-b", "ä"] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}

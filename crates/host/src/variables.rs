//! Variables: the application's, resolved once when it is loaded, and the interface
//! `spin:variables@3.0.0`, by which a component reads its own.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use wasmtime::component::{ComponentType, Lift, Linker, Lower};

use crate::component::State;
use crate::manifest;
use crate::template;

const ENVIRONMENT_PREFIX: &str = "SPIN_VARIABLE_";

/// The application variables that the environment sets: `SPIN_VARIABLE_REGION` is `region`.
pub fn variables_from_environment() -> BTreeMap<String, String> {
    std::env::vars()
        .filter_map(|(name, value)| {
            let name = name.strip_prefix(ENVIRONMENT_PREFIX)?;
            Some((name.to_ascii_lowercase(), value))
        })
        .collect()
}

/// The value of every declared application variable: what was given, or else its default.
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

/// The variables of one component: its templates with the application's values filled in.
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

/// Says what is wrong with a variable's name, if anything is.
///
/// The rule is Spin's: names have to survive being turned into environment variables and paths.
fn check_name(name: &str) -> Result<(), &'static str> {
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

/// `spin:variables/variables.error`.
#[derive(ComponentType, Lift, Lower, Clone, Debug, PartialEq, Eq)]
#[component(variant)]
enum Error {
    #[component(name = "invalid-name")]
    InvalidName(String),
    #[component(name = "undefined")]
    Undefined(String),
    #[component(name = "provider")]
    Provider(String),
    #[component(name = "other")]
    Other(String),
}

/// Adds `spin:variables@3.0.0` to a linker.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut interface = linker.instance("spin:variables/variables@3.0.0")?;
    interface.func_wrap_concurrent("get", |accessor, (name,): (String,)| {
        let value = accessor.with(|mut access| get(access.get(), &name));
        Box::pin(async move { Ok((value,)) })
    })
}

fn get(state: &State, name: &str) -> Result<String, Error> {
    check_name(name).map_err(|reason| Error::InvalidName(format!("{name:?}: {reason}")))?;
    let component = state.component();
    component
        .variables
        .get(name)
        .cloned()
        .ok_or_else(|| Error::Undefined(format!("no variable for {:?}.{name:?}", component.id)))
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
    fn a_given_value_wins_over_the_default() {
        let given = BTreeMap::from([("region".to_owned(), "eu".to_owned())]);
        let values = resolve(&declared(Some("us")), &given).unwrap_or_default();
        assert_eq!(values.get("region").map(String::as_str), Some("eu"));
        let values = resolve(&declared(Some("us")), &BTreeMap::new()).unwrap_or_default();
        assert_eq!(values.get("region").map(String::as_str), Some("us"));
    }

    #[test]
    fn a_missing_value_is_named_with_the_way_to_set_it() {
        let error = resolve(&declared(None), &BTreeMap::new()).map_err(|error| error.to_string());
        assert_eq!(
            error,
            Err("variable \"region\" has no value: set SPIN_VARIABLE_REGION".to_owned())
        );
    }

    #[test]
    fn values_that_are_not_declared_are_not_taken() {
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

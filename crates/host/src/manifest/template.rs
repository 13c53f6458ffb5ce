//! Templates: text with `{{ name }}` in it, as `spin.toml` allows in component variables and in
//! allowed hosts. Only the syntax lives here; the values come from `variables`.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow, bail};

/// Replaces each `{{ name }}` in `text` by its value.
///
/// # Errors
///
/// Braces are never closed, or a name is not among `values`.
pub(crate) fn expand(text: &str, values: &BTreeMap<String, String>) -> Result<String> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((literal, expression)) = rest.split_once("{{") {
        let Some((name, tail)) = expression.split_once("}}") else {
            bail!("\"{{{{\" in {text:?} is never closed");
        };
        let name = name.trim();
        let value = values
            .get(name)
            .ok_or_else(|| anyhow!("{text:?} uses the variable {name:?}, which is not declared"))?;
        expanded.push_str(literal);
        expanded.push_str(value);
        rest = tail;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> BTreeMap<String, String> {
        BTreeMap::from([
            ("host".to_owned(), "db.example".to_owned()),
            ("port".to_owned(), "5432".to_owned()),
        ])
    }

    #[test]
    fn text_without_braces_stays_as_it_is() {
        assert_eq!(
            expand("plain } text {", &values()).ok().as_deref(),
            Some("plain } text {")
        );
    }

    #[test]
    fn each_expression_is_replaced() {
        let expanded = expand("postgres://{{ host }}:{{port}}", &values());
        assert_eq!(expanded.ok().as_deref(), Some("postgres://db.example:5432"));
    }

    #[test]
    fn a_value_is_not_expanded_again() {
        let values = BTreeMap::from([("a".to_owned(), "{{ b }}".to_owned())]);
        assert_eq!(expand("{{ a }}", &values).ok().as_deref(), Some("{{ b }}"));
    }

    #[test]
    fn unknown_names_and_open_braces_are_errors() {
        let unknown = expand("{{ nobody }}", &values()).map_err(|error| error.to_string());
        assert_eq!(
            unknown,
            Err("\"{{ nobody }}\" uses the variable \"nobody\", which is not declared".to_owned())
        );
        assert!(expand("{{ host", &values()).is_err());
    }
}

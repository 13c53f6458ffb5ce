//! Compares the answers of `lms` with the examples in docs/reference/command-answers.md, so that no page says what a program does not.
//! Every command has an example, which is tested in `crates/cli/tests/reference.rs`.

use anyhow::{Context as _, Result, ensure};
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::root;

/// Objects whose keys are data, such as the names of tables, and not part of the shape.
const MAPS: [&str; 3] = ["counts", "reasons", "variables"];

/// Returns the answer that a command has printed with `--json`: one document in one line, which has the shape of an example.
///
/// # Errors
///
/// When it is anything else.
pub fn documented_answer(arguments: &[&str], printed: &str) -> Result<Value> {
    ensure!(printed.lines().count() == 1, "{arguments:?}: {printed}");
    let answer = serde_json::from_str(printed)?;
    check_documented(arguments, &answer)?;
    Ok(answer)
}

/// Checks that an answer has the shape of an example of its command: the same keys, and values of the same types.
fn check_documented(arguments: &[&str], answer: &Value) -> Result<()> {
    let section = section_name(arguments);
    let page = std::fs::read_to_string(root().join("docs/reference/command-answers.md"))?;
    let heading = format!("\n## `{section}`\n");
    let (_, text) = page
        .split_once(&heading)
        .with_context(|| format!("no section on {section}"))?;
    let text = text.split("\n## ").next().unwrap_or_default();
    let mut differences = Vec::new();
    for example in text.split("```json\n").skip(1) {
        let example = example.split("```").next().unwrap_or_default();
        match difference(&serde_json::from_str(example)?, answer, "") {
            None => return Ok(()),
            Some(found) => differences.push(found),
        }
    }
    ensure!(!differences.is_empty(), "no example of {section}");
    anyhow::bail!("{section}: {}; {answer}", differences.join("; or "))
}

/// The heading of the section: the words of the command, or those of a command that answers the same.
fn section_name(arguments: &[&str]) -> String {
    let words = arguments
        .iter()
        .copied()
        .take_while(|argument| !argument.starts_with('-'));
    match words.collect::<Vec<_>>().join(" ").as_str() {
        "worker" => "lms worker --once".to_owned(),
        "tenant create" | "tenant suspend" | "tenant resume" => "lms tenant show".to_owned(),
        command => format!("lms {command}"),
    }
}

/// The first difference between the shapes of an example and an answer. Null, of which the type is unknown, has any shape.
fn difference(example: &Value, answer: &Value, path: &str) -> Option<String> {
    match (example, answer) {
        (Value::Null, _) | (_, Value::Null) => None,
        (Value::Object(_), Value::Object(_)) => object_difference(example, answer, path),
        (Value::Array(examples), Value::Array(members)) => members.iter().find_map(|member| {
            let found: Option<Vec<String>> = examples
                .iter()
                .map(|example| difference(example, member, &format!("{path}[]")))
                .collect();
            // A member has the shape of one of the examples, or there is none to compare it with.
            found.and_then(|found| found.into_iter().next())
        }),
        (Value::String(example), Value::String(text)) => {
            let is_time = example.parse::<DateTime<Utc>>().is_ok();
            let is_other =
                is_time && !(text.parse::<DateTime<Utc>>().is_ok() && text.ends_with('Z'));
            is_other.then(|| format!("{path} is not a time in UTC"))
        }
        (Value::Number(_), Value::Number(_)) | (Value::Bool(_), Value::Bool(_)) => None,
        _ => Some(format!("{path} has another type")),
    }
}

fn object_difference(example: &Value, answer: &Value, path: &str) -> Option<String> {
    let (examples, members) = (example.as_object()?, answer.as_object()?);
    if MAPS.iter().any(|name| path.ends_with(&format!(".{name}"))) {
        let any = examples.values().next()?;
        return members
            .values()
            .find_map(|member| difference(any, member, &format!("{path}.*")));
    }
    let undocumented = members.keys().find(|key| !examples.contains_key(*key));
    let missing = examples.keys().find(|key| !members.contains_key(*key));
    if let Some(key) = undocumented {
        return Some(format!("{path}.{key} is not documented"));
    }
    if let Some(key) = missing {
        return Some(format!("{path}.{key} is missing"));
    }
    members
        .iter()
        .find_map(|(key, member)| difference(&examples[key], member, &format!("{path}.{key}")))
}

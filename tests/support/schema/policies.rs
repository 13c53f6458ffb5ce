//! Derives a matrix of the rows that each role may read, insert and update from the row policies of a database.
//! The tables themselves are described in `schema`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Result;
use database::migrate::Migration;
use domain::role;
use tokio_postgres::Client;

use super::subjects;

/// The restrictive policies of each table, on one line, with ROLE for the caller's role. A policy for all commands applies its
/// `using` condition to written rows, too.
const POLICIES: &str = "select
  p.polrelid::regclass::text,
  p.polname::text,
  p.polcmd::text,
  replace(
    replace(
      regexp_replace(coalesce(pg_get_expr(case p.polcmd when 'a' then p.polwithcheck else p.polqual end, p.polrelid), 'true'), '\\s+', ' ', 'g'),
      '( SELECT current_setting(''app.role''::text) AS current_setting)',
      'ROLE'
    ),
    '::text',
    ''
  )
from pg_policy as p
where not p.polpermissive";

/// The application's privileges to read, insert and update, on a table or on any of its columns.
const PRIVILEGES: &str = "select
  c.oid::regclass::text,
  has_any_column_privilege('lms_application', c.oid, 'select'),
  has_any_column_privilege('lms_application', c.oid, 'insert'),
  has_any_column_privilege('lms_application', c.oid, 'update')
from pg_class as c
where c.relnamespace in ('lms'::regnamespace, 'lms_private'::regnamespace)
  and c.relkind in ('r', 'p', 'm')
  and not c.relispartition
  and c.oid <> 'lms_private.migrations'::regclass";

const COMMANDS: [(&str, &str); 3] = [("read", "r"), ("insert", "a"), ("update", "w")];

/// Returns the rows of each table that each role may read, insert and update.
///
/// # Errors
///
/// When a query fails.
pub async fn matrix(client: &Client, baseline: &Migration) -> Result<String> {
    let mut privileges = BTreeMap::new();
    for row in client.query(PRIVILEGES, &[]).await? {
        let privileges_held: [bool; 3] = [row.get(1), row.get(2), row.get(3)];
        privileges.insert(row.get::<_, String>(0), privileges_held);
    }
    let mut policies: BTreeMap<String, Vec<(String, String, String)>> = BTreeMap::new();
    for row in client.query(POLICIES, &[]).await? {
        policies
            .entry(row.get(0))
            .or_default()
            .push((row.get(1), row.get(2), row.get(3)));
    }
    let mut text = String::from(
        "# Which rows of its tenant a role reads, inserts and updates in each table, by the row policy that is named in the head.\n\
        # all: every row. -: none. Otherwise the scopes that the policy names: centre (the caller's), own (the caller's account),\n\
        # a function that says which rows are the caller's (lms.caller_family, ...), a table through which the row is reached, and columns\n\
        # whose value decides. UPDATE_GOLDEN=1 cargo test --release --workspace --test guarantees -- schema writes this file anew.\n",
    );
    let mut closed = Vec::new();
    for (_, name) in subjects(baseline) {
        let Some(privileges_held) = privileges.get(&name) else {
            continue;
        };
        if *privileges_held == [false; 3] {
            closed.push(name);
            continue;
        }
        let of_table = policies.get(&name).map_or(&[][..], Vec::as_slice);
        write!(text, "\n{}", table(&name, *privileges_held, of_table)?)?;
    }
    write!(
        text,
        "\n# The application has no privilege on these tables; functions that look past row security read and write them.\n"
    )?;
    for name in closed {
        writeln!(text, "{name}")?;
    }
    Ok(text)
}

/// Returns the section of one table: a heading and a line for each role.
fn table(
    name: &str,
    privileges_held: [bool; 3],
    policies: &[(String, String, String)],
) -> Result<String> {
    let mut rows = vec![vec![name.to_owned()]];
    let mut conditions = Vec::new();
    for ((command, code), privileges_held) in COMMANDS.into_iter().zip(privileges_held) {
        let policy = policies
            .iter()
            .find(|(_, commands, _)| commands == code || commands == "*");
        let head = match policy {
            Some((policy, ..)) if privileges_held => format!("{command} ({policy})"),
            _ => command.to_owned(),
        };
        rows[0].push(head);
        conditions
            .push(privileges_held.then(|| policy.map_or("true", |(.., condition)| condition)));
    }
    for role in role::ALL {
        let mut row = vec![format!("  {}", role.name())];
        row.extend(conditions.iter().map(|condition| {
            condition.map_or_else(
                || "-".to_owned(),
                |condition| scope(condition, role.name(), name),
            )
        }));
        rows.push(row);
    }
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (index, cell) in row.iter().enumerate() {
            let width = rows
                .iter()
                .filter_map(|row| row.get(index))
                .map(String::len)
                .max()
                .unwrap_or_default();
            write!(line, "{cell:width$}  ")?;
        }
        writeln!(text, "{}", line.trim_end())?;
    }
    Ok(text)
}

/// Evaluates a condition for a role.
fn scope(condition: &str, role: &str, table: &str) -> String {
    let condition = strip_parentheses(condition.trim());
    if let Some((cases, rest)) = split_case(condition) {
        let branch = strip_parentheses(case_branch(cases, role));
        let rest = rest.trim().strip_prefix("OR ").unwrap_or_default();
        return match (branch, rest) {
            ("true", _) => "all".to_owned(),
            ("false", "") => "-".to_owned(),
            ("false", rest) => scope_names(rest, table),
            (branch, "") => scope_names(branch, table),
            (branch, rest) => scope_names(&format!("{branch} {rest}"), table),
        };
    }
    if let Some(expected_roles) = condition.strip_prefix("ROLE ") {
        let is_named = expected_roles.contains(&format!("'{role}'"));
        let is_wanted = if expected_roles.starts_with("<>") {
            !is_named
        } else {
            is_named
        };
        return if is_wanted { "all" } else { "-" }.to_owned();
    }
    match condition {
        "true" => "all".to_owned(),
        "false" => "-".to_owned(),
        other => scope_names(other, table),
    }
}

/// Removes the parentheses around a condition.
fn strip_parentheses(condition: &str) -> &str {
    let inner = condition
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'));
    let mut depth = 0_i32;
    match inner {
        Some(inner)
            if inner.chars().all(|character| {
                depth += i32::from(character == '(') - i32::from(character == ')');
                depth >= 0
            }) =>
        {
            inner.trim()
        }
        _ => condition,
    }
}

/// Splits a condition into its CASE over the role and the rest.
fn split_case(condition: &str) -> Option<(&str, &str)> {
    let body = condition.strip_prefix("CASE ROLE ")?;
    body.match_indices(" END").find_map(|(place, word)| {
        let (head, rest) = (&body[..place], &body[place + word.len()..]);
        // A nested CASE has an END of its own.
        let is_last = head.matches("CASE ").count() == head.matches(" END").count();
        (is_last && (rest.is_empty() || rest.starts_with(' '))).then_some((head, rest))
    })
}

/// Returns the branch of a role, or the ELSE branch.
fn case_branch<'a>(cases: &'a str, role: &str) -> &'a str {
    let expected_roles = format!("WHEN '{role}' THEN ");
    let begin = match cases.split_once(&expected_roles) {
        Some((_, rest)) => rest,
        None => cases.split_once("ELSE ").map_or("false", |(_, rest)| rest),
    };
    let end = [" WHEN '", " ELSE "]
        .iter()
        .filter_map(|word| begin.find(word))
        .min()
        .unwrap_or(begin.len());
    begin[..end].trim()
}

/// Returns the scopes that a condition names.
fn scope_names(condition: &str, table: &str) -> String {
    let mut found: Vec<(usize, String)> = Vec::new();
    for (words, name) in [("app.centre_id", "centre"), ("app.user_id", "own")] {
        found.extend(
            condition
                .match_indices(words)
                .map(|(place, _)| (place, name.to_owned())),
        );
    }
    for (place, _) in condition.match_indices("lms.") {
        let word: String = condition[place + 4..]
            .chars()
            .take_while(|character| character.is_ascii_lowercase() || *character == '_')
            .collect();
        let is_called = condition[place + 4 + word.len()..].starts_with('(');
        if is_called {
            found.push((place, word));
        } else if condition[..place].ends_with("FROM ") && word != table {
            found.push((place, format!("of {word}")));
        }
    }
    for (place, _) in condition
        .match_indices(" = '")
        .chain(condition.match_indices(" <> "))
    {
        let column = condition[..place]
            .rsplit(['(', '.', ' '])
            .next()
            .unwrap_or_default();
        if !column.ends_with("_id") && column != "id" && !column.contains(')') {
            found.push((place, column.to_owned()));
        }
    }
    found.sort();
    let mut names: Vec<String> = Vec::new();
    for (_, name) in found {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(", ")
}

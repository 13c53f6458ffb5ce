//! Tests that the output generated from the declarations equals the reviewed files in `tests/golden/` and `openapi/`.
//!
//! `UPDATE_GOLDEN=1 cargo test --release --workspace --test guarantees -- golden` rewrites the files.

use std::fmt::Write as _;
use std::path::PathBuf;

use academics::calendar::{self, CalendarScope};
use anyhow::{Context, Result};
use domain::role;
use http::{HeaderMap, Method};
use platform::auth::policy::{Access, Fields, Grant, Verb};
use platform::declare::component::Component;
use platform::declare::endpoint::{Endpoint, Operation};
use platform::declare::openapi;
use platform::declare::resource::Resource;
use platform::declare::statements::listing::Listing;
use platform::declare::statements::{export, import, single_row};
use platform::http::request::Request;
use platform::sql::statement::Statement;
use tests::{COMPONENTS, Role};

fn golden(name: &str) -> PathBuf {
    tests::root().join(name)
}

/// Compares a text with a golden file, or writes the file if `UPDATE_GOLDEN` is set.
pub(crate) fn compare(name: &str, text: &str) -> Result<()> {
    let path = golden(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().context("a folder")?)?;
        return std::fs::write(&path, text).context("the golden file can't be written");
    }
    let recorded =
        std::fs::read_to_string(&path).with_context(|| format!("{} is missing", path.display()))?;
    assert!(
        recorded == text,
        "{} differs from the generated text; if that is intended, rewrite it with UPDATE_GOLDEN=1",
        path.display()
    );
    Ok(())
}

#[test]
fn the_openapi_document_matches_the_declarations() -> Result<()> {
    let document = openapi::document(&COMPONENTS, env!("CARGO_PKG_VERSION"));
    compare(
        "openapi/openapi.json",
        &(serde_json::to_string_pretty(&document)? + "\n"),
    )
}

#[test]
fn the_access_table_matches_the_reviewed_file() -> Result<()> {
    compare("tests/golden/access.txt", &access_table()?)
}

const LEGEND: &str = "\
# The callers of each operation: a table for each resource, a row for each operation, a column for each role.
#
# yes   The role may. Which rows it reaches is decided by the database's row security.
# own   The role may, for what belongs to the caller's own account.
# -     The role may not.
# [1]   The role reads or sets some fields only: see the notes below the table.
#
# The column anyone is for callers who have not signed in. A list as a CSV file is an export. Only an admin sees deleted rows, and
# rows as they were at an earlier time.
";

/// Returns a table of operations and roles for each resource, with notes where a role reads or sets
/// only some of the fields.
fn access_table() -> Result<String> {
    let mut groups: Vec<(String, Vec<(&Component, Endpoint)>)> = Vec::new();
    for component in COMPONENTS {
        for endpoint in component.endpoints() {
            let id = endpoint.operation_id();
            let group = id.split('.').next().unwrap_or(&id).to_owned();
            match groups.iter_mut().find(|(name, _)| *name == group) {
                Some((_, endpoints)) => endpoints.push((component, endpoint)),
                None => groups.push((group, vec![(component, endpoint)])),
            }
        }
    }
    let mut text = LEGEND.to_owned();
    for (name, endpoints) in &groups {
        let mut notes = Vec::new();
        let mut header = vec![name.clone(), String::new(), "anyone".to_owned()];
        header.extend(role::NAMES.map(str::to_owned));
        let mut rows = vec![header];
        for (component, endpoint) in endpoints {
            rows.push(row(component, endpoint, endpoint.access(), &mut notes));
            // An export is a list as a CSV file, for which a role needs a grant of its own.
            if let Operation::Verb(resource, Verb::List) = endpoint.operation
                && resource.verbs.contains(&Verb::Export)
            {
                let resource = resource.name;
                let access = Access::Granted {
                    resource,
                    verb: Verb::Export,
                };
                let mut file = row(component, endpoint, access, &mut notes);
                file[0] = format!("{resource}.export");
                rows.push(file);
            }
        }
        text.push('\n');
        for line in aligned(&rows) {
            writeln!(text, "{line}")?;
        }
        for (index, note) in notes.iter().enumerate() {
            writeln!(text, "  [{}] {note}", index + 1)?;
        }
    }
    Ok(text)
}

/// Returns the row of an operation: its id, its endpoint, and the access of each caller.
fn row(
    component: &Component,
    endpoint: &Endpoint,
    access: Access,
    notes: &mut Vec<String>,
) -> Vec<String> {
    let (anyone, signed_in) = match access {
        Access::Public => ("yes", "yes"),
        Access::SignedIn => ("-", "own"),
        Access::Granted { .. } => ("-", "-"),
    };
    let mut row = vec![
        endpoint.operation_id(),
        format!("{} {}", endpoint.method, endpoint.template()),
        anyone.to_owned(),
    ];
    row.extend(role::ALL.map(|role| {
        match access {
            Access::Granted { resource, verb } => component
                .grant(resource, role, verb)
                .map_or_else(|| "-".to_owned(), |grant| cell(grant, verb, notes)),
            Access::Public | Access::SignedIn => signed_in.to_owned(),
        }
    }));
    row
}

/// Returns the lines of a table with aligned columns.
fn aligned(rows: &[Vec<String>]) -> Vec<String> {
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].len())
            .max()
            .unwrap_or_default()
    };
    rows.iter()
        .map(|row| {
            let cells = row.iter().enumerate();
            let line: String = cells
                .map(|(column, cell)| format!("{cell:<width$}  ", width = width(column)))
                .collect();
            line.trim_end().to_owned()
        })
        .collect()
}

/// Returns the access of a role, with the number of the note on its fields.
fn cell(grant: &Grant, verb: Verb, notes: &mut Vec<String>) -> String {
    let note = limits(grant, verb);
    if note.is_empty() {
        return "yes".to_owned();
    }
    let index = notes
        .iter()
        .position(|known| *known == note)
        .unwrap_or_else(|| {
            notes.push(note);
            notes.len() - 1
        });
    format!("yes[{}]", index + 1)
}

fn limits(grant: &Grant, verb: Verb) -> String {
    let mut limits = Vec::new();
    if let Fields::Only(names) = grant.reads {
        limits.push(format!("reads {}", names.join(", ")));
    }
    if let Some(names) = grant.shared_fields {
        limits.push(format!("reads of others' rows {}", names.join(", ")));
    }
    if let (Fields::Only(names), Verb::Update | Verb::Create | Verb::Import) = (grant.writes, verb)
    {
        limits.push(format!("sets {}", names.join(", ")));
    }
    limits.join("; ")
}

#[test]
fn the_statements_match_the_reviewed_files() -> Result<()> {
    for component in COMPONENTS {
        for resource in component.resources {
            let text = resource_statements(component, resource)?;
            compare(&format!("tests/golden/sql/{}.sql", resource.name), &text)?;
        }
        let text = action_statements(component);
        if !text.is_empty() {
            compare(
                &format!("tests/golden/sql/{}-actions.sql", component.name),
                &text,
            )?;
        }
    }
    let calendar: String = [
        CalendarScope::Students,
        CalendarScope::Tutor,
        CalendarScope::Centre,
        CalendarScope::All,
    ]
    .map(|scope| format!("{};\n\n", calendar::statement(scope).text))
    .concat();
    compare("tests/golden/sql/calendar.sql", &calendar)
}

/// Returns the statements of a component's actions, once for all roles that share a text.
fn action_statements(component: &Component) -> String {
    let mut text = String::new();
    for endpoint in component.endpoints() {
        let Operation::Action(action) = endpoint.operation else {
            continue;
        };
        match endpoint.access() {
            Access::Granted { resource, verb } if action.depends_on_grant() => {
                let statements = role::ALL.into_iter().filter_map(|role| {
                    let grant = component.grant(resource, role, verb)?;
                    Some((role, action.query_statement(Some(grant))?.text))
                });
                text += &by_role(statements);
            }
            _ => {
                if let Some(statement) = action.query_statement(None) {
                    text += &format!("{};\n\n", statement.text);
                }
            }
        }
    }
    text
}

/// Returns each text once, below the names of its roles.
fn by_role(statements: impl IntoIterator<Item = (Role, String)>) -> String {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for (role, text) in statements {
        match groups.iter_mut().find(|(known, _)| *known == text) {
            Some((_, roles)) => roles.push(role.name()),
            None => groups.push((text, vec![role.name()])),
        }
    }
    groups
        .into_iter()
        .map(|(text, roles)| format!("-- for {}\n{text};\n\n", roles.join(", ")))
        .collect()
}

/// Returns the statements of a resource's plain verbs, once for all roles that share a text.
fn resource_statements(component: &Component, resource: &Resource) -> Result<String> {
    let mut text = String::new();
    for verb in resource.verbs {
        let mut columns: Vec<Vec<(Role, String)>> = Vec::new();
        for role in role::ALL {
            let Some(grant) = component.grant(resource.name, role, *verb) else {
                continue;
            };
            let statements = verb_statements(*verb, resource, grant)?;
            columns.resize_with(columns.len().max(statements.len()), Vec::new);
            for (column, statement) in columns.iter_mut().zip(statements) {
                column.push((role, statement.text));
            }
        }
        for column in columns {
            text += &by_role(column);
        }
    }
    Ok(text)
}

/// Returns the statements of a verb for a role. For a role that reads history, the last one is a
/// list with all kinds of parameters, or a row at an earlier time.
fn verb_statements(verb: Verb, resource: &Resource, grant: &Grant) -> Result<Vec<Statement>> {
    let mut statements = match verb {
        Verb::List => vec![listing("", resource, grant)?.statement(resource, grant)],
        Verb::Get => vec![single_row::get(resource, grant)],
        Verb::Create => vec![single_row::create(resource, grant)],
        Verb::Update => vec![single_row::update(resource, grant)],
        Verb::Delete => vec![single_row::delete(resource, grant)],
        Verb::Restore => vec![single_row::restore(resource, grant)],
        Verb::Import => vec![import::statement(resource)],
        Verb::Export => {
            let plain = listing("", resource, grant)?;
            vec![export::statement(&plain, resource, grant)]
        }
        Verb::Action(_) => Vec::new(),
    };
    if grant.role.reads_history() {
        match verb {
            Verb::List => {
                let query = "sort=created_at,-id&created_at.gte=2026-01-01T00:00:00Z&id.in=0190a5c8-0000-7000-8000-000000000000&include_deleted=true&count=exact";
                statements.push(listing(query, resource, grant)?.statement(resource, grant));
            }
            Verb::Get => statements.push(single_row::get_as_of(resource, grant)),
            _ => {}
        }
    }
    Ok(statements)
}

fn listing(query: &str, resource: &Resource, grant: &Grant) -> Result<Listing> {
    let request = Request {
        method: Method::GET,
        path: format!("/v1/{}", resource.name),
        query: Some(query.to_owned()),
        headers: HeaderMap::new(),
        body: Vec::new(),
    };
    Listing::parse(&request, resource, grant)
        .map_err(|problem| anyhow::anyhow!("{:?}", problem.errors))
}

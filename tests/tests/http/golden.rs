//! What is generated from the declarations, held against checked-in files that people review.
//!
//! `UPDATE_GOLDEN=1 cargo test --release --workspace --test http golden` writes the files anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use domain::role;
use http::{HeaderMap, Method};
use platform::auth::policy::{Access, Fields, Grant, Verb};
use platform::declare::component::{Component, Operation};
use platform::declare::openapi;
use platform::declare::resource::Resource;
use platform::declare::statements::listing::Listing;
use platform::declare::statements::{export, import, single_row};
use platform::http::request::Request;
use tests::COMPONENTS;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("golden")
        .join(name)
}

/// Compares with the file, or writes it when asked to.
fn compare(name: &str, text: &str) -> Result<()> {
    let path = golden(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().context("a folder")?)?;
        return std::fs::write(&path, text).context("the golden file can't be written");
    }
    let kept =
        std::fs::read_to_string(&path).with_context(|| format!("{} is missing", path.display()))?;
    assert!(
        kept == text,
        "{} differs from what is generated; if the change is meant, write it with UPDATE_GOLDEN=1",
        path.display()
    );
    Ok(())
}

#[test]
fn the_reference_is_what_the_declarations_say() -> Result<()> {
    let document = openapi::document(&COMPONENTS, env!("CARGO_PKG_VERSION"));
    compare(
        "openapi.json",
        &(serde_json::to_string_pretty(&document)? + "\n"),
    )
}

#[test]
fn the_access_table_is_what_was_reviewed() -> Result<()> {
    compare("access.txt", &access_table()?)
}

/// One line for each endpoint and role; a line with fields where they are limited.
fn access_table() -> Result<String> {
    let mut text = String::from(
        "# operation: who may call it, and which fields are read or set where not all are\n",
    );
    for component in COMPONENTS {
        for endpoint in component.endpoints() {
            write!(
                text,
                "\n{} {} ({})\n",
                endpoint.method,
                endpoint.template(),
                endpoint.operation_id()
            )?;
            match endpoint.access() {
                Access::Public => text.push_str("  anybody\n"),
                Access::SignedIn => text.push_str("  any role, for its own\n"),
                Access::Granted { resource, verb } => {
                    for role in role::ALL {
                        if let Some(grant) = component.grant(resource, role, verb) {
                            writeln!(text, "  {}{}", role.name(), limits(grant, verb))?;
                        }
                    }
                }
            }
        }
    }
    Ok(text)
}

fn limits(grant: &Grant, verb: Verb) -> String {
    let mut text = String::new();
    if let Fields::Only(names) = grant.reads {
        text += &format!(" reads {}", names.join(" "));
    }
    if let Some(names) = grant.reads_of_others {
        text += &format!(" reads of others {}", names.join(" "));
    }
    if let (Fields::Only(names), Verb::Update | Verb::Create | Verb::Import) = (grant.writes, verb)
    {
        text += &format!(" sets {}", names.join(" "));
    }
    text
}

#[test]
fn the_statements_are_what_was_reviewed() -> Result<()> {
    for component in COMPONENTS {
        for resource in component.resources {
            let text = resource_statements(component, resource)?;
            compare(&format!("sql/{}.sql", resource.name), &text)?;
        }
        let mut text = String::new();
        for endpoint in component.endpoints() {
            if let Operation::Action(action) = endpoint.operation {
                let admin = Grant::new(role::ADMIN, &[]);
                let Some(statement) = action.query_statement(Some(&admin)) else {
                    continue;
                };
                text += &format!("{};\n\n", statement.text);
            }
        }
        if !text.is_empty() {
            compare(&format!("sql/{}-actions.sql", component.name), &text)?;
        }
    }
    Ok(())
}

/// The statements of a resource's plain verbs as its admin has them, and one list with everything in it.
fn resource_statements(component: &Component, resource: &Resource) -> Result<String> {
    let mut text = String::new();
    for verb in resource.verbs {
        let Some(grant) = component.grant(resource.name, role::ADMIN, *verb) else {
            continue;
        };
        let plain = listing("", resource, grant)?;
        let all = match verb {
            Verb::List => vec![
                plain.statement(resource, grant),
                listing(
                    "sort=created_at,-id&created_at.gte=2026-01-01T00:00:00Z&id.in=0190a5c8-0000-7000-8000-000000000000&include_deleted=true&count=exact",
                    resource,
                    grant,
                )?
                .statement(resource, grant),
            ],
            Verb::Get => vec![
                single_row::get(resource, grant),
                single_row::get_as_of(resource, grant),
            ],
            Verb::Create => vec![single_row::create(resource, grant)],
            Verb::Update => vec![single_row::update(resource, grant)],
            Verb::Delete => vec![single_row::delete(resource, grant)],
            Verb::Restore => vec![single_row::restore(resource, grant)],
            Verb::Import => vec![import::statement(resource)],
            Verb::Export => vec![export::statement(&plain, resource, grant)],
            Verb::Action(_) => Vec::new(),
        };
        for statement in all {
            text += &format!("{};\n\n", statement.text);
        }
    }
    Ok(text)
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

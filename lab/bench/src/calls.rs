//! The calls of `lms.run` that the components make for each operation, as scripts for pgbench.

use anyhow::{Context, Result, bail};
use http::{HeaderMap, Method};
use platform::auth::caller::Caller;
use platform::auth::policy::{Grant, Verb};
use platform::auth::token::Claims;
use platform::declare::resource::Resource;
use platform::declare::statements::listing::Listing;
use platform::declare::statements::single_row;
use platform::http::request::Request;
use platform::sql::context;
use platform::sql::statement::Statement;
use platform::values::random;
use serde_json::{Value, json};

use super::operation::{Account, Operation, PAGE, new_user};

/// Scripts of one operation, each on behalf of another account; none where that would not be the same work.
pub(super) fn scripts(operation: Operation, accounts: &[Account]) -> Result<Option<Vec<String>>> {
    let resource = users::COMPONENT
        .resources
        .iter()
        .find(|resource| resource.name == "users")
        .context("the users component has no users")?;
    let script = |account: &Account| -> Result<String> {
        let (statement, arguments) = match operation {
            Operation::Get => {
                let user = account
                    .person
                    .users
                    .last()
                    .context("a tenant without users")?;
                let grant = granted(account, Verb::Get)?;
                (
                    single_row::get(resource, grant),
                    literal(&json!({"id": user}).to_string()),
                )
            }
            Operation::List => list(resource, granted(account, Verb::List)?)?,
            _ => create(granted(account, Verb::Create)?)?,
        };
        Ok(call(&account.claims, &statement, &arguments))
    };
    match operation {
        Operation::Get | Operation::List | Operation::Create => {
            accounts.iter().map(script).collect::<Result<_>>().map(Some)
        }
        // Two statements; or one whose arguments the component computes from the clock.
        _ => Ok(None),
    }
}

fn granted(account: &Account, verb: Verb) -> Result<&'static Grant> {
    users::COMPONENT
        .role(&account.claims.role)
        .and_then(|role| users::COMPONENT.grant("users", role, verb))
        .with_context(|| format!("{} may not {} users", account.person.email, verb.name()))
}

fn list(resource: &Resource, grant: &Grant) -> Result<(Statement, String)> {
    let request = Request {
        method: Method::GET,
        path: "/v1/users".to_owned(),
        query: Some(format!("limit={PAGE}")),
        headers: HeaderMap::new(),
        body: Vec::new(),
    };
    let Ok(listing) = Listing::parse(&request, resource, grant) else {
        bail!("the users component no longer takes the query of the list");
    };
    let arguments = Value::Object(listing.arguments()).to_string();
    Ok((listing.statement(resource, grant), literal(&arguments)))
}

fn create(grant: &Grant) -> Result<(Statement, String)> {
    let action = users::COMPONENT
        .actions
        .iter()
        .find(|action| action.id == "users.create")
        .context("the users component no longer creates users")?;
    let Some(statement) = action.query_statement(Some(grant)) else {
        bail!("creating a user is no longer one statement behind its preparation");
    };
    // What differs from call to call is made by PostgreSQL; it stands for what the component makes.
    let arguments = json!({"id": "ID", "profile_id": random::id(), "password_hash": null, "input": new_user("ID")});
    let arguments = format!(
        "replace({}, 'ID', lms.new_id()::text)",
        literal(&arguments.to_string())
    );
    Ok((statement, arguments))
}

fn call(claims: &Claims, statement: &Statement, arguments: &str) -> String {
    let caller = Caller::of(claims, users::COMPONENT.application.roles);
    // What the bench prepares is a standard cell.
    let cell = format!("{}-standard", claims.aud);
    let context =
        context::DatabaseContext::new(&cell, &claims.aud, caller.as_ref(), "lms-bench").text();
    format!(
        "call lms.run({}, {}, {}, {arguments}, null, null, null, null);\n",
        literal(&context),
        literal(&statement.name),
        literal(&statement.text)
    )
}

/// A string constant in which pgbench finds neither a variable nor the end of the statement.
fn literal(text: &str) -> String {
    let mut literal = String::from("E'");
    for character in text.chars() {
        match character {
            '\'' => literal.push_str("''"),
            '\\' => literal.push_str("\\\\"),
            ':' => literal.push_str("\\072"),
            '\n' => literal.push_str("\\n"),
            other => literal.push(other),
        }
    }
    literal.push('\'');
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pgbench_finds_nothing_in_a_literal() {
        assert_eq!(
            literal("it's {\"a\":20}\n\\"),
            "E'it''s {\"a\"\\07220}\\n\\\\'"
        );
    }
}

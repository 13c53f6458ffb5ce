//! Writes the calls of `lms.run` that the components make for an operation as pgbench scripts.
//! `pgbench` runs them.

use anyhow::{Context, Result, bail};
use http::{HeaderMap, Method};
use platform::auth::caller::Caller;
use platform::auth::claims::Claims;
use platform::auth::policy::{Grant, Verb};
use platform::declare::resource::Resource;
use platform::declare::statements::listing::Listing;
use platform::declare::statements::single_row;
use platform::http::request::Request;
use platform::sql::context;
use platform::sql::statement::Statement;
use platform::values::random;
use serde_json::{Value, json};

use super::client_account::SignedIn;
use super::operation::{Operation, PAGE_SIZE, new_user};

/// Returns a script of the operation for each account, or none where a script would not do the same work.
pub(super) fn scripts(operation: Operation, accounts: &[SignedIn]) -> Result<Option<Vec<String>>> {
    let resource = users::COMPONENT
        .resources
        .iter()
        .find(|resource| resource.name == "users")
        .context("the component users has no resource users")?;
    let script = |signed_in: &SignedIn| -> Result<String> {
        let (statement, arguments) = match operation {
            Operation::GetUser => {
                let user = signed_in
                    .account
                    .users
                    .last()
                    .context("the tenant has no users")?;
                let grant = granted(signed_in, Verb::Get)?;
                (
                    single_row::get(resource, grant),
                    literal(&json!({"id": user}).to_string()),
                )
            }
            Operation::ListUsers => list(resource, granted(signed_in, Verb::List)?)?,
            _ => create(granted(signed_in, Verb::Create)?)?,
        };
        Ok(call(&signed_in.claims, &statement, &arguments))
    };
    match operation {
        Operation::GetUser | Operation::ListUsers | Operation::CreateUser => {
            accounts.iter().map(script).collect::<Result<_>>().map(Some)
        }
        // Other operations take two statements, or arguments that the component computes from the clock.
        _ => Ok(None),
    }
}

fn granted(signed_in: &SignedIn, verb: Verb) -> Result<&'static Grant> {
    users::COMPONENT
        .role(&signed_in.claims.role)
        .and_then(|role| users::COMPONENT.grant("users", role, verb))
        .with_context(|| format!("{} may not {} users", signed_in.account.email, verb.name()))
}

fn list(resource: &Resource, grant: &Grant) -> Result<(Statement, String)> {
    let request = Request {
        method: Method::GET,
        path: "/v1/users".to_owned(),
        query: Some(format!("limit={PAGE_SIZE}")),
        headers: HeaderMap::new(),
        body: Vec::new(),
    };
    let Ok(listing) = Listing::parse(&request, resource, grant) else {
        bail!("the component users no longer accepts the query of the list");
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
        bail!("creating a user is no longer a prepared single statement");
    };
    // PostgreSQL generates the values that the component would generate for each call.
    let arguments = json!({"id": "ID", "profile_id": random::id(), "password_hash": null, "input": new_user("ID")});
    let arguments = format!(
        "replace({}, 'ID', lms.new_id()::text)",
        literal(&arguments.to_string())
    );
    Ok((statement, arguments))
}

fn call(claims: &Claims, statement: &Statement, arguments: &str) -> String {
    let caller = Caller::of(claims, users::COMPONENT.application.roles);
    // The bench prepares a standard cell.
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

/// Quotes a text so that pgbench sees neither a variable nor the end of a statement in it.
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
    fn a_literal_has_no_variable_and_no_line_break_for_pgbench() {
        assert_eq!(
            literal("it's {\"a\":20}\n\\"),
            "E'it''s {\"a\"\\07220}\\n\\\\'"
        );
    }
}

//! The SQL of the handlers: the components' own, so that PostgreSQL does the same work
//! for both, with the same one argument.

use academics::calendar::{self, Whose};
use anyhow::{Context, bail};
use domain::role;
use http::{HeaderMap, Method};
use platform::auth::policy::{Access, Grant, Verb};
use platform::declare::action::Action;
use platform::declare::component::Component;
use platform::declare::field::Field;
use platform::declare::resource::Resource;
use platform::declare::statements::listing::Listing;
use platform::declare::statements::single_row;
use platform::http::request::Request;
use platform::sql::statement::Statement;
use serde_json::Value;

/// The statements, made once. All callers of a measurement are administrators.
pub(crate) struct Statements {
    /// Reads one user.
    pub(crate) get: String,
    /// Makes a user.
    pub(crate) create: String,
    /// Lists users.
    pub(crate) users: List,
    /// Lists the lessons of a tutor.
    pub(crate) week: View,
    /// Lists the lessons of a student.
    pub(crate) month: View,
    /// Finds free tutors.
    pub(crate) search: View,
    /// Makes a class.
    pub(crate) book: String,
    /// Classes, with what holds between their fields.
    pub(crate) classes: &'static Resource,
    /// Sums up finance records.
    pub(crate) balance: View,
    /// Makes a finance record.
    pub(crate) record: String,
    /// Finance records, with what holds between their fields.
    pub(crate) finance_records: &'static Resource,
    /// Lists requests.
    pub(crate) requests: List,
}

impl Statements {
    /// Takes them from the components' tables.
    pub(crate) fn new() -> anyhow::Result<Statements> {
        let users = resource(&users::COMPONENT, "users")?;
        let create = action(&users::COMPONENT, "users.create")?
            .query_statement(Some(granted(&users::COMPONENT, "users", Verb::Create)?))
            .context("creating a user is no longer one statement")?;
        let classes = resource(&academics::COMPONENT, "classes")?;
        let finance_records = resource(&finance::COMPONENT, "finance-records")?;
        Ok(Statements {
            get: single_row::get(users, granted(&users::COMPONENT, "users", Verb::Get)?).text,
            create: create.text,
            users: List::of(&users::COMPONENT, "users")?,
            week: View::of_calendar(Whose::Tutor)?,
            month: View::of_calendar(Whose::Students)?,
            search: View::of(&academics::COMPONENT, "tutors.search")?,
            book: created(&academics::COMPONENT, classes)?,
            classes,
            balance: View::of(&finance::COMPONENT, "finance-records.balance")?,
            record: created(&finance::COMPONENT, finance_records)?,
            finance_records,
            requests: List::of(&requests::COMPONENT, "requests")?,
        })
    }
}

/// The list of a resource.
pub(crate) struct List {
    resource: &'static Resource,
    grant: &'static Grant,
}

impl List {
    fn of(component: &'static Component, name: &'static str) -> anyhow::Result<List> {
        Ok(List {
            resource: resource(component, name)?,
            grant: granted(component, name, Verb::List)?,
        })
    }

    /// The statement and its argument, from the query of its request.
    pub(crate) fn read(&self, query: Option<String>) -> Option<(Statement, Value)> {
        let listing = Listing::parse(&request(query), self.resource, self.grant).ok()?;
        let statement = listing.statement(self.resource, self.grant);
        Some((statement, Value::Object(listing.arguments())))
    }
}

/// A statement whose arguments are the query of its request.
pub(crate) struct View {
    /// Its text.
    pub(crate) sql: String,
    /// The query's parameters.
    pub(crate) query: &'static [Field],
}

impl View {
    fn of_calendar(whose: Whose) -> anyhow::Result<View> {
        Ok(View {
            sql: calendar::statement(whose).text,
            query: action(&academics::COMPONENT, "calendar.list")?.query,
        })
    }

    fn of(component: &'static Component, operation: &str) -> anyhow::Result<View> {
        let action = action(component, operation)?;
        let Access::Granted { resource, verb } = action.access else {
            bail!("{operation} is no longer granted by role");
        };
        let statement = action
            .query_statement(Some(granted(component, resource, verb)?))
            .with_context(|| format!("{operation} is no longer one statement"))?;
        Ok(View {
            sql: statement.text,
            query: action.query,
        })
    }
}

/// The statement that makes one of a resource.
fn created(component: &'static Component, resource: &Resource) -> anyhow::Result<String> {
    let grant = granted(component, resource.name, Verb::Create)?;
    Ok(single_row::create(resource, grant).text)
}

fn resource(component: &'static Component, name: &str) -> anyhow::Result<&'static Resource> {
    component
        .resources
        .iter()
        .find(|resource| resource.name == name)
        .with_context(|| format!("the component {} has no {name}", component.name))
}

fn action(component: &'static Component, operation: &str) -> anyhow::Result<&'static Action> {
    component
        .actions
        .iter()
        .find(|action| action.id == operation)
        .with_context(|| format!("there is no operation {operation}"))
}

fn granted(
    component: &'static Component,
    resource: &str,
    verb: Verb,
) -> anyhow::Result<&'static Grant> {
    component
        .grant(resource, role::ADMIN, verb)
        .with_context(|| format!("an administrator may not {} {resource}", verb.name()))
}

/// A request to read, for what reads its query.
pub(crate) fn request(query: Option<String>) -> Request {
    Request {
        method: Method::GET,
        path: String::new(),
        query,
        headers: HeaderMap::new(),
        body: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_components_still_have_every_statement_that_is_measured() {
        Statements::new().unwrap();
    }
}

//! The SQL of the handlers, taken from the components, so that PostgreSQL does the same work for both.
//! The transactions that run it are in `transaction`.

use academics::calendar::{self, CalendarScope};
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

/// All statements, built once, for administrators as callers.
pub(crate) struct Statements {
    /// Reads one user.
    pub(crate) get_user: String,
    /// Creates a user.
    pub(crate) create_user: String,
    /// Lists users.
    pub(crate) list_users: List,
    /// Lists the lessons of a tutor.
    pub(crate) tutor_week: View,
    /// Lists the lessons of a student.
    pub(crate) student_month: View,
    /// Finds free tutors.
    pub(crate) free_slots: View,
    /// Creates a class.
    pub(crate) create_class: String,
    /// The declaration of classes, with the rules between their fields.
    pub(crate) classes: &'static Resource,
    /// Computes the balance of a centre.
    pub(crate) centre_balance: View,
    /// Creates a finance record.
    pub(crate) create_finance_record: String,
    /// The declaration of finance records, with the rules between their fields.
    pub(crate) finance_records: &'static Resource,
    /// Lists help-desk requests.
    pub(crate) list_requests: List,
}

impl Statements {
    /// Builds the statements from the components' declarations.
    pub(crate) fn new() -> anyhow::Result<Statements> {
        let users = resource(&users::COMPONENT, "users")?;
        let create = action(&users::COMPONENT, "users.create")?
            .query_statement(Some(granted(&users::COMPONENT, "users", Verb::Create)?))
            .context("creating a user is no longer a prepared single statement")?;
        let classes = resource(&academics::COMPONENT, "classes")?;
        let finance_records = resource(&finance::COMPONENT, "finance-records")?;
        Ok(Statements {
            get_user: single_row::get(users, granted(&users::COMPONENT, "users", Verb::Get)?).text,
            create_user: create.text,
            list_users: List::of(&users::COMPONENT, "users")?,
            tutor_week: View::of_calendar(CalendarScope::Tutor)?,
            student_month: View::of_calendar(CalendarScope::Students)?,
            free_slots: View::of(&academics::COMPONENT, "tutors.search")?,
            create_class: create_statement(&academics::COMPONENT, classes)?,
            classes,
            centre_balance: View::of(&finance::COMPONENT, "finance-records.balance")?,
            create_finance_record: create_statement(&finance::COMPONENT, finance_records)?,
            finance_records,
            list_requests: List::of(&requests::COMPONENT, "requests")?,
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

    /// Returns the statement and its argument for a query string.
    pub(crate) fn read(&self, query: Option<String>) -> Option<(Statement, Value)> {
        let listing = Listing::parse(&request(query), self.resource, self.grant).ok()?;
        let statement = listing.statement(self.resource, self.grant);
        Some((statement, Value::Object(listing.arguments())))
    }
}

/// A statement whose arguments are the query parameters.
pub(crate) struct View {
    /// The text of the statement.
    pub(crate) sql: String,
    /// The declared query parameters.
    pub(crate) query: &'static [Field],
}

impl View {
    fn of_calendar(scope: CalendarScope) -> anyhow::Result<View> {
        Ok(View {
            sql: calendar::statement(scope).text,
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

/// Returns the statement that creates a row of a resource.
fn create_statement(component: &'static Component, resource: &Resource) -> anyhow::Result<String> {
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

/// Returns a GET request with this query string.
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
    fn the_components_have_every_measured_statement() {
        Statements::new().unwrap();
    }
}

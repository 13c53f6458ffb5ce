//! The SQL of the handlers: the components' own, so that PostgreSQL does the same work
//! for both, with the same one argument.

use academics::calendar::{self, Whose};
use anyhow::{Context, bail};
use http::{HeaderMap, Method};
use platform::action::{Action, Run};
use platform::field::Field;
use platform::listing::Listing;
use platform::policy::{Access, Grant, Verb};
use platform::request::Request;
use platform::resource::Resource;
use platform::role::Role;
use platform::sql::Statement;
use platform::statements;
use serde_json::Value;
use users::COMPONENT;

/// The statements, made once. All callers of a measurement are administrators.
pub(crate) struct Statements {
    /// Reads one user.
    pub(crate) get: String,
    /// Makes a user.
    pub(crate) create: String,
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
    resource: &'static Resource,
    grant: &'static Grant,
}

impl Statements {
    /// Takes them from the users component's table.
    pub(crate) fn new() -> anyhow::Result<Statements> {
        let resource = COMPONENT
            .resources
            .iter()
            .find(|resource| resource.name == "users")
            .context("the component has no users")?;
        let grant = granted(Verb::Get)?;
        let create = COMPONENT
            .actions
            .iter()
            .find(|action| action.operation == "users.create")
            .context("users can't be created")?;
        let Run::Prepared(_, create) = create.run else {
            bail!("creating a user is no longer one statement behind its preparation");
        };
        let classes = academics::COMPONENT
            .resources
            .iter()
            .find(|resource| resource.name == "classes")
            .context("the component has no classes")?;
        let book = academics::COMPONENT
            .grant("classes", Role::Admin, Verb::Create)
            .context("an administrator may not create classes")?;
        Ok(Statements {
            get: statements::get(resource, grant).text,
            create: create(granted(Verb::Create)?).text,
            week: View::of_calendar(Whose::Tutor)?,
            month: View::of_calendar(Whose::Students)?,
            search: View::of_search()?,
            book: statements::create(classes, book).text,
            classes,
            resource,
            grant,
        })
    }

    /// The statement of a list and its argument, from the query of its request.
    pub(crate) fn list(&self, query: Option<&str>) -> Option<(Statement, Value)> {
        let request = Request {
            method: Method::GET,
            path: "/v1/users".to_owned(),
            query: query.map(str::to_owned),
            headers: HeaderMap::new(),
            body: Vec::new(),
        };
        let listing = Listing::parse(&request, self.resource, self.grant).ok()?;
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
            query: action("calendar.list")?.query,
        })
    }

    fn of_search() -> anyhow::Result<View> {
        let search = action("tutors.search")?;
        let (Access::Granted { resource, verb }, Run::Prepared(_, build)) =
            (search.access, &search.run)
        else {
            bail!("searching is no longer one statement with its query as arguments");
        };
        let grant = academics::COMPONENT
            .grant(resource, Role::Admin, verb)
            .context("an administrator may not search tutors")?;
        Ok(View {
            sql: build(grant).text,
            query: search.query,
        })
    }
}

/// An action of the academics component.
fn action(operation: &str) -> anyhow::Result<&'static Action> {
    academics::COMPONENT
        .actions
        .iter()
        .find(|action| action.operation == operation)
        .with_context(|| format!("there is no operation {operation}"))
}

fn granted(verb: Verb) -> anyhow::Result<&'static Grant> {
    COMPONENT
        .grant("users", Role::Admin, verb)
        .with_context(|| format!("an administrator may not {} users", verb.name()))
}

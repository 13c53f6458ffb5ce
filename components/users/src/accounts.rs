//! Accounts: creating one with its profile, and deactivating and activating it. The resource of
//! users is in [`crate::users`], and profiles are checked in [`crate::profile`].

use platform::auth::policy::Grant;
use platform::declare::action::{Action, ArgumentsFuture};
use platform::declare::action_context::ActionContext;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::ResponseSpec;
use platform::declare::statements::projection::{self, Indent};
use platform::sql::statement::Sql;
use platform::values::random;
use serde_json::{Map, Value, json};

use crate::users::USERS;
use crate::{password, profile, users};

/// The fields of a new account: those of the user, a password and a profile.
const NEW_ACCOUNT_FIELDS: &[Field] = &[
    USERS.declared("name"),
    USERS.declared("email"),
    USERS.declared("phone"),
    USERS.declared("role"),
    USERS.declared("centre_id"),
    USERS.declared("language_preferences"),
    USERS.declared("accessibility_settings"),
    Field::new(
        "password",
        domain::password::KIND,
        "The initial password. Without one, the user starts with a password reset.",
    ),
    Field::new(
        "profile",
        Kind::Object(profile::FIELDS),
        "The profile for the user's role, created in the same transaction.",
    ),
];

/// Creates an account.
pub(crate) const CREATE: Action = Action::post("/v1/users")
    .id("users.create")
    .summary("Create a user")
    .granted("users", users::CREATE_VERB)
    .body(NEW_ACCOUNT_FIELDS)
    .responds(ResponseSpec::resource(&USERS, "The created user.").status(201))
    .prepared_by_async(prepare)
    .sql_for_grant(create);

/// Deactivates an account and ends its sessions.
pub(crate) const DEACTIVATE: Action = Action::post("/v1/users/{id}/deactivate")
    .id("users.deactivate")
    .summary("Deactivate a user")
    .granted("users", users::DEACTIVATE_VERB)
    .responds(
        ResponseSpec::resource(
            &USERS,
            "The deactivated user, whose sessions have all ended. Refused with 409 for the last active admin.",
        )
        .problems(&[409]),
    )
    .sql_for_grant(deactivate);

/// Activates an account.
pub(crate) const ACTIVATE: Action = Action::post("/v1/users/{id}/activate")
    .id("users.activate")
    .summary("Activate a user")
    .granted("users", users::ACTIVATE_VERB)
    .responds(ResponseSpec::resource(&USERS, "The activated user."))
    .sql_for_grant(activate);

/// Hashes the password, which must not reach the database, and checks the profile against the role.
fn prepare<'a>(context: &'a ActionContext<'a>) -> ArgumentsFuture<'a> {
    Box::pin(async {
        profile::check(&context.body)?;
        let mut input = context.body.clone();
        let hash = match input.remove("password") {
            Some(Value::String(password)) => {
                Some(password::hash(&context.requester(""), "/password", &password).await?)
            }
            _ => None,
        };
        let mut arguments = Map::new();
        arguments.insert("id".to_owned(), json!(random::id()));
        arguments.insert("profile_id".to_owned(), json!(random::id()));
        arguments.insert("password_hash".to_owned(), json!(hash));
        arguments.insert("input".to_owned(), Value::Object(input));
        Ok(arguments)
    })
}

fn create(grant: &Grant) -> Sql {
    let mut sql = Sql::from(
        "with given as (
  select
    $1->'input' as input,
    $1->'input'->'profile' as profile,
    ($1->>'profile_id')::uuid as profile_id
),
r as (
  insert into lms.users as r (
    id, name, email, phone, role, centre_id, language_preferences, accessibility_settings, password_hash
  )
  select
    ($1->>'id')::uuid,
    given.input->>'name',
    given.input->>'email',
    given.input->>'phone',
    given.input->>'role',
    lms.check_reference(
      'centre_id',
      (given.input->>'centre_id')::uuid,
      exists (
        select from lms.centres as t
        where t.id = (given.input->>'centre_id')::uuid
          and t.deleted_at is null
      )
    ),
    coalesce(given.input->'language_preferences', '[]'::jsonb),
    coalesce(given.input->'accessibility_settings', '{}'::jsonb),
    $1->>'password_hash'
  from given",
    );
    projection::returning(&mut sql, &USERS);
    // The profile is a row in the table of the user's role.
    sql.push(", ")
        .push(include_str!("accounts_profile.sql"))
        .push("select\n  ");
    select_user(sql, grant)
}

/// Selects the user `r` as the body, and its version as the tag.
fn select_user(mut sql: Sql, grant: &Grant) -> Sql {
    sql.append(&projection::object(&USERS, grant, Indent::One));
    sql.push(" as body,\n  r.version::text as tag\nfrom r");
    sql
}

fn deactivate(grant: &Grant) -> Sql {
    let mut sql = Sql::from(
        "with r as (
  update lms.users as r
  set status = 'inactive'
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null",
    );
    projection::returning(&mut sql, &USERS);
    sql.push("select\n  ");
    select_user(sql, grant)
}

fn activate(grant: &Grant) -> Sql {
    let mut sql = Sql::from(
        "with r as (
  update lms.users as r
  set status = 'active'
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null",
    );
    projection::returning(&mut sql, &USERS);
    sql.push("select\n  ");
    select_user(sql, grant)
}

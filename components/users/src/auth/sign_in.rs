//! Signing in, refreshing and signing out.

use http::Method;
use platform::auth::policy::Access;
use platform::declare::action::{Action, Answers, Call, Done, Run, Shape};
use platform::declare::field::{Field, Kind};
use platform::http::problem::{Kind as ProblemKind, Problem};
use platform::http::response::Response;
use platform::sql::sqlstate::settle;
use platform::sql::statement::{Sql, Statement};
use platform::values::email;
use platform::values::random;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, json};
use uuid::Uuid;

use super::{Identity, PAIR, attempts, pair};

/// Opens a session.
pub(crate) const LOGIN: Action = Action {
    method: Method::POST,
    path: "/v1/auth/login",
    segments: &[],
    operation: "auth.login",
    summary: "Sign in",
    access: Access::Public,
    body: Some(&[
        Field::new(
            "tenant",
            Kind::Text { min: 1, max: 63 },
            "The tenant's slug.",
        )
        .required(),
        Field::new(
            "email",
            Kind::Text { min: 1, max: 254 },
            "The user's e-mail address.",
        )
        .required(),
        Field::new(
            "password",
            Kind::Password { min: 1, max: 128 },
            "The user's password.",
        )
        .required(),
    ]),
    query: &[],
    answers: Answers {
        status: 200,
        schema: Some(Shape::Fields(PAIR)),
        description: "An access token for 15 minutes and a refresh token.",
        problems: &[],
    },
    run: Run::Custom(login),
};

/// Exchanges a refresh token for a new pair.
pub(crate) const REFRESH: Action = Action {
    method: Method::POST,
    path: "/v1/auth/refresh",
    segments: &[],
    operation: "auth.refresh",
    summary: "Refresh the access token",
    access: Access::Public,
    body: Some(&[Field::new(
        "refresh_token",
        Kind::Secret { min: 1, max: 100 },
        "The refresh token; it is dead afterwards, and using a dead one ends the session.",
    )
    .required()]),
    query: &[],
    answers: Answers {
        status: 200,
        schema: Some(Shape::Fields(PAIR)),
        description: "A new pair.",
        problems: &[],
    },
    run: Run::Custom(refresh),
};

/// Ends the session at once.
pub(crate) const LOGOUT: Action = Action {
    method: Method::POST,
    path: "/v1/auth/logout",
    segments: &[],
    operation: "auth.logout",
    summary: "Sign out",
    access: Access::SignedIn,
    body: None,
    query: &[],
    answers: Answers {
        status: 204,
        schema: None,
        description: "The session has ended; its access token no longer works.",
        problems: &[],
    },
    run: Run::Statement(logout),
};

/// What the database knows of an account before the password is checked.
#[derive(Deserialize)]
struct Attempt {
    attempt_id: Uuid,
    tenant_id: Option<Uuid>,
    user_id: Option<Uuid>,
    password_hash: Option<String>,
}

/// What a refresh gives: the identity, and the session that goes on.
#[derive(Deserialize)]
struct Refreshed {
    user: Box<RawValue>,
    tenant: Box<RawValue>,
    session: Session,
}

#[derive(Deserialize)]
struct Session {
    id: Uuid,
}

/// The one answer to every sign-in that fails, whatever was wrong.
fn refused() -> Problem {
    Problem::new(ProblemKind::CredentialsRefused)
        .detail("Tenant, e-mail or password is wrong, or the account is not active.")
}

/// Two statements, whatever the outcome: Argon2 lies between reading the hash and opening the session or writing down that the
/// attempt has failed, and PostgreSQL can't compute it. No transaction is open meanwhile.
fn login<'a>(call: &'a Call<'a>) -> Done<'a> {
    Box::pin(async {
        let mut arguments = Map::new();
        arguments.insert("tenant".to_owned(), json!(call.text("tenant")));
        arguments.insert("email".to_owned(), json!(email::lookup(call.text("email"))));
        arguments.insert("address".to_owned(), json!(call.address()));
        arguments.insert(
            "user_agent".to_owned(),
            json!(call.request.header("user-agent")),
        );
        let answer = match call.run(&begin(), arguments).await {
            Ok(answer) => answer,
            Err(failure) => return settle(failure),
        };
        let attempt: Attempt = parse(&answer.body.unwrap_or_default())?;
        let right = attempts::is_right(
            call,
            &call.asker(&format!(
                "{} {}",
                call.text("tenant"),
                email::lookup(call.text("email"))
            )),
            attempt.attempt_id,
            call.text("password"),
            attempt.password_hash.as_deref(),
        )
        .await?;
        let (true, Some(tenant), Some(user)) = (right, attempt.tenant_id, attempt.user_id) else {
            return match attempts::failed(call, attempt.attempt_id).await {
                Ok(_) => Err(refused()),
                Err(failure) => settle(failure),
            };
        };
        let session = random::id();
        let refresh_token = random::token()?;
        let mut arguments = Map::new();
        arguments.insert("attempt_id".to_owned(), json!(attempt.attempt_id));
        arguments.insert("tenant_id".to_owned(), json!(tenant));
        arguments.insert("user_id".to_owned(), json!(user));
        arguments.insert("session_id".to_owned(), json!(session));
        arguments.insert(
            "refresh_hash".to_owned(),
            json!(random::digest(&refresh_token)),
        );
        arguments.insert(
            "user_agent".to_owned(),
            json!(call.request.header("user-agent")),
        );
        arguments.insert("address".to_owned(), json!(call.address()));
        let answer = match call.run(&end(), arguments).await {
            Ok(answer) => answer,
            Err(failure) => return settle(failure),
        };
        let identity: Identity = match answer.body {
            Some(body) => parse(&body)?,
            None => return Err(refused()),
        };
        let body = pair(call.settings, &identity, session, &refresh_token)?;
        Ok(Response::json(200, body))
    })
}

fn begin() -> Statement {
    Sql::from(
        "-- auth.login.begin
select
  row_to_json(r)::text as body,
  null::text as tag
from lms.begin_sign_in($1->>'tenant', $1->>'email', $1->>'address', $1->>'user_agent') as r",
    )
    .prepared("auth.login.begin")
}

fn end() -> Statement {
    Sql::from(
        "-- auth.login.end
select
  lms.complete_sign_in(
    ($1->>'attempt_id')::uuid,
    ($1->>'tenant_id')::uuid,
    ($1->>'user_id')::uuid,
    ($1->>'session_id')::uuid,
    decode($1->>'refresh_hash', 'hex'),
    $1->>'user_agent',
    $1->>'address'
  )::text as body,
  null::text as tag",
    )
    .prepared("auth.login.end")
}

fn refresh<'a>(call: &'a Call<'a>) -> Done<'a> {
    Box::pin(async {
        let new_token = random::token()?;
        let old_hash = random::digest(call.text("refresh_token"));
        let mut arguments = Map::new();
        arguments.insert("refresh_hash".to_owned(), json!(old_hash));
        arguments.insert("new_hash".to_owned(), json!(random::digest(&new_token)));
        arguments.insert(
            "user_agent".to_owned(),
            json!(call.request.header("user-agent")),
        );
        arguments.insert("address".to_owned(), json!(call.address()));
        let answer = match call.run(&exchange(), arguments).await {
            Ok(answer) => answer,
            Err(failure) => return settle(failure),
        };
        let Some(body) = answer.body else {
            return Err(Problem::new(ProblemKind::CredentialsRefused)
                .detail("The refresh token isn't good any more; sign in again."));
        };
        let refreshed: Refreshed = parse(&body)?;
        let identity = Identity {
            user: refreshed.user,
            tenant: refreshed.tenant,
        };
        let body = pair(call.settings, &identity, refreshed.session.id, &new_token)?;
        Ok(Response::json(200, body))
    })
}

/// Reads what a statement answered; anything unexpected in it is a fault of ours.
fn parse<'a, T: Deserialize<'a>>(body: &'a str) -> Result<T, Problem> {
    serde_json::from_str(body).map_err(|error| Problem::unreadable(&error))
}

fn exchange() -> Statement {
    Sql::from(
        "-- auth.refresh
select
  lms.refresh_session(
    decode($1->>'refresh_hash', 'hex'),
    decode($1->>'new_hash', 'hex'),
    $1->>'user_agent',
    $1->>'address'
  )::text as body,
  null::text as tag",
    )
    .prepared("auth.refresh")
}

fn logout() -> Statement {
    Sql::from(
        "-- auth.logout
with ended as (
  update lms.sessions as r
  set revoked_at = now()
  where r.id = current_setting('app.session_id')::uuid
  returning r.id
)
select
  '' as body,
  null::text as tag
from ended",
    )
    .prepared("auth.logout")
}

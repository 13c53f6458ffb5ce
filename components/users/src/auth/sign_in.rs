//! Signs users in, refreshes their tokens, and signs them out. The list of a user's sessions is in
//! `sessions`.

use platform::declare::action::{Action, ResponseFuture};
use platform::declare::action_context::ActionContext;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::ResponseSpec;
use platform::http::problem::{Kind as ProblemKind, Problem};
use platform::http::response::Response;
use platform::sql::sqlstate::into_response;
use platform::sql::statement::Statement;
use platform::values::email;
use platform::values::random;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, json};
use uuid::Uuid;

use super::{Identity, TOKEN_PAIR, attempts, token_pair};

/// Opens a session.
pub(crate) const LOGIN: Action = Action::post("/v1/auth/login")
    .id("auth.login")
    .summary("Sign in")
    .public()
    .body(&[
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
    ])
    .responds(ResponseSpec::fields(
        TOKEN_PAIR,
        "An access token, valid for 15 minutes, and a refresh token.",
    ))
    .custom(login);

/// Exchanges a refresh token for a new pair.
pub(crate) const REFRESH: Action = Action::post("/v1/auth/refresh")
    .id("auth.refresh")
    .summary("Refresh an access token")
    .public()
    .body(&[Field::new(
        "refresh_token",
        Kind::Secret { min: 1, max: 100 },
        "The refresh token. It can be used once; using it again later than 30 seconds afterwards ends the session.",
    )
    .required()])
    .responds(ResponseSpec::fields(
        TOKEN_PAIR,
        "A new access token and a new refresh token.",
    ))
    .custom(refresh);

/// Ends the session.
pub(crate) const LOGOUT: Action = Action::post("/v1/auth/logout")
    .id("auth.logout")
    .summary("Sign out")
    .signed_in()
    .responds(ResponseSpec::none(
        "The session has ended. Its access token no longer works.",
    ))
    .sql(LOGOUT_SQL);

/// The data of an account by which the password is checked.
#[derive(Deserialize)]
struct Attempt {
    attempt_id: Uuid,
    tenant_id: Option<Uuid>,
    user_id: Option<Uuid>,
    password_hash: Option<String>,
}

/// The result of a refresh: the identity and the continued session.
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

/// Returns the one problem of every failed sign-in, whatever the cause.
fn refused() -> Problem {
    Problem::new(ProblemKind::CredentialsRefused)
        .detail("The tenant, e-mail address or password is wrong, or the account is not active.")
}

/// Signs a user in with two statements, whatever the outcome. The hash is checked between reading
/// it and opening the session or recording the failure, and PostgreSQL cannot compute it. No
/// transaction is open meanwhile.
fn login<'a>(context: &'a ActionContext<'a>) -> ResponseFuture<'a> {
    Box::pin(async {
        let mut arguments = Map::new();
        arguments.insert("tenant".to_owned(), json!(context.text("tenant")));
        arguments.insert(
            "email".to_owned(),
            json!(email::lookup(context.text("email"))),
        );
        arguments.insert("address".to_owned(), json!(context.address()));
        arguments.insert(
            "user_agent".to_owned(),
            json!(context.request.header("user-agent")),
        );
        let answer = match context.run(&begin(), arguments).await {
            Ok(answer) => answer,
            Err(error) => return into_response(error),
        };
        let attempt: Attempt = parse(&answer.body.unwrap_or_default())?;
        let right = attempts::verify_password(
            context,
            &context.requester(&format!(
                "{} {}",
                context.text("tenant"),
                email::lookup(context.text("email"))
            )),
            attempt.attempt_id,
            context.text("password"),
            attempt.password_hash.as_deref(),
        )
        .await?;
        let (true, Some(tenant), Some(user)) = (right, attempt.tenant_id, attempt.user_id) else {
            return match attempts::record_failure(context, attempt.attempt_id).await {
                Ok(_) => Err(refused()),
                Err(error) => into_response(error),
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
            json!(context.request.header("user-agent")),
        );
        arguments.insert("address".to_owned(), json!(context.address()));
        arguments.insert("verified_hash".to_owned(), json!(attempt.password_hash));
        let answer = match context.run(&end(), arguments).await {
            Ok(answer) => answer,
            Err(error) => return into_response(error),
        };
        let identity: Identity = match answer.body {
            Some(body) => parse(&body)?,
            None => return Err(refused()),
        };
        let body = token_pair(context.settings, &identity, session, &refresh_token)?;
        Ok(Response::json(200, body))
    })
}

fn begin() -> Statement {
    Statement::named(
        "auth.login.begin",
        "select
  row_to_json(r)::text as body,
  null::text as tag
from lms.begin_sign_in($1->>'tenant', $1->>'email', $1->>'address', $1->>'user_agent') as r",
    )
}

fn end() -> Statement {
    Statement::named(
        "auth.login.end",
        "select
  lms.complete_sign_in(
    ($1->>'attempt_id')::uuid,
    ($1->>'tenant_id')::uuid,
    ($1->>'user_id')::uuid,
    ($1->>'session_id')::uuid,
    decode($1->>'refresh_hash', 'hex'),
    $1->>'user_agent',
    $1->>'address',
    verified_hash => $1->>'verified_hash'
  )::text as body,
  null::text as tag",
    )
}

fn refresh<'a>(context: &'a ActionContext<'a>) -> ResponseFuture<'a> {
    Box::pin(async {
        let new_token = random::token()?;
        let old_hash = random::digest(context.text("refresh_token"));
        let mut arguments = Map::new();
        arguments.insert("refresh_hash".to_owned(), json!(old_hash));
        arguments.insert("new_hash".to_owned(), json!(random::digest(&new_token)));
        arguments.insert(
            "user_agent".to_owned(),
            json!(context.request.header("user-agent")),
        );
        arguments.insert("address".to_owned(), json!(context.address()));
        let answer = match context.run(&exchange(), arguments).await {
            Ok(answer) => answer,
            Err(error) => return into_response(error),
        };
        let Some(body) = answer.body else {
            return Err(Problem::new(ProblemKind::CredentialsRefused)
                .detail("The refresh token is no longer valid. Sign in again."));
        };
        let refreshed: Refreshed = parse(&body)?;
        let identity = Identity {
            user: refreshed.user,
            tenant: refreshed.tenant,
        };
        let body = token_pair(
            context.settings,
            &identity,
            refreshed.session.id,
            &new_token,
        )?;
        Ok(Response::json(200, body))
    })
}

/// Reads the result of a statement. Anything unexpected in it is an internal error.
fn parse<'a, T: Deserialize<'a>>(body: &'a str) -> Result<T, Problem> {
    serde_json::from_str(body).map_err(|error| Problem::unreadable(&error))
}

fn exchange() -> Statement {
    Statement::named(
        "auth.refresh",
        "select
  lms.refresh_session(
    decode($1->>'refresh_hash', 'hex'),
    decode($1->>'new_hash', 'hex'),
    $1->>'user_agent',
    $1->>'address'
  )::text as body,
  null::text as tag",
    )
}

const LOGOUT_SQL: &str = "with ended as (
  update lms.sessions as r
  set revoked_at = now()
  where r.id = current_setting('app.session_id')::uuid
  returning r.id
)
select
  '' as body,
  null::text as tag
from ended";

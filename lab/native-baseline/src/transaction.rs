//! Runs a statement in a transaction with the tenant's context and a checked session: BEGIN, `set_config`, the statement and
//! COMMIT, one round trip each. The statements are in `statements`.

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, StatusCode};
use deadpool_postgres::tokio_postgres::types::Type;
use deadpool_postgres::{Object, Transaction};
use platform::auth::caller::Caller;
use platform::auth::claims::Claims;
use platform::sql::context::DatabaseContext;
use serde_json::Value;

use crate::failure::Failure;
use crate::service::Service;

/// The media type of every response with a body.
pub(crate) const JSON: (HeaderName, &str) = (CONTENT_TYPE, "application/json");

const SET_CONTEXT: &str = "\
select set_config('app.tenant_id', $1, true),
       set_config('app.user_id', $2, true),
       set_config('app.role', $3, true),
       set_config('app.session_id', $4, true),
       set_config('app.request_id', $5, true),
       set_config('app.centre_id', lms_private.check_session($6::text::jsonb), true)";

/// Begins a transaction in which the caller's rows are visible.
pub(crate) async fn begin<'a>(
    connection: &'a mut Object,
    caller: &Claims,
) -> Result<Transaction<'a>, Failure> {
    let transaction = connection.transaction().await?;
    let statement = transaction.prepare_cached(SET_CONTEXT).await?;
    let request_id = platform::values::random::id().to_string();
    // The bench prepares a standard cell.
    let cell = format!("{}-standard", caller.aud);
    let context = DatabaseContext::new(
        &cell,
        &caller.aud,
        Caller::of(caller, &domain::role::ALL).as_ref(),
        &request_id,
    )
    .text();
    transaction
        .query_one(
            &statement,
            &[
                &caller.tid.to_string(),
                &caller.sub.to_string(),
                &caller.role,
                &caller.sid.to_string(),
                &request_id,
                &context,
            ],
        )
        .await?;
    Ok(transaction)
}

/// Runs a statement that returns a body and an entity tag in one row, in a transaction of its own.
pub(crate) async fn query_row(
    service: &Service,
    caller: &Claims,
    sql: &str,
    arguments: Value,
) -> Result<Option<(String, String)>, Failure> {
    let mut connection = service.pool.get().await?;
    let transaction = begin(&mut connection, caller).await?;
    let statement = transaction
        .prepare_typed_cached(sql, &[Type::JSONB])
        .await?;
    let row = transaction.query_opt(&statement, &[&arguments]).await?;
    transaction.commit().await?;
    let Some(row) = row else { return Ok(None) };
    let tag: Option<String> = row.try_get(1)?;
    Ok(Some((row.try_get(0)?, tag.unwrap_or_default())))
}

const INSERT_KEY: &str = "\
insert into lms.idempotency_keys as k (tenant_id, user_id, key, fingerprint)
values ($1, $2, $3, $4)
on conflict (tenant_id, user_id, key) do nothing";

const STORE_RESPONSE: &str = "\
update lms.idempotency_keys as k
set body = $4,
    tag = $5
where k.tenant_id = $1
  and k.user_id = $2
  and k.key = $3";

/// The idempotency key of a request, with a hash of the request.
pub(crate) struct IdempotencyKey<'a> {
    /// The value of the header `Idempotency-Key`.
    pub(crate) key: &'a str,
    /// The hash of the request.
    pub(crate) fingerprint: &'a str,
}

/// Runs a statement like [`query_row`] and stores its response for the idempotency key. Repeated requests are not measured,
/// so that they are refused as a conflict.
pub(crate) async fn query_row_once(
    service: &Service,
    caller: &Claims,
    key: &IdempotencyKey<'_>,
    sql: &str,
    arguments: Value,
) -> Result<(String, String), Failure> {
    let mut connection = service.pool.get().await?;
    let transaction = begin(&mut connection, caller).await?;
    let insert_key = transaction.prepare_cached(INSERT_KEY).await?;
    let inserted = transaction
        .execute(
            &insert_key,
            &[&caller.tid, &caller.sub, &key.key, &key.fingerprint],
        )
        .await?;
    if inserted == 0 {
        return Err(Failure::Refused(StatusCode::CONFLICT));
    }
    let statement = transaction
        .prepare_typed_cached(sql, &[Type::JSONB])
        .await?;
    let row = transaction.query_one(&statement, &[&arguments]).await?;
    let (body, tag): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    let store = transaction.prepare_cached(STORE_RESPONSE).await?;
    transaction
        .execute(&store, &[&caller.tid, &caller.sub, &key.key, &body, &tag])
        .await?;
    transaction.commit().await?;
    Ok((body, tag))
}

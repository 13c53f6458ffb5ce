//! Handlers for the balance of a centre and for new finance records with an idempotency key.
//! Their SQL is in `statements`.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use crate::caller::Caller;
use crate::failure::Failure;
use crate::handlers::{created, new_row, run_view};
use crate::service::Service;
use crate::transaction::{IdempotencyKey, query_row_once};

/// `GET /v1/finance-records/balance`
pub(crate) async fn balance(
    State(service): State<Arc<Service>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    run_view(&service, &caller, &service.statements.centre_balance, query).await
}

/// `POST /v1/finance-records`
pub(crate) async fn create(
    State(service): State<Arc<Service>>,
    Caller(caller): Caller,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Result<Response, Failure> {
    let key = headers
        .get("idempotency-key")
        .and_then(|key| key.to_str().ok())
        .ok_or(Failure::Refused(StatusCode::PRECONDITION_REQUIRED))?;
    let fingerprint = service
        .keys
        .keyed_hash(&[b"POST", b"/v1/finance-records", b"", &body])
        .map_err(anyhow::Error::msg)?;
    let (id, arguments) = new_row(service.statements.finance_records, &body)?;
    let key = IdempotencyKey {
        key,
        fingerprint: &fingerprint,
    };
    let sql = &service.statements.create_finance_record;
    let (body, _) = query_row_once(&service, &caller, &key, sql, arguments).await?;
    Ok(created("finance-records", id, body))
}

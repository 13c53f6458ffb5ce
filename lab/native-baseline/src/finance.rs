//! Money: the balance of a centre, and a new finance record that a repeated request does not make twice.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use crate::caller::Caller;
use crate::failure::Failure;
use crate::service::Service;
use crate::transaction::{Once, row_once};
use crate::view::{answer, made, new_row};

/// `GET /v1/finance-records/balance`
pub(crate) async fn balance(
    State(service): State<Arc<Service>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    answer(&service, &caller, &service.statements.balance, query).await
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
    let once = Once {
        key,
        fingerprint: &fingerprint,
    };
    let sql = &service.statements.record;
    let (body, _) = row_once(&service, &caller, &once, sql, arguments).await?;
    Ok(made("finance-records", id, body))
}

//! The context of a statement: the data about its request that the database needs. It is set by
//! `lms.run` before the statement runs.

use serde::Serialize;
use uuid::Uuid;

use crate::auth::caller::Caller;
use crate::auth::role::Role;

/// The first argument of `lms.run`. The row-level policies and the event log read nothing else of
/// the request.
#[derive(Debug, Clone, Serialize)]
pub struct DatabaseContext<'a> {
    /// The cell that this component serves. The database of another cell refuses.
    pub cell: &'a str,
    /// The region of that cell.
    pub region: &'a str,
    /// The caller's tenant; no rows are visible without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Uuid>,
    /// The caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Uuid>,
    /// The caller's role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The caller's session, which may have been revoked since the token was signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<Uuid>,
    /// The request's id, for the event log.
    pub request_id: &'a str,
    /// The client's `Idempotency-Key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// A keyed hash of the request, so that the key cannot be used for another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

impl<'a> DatabaseContext<'a> {
    /// Creates the context of a caller, or of a request without one.
    pub fn new(
        cell: &'a str,
        region: &'a str,
        caller: Option<&Caller>,
        request_id: &'a str,
    ) -> DatabaseContext<'a> {
        DatabaseContext {
            cell,
            region,
            tenant: caller.map(|caller| caller.tenant),
            user: caller.map(|caller| caller.user),
            role: caller.map(|caller| caller.role),
            session: caller.map(|caller| caller.session),
            request_id,
            idempotency_key: None,
            fingerprint: None,
        }
    }

    /// Returns the JSON text that `lms.run` takes.
    pub fn text(&self) -> String {
        // Texts and ids can always be serialised. The database would refuse an empty context, which
        // is not JSON.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nobody_has_no_tenant() {
        let text = DatabaseContext::new("eu-standard", "eu", None, "r-1").text();
        let context: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            context,
            json!({"cell": "eu-standard", "region": "eu", "request_id": "r-1"})
        );
    }
}

//! A transaction with the tenant in force and the session checked, as the components
//! have it: BEGIN, `set_config`, what the handler asks, COMMIT; one round trip each.

use deadpool_postgres::{Object, Transaction};
use platform::caller::Caller;
use platform::context::Context;
use platform::token::Claims;

use crate::failure::Failure;

const SET_CONTEXT: &str = "\
select set_config('app.tenant_id', $1, true),
       set_config('app.user_id', $2, true),
       set_config('app.role', $3, true),
       set_config('app.session_id', $4, true),
       set_config('app.request_id', $5, true),
       set_config('app.centre_id', lms_private.admit($6::text::jsonb), true)";

/// Begins a transaction in which the caller's rows are visible.
pub(crate) async fn begin<'a>(
    connection: &'a mut Object,
    caller: &Claims,
) -> Result<Transaction<'a>, Failure> {
    let transaction = connection.transaction().await?;
    let statement = transaction.prepare_cached(SET_CONTEXT).await?;
    let request_id = platform::random::id().to_string();
    let context = Context::new(&caller.aud, Some(&Caller::from(caller)), &request_id).text();
    transaction
        .query_one(
            &statement,
            &[
                &caller.tid.to_string(),
                &caller.sub.to_string(),
                &caller.role.name(),
                &caller.sid.to_string(),
                &request_id,
                &context,
            ],
        )
        .await?;
    Ok(transaction)
}

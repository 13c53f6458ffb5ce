//! Tests sign-ins during which the account changes, between the check of the password and the session.

use anyhow::Result;
use http::Method;
use serde_json::json;
use tests::{Application, fault_injection, queries, role, run};

/// Signs a parent in while another transaction makes a change, which is committed once the sign-in
/// waits for it. Returns the status of the sign-in.
async fn status_during(app: &Application, change: &str) -> Result<u16> {
    let user = app.user(0, role::PARENT);
    let body = json!({
        "tenant": app.demo.tenants[0].slug,
        "email": user.email,
        "password": user.password,
    });
    let holder = app.superuser().await?;
    holder.batch_execute("begin").await?;
    holder.execute(change, &[&user.id]).await?;
    let (reply, ()) = tokio::try_join!(
        app.call(None, Method::POST, "/v1/auth/login", Some(body)),
        fault_injection::commit_when_waited_for(app, &holder)
    )?;
    let open = queries::count(
        app,
        "lms.sessions where user_id = $1 and revoked_at is null",
        &[&user.id],
    )
    .await?;
    assert_eq!(open, i64::from(reply.status == 200));
    Ok(reply.status)
}

#[test]
fn a_sign_in_with_a_password_that_changes_meanwhile_is_refused() {
    run(async |app| {
        let change = "update lms.users
            set password_hash = '$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5$' || repeat('A', 43)
            where id = $1";
        assert_eq!(status_during(app, change).await?, 401);
        Ok(())
    });
}

#[test]
fn a_sign_in_to_a_tenant_that_is_suspended_meanwhile_is_refused() {
    run(async |app| {
        let change = "update lms.tenants
            set status = 'inactive'
            where tenant_id = (select u.tenant_id from lms.users as u where u.id = $1)";
        assert_eq!(status_during(app, change).await?, 401);
        Ok(())
    });
}

#[test]
fn a_sign_in_of_a_user_whose_name_changes_meanwhile_succeeds() {
    run(async |app| {
        let change = "update lms.users set name = 'New name' where id = $1";
        assert_eq!(status_during(app, change).await?, 200);
        Ok(())
    });
}

//! Tests that the last admin who can sign in cannot be removed, under concurrency too.

use anyhow::{Context, Result};
use http::Method;
use serde_json::{Value, json};
use tests::{Application, Reply, Session, fixtures, queries, role, run};
use uuid::Uuid;

/// Creates another admin of the first tenant with a session.
async fn create_second_admin(app: &Application, admin: &Session) -> Result<(Uuid, Session)> {
    let body = json!({"name": "Second", "email": "second@aurora.example", "role": "admin", "password": "2 rivers run to 1 sea"});
    let created = app.post(admin, "/v1/users", body).await?.expect(201);
    let session = app
        .sign_in_as("aurora", "second@aurora.example", "2 rivers run to 1 sea")
        .await?;
    Ok((fixtures::parse_id(&created.json())?, session))
}

/// Tries every way to remove an admin and returns the responses.
async fn try_to_remove(app: &Application, session: &Session, user: Uuid) -> Result<Vec<Reply>> {
    let path = format!("/v1/users/{user}");
    let erase = json!({"reason": "Asked for"});
    Ok(vec![
        app.call(
            Some(session),
            Method::POST,
            &format!("{path}/deactivate"),
            None,
        )
        .await?,
        app.patch(session, &path, json!({"role": "supervisor"}))
            .await?,
        app.delete(session, &path).await?,
        app.post(
            session,
            &format!("/v1/privacy/subjects/{user}/erase"),
            erase,
        )
        .await?,
    ])
}

#[test]
fn the_last_admin_cannot_be_deactivated_demoted_deleted_or_erased() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let before = queries::write_counters(app).await?;
        for reply in try_to_remove(app, &admin, admin.user).await? {
            let reply = reply.expect(409);
            assert_eq!(reply.json()["type"], "/problems/conflict");
        }
        assert_eq!(queries::write_counters(app).await?, before);
        app.get(&admin, "/v1/auth/me").await?.expect(200);

        // An admin who cannot sign in does not count.
        let (other, _) = create_second_admin(app, &admin).await?;
        let path = format!("/v1/users/{other}/deactivate");
        app.call(Some(&admin), Method::POST, &path, None)
            .await?
            .expect(200);
        for reply in try_to_remove(app, &admin, admin.user).await? {
            reply.expect(409);
        }
        Ok(())
    });
}

#[test]
fn one_of_two_admins_can_be_removed_and_the_other_cannot() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (other, session) = create_second_admin(app, &admin).await?;
        let first = format!("/v1/users/{}", admin.user);
        app.patch(&session, &first, json!({"role": "supervisor"}))
            .await?
            .expect(200);
        for reply in try_to_remove(app, &session, other).await? {
            reply.expect(409);
        }
        app.patch(&session, &first, json!({"role": "admin"}))
            .await?
            .expect(200);
        app.delete(&session, &format!("/v1/users/{other}"))
            .await?
            .expect(204);
        Ok(())
    });
}

#[test]
fn two_admins_who_remove_each_other_concurrently_do_not_both_succeed() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (other, _) = create_second_admin(app, &admin).await?;
        let sql = "update lms.users set status = 'inactive' where id = $1";
        let mut first = app.superuser().await?;
        let transaction = first.transaction().await?;
        transaction.execute(sql, &[&other]).await?;
        let rival = app.superuser().await?;
        let waiting = tokio::spawn(async move { rival.execute(sql, &[&admin.user]).await });
        // The second update waits for the outcome of the first transaction.
        let locks = "pg_locks as l where l.locktype = 'advisory' and not l.granted
            and l.database = (select d.oid from pg_database as d where d.datname = current_database())";
        while queries::count(app, locks, &[]).await? == 0 {
            tokio::task::yield_now().await;
        }
        transaction.commit().await?;
        let error = waiting.await?.err().context("both succeeded")?;
        assert_eq!(error.code().map(|code| code.code()), Some("LM409"));
        let active_admins = "lms.users where tenant_id = $1 and role = 'admin' and status = 'active' and deleted_at is null";
        assert_eq!(
            queries::count(app, active_admins, &[&admin.tenant]).await?,
            1
        );
        Ok(())
    });
}

#[test]
fn another_tenants_admins_do_not_count() {
    run(async |app| {
        let harbour = app.session(1, role::ADMIN).await?;
        let path = format!("/v1/users/{}/deactivate", harbour.user);
        let reply = app
            .call(Some(&harbour), Method::POST, &path, None)
            .await?
            .expect(409);
        let detail: &Value = &reply.json()["errors"][0];
        assert_eq!(detail["pointer"], "/status");
        Ok(())
    });
}

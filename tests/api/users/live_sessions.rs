//! Tests the rows that the session check reads: they are true at all times, and their absence changes no answer.

use anyhow::Result;
use http::Method;
use serde_json::{Value, json};
use tests::class_fixture::post_without_body;
use tests::queries::Parameters;
use tests::{Application, Session, fault_injection, fixtures, queries, role, run};
use uuid::Uuid;

/// Rows of a user.
const OF_USER: &str = "lms_private.live_sessions where user_id = $1";

/// Rows that differ from the session, the user or the cell.
const UNTRUE: &str = "lms_private.live_sessions as l
    where not exists (
      select
      from lms.sessions as s
      join lms.users as u
        on u.tenant_id = s.tenant_id
        and u.id = s.user_id
      cross join lms_private.cell as c
      where (s.tenant_id, s.id, s.expires_at) = (l.tenant_id, l.session_id, l.expires_at)
        and (u.id, u.role) = (l.user_id, l.role)
        and u.centre_id is not distinct from l.centre_id
        and (c.region, c.name) = (l.region, l.cell)
        and s.revoked_at is null
        and u.status = 'active'
        and u.deleted_at is null
    )";

async fn assert_true(app: &Application) -> Result<()> {
    assert_eq!(queries::count(app, UNTRUE, &[]).await?, 0);
    Ok(())
}

/// Creates a supervisor of a centre and signs in as them.
async fn supervisor(app: &Application, admin: &Session, centre: Uuid) -> Result<(Uuid, Session)> {
    let user = fixtures::create_user(app, admin, "supervisor", centre).await?;
    let session = fixtures::session_for(app, user, role::SUPERVISOR).await?;
    Ok((user, session))
}

async fn change(app: &Application, admin: &Session, user: Uuid, body: Value) -> Result<()> {
    app.patch(admin, &format!("/v1/users/{user}"), body)
        .await?
        .expect(200);
    Ok(())
}

#[test]
fn a_session_has_a_row_until_it_or_its_user_changes() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        let changes = [
            json!({"centre_id": other_centre}),
            json!({"role": "support"}),
        ];
        for body in changes {
            let (user, _) = supervisor(app, &admin, own_centre).await?;
            assert_eq!(queries::count(app, OF_USER, &[&user]).await?, 1);
            change(app, &admin, user, json!({"name": "New name"})).await?;
            assert_eq!(queries::count(app, OF_USER, &[&user]).await?, 1);
            change(app, &admin, user, body).await?;
            assert_eq!(queries::count(app, OF_USER, &[&user]).await?, 0);
        }
        let (user, session) = supervisor(app, &admin, own_centre).await?;
        let (_, other) = supervisor(app, &admin, own_centre).await?;
        app.call(Some(&session), Method::POST, "/v1/auth/logout", None)
            .await?
            .expect(204);
        assert_eq!(queries::count(app, OF_USER, &[&user]).await?, 0);
        app.get(&other, "/v1/auth/me").await?.expect(200);
        let (user, _) = supervisor(app, &admin, own_centre).await?;
        let deactivate = format!("/v1/users/{user}/deactivate");
        post_without_body(app, &admin, &deactivate)
            .await?
            .expect(200);
        assert_eq!(queries::count(app, OF_USER, &[&user]).await?, 0);
        let (user, _) = supervisor(app, &admin, own_centre).await?;
        app.delete(&admin, &format!("/v1/users/{user}"))
            .await?
            .expect(204);
        assert_eq!(queries::count(app, OF_USER, &[&user]).await?, 0);
        assert_true(app).await
    });
}

#[test]
fn a_user_who_changes_centres_stays_signed_in_and_sees_the_new_centre() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        let here = fixtures::create_student(app, &admin, own_centre).await?;
        let there = fixtures::create_student(app, &admin, other_centre).await?;
        let (user, session) = supervisor(app, &admin, own_centre).await?;
        let statuses = async || -> Result<[u16; 2]> {
            let mut statuses = [0; 2];
            for (status, student) in statuses.iter_mut().zip([here, there]) {
                let path = format!("/v1/students/{student}");
                *status = app.get(&session, &path).await?.status;
            }
            Ok(statuses)
        };
        assert_eq!(statuses().await?, [200, 404]);
        change(app, &admin, user, json!({"centre_id": other_centre})).await?;
        assert_eq!(statuses().await?, [404, 200]);
        queries::execute(
            app,
            "call lms_private.rebuild_live_sessions($1)",
            &[&admin.tenant],
        )
        .await?;
        assert_eq!(queries::count(app, OF_USER, &[&user]).await?, 1);
        assert_eq!(statuses().await?, [404, 200]);
        assert_true(app).await
    });
}

#[test]
fn sessions_without_rows_are_served_as_those_with_rows() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let (_, session) = supervisor(app, &admin, own_centre).await?;
        let path = "/v1/users?limit=200";
        let before = app.get(&session, path).await?.expect(200).text;
        queries::execute(app, "delete from lms_private.live_sessions", &[]).await?;
        assert_eq!(app.get(&session, path).await?.expect(200).text, before);
        app.call(Some(&session), Method::POST, "/v1/auth/logout", None)
            .await?
            .expect(204);
        app.get(&session, path).await?.expect(401);
        Ok(())
    });
}

#[test]
fn a_sign_in_beside_a_change_of_the_user_leaves_no_untrue_row() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        let user = fixtures::create_user(app, &admin, "supervisor", own_centre).await?;
        let sign_in = "insert into lms.sessions (tenant_id, user_id, expires_at)
            values ($1, $2, now() + interval '1 hour')";
        let change = "update lms.users set centre_id = $2 where id = $1";
        let session: Parameters<'_> = &[&admin.tenant, &user];
        let centre: Parameters<'_> = &[&user, &other_centre];

        // The change waits for the sign-in, and then removes its row.
        let first = app.superuser().await?;
        first.batch_execute("begin").await?;
        first.execute(sign_in, session).await?;
        tokio::try_join!(
            queries::execute(app, change, centre),
            fault_injection::commit_when_waited_for(app, &first)
        )?;
        assert_eq!(queries::count(app, OF_USER, &[&user]).await?, 0);

        // The sign-in waits for the change, and its row has the new centre.
        let centre: Parameters<'_> = &[&user, &own_centre];
        first.batch_execute("begin").await?;
        first.execute(change, centre).await?;
        tokio::try_join!(
            queries::execute(app, sign_in, session),
            fault_injection::commit_when_waited_for(app, &first)
        )?;
        assert_eq!(queries::count(app, OF_USER, &[&user]).await?, 1);
        assert_true(app).await
    });
}

//! Tests the access of each role to help-desk requests and their comments.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use http::Method;
use serde_json::{Value, json};
use tests::{Application, Role, Session, class_fixture, fixtures, help_desk, queries, role, run};
use uuid::Uuid;

/// Makes the demo user of a role a member of staff to whom requests can be assigned.
async fn create_staff(
    app: &Application,
    admin: &Session,
    role: Role,
    centre: Uuid,
) -> Result<Uuid> {
    let body = json!({"user_id": app.user(0, role).id, "centre_id": centre});
    let created = app.post(admin, "/v1/staff", body).await?.expect(201);
    fixtures::parse_id(&created.json())
}

async fn assign(app: &Application, admin: &Session, request: &Value, staff: Uuid) -> Result<()> {
    let path = format!("{}/assign", help_desk::request_path(request));
    app.post(admin, &path, json!({"staff_id": staff}))
        .await?
        .expect(200);
    Ok(())
}

/// Returns the requests in a role's list, and those that row security shows to the role.
async fn listed_and_visible(
    app: &Application,
    session: &Session,
    role: Role,
) -> Result<[BTreeSet<String>; 2]> {
    let listed = class_fixture::get_data(app, session, "/v1/requests?limit=200").await?;
    let client = database::connect(&app.application_url).await?;
    let centre: Option<Uuid> = app
        .superuser()
        .await?
        .query_one(
            "select centre_id from lms.users where id = $1",
            &[&session.user],
        )
        .await?
        .get(0);
    for (name, value) in [
        ("app.tenant_id", session.tenant.to_string()),
        ("app.user_id", session.user.to_string()),
        ("app.centre_id", centre.unwrap_or_default().to_string()),
        ("app.role", role.name().to_owned()),
    ] {
        client
            .execute("select set_config($1, $2, false)", &[&name, &value])
            .await?;
    }
    let rows = client
        .query(
            "select id::text from lms.requests where deleted_at is null",
            &[],
        )
        .await?;
    let visible = rows.iter().map(|row| row.get(0)).collect();
    Ok([
        class_fixture::text_fields(&listed, "id")
            .into_iter()
            .collect(),
        visible,
    ])
}

#[test]
fn each_role_sees_its_own_requests_and_handles_those_within_its_scope() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        let tutor = create_staff(app, &admin, role::TUTOR, own_centre).await?;
        let own_centre_request =
            help_desk::create_request_from(app, &admin, help_desk::request_body(own_centre))
                .await?;
        let other_centre_request =
            help_desk::create_request_from(app, &admin, help_desk::request_body(other_centre))
                .await?;
        let assigned_request =
            help_desk::create_request_from(app, &admin, help_desk::request_body(own_centre))
                .await?;
        assign(app, &admin, &assigned_request, tutor).await?;
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            let works = matches!(
                role,
                role::ADMIN | role::SUPPORT | role::SUPERVISOR | role::TUTOR
            );
            let own =
                help_desk::create_request_from(app, &session, help_desk::request_body(own_centre))
                    .await?;
            assert_eq!(own["created_by"], json!(session.user));
            let everywhere = matches!(role, role::ADMIN | role::SUPPORT);
            for (request, is_there) in [
                (&own, true),
                (&own_centre_request, everywhere || role == role::SUPERVISOR),
                (&other_centre_request, everywhere),
                (&assigned_request, works),
            ] {
                let what = format!("{} {request}", role.name());
                let path = help_desk::request_path(request);
                let read = app.get(&session, &path).await?;
                assert_eq!(read.status, if is_there { 200 } else { 404 }, "{what}");
                let patched = app
                    .patch(&session, &path, json!({"details": "Changed."}))
                    .await?;
                let expected = match (works, is_there) {
                    (false, _) => 403,
                    (true, false) => 404,
                    (true, true) => 200,
                };
                assert_eq!(patched.status, expected, "{what}: {}", patched.text);
                let moved = help_desk::transition(app, &session, request, "assign").await?;
                if request == &assigned_request && is_there && role == role::TUTOR {
                    // Assigning a request to someone else would hide it from the caller.
                    assert_eq!(moved.status, 403, "{what}: {}", moved.text);
                } else {
                    assert_eq!(moved.status, expected, "{what}: {}", moved.text);
                    if expected == 200 && request == &assigned_request {
                        assign(app, &admin, &assigned_request, tutor).await?;
                    }
                }
            }
            // Everyone may send a request to any centre, except supervisors, who may send one only
            // to their own.
            let reply = app
                .post(
                    &session,
                    "/v1/requests",
                    help_desk::request_body(other_centre),
                )
                .await?;
            let expected = if role == role::SUPERVISOR { 403 } else { 201 };
            assert_eq!(reply.status, expected, "{}", role.name());
            let [listed, visible] = listed_and_visible(app, &session, role).await?;
            assert_eq!(listed, visible, "{}", role.name());
            assert!(listed.contains(own["id"].as_str().unwrap_or_default()));
        }
        Ok(())
    });
}

async fn comment(
    app: &Application,
    session: &Session,
    request: &Value,
    body: Value,
) -> Result<tests::Reply> {
    app.post(
        session,
        &format!("{}/comments", help_desk::request_path(request)),
        body,
    )
    .await
}

async fn bodies(app: &Application, session: &Session, request: &Value) -> Result<Vec<String>> {
    let path = format!("{}/comments", help_desk::request_path(request));
    Ok(class_fixture::text_fields(
        &class_fixture::get_data(app, session, &path).await?,
        "body",
    ))
}

#[test]
fn internal_comments_are_visible_only_to_staff_who_handle_the_request() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let staff = create_staff(app, &admin, role::TUTOR, own_centre).await?;
        let tutor = app.sign_in(role::TUTOR).await?;
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            let request =
                help_desk::create_request_from(app, &session, help_desk::request_body(own_centre))
                    .await?;
            let created =
                comment(app, &admin, &request, json!({"body": "We come on Monday."})).await?;
            let created = created.expect(201).json();
            let expected = json!({
                "id": created["id"],
                "request_id": request["id"],
                "visibility": "public",
                "body": "We come on Monday.",
                "created_at": created["created_at"],
                "created_by": admin.user,
            });
            assert_eq!(created, expected);
            let inner = json!({"body": "Again!", "visibility": "internal"});
            comment(app, &admin, &request, inner.clone())
                .await?
                .expect(201);
            let works = matches!(role, role::ADMIN | role::SUPPORT | role::SUPERVISOR);
            let all = ["We come on Monday.", "Again!"];
            let seen = bodies(app, &session, &request).await?;
            assert_eq!(seen, all[..if works { 2 } else { 1 }], "{}", role.name());
            let reply = comment(app, &session, &request, inner).await?;
            assert_eq!(
                reply.status,
                if works { 201 } else { 403 },
                "{}",
                reply.text
            );
            if !works && role != role::TUTOR {
                assert_eq!(reply.pointers(), ["/visibility"]);
            }
            comment(app, &session, &request, json!({"body": "Thank you."}))
                .await?
                .expect(201);
            // The assignee reads the internal comments.
            if role == role::STUDENT {
                let path = format!("{}/comments", help_desk::request_path(&request));
                app.get(&tutor, &path).await?.expect(404);
                assign(app, &admin, &request, staff).await?;
                let inner = json!({"body": "On it.", "visibility": "internal"});
                comment(app, &tutor, &request, inner).await?.expect(201);
                assert_eq!(
                    bodies(app, &tutor, &request).await?,
                    ["We come on Monday.", "Again!", "Thank you.", "On it."]
                );
                assert_eq!(
                    bodies(app, &session, &request).await?,
                    ["We come on Monday.", "Thank you."]
                );
            }
        }
        Ok(())
    });
}

#[test]
fn comments_are_added_and_paginated_and_cannot_be_changed() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let student = app.sign_in(role::STUDENT).await?;
        let request = help_desk::create_request(app, &admin).await?;
        let path = format!("{}/comments", help_desk::request_path(&request));
        let before = queries::write_counters(app).await?;
        for (body, pointer) in [
            (json!({}), "/body"),
            (json!({"body": ""}), "/body"),
            (json!({"body": "x".repeat(10_001)}), "/body"),
            (json!({"body": "x", "visibility": "secret"}), "/visibility"),
            (
                json!({"body": "x", "created_by": admin.user}),
                "/created_by",
            ),
        ] {
            let rejected = app.post(&admin, &path, body).await?.expect(422);
            assert_eq!(rejected.pointers(), [pointer]);
        }
        app.post(&student, &path, json!({"body": "x"}))
            .await?
            .expect(404);
        assert_eq!(queries::write_counters(app).await?, before);
        for index in 0..5 {
            let body = json!({"body": format!("Number {index}")});
            app.post(&admin, &path, body).await?.expect(201);
        }
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = app
                .get(&admin, &format!("{path}?limit=2{cursor}"))
                .await?
                .expect(200)
                .json();
            let data = page["data"].as_array().context("data")?;
            assert!(data.len() <= 2);
            found.extend(class_fixture::text_fields(data, "body"));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let expected: Vec<String> = (0..5).map(|index| format!("Number {index}")).collect();
        assert_eq!(found, expected);
        for method in [Method::PATCH, Method::DELETE, Method::PUT] {
            app.call(Some(&admin), method, &path, Some(json!({})))
                .await?
                .expect(405);
        }
        for query in ["limit=0", "limit=201", "cursor=x", "sort=body"] {
            app.get(&admin, &format!("{path}?{query}"))
                .await?
                .expect(400);
        }
        app.delete(&admin, &help_desk::request_path(&request))
            .await?
            .expect(204);
        app.get(&admin, &path).await?.expect(404);
        app.post(&admin, &path, json!({"body": "x"}))
            .await?
            .expect(404);
        Ok(())
    });
}

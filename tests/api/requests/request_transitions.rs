//! Tests the transitions of help-desk requests by the state table, assignment, and rescheduling of lessons.

use std::collections::BTreeMap;

use futures::future::join_all;
use http::Method;
use serde_json::{Value, json};
use tests::{class_fixture, fixtures, help_desk, queries, role, run};
use uuid::Uuid;

const STATES: [&str; 4] = ["open", "in_progress", "resolved", "closed"];
const TRANSITIONS: [&str; 5] = ["assign", "start", "resolve", "close", "reopen"];

/// Returns the status after a transition, if the present status allows it.
fn next_status(status: &str, name: &str) -> Option<&'static str> {
    match (status, name) {
        ("open", "assign") => Some("open"),
        ("in_progress", "assign") | ("open", "start") => Some("in_progress"),
        ("in_progress", "resolve") => Some("resolved"),
        ("resolved", "close") => Some("closed"),
        ("resolved" | "closed", "reopen") => Some("open"),
        _ => None,
    }
}

#[test]
fn every_transition_in_every_status_follows_the_state_table() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        for status in STATES {
            for name in TRANSITIONS {
                let request = help_desk::create_request_in_status(app, &admin, status).await?;
                let before = queries::write_counters(app).await?;
                let reply = help_desk::transition(app, &admin, &request, name).await?;
                let now = app
                    .get(&admin, &help_desk::request_path(&request))
                    .await?
                    .expect(200);
                if let Some(fresh) = next_status(status, name) {
                    let moved = reply.expect(200);
                    assert_eq!(moved.json()["status"], fresh, "{name} of {status}");
                    assert_eq!(moved.json(), now.json());
                    assert_eq!(moved.header("etag"), now.header("etag"));
                } else {
                    let rejected = reply.expect(409);
                    assert_eq!(rejected.pointers(), ["/status"], "{}", rejected.text);
                    let possible: Vec<&str> = TRANSITIONS
                        .into_iter()
                        .filter(|name| next_status(status, name).is_some())
                        .collect();
                    let words = format!(
                        "A request with the status {status} allows these operations: {}.",
                        possible.join(", ")
                    );
                    assert_eq!(rejected.json()["errors"][0]["detail"], words);
                    assert_eq!(now.json(), request);
                    assert_eq!(queries::write_counters(app).await?, before);
                }
            }
        }
        Ok(())
    });
}

#[test]
fn a_transition_records_its_time_and_author() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let closed = help_desk::create_request_in_status(app, &admin, "closed").await?;
        assert_eq!(closed["resolution"], "Mended.");
        assert!(closed["resolved_at"].is_string() && closed["closed_at"].is_string());
        let rejected = app
            .patch(
                &admin,
                &help_desk::request_path(&closed),
                json!({"details": "Other."}),
            )
            .await?
            .expect(409);
        assert_eq!(rejected.pointers(), ["/status"]);
        let open = help_desk::transition(app, &admin, &closed, "reopen")
            .await?
            .expect(200)
            .json();
        for name in ["resolution", "resolved_at", "closed_at"] {
            assert_eq!(open[name], Value::Null, "{name}");
        }
        assert_eq!(open["opened_at"], open["updated_at"]);
        let missing = app
            .post(
                &admin,
                &format!("{}/resolve", help_desk::request_path(&open)),
                json!({}),
            )
            .await?
            .expect(422);
        assert_eq!(missing.pointers(), ["/resolution"]);
        // A transition may require the version that was read.
        for (etag, status) in [("\"1\"", 412), ("\"5\"", 200)] {
            let request = app
                .request(
                    Method::POST,
                    &format!("{}/start", help_desk::request_path(&open)),
                )
                .bearer_auth(&admin.token)
                .header("if-match", etag);
            tests::send(request).await?.expect(status);
        }
        Ok(())
    });
}

#[test]
fn the_database_rejects_other_transitions() {
    run(async |app| {
        let session = app.session(0, role::ADMIN).await?;
        let one = help_desk::create_request(app, &session).await?;
        let client = database::connect(&app.application_url).await?;
        for (name, value) in [
            ("app.tenant_id", session.tenant.to_string()),
            ("app.user_id", session.user.to_string()),
            ("app.role", "admin".to_owned()),
        ] {
            client
                .execute("select set_config($1, $2, false)", &[&name, &value])
                .await?;
        }
        let id = fixtures::parse_id(&one)?;
        for (sql, code) in [
            ("update lms.requests set status = 'closed' where id = $1", "LM409"),
            ("update lms.requests set status = 'resolved' where id = $1", "LM409"),
            ("update lms.requests set status = 'lost' where id = $1", "LM409"),
            ("update lms.requests set due_at = now() where id = $1", "42501"),
            ("update lms.requests set number = 1 where id = $1", "42501"),
            ("update lms.requests set centre_id = null where id = $1", "42501"),
            ("delete from lms.requests where id = $1", "42501"),
            (
                "insert into lms.requests (centre_id, type, details, status)
                select centre_id, 'it', 'x', 'closed' from lms.requests where id = $1",
                "42501",
            ),
            (
                "update lms.request_comments set body = 'x' where request_id = $1",
                "42501",
            ),
            (
                "insert into lms.inventory_adjustments (inventory_id, change, reason, quantity_after)
                select id, 1, 'x', 1 from lms.inventory where id <> $1",
                "42501",
            ),
            ("update lms.inventory set quantity = 7 where id <> $1", "42501"),
            ("update lms.inventory set lent = 0 where id <> $1", "42501"),
            (
                "update lms.inventory_adjustments set change = 1 where id <> $1",
                "42501",
            ),
            (
                "update lms.inventory_loans set quantity = 1 where id <> $1",
                "42501",
            ),
        ] {
            let rejected = client.execute(sql, &[&id]).await.err();
            let found = rejected.as_ref().and_then(|error| error.code());
            assert_eq!(found.map(|code| code.code()), Some(code), "{sql}");
        }
        // Not even the superuser can create a request with a status other than open.
        let sql = "insert into lms.requests (tenant_id, centre_id, type, details, status)
            select tenant_id, centre_id, 'it', 'x', 'closed' from lms.requests where id = $1";
        assert!(queries::execute(app, sql, &[&id]).await.is_err());
        Ok(())
    });
}

#[test]
fn a_request_is_assigned_only_to_staff_of_its_centre() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        let request = help_desk::create_request(app, &admin).await?;
        let path = format!("{}/assign", help_desk::request_path(&request));
        let colleague =
            help_desk::create_staff_member(app, &admin, "supervisor", own_centre).await?;
        let other_centre_staff =
            help_desk::create_staff_member(app, &admin, "supervisor", other_centre).await?;
        let [inactive, inactive_user, deleted] = [
            help_desk::create_staff_member(app, &admin, "assessor", own_centre).await?,
            help_desk::create_staff_member(app, &admin, "assessor", own_centre).await?,
            help_desk::create_staff_member(app, &admin, "assessor", own_centre).await?,
        ];
        queries::execute(
            app,
            "update lms.staff set status = 'inactive' where id = $1",
            &[&inactive],
        )
        .await?;
        queries::execute(
            app,
            "update lms.users set status = 'inactive' where id = (select user_id from lms.staff where id = $1)",
            &[&inactive_user],
        )
        .await?;
        app.delete(&admin, &format!("/v1/staff/{deleted}"))
            .await?
            .expect(204);
        let other_tenant_staff = queries::first_id(app, 1, "staff").await?;
        let before = queries::write_counters(app).await?;
        let mut words = BTreeMap::new();
        for staff in [
            other_centre_staff,
            inactive,
            inactive_user,
            deleted,
            other_tenant_staff,
            Uuid::now_v7(),
        ] {
            let rejected = app
                .post(&admin, &path, json!({"staff_id": staff}))
                .await?
                .expect(422);
            assert_eq!(rejected.pointers(), ["/staff_id"], "{}", rejected.text);
            words.insert(staff, rejected.json()["errors"][0]["detail"].clone());
        }
        assert_eq!(
            words[&other_tenant_staff], words[&deleted],
            "another tenant's staff and deleted staff get the same message"
        );
        for body in [
            json!({}),
            json!({"staff_id": "me"}),
            json!({"staff_id": other_centre_staff, "why": 1}),
        ] {
            app.post(&admin, &path, body).await?.expect(422);
        }
        assert_eq!(queries::write_counters(app).await?, before);

        // The assignee belongs to the centre, or to none and works for all of them.
        let everywhere = queries::fetch_id(
            app,
            "select id from lms.staff where user_id = $1",
            &[&app.user(0, role::SUPPORT).id],
        )
        .await?;
        for staff in [json!(colleague), json!(everywhere), Value::Null] {
            let reply = app
                .post(&admin, &path, json!({"staff_id": staff}))
                .await?
                .expect(200);
            assert_eq!(reply.json()["assigned_to"], staff);
            assert_eq!(reply.json()["status"], "open");
        }
        Ok(())
    });
}

#[test]
fn only_one_of_twenty_concurrent_starts_succeeds() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let request = help_desk::create_request(app, &admin).await?;
        let calls = (0..20).map(async |_| {
            loop {
                let status = help_desk::transition(app, &admin, &request, "start")
                    .await?
                    .status;
                if status != 503 {
                    return anyhow::Ok(status);
                }
            }
        });
        let mut statuses = BTreeMap::new();
        for status in join_all(calls).await {
            *statuses.entry(status?).or_insert(0) += 1;
        }
        assert_eq!(statuses, BTreeMap::from([(200, 1), (409, 19)]));
        Ok(())
    });
}

#[test]
fn resolving_a_reschedule_request_reschedules_the_lesson_or_changes_nothing() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let student = app.sign_in(role::STUDENT).await?;
        let support = app.sign_in(role::SUPPORT).await?;
        let fixture = class_fixture::class_fixture(app).await?;
        let class = class_fixture::create_class(
            app,
            &admin,
            fixture.class_body(class_fixture::weekly_schedule("FREQ=WEEKLY;COUNT=3")),
        )
        .await?;
        // The tutor has a lesson at this time.
        class_fixture::create_class(
            app,
            &admin,
            fixture.lesson_body("2035-04-03T10:00:00", "2035-04-03T11:00:00"),
        )
        .await?;
        let body = json!({
            "centre_id": fixture.centre,
            "type": "reschedule",
            "details": "May I come on Thursday?",
            "class_id": class["id"],
            "occurrence_start": class_fixture::FIRST_MONDAY,
        });
        let request = help_desk::create_request_from(app, &student, body.clone()).await?;
        help_desk::transition(app, &admin, &request, "start")
            .await?
            .expect(200);
        let path = format!("{}/resolve", help_desk::request_path(&request));
        let resolve = |moved: Value| json!({"resolution": "On Thursday.", "move": moved});
        let thursday = json!({"starts_at": "2035-04-05T10:00:00Z", "ends_at": "2035-04-05T11:00:00Z", "room": "Blue"});
        let before = queries::write_counters(app).await?;
        let busy = json!({"starts_at": "2035-04-03T10:30:00Z", "ends_at": "2035-04-03T11:30:00Z"});
        let clash = app.post(&admin, &path, resolve(busy)).await?.expect(409);
        assert_eq!(clash.pointers(), ["/tutor_id"]);
        for (moved, pointer) in [
            (
                json!({"starts_at": "2035-04-05T11:00:00Z", "ends_at": "2035-04-05T10:00:00Z"}),
                "/move/ends_at",
            ),
            (
                json!({"starts_at": "2035-04-05T11:00:00Z"}),
                "/move/ends_at",
            ),
            (
                json!({"starts_at": "soon", "ends_at": "2035-04-05T10:00:00Z"}),
                "/move/starts_at",
            ),
            (json!(null), "/move"),
        ] {
            let rejected = app.post(&admin, &path, resolve(moved)).await?.expect(422);
            assert_eq!(rejected.pointers(), [pointer], "{}", rejected.text);
        }
        // Support may resolve the request, but may not change a class.
        app.post(&support, &path, resolve(thursday.clone()))
            .await?
            .expect(403);
        assert_eq!(queries::write_counters(app).await?, before);
        assert_eq!(
            app.get(&admin, &help_desk::request_path(&request))
                .await?
                .json()["status"],
            "in_progress"
        );

        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let done = app
            .post(&supervisor, &path, resolve(thursday.clone()))
            .await?
            .expect(200);
        assert_eq!(done.json()["status"], "resolved");
        let lessons = class_fixture::get_lessons(app, &admin, &class).await?;
        assert_eq!(
            class_fixture::start_times(&lessons)[0],
            "2035-04-05T10:00:00Z"
        );
        assert_eq!(lessons[0]["room"], "Blue");

        // A tutor reschedules lessons of their own classes.
        let tutor = app.sign_in(role::TUTOR).await?;
        let mut own = body.clone();
        own["occurrence_start"] = json!(class_fixture::SECOND_MONDAY);
        let request = help_desk::create_request_from(app, &tutor, own).await?;
        help_desk::transition(app, &tutor, &request, "start")
            .await?
            .expect(200);
        let path = format!("{}/resolve", help_desk::request_path(&request));
        let friday =
            json!({"starts_at": "2035-04-13T10:00:00Z", "ends_at": "2035-04-13T11:00:00Z"});
        app.post(&tutor, &path, resolve(friday)).await?.expect(200);
        let lessons = class_fixture::get_lessons(app, &admin, &class).await?;
        assert_eq!(
            class_fixture::start_times(&lessons)[1],
            "2035-04-13T10:00:00Z"
        );

        // Without a lesson there is nothing to reschedule.
        let mut other = body;
        other["type"] = json!("complaint");
        let request = help_desk::create_request_from(app, &student, other).await?;
        help_desk::transition(app, &admin, &request, "start")
            .await?
            .expect(200);
        let path = format!("{}/resolve", help_desk::request_path(&request));
        let rejected = app
            .post(&admin, &path, resolve(thursday))
            .await?
            .expect(422);
        assert_eq!(rejected.pointers(), ["/move"]);
        Ok(())
    });
}

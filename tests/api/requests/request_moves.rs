//! How requests move: by the state table and in no other way, to people of the centre, and with the lesson they are about.

use std::collections::BTreeMap;

use futures::future::join_all;
use http::Method;
use serde_json::{Value, json};
use tests::{classroom, desk, people, role, rows, run};
use uuid::Uuid;

const STATES: [&str; 4] = ["open", "in_progress", "resolved", "closed"];
const MOVES: [&str; 5] = ["assign", "start", "resolve", "close", "reopen"];

/// Where a move leads, if it is one of the state.
fn leads(status: &str, name: &str) -> Option<&'static str> {
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
fn every_move_in_every_state_leads_where_the_table_says_or_nowhere() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        for status in STATES {
            for name in MOVES {
                let request = desk::in_state(app, &admin, status).await?;
                let before = rows::written(app).await?;
                let reply = desk::act(app, &admin, &request, name).await?;
                let now = app.get(&admin, &desk::path(&request)).await?.expect(200);
                if let Some(fresh) = leads(status, name) {
                    let moved = reply.expect(200);
                    assert_eq!(moved.json()["status"], fresh, "{name} of {status}");
                    assert_eq!(moved.json(), now.json());
                    assert_eq!(moved.header("etag"), now.header("etag"));
                } else {
                    let refused = reply.expect(409);
                    assert_eq!(refused.pointers(), ["/status"], "{}", refused.text);
                    let possible: Vec<&str> = MOVES
                        .into_iter()
                        .filter(|name| leads(status, name).is_some())
                        .collect();
                    let words = format!(
                        "A request that is {status} allows these operations: {}.",
                        possible.join(", ")
                    );
                    assert_eq!(refused.json()["errors"][0]["detail"], words);
                    assert_eq!(now.json(), request);
                    assert_eq!(rows::written(app).await?, before);
                }
            }
        }
        Ok(())
    });
}

#[test]
fn what_a_move_leaves_behind_is_seen() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let closed = desk::in_state(app, &admin, "closed").await?;
        assert_eq!(closed["resolution"], "Mended.");
        assert!(closed["resolved_at"].is_string() && closed["closed_at"].is_string());
        let refused = app
            .patch(&admin, &desk::path(&closed), json!({"details": "Other."}))
            .await?
            .expect(409);
        assert_eq!(refused.pointers(), ["/status"]);
        let open = desk::act(app, &admin, &closed, "reopen")
            .await?
            .expect(200)
            .json();
        for name in ["resolution", "resolved_at", "closed_at"] {
            assert_eq!(open[name], Value::Null, "{name}");
        }
        assert_eq!(open["opened_at"], open["updated_at"]);
        let missing = app
            .post(&admin, &format!("{}/resolve", desk::path(&open)), json!({}))
            .await?
            .expect(422);
        assert_eq!(missing.pointers(), ["/resolution"]);
        // A move is made to the version that was read.
        for (etag, status) in [("\"1\"", 412), ("\"5\"", 200)] {
            let request = app
                .request(Method::POST, &format!("{}/start", desk::path(&open)))
                .bearer_auth(&admin.token)
                .header("if-match", etag);
            tests::send(request).await?.expect(status);
        }
        Ok(())
    });
}

#[test]
fn the_database_knows_no_other_way() {
    run(async |app| {
        let session = app.session(0, role::ADMIN).await?;
        let one = desk::ask(app, &session).await?;
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
        let id = people::id(&one)?;
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
            let refused = client.execute(sql, &[&id]).await.err();
            let found = refused.as_ref().and_then(|error| error.code());
            assert_eq!(found.map(|code| code.code()), Some(code), "{sql}");
        }
        // Not even the owner's hand makes one that was never open.
        let sql = "insert into lms.requests (tenant_id, centre_id, type, details, status)
            select tenant_id, centre_id, 'it', 'x', 'closed' from lms.requests where id = $1";
        assert!(rows::execute(app, sql, &[&id]).await.is_err());
        Ok(())
    });
}

#[test]
fn a_request_is_assigned_to_those_who_work_at_its_centre() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, away) = rows::centres(app).await?;
        let request = desk::ask(app, &admin).await?;
        let path = format!("{}/assign", desk::path(&request));
        let colleague = desk::staff(app, &admin, "supervisor", home).await?;
        let far = desk::staff(app, &admin, "supervisor", away).await?;
        let [idle, left, gone] = [
            desk::staff(app, &admin, "assessor", home).await?,
            desk::staff(app, &admin, "assessor", home).await?,
            desk::staff(app, &admin, "assessor", home).await?,
        ];
        rows::execute(
            app,
            "update lms.staff set status = 'inactive' where id = $1",
            &[&idle],
        )
        .await?;
        rows::execute(
            app,
            "update lms.users set status = 'inactive' where id = (select user_id from lms.staff where id = $1)",
            &[&left],
        )
        .await?;
        app.delete(&admin, &format!("/v1/staff/{gone}"))
            .await?
            .expect(204);
        let theirs = rows::any(app, 1, "staff").await?;
        let before = rows::written(app).await?;
        let mut words = BTreeMap::new();
        for staff in [far, idle, left, gone, theirs, Uuid::now_v7()] {
            let refused = app
                .post(&admin, &path, json!({"staff_id": staff}))
                .await?
                .expect(422);
            assert_eq!(refused.pointers(), ["/staff_id"], "{}", refused.text);
            words.insert(staff, refused.json()["errors"][0]["detail"].clone());
        }
        assert_eq!(
            words[&theirs], words[&gone],
            "another tenant's is not told from one that is not there"
        );
        for body in [
            json!({}),
            json!({"staff_id": "me"}),
            json!({"staff_id": far, "why": 1}),
        ] {
            app.post(&admin, &path, body).await?.expect(422);
        }
        assert_eq!(rows::written(app).await?, before);

        // Of the centre, or of none: then one works for all of them.
        let everywhere = rows::id(
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
fn of_many_who_start_at_once_one_does() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let request = desk::ask(app, &admin).await?;
        let calls = (0..20).map(async |_| {
            loop {
                let status = desk::act(app, &admin, &request, "start").await?.status;
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
fn a_resolved_reschedule_moves_the_lesson_or_nothing_happens() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let student = app.sign_in(role::STUDENT).await?;
        let support = app.sign_in(role::SUPPORT).await?;
        let room = classroom::classroom(app).await?;
        let class = classroom::make(
            app,
            &admin,
            room.class(classroom::weekly("FREQ=WEEKLY;COUNT=3")),
        )
        .await?;
        // The tutor is busy here.
        classroom::make(
            app,
            &admin,
            room.lesson("2035-04-03T10:00:00", "2035-04-03T11:00:00"),
        )
        .await?;
        let body = json!({
            "centre_id": room.centre,
            "type": "reschedule",
            "details": "May I come on Thursday?",
            "class_id": class["id"],
            "occurrence_start": classroom::FIRST,
        });
        let request = desk::make(app, &student, body.clone()).await?;
        desk::act(app, &admin, &request, "start").await?.expect(200);
        let path = format!("{}/resolve", desk::path(&request));
        let resolve = |moved: Value| json!({"resolution": "On Thursday.", "move": moved});
        let thursday = json!({"starts_at": "2035-04-05T10:00:00Z", "ends_at": "2035-04-05T11:00:00Z", "room": "Blue"});
        let before = rows::written(app).await?;
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
            let refused = app.post(&admin, &path, resolve(moved)).await?.expect(422);
            assert_eq!(refused.pointers(), [pointer], "{}", refused.text);
        }
        // Support may resolve it, but changes no class.
        app.post(&support, &path, resolve(thursday.clone()))
            .await?
            .expect(403);
        assert_eq!(rows::written(app).await?, before);
        assert_eq!(
            app.get(&admin, &desk::path(&request)).await?.json()["status"],
            "in_progress"
        );

        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let done = app
            .post(&supervisor, &path, resolve(thursday.clone()))
            .await?
            .expect(200);
        assert_eq!(done.json()["status"], "resolved");
        let lessons = classroom::lessons(app, &admin, &class).await?;
        assert_eq!(classroom::starts(&lessons)[0], "2035-04-05T10:00:00Z");
        assert_eq!(lessons[0]["room"], "Blue");

        // A tutor moves the lessons of the own classes.
        let tutor = app.sign_in(role::TUTOR).await?;
        let mut own = body.clone();
        own["occurrence_start"] = json!(classroom::SECOND);
        let request = desk::make(app, &tutor, own).await?;
        desk::act(app, &tutor, &request, "start").await?.expect(200);
        let path = format!("{}/resolve", desk::path(&request));
        let friday =
            json!({"starts_at": "2035-04-13T10:00:00Z", "ends_at": "2035-04-13T11:00:00Z"});
        app.post(&tutor, &path, resolve(friday)).await?.expect(200);
        let lessons = classroom::lessons(app, &admin, &class).await?;
        assert_eq!(classroom::starts(&lessons)[1], "2035-04-13T10:00:00Z");

        // Without a lesson there is nothing to move.
        let mut other = body;
        other["type"] = json!("complaint");
        let request = desk::make(app, &student, other).await?;
        desk::act(app, &admin, &request, "start").await?.expect(200);
        let path = format!("{}/resolve", desk::path(&request));
        let refused = app
            .post(&admin, &path, resolve(thursday))
            .await?
            .expect(422);
        assert_eq!(refused.pointers(), ["/move"]);
        Ok(())
    });
}

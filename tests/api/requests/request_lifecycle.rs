//! Tests help-desk requests: the standard verbs, numbers, sorting by urgency, and overdue ones.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use futures::future::join_all;
use http::Method;
use serde_json::{Value, json};
use tests::{
    Application, Session, class_fixture, csv::import, fixtures, help_desk, queries, role, run,
};
use uuid::Uuid;

#[test]
fn a_request_is_created_read_updated_deleted_and_restored() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let created = app
            .post(&admin, "/v1/requests", help_desk::request_body(own_centre))
            .await?
            .expect(201);
        let one = created.json();
        let path = help_desk::request_path(&one);
        assert_eq!(created.header("location"), path);
        assert_eq!(created.header("etag"), "\"1\"");
        let expected = json!({
            "id": one["id"],
            "number": one["number"],
            "centre_id": own_centre,
            "type": "it",
            "details": "The screen stays dark.",
            "priority": "medium",
            "status": "open",
            "assigned_to": null,
            "class_id": null,
            "occurrence_start": null,
            "inventory_id": null,
            "by_rule": false,
            "opened_at": one["created_at"],
            "due_at": one["due_at"],
            "escalated_at": null,
            "resolved_at": null,
            "closed_at": null,
            "resolution": null,
            "created_at": one["created_at"],
            "updated_at": one["created_at"],
            "created_by": admin.user,
            "updated_by": admin.user,
            "deleted_at": null,
        });
        assert_eq!(one, expected);
        assert_eq!(app.get(&admin, &path).await?.expect(200).json(), expected);

        let changed = app
            .patch(
                &admin,
                &path,
                json!({"details": "Still dark.", "type": "maintenance"}),
            )
            .await?
            .expect(200);
        assert_eq!(changed.header("etag"), "\"2\"");
        assert_eq!(changed.json()["details"], "Still dark.");
        let stale = app
            .request(Method::PATCH, &path)
            .bearer_auth(&admin.token)
            .header("if-match", "\"1\"")
            .json(&json!({"details": "Late."}));
        tests::send(stale).await?.expect(412);
        app.delete(&admin, &path).await?.expect(204);
        app.get(&admin, &path).await?.expect(404);
        class_fixture::post_without_body(app, &admin, &format!("{path}/start"))
            .await?
            .expect(404);
        let restored =
            class_fixture::post_without_body(app, &admin, &format!("{path}/restore")).await?;
        assert_eq!(restored.expect(200).json()["number"], one["number"]);
        let kinds = queries::fetch_texts(
            app,
            "select kind from lms.event_log where entity_id = $1 order by position",
            &[&fixtures::parse_id(&one)?],
        )
        .await?;
        assert_eq!(
            kinds,
            [
                "request.created",
                "request.updated",
                "request.deleted",
                "request.restored"
            ]
        );
        Ok(())
    });
}

#[test]
fn invalid_requests_are_rejected_with_the_field_name_and_nothing_is_written() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = class_fixture::class_fixture(app).await?;
        let (own_centre, other_centre) = (fixture.centre, fixture.other_centre);
        let other_tenant = app.demo.tenants[1].id;
        let first_id_of_other_tenant = async |table: &str| {
            let sql = format!("select id from lms.{table} where tenant_id = $1 order by id");
            queries::fetch_id(app, &sql, &[&other_tenant]).await
        };
        let class = class_fixture::create_class(
            app,
            &admin,
            fixture.class_body(class_fixture::weekly_schedule("FREQ=WEEKLY;COUNT=3")),
        )
        .await?;
        let mut other_centre_class =
            fixture.lesson_body("2035-05-02T16:00:00", "2035-05-02T17:00:00");
        other_centre_class["centre_id"] = json!(other_centre);
        let other_centre_class =
            class_fixture::create_class(app, &admin, other_centre_class).await?;
        let far_item = help_desk::create_item(app, &admin, other_centre, 1).await?;
        let one = help_desk::create_request(app, &admin).await?;
        let before = queries::write_counters(app).await?;
        for (field, value) in [
            (
                "centre_id",
                json!(first_id_of_other_tenant("centres").await?),
            ),
            ("centre_id", json!(Uuid::now_v7())),
            ("centre_id", json!(null)),
            ("type", json!("party")),
            ("type", json!(null)),
            ("details", json!("")),
            ("details", json!("x".repeat(10_001))),
            ("priority", json!("highest")),
            (
                "class_id",
                json!(first_id_of_other_tenant("classes").await?),
            ),
            ("class_id", json!(Uuid::now_v7())),
            ("class_id", other_centre_class["id"].clone()),
            (
                "inventory_id",
                json!(first_id_of_other_tenant("inventory").await?),
            ),
            ("inventory_id", far_item["id"].clone()),
            ("occurrence_start", json!(class_fixture::FIRST_MONDAY)),
            ("number", json!(7)),
            ("status", json!("closed")),
            ("assigned_to", json!(null)),
            ("by_rule", json!(true)),
            ("due_at", json!("2035-05-02T16:00:00Z")),
            ("escalated_at", json!(null)),
            ("resolution", json!("Done.")),
            ("overdue", json!(false)),
            ("urgency", json!(1)),
        ] {
            let mut body = help_desk::request_body(own_centre);
            body[field] = value.clone();
            let reply = app.post(&admin, "/v1/requests", body).await?.expect(422);
            assert_eq!(reply.pointers(), [format!("/{field}")], "{}", reply.text);
            let patch = json!({ field: value });
            let reply = app
                .patch(&admin, &help_desk::request_path(&one), patch)
                .await?
                .expect(422);
            assert_eq!(reply.pointers(), [format!("/{field}")], "{}", reply.text);
        }
        let mut body = help_desk::request_body(own_centre);
        body["class_id"] = class["id"].clone();
        body["occurrence_start"] = json!("2035-04-02T16:30:00Z");
        let reply = app
            .post(&admin, "/v1/requests", body.clone())
            .await?
            .expect(422);
        assert_eq!(reply.pointers(), ["/occurrence_start"]);
        let other_centre_class = other_centre_class["id"].as_str().unwrap_or_default();
        let file = format!(
            "centre_id,type,details,class_id\n{own_centre},it,x,\n{own_centre},it,x,{other_centre_class}\n"
        );
        let rejected = import(app, &admin, "/v1/requests/import", file)
            .await?
            .expect(422);
        assert_eq!(rejected.pointers(), ["/3/class_id"]);
        assert_eq!(queries::write_counters(app).await?, before);
        body["occurrence_start"] = json!(class_fixture::SECOND_MONDAY);
        let linked = help_desk::create_request_from(app, &admin, body).await?;
        assert_eq!(linked["class_id"], class["id"]);
        assert_eq!(linked["occurrence_start"], "2035-04-09T16:00:00.000000Z");
        Ok(())
    });
}

/// Returns the numbers of all requests of a tenant.
async fn numbers(app: &Application, tenant: Uuid) -> Result<Vec<i64>> {
    let sql = "select number from lms.requests where tenant_id = $1 order by number";
    let rows = app.superuser().await?.query(sql, &[&tenant]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Creates a request, and repeats it after a 503.
async fn retry_while_unavailable(app: &Application, session: &Session, body: Value) -> Result<u16> {
    loop {
        let reply = app.post(session, "/v1/requests", body.clone()).await?;
        if reply.status != 503 {
            return Ok(reply.status);
        }
    }
}

#[test]
fn numbers_have_no_gaps_and_no_duplicates_under_concurrent_failures() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let other = app.sign_in_to(1, role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let before = numbers(app, admin.tenant).await?.len();
        let numbers_of_other_tenant = numbers(app, other.tenant).await?;
        let bodies = (0..100).map(|index| {
            let mut body = help_desk::request_body(own_centre);
            if index % 4 == 3 {
                // A trigger rejects the row after its number was assigned.
                body["class_id"] = json!(null);
                body["occurrence_start"] = json!("2035-05-02T16:00:00Z");
            }
            body
        });
        let mut created = 0;
        for status in join_all(bodies.map(|body| retry_while_unavailable(app, &admin, body))).await
        {
            let status = status?;
            assert!([201, 422].contains(&status), "{status}");
            created += usize::from(status == 201);
        }
        assert_eq!(created, 75);
        let line = format!("{own_centre},it,Broken\n");
        let file = format!("centre_id,type,details\n{}", line.repeat(300));
        let path = "/v1/requests/import";
        import(app, &admin, &format!("{path}?dry_run=true"), file.clone())
            .await?
            .expect(200);
        import(app, &admin, path, format!("{file}{own_centre},party,x\n"))
            .await?
            .expect(422);
        import(app, &admin, path, file).await?.expect(201);
        let expected: Vec<i64> = (1..).take(before + 75 + 300).collect();
        assert_eq!(numbers(app, admin.tenant).await?, expected);
        assert_eq!(numbers(app, other.tenant).await?, numbers_of_other_tenant);
        assert_eq!(numbers_of_other_tenant.first(), Some(&1));
        // The sequence continues after the last of these numbers.
        let next = queries::count(
            app,
            "lms.tenant_sequences where tenant_id = $1 and name = 'requests' and next_value = $2",
            &[&admin.tenant, &i64::try_from(expected.len() + 1)?],
        )
        .await?;
        assert_eq!(next, 1);
        Ok(())
    });
}

/// Returns all ids of a list, page by page.
async fn pages(app: &Application, session: &Session, query: &str) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/v1/requests?limit=2&{query}{cursor}");
        let page = app.get(session, &path).await?.expect(200).json();
        let data = page["data"].as_array().context("data")?;
        ids.extend(class_fixture::text_fields(data, "id"));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(ids),
        }
    }
}

#[test]
fn lists_sorted_by_priority_start_with_the_most_urgent() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (_, other_centre) = queries::demo_centres(app).await?;
        let mut created = Vec::new();
        for priority in ["low", "high", "medium", "high", "low", "medium"] {
            let mut body = help_desk::request_body(other_centre);
            body["priority"] = json!(priority);
            created.push(help_desk::create_request_from(app, &admin, body).await?);
        }
        let ids = class_fixture::text_fields(&created, "id");
        let ordered = |places: [usize; 6]| places.map(|place| ids[place].clone()).to_vec();
        let of = format!("status=open&centre_id={other_centre}");
        let listed = pages(app, &admin, &format!("{of}&sort=priority,created_at")).await?;
        assert_eq!(listed, ordered([1, 3, 2, 5, 0, 4]));
        let listed = pages(app, &admin, &format!("{of}&sort=-priority,created_at")).await?;
        assert_eq!(listed, ordered([0, 4, 2, 5, 1, 3]));
        let listed = pages(app, &admin, &format!("{of}&sort=priority,-created_at")).await?;
        assert_eq!(listed, ordered([3, 1, 5, 2, 4, 0]));
        let listed = pages(
            app,
            &admin,
            &format!("{of}&priority.in=low,high&sort=number"),
        )
        .await?;
        assert_eq!(listed, [0, 1, 3, 4].map(|place| ids[place].clone()));
        let rejected = app
            .get(&admin, "/v1/requests?sort=urgency")
            .await?
            .expect(400);
        assert_eq!(rejected.pointers(), ["?sort"]);
        Ok(())
    });
}

#[test]
fn overdue_combines_with_other_filters() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        let mut late = BTreeSet::new();
        for (centre, status) in [
            (other_centre, "open"),
            (other_centre, "open"),
            (other_centre, "open"),
            (other_centre, "in_progress"),
            (other_centre, "resolved"),
            (own_centre, "open"),
        ] {
            let mut request =
                help_desk::create_request_from(app, &admin, help_desk::request_body(centre))
                    .await?;
            for name in ["start", "resolve"] {
                if request["status"] != status {
                    request = help_desk::transition(app, &admin, &request, name)
                        .await?
                        .json();
                }
            }
            help_desk::make_overdue(app, &request).await?;
            if centre == other_centre && status != "resolved" {
                late.insert(request["id"].as_str().unwrap_or_default().to_owned());
            }
        }
        let in_time =
            help_desk::create_request_from(app, &admin, help_desk::request_body(other_centre))
                .await?;
        let all = format!("centre_id={other_centre}");
        let listed = pages(app, &admin, &format!("{all}&overdue=true")).await?;
        assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), late);
        let listed = pages(
            app,
            &admin,
            &format!("{all}&overdue=true&status=in_progress"),
        )
        .await?;
        assert_eq!(listed.len(), 1);
        let listed = pages(
            app,
            &admin,
            &format!("{all}&overdue=true&sort=priority,due_at"),
        )
        .await?;
        assert_eq!(listed.len(), 4);
        let listed = pages(app, &admin, &format!("{all}&overdue=false")).await?;
        assert_eq!(listed.len(), 2);
        assert!(listed.contains(&in_time["id"].as_str().unwrap_or_default().to_owned()));
        let path = format!("/v1/requests?{all}&overdue=true&count=exact");
        assert_eq!(app.get(&admin, &path).await?.json()["count"], 4);
        for query in [
            "overdue=maybe",
            "overdue.ne=true",
            "overdue.null=true",
            "sort=overdue",
        ] {
            app.get(&admin, &format!("/v1/requests?{query}"))
                .await?
                .expect(400);
        }
        Ok(())
    });
}

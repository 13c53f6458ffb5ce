//! Tests the calendar: the lessons of a period within each role's scope.

use serde_json::{Value, json};
use tests::{
    Application, Session,
    class_fixture::{
        class_fixture, create_class, get_data, lesson_path, post_without_body, recurring_schedule,
        single_schedule, start_times, text_fields,
    },
    queries, role, run,
};

const APRIL: &str = "/v1/calendar?from=2035-04-01T00:00:00Z&to=2035-05-01T00:00:00Z";

async fn ids(app: &Application, session: &Session, query: &str) -> anyhow::Result<Vec<String>> {
    Ok(text_fields(
        &get_data(app, session, &format!("{APRIL}{query}")).await?,
        "class_id",
    ))
}

fn id(class: &Value) -> String {
    class["id"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn each_role_sees_the_lessons_within_its_scope() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = class_fixture(app).await?;
        let hour = |day: u32| {
            single_schedule(
                "UTC",
                &format!("2035-04-{day:02}T16:00:00"),
                &format!("2035-04-{day:02}T17:00:00"),
            )
        };
        let own = create_class(app, &admin, fixture.class_body(hour(2))).await?;
        let mut other = fixture.class_body(hour(3));
        other["tutor_id"] = json!(fixture.other_tutor);
        other["student_ids"] = json!([fixture.students[1]]);
        let other = create_class(app, &admin, other).await?;
        let mut other_centre_class = fixture.class_body(hour(4));
        other_centre_class["centre_id"] = json!(fixture.other_centre);
        other_centre_class["student_ids"] = json!([]);
        let other_centre_class = create_class(app, &admin, other_centre_class).await?;
        let all = [id(&own), id(&other), id(&other_centre_class)];
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            let listed = ids(app, &session, "").await?;
            let expected: Vec<String> = match role {
                role::STUDENT => vec![all[0].clone()],
                role::PARENT => {
                    let children = queries::fetch_texts(
                        app,
                        "select s.id::text from lms.students as s where s.parent_id = $1 or exists (
                          select from lms.guardians as g where g.student_id = s.id and g.user_id = $1)",
                        &[&session.user],
                    )
                    .await?;
                    let has =
                        |index: usize| children.contains(&fixture.students[index].to_string());
                    (0..2)
                        .filter(|index| has(*index))
                        .map(|index| all[index].clone())
                        .collect()
                }
                role::TUTOR => vec![all[0].clone(), all[2].clone()],
                role::SUPERVISOR | role::ASSESSOR => all[..2].to_vec(),
                _ => all.to_vec(),
            };
            assert_eq!(listed, expected, "{}", role.name());
        }
        let other_tenant_admin = app.sign_in_to(1, role::ADMIN).await?;
        assert!(ids(app, &other_tenant_admin, "").await?.is_empty());
        let centre = format!("&centre_id={}", fixture.other_centre);
        let tutor = format!("&tutor_id={}", fixture.other_tutor);
        let student = format!("&student_id={}", fixture.students[0]);
        assert_eq!(ids(app, &admin, &centre).await?, all[2..]);
        assert_eq!(ids(app, &admin, &tutor).await?, all[1..2]);
        assert_eq!(ids(app, &admin, &student).await?, all[..1]);
        assert!(
            ids(app, &admin, &format!("{student}{tutor}"))
                .await?
                .is_empty()
        );
        assert!(
            ids(app, &admin, &format!("{centre}{tutor}"))
                .await?
                .is_empty()
        );
        let learner = app.sign_in(role::STUDENT).await?;
        assert!(
            ids(
                app,
                &learner,
                &format!("&student_id={}", fixture.students[1])
            )
            .await?
            .is_empty()
        );
        let entry = &get_data(app, &learner, APRIL).await?[0];
        assert_eq!(entry["student_id"], json!(fixture.students[0]));
        assert_eq!(
            (&entry["attendance"], entry.get("student_ids")),
            (&Value::Null, None)
        );
        Ok(())
    });
}

#[test]
fn a_calendar_has_a_maximum_period_and_shows_rescheduled_lessons_at_their_new_time() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = class_fixture(app).await?;
        let mut class = fixture.class_body(recurring_schedule(
            "UTC",
            "2035-04-02T16:00:00",
            "2035-04-02T17:00:00",
            "FREQ=WEEKLY;COUNT=3",
        ));
        class["subject"] = json!("Reading");
        let class = create_class(app, &admin, class).await?;
        let to_june =
            json!({"starts_at": "2035-06-01T16:00:00Z", "ends_at": "2035-06-01T17:00:00Z"});
        app.post(
            &admin,
            &format!("{}/move", lesson_path(&class, "2035-04-09T16:00:00Z")),
            to_june,
        )
        .await?
        .expect(200);
        post_without_body(
            app,
            &admin,
            &format!("{}/cancel", lesson_path(&class, "2035-04-16T16:00:00Z")),
        )
        .await?
        .expect(200);
        let listed = get_data(app, &admin, APRIL).await?;
        assert_eq!(
            start_times(&listed),
            ["2035-04-02T16:00:00Z", "2035-04-16T16:00:00Z"]
        );
        assert_eq!(text_fields(&listed, "status"), ["scheduled", "cancelled"]);
        assert_eq!(listed[0]["subject"], "Reading");
        // The period is half-open: a lesson in progress at either end is included, and one that
        // only touches the period is not.
        for (query, count) in [
            ("from=2035-04-02T16:59:59Z&to=2035-04-02T18:00:00Z", 1),
            ("from=2035-04-02T17:00:00Z&to=2035-04-02T18:00:00Z", 0),
            ("from=2035-04-02T15:00:00Z&to=2035-04-02T16:00:00Z", 0),
            ("from=2035-04-02T15:00:00Z&to=2035-04-02T16:00:01Z", 1),
        ] {
            assert_eq!(
                get_data(app, &admin, &format!("/v1/calendar?{query}"))
                    .await?
                    .len(),
                count,
                "{query}"
            );
        }
        for (query, pointer) in [
            ("from=2035-04-02T16:00:00Z", "?to"),
            ("to=2035-04-02T16:00:00Z", "?from"),
            ("from=2035-04-02T16:00:00Z&to=2035-04-02T16:00:00Z", "?to"),
            ("from=2035-04-02T00:00:00Z&to=2035-06-03T00:00:01Z", "?to"),
            ("from=monday&to=2035-06-03T00:00:01Z", "?from"),
            (
                "from=2035-04-02T00:00:00Z&to=2035-06-03T00:00:00Z&room=Blue",
                "?room",
            ),
        ] {
            let reply = app
                .get(&admin, &format!("/v1/calendar?{query}"))
                .await?
                .expect(400);
            assert_eq!(reply.pointers(), [pointer], "{query}");
        }
        Ok(())
    });
}

#[test]
fn a_calendar_with_more_than_a_thousand_lessons_is_marked_as_truncated() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        for (count, is_truncated) in [(1000, false), (1, true)] {
            queries::execute(
                app,
                "insert into lms.occurrences (tenant_id, class_id, centre_id, tutor_id, original_start, starts_at, ends_at, status)
                select c.tenant_id, c.id, c.centre_id, c.tutor_id, t, t, t + interval '1 minute', 'cancelled'
                from (select * from lms.classes where tenant_id = $1 order by id limit 1) as c
                cross join lateral (
                  select '2035-04-01T00:00:00Z'::timestamptz + interval '1 minute' * (n + $3::integer) as t
                  from generate_series(1, $2::integer) as n
                ) as times",
                &[&admin.tenant, &count, &(if is_truncated { 1000 } else { 0 })],
            )
            .await?;
            let body = app.get(&admin, APRIL).await?.expect(200).json();
            assert_eq!(body["is_truncated"], json!(is_truncated));
            assert_eq!(body["data"].as_array().map(Vec::len), Some(1000));
        }
        Ok(())
    });
}

//! The calendar: the lessons of a time, of those whom the caller may see.

use serde_json::{Value, json};
use tests::{
    Application, Session,
    classroom::{act, classroom, data, lesson, make, series, single, starts, texts},
    role, rows, run,
};

const APRIL: &str = "/v1/calendar?from=2035-04-01T00:00:00Z&to=2035-05-01T00:00:00Z";

async fn ids(app: &Application, session: &Session, query: &str) -> anyhow::Result<Vec<String>> {
    Ok(texts(
        &data(app, session, &format!("{APRIL}{query}")).await?,
        "class_id",
    ))
}

fn id(class: &Value) -> String {
    class["id"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn each_role_sees_the_lessons_of_its_scope() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let room = classroom(app).await?;
        let hour = |day: u32| {
            single(
                "UTC",
                &format!("2035-04-{day:02}T16:00:00"),
                &format!("2035-04-{day:02}T17:00:00"),
            )
        };
        let own = make(app, &admin, room.class(hour(2))).await?;
        let mut other = room.class(hour(3));
        other["tutor_id"] = json!(room.colleague);
        other["student_ids"] = json!([room.students[1]]);
        let other = make(app, &admin, other).await?;
        let mut far = room.class(hour(4));
        far["centre_id"] = json!(room.away);
        far["student_ids"] = json!([]);
        let far = make(app, &admin, far).await?;
        let all = [id(&own), id(&other), id(&far)];
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            let found = ids(app, &session, "").await?;
            let expected: Vec<String> = match role {
                role::STUDENT => vec![all[0].clone()],
                role::PARENT => {
                    let children = rows::texts(
                        app,
                        "select s.id::text from lms.students as s where s.parent_id = $1 or exists (
                          select from lms.guardians as g where g.student_id = s.id and g.user_id = $1)",
                        &[&session.user],
                    )
                    .await?;
                    let has = |index: usize| children.contains(&room.students[index].to_string());
                    (0..2)
                        .filter(|index| has(*index))
                        .map(|index| all[index].clone())
                        .collect()
                }
                role::TUTOR => vec![all[0].clone(), all[2].clone()],
                role::SUPERVISOR | role::ASSESSOR => all[..2].to_vec(),
                _ => all.to_vec(),
            };
            assert_eq!(found, expected, "{}", role.name());
        }
        let theirs = app.sign_in_to(1, role::ADMIN).await?;
        assert!(ids(app, &theirs, "").await?.is_empty());
        let centre = format!("&centre_id={}", room.away);
        let tutor = format!("&tutor_id={}", room.colleague);
        let student = format!("&student_id={}", room.students[0]);
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
            ids(app, &learner, &format!("&student_id={}", room.students[1]))
                .await?
                .is_empty()
        );
        let entry = &data(app, &learner, APRIL).await?[0];
        assert_eq!(entry["student_id"], json!(room.students[0]));
        assert_eq!(
            (&entry["attendance"], entry.get("student_ids")),
            (&Value::Null, None)
        );
        Ok(())
    });
}

#[test]
fn a_calendar_is_of_a_bounded_time_and_shows_lessons_where_they_are_now() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let room = classroom(app).await?;
        let mut class = room.class(series(
            "UTC",
            "2035-04-02T16:00:00",
            "2035-04-02T17:00:00",
            "FREQ=WEEKLY;COUNT=3",
        ));
        class["subject"] = json!("Reading");
        let class = make(app, &admin, class).await?;
        let away = json!({"starts_at": "2035-06-01T16:00:00Z", "ends_at": "2035-06-01T17:00:00Z"});
        app.post(
            &admin,
            &format!("{}/move", lesson(&class, "2035-04-09T16:00:00Z")),
            away,
        )
        .await?
        .expect(200);
        act(
            app,
            &admin,
            &format!("{}/cancel", lesson(&class, "2035-04-16T16:00:00Z")),
        )
        .await?
        .expect(200);
        let found = data(app, &admin, APRIL).await?;
        assert_eq!(
            starts(&found),
            ["2035-04-02T16:00:00Z", "2035-04-16T16:00:00Z"]
        );
        assert_eq!(texts(&found, "status"), ["scheduled", "cancelled"]);
        assert_eq!(found[0]["subject"], "Reading");
        // Half-open on both sides: what is under way is in, what touches is not.
        for (query, count) in [
            ("from=2035-04-02T16:59:59Z&to=2035-04-02T18:00:00Z", 1),
            ("from=2035-04-02T17:00:00Z&to=2035-04-02T18:00:00Z", 0),
            ("from=2035-04-02T15:00:00Z&to=2035-04-02T16:00:00Z", 0),
            ("from=2035-04-02T15:00:00Z&to=2035-04-02T16:00:01Z", 1),
        ] {
            assert_eq!(
                data(app, &admin, &format!("/v1/calendar?{query}"))
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
fn more_than_a_thousand_lessons_are_said_to_be_more() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        for (count, is_truncated) in [(1000, false), (1, true)] {
            rows::execute(
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

//! Tests the access of each role to classes.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{
    class_fixture::{
        class_fixture, class_path, create_class, post_without_body, single_schedule, text_fields,
    },
    queries, role, run,
};

#[test]
fn each_role_sees_the_classes_within_its_scope_and_the_fields_it_may_read() {
    run(async |app| {
        let (own_centre, _) = queries::demo_centres(app).await?;
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            let scope = match role {
                role::ADMIN | role::FINANCE | role::SUPPORT => "true",
                role::SUPERVISOR | role::ASSESSOR => "c.centre_id = $2",
                role::TUTOR => "c.tutor_id = (select t.id from lms.tutors as t where t.user_id = $3)",
                role::STUDENT | role::PARENT => {
                    "exists (
                      select from lms.students as s
                      where c.student_ids ? s.id::text
                        and (s.user_id = $3 or s.parent_id = $3 or exists (
                          select from lms.guardians as g where g.student_id = s.id and g.user_id = $3
                        ))
                    )"
                }
other => unreachable!("the role {} has no scope", other.name()),
};
            let sql = format!(
                "select c.id::text from lms.classes as c
                where c.tenant_id = $1 and {scope} and $2::uuid is not null and $3::uuid is not null"
            );
            let mut expected =
                queries::fetch_texts(app, &sql, &[&session.tenant, &own_centre, &session.user])
                    .await?;
            expected.sort();
            assert!(!expected.is_empty(), "{}", role.name());
            let mut classes = Vec::new();
            let mut query = "/v1/classes?limit=200".to_owned();
            loop {
                let body = app.get(&session, &query).await?.expect(200).json();
                classes.extend(body["data"].as_array().cloned().unwrap_or_default());
                match body["next_cursor"].as_str() {
                    Some(cursor) => query = format!("/v1/classes?limit=200&cursor={cursor}"),
                    None => break,
                }
            }
            let mut listed = text_fields(&classes, "id");
            listed.sort();
            assert_eq!(listed, expected, "{}", role.name());
            let names: BTreeSet<&str> = classes[0]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, _)| name.as_str())
                .collect();
            let learns = matches!(role, role::STUDENT | role::PARENT);
            assert_eq!(names.contains("student_ids"), !learns, "{}", role.name());
            assert!(!names.contains("planned"));
            assert!(names.contains("planned_until"), "every role may read it");
            let reply = app
                .get(&session, "/v1/classes?status=scheduled&sort=-created_at")
                .await?
                .expect(200);
            assert_eq!(reply.text.contains("student_ids"), !learns);
        }
        Ok(())
    });
}

#[test]
fn tutors_supervisors_and_admins_write_classes_within_their_scope() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = class_fixture(app).await?;
        let hour = |day: usize| {
            single_schedule(
                "UTC",
                &format!("2035-04-{day:02}T16:00:00"),
                &format!("2035-04-{day:02}T17:00:00"),
            )
        };
        let mut others = fixture.class_body(hour(28));
        others["tutor_id"] = json!(fixture.other_tutor);
        let others = create_class(app, &admin, others).await?;
        let mut other_centre_class =
            fixture.lesson_body("2035-04-29T16:00:00", "2035-04-29T17:00:00");
        other_centre_class["centre_id"] = json!(fixture.other_centre);
        other_centre_class["tutor_id"] = json!(fixture.other_tutor);
        let other_centre_class = create_class(app, &admin, other_centre_class).await?;
        for (index, role) in role::ALL.into_iter().enumerate() {
            let session = app.sign_in(role).await?;
            let reply = app
                .post(&session, "/v1/classes", fixture.class_body(hour(index + 1)))
                .await?;
            if !matches!(role, role::TUTOR | role::SUPERVISOR | role::ADMIN) {
                reply.expect(403);
                app.patch(&session, &class_path(&others), json!({"room": "Blue"}))
                    .await?
                    .expect(403);
                app.delete(&session, &class_path(&others))
                    .await?
                    .expect(403);
                for action in ["cancel", "complete", "restore"] {
                    post_without_body(app, &session, &format!("{}/{action}", class_path(&others)))
                        .await?
                        .expect(403);
                }
                continue;
            }
            let class = reply.expect(201).json();
            app.patch(&session, &class_path(&class), json!({"room": "Blue"}))
                .await?
                .expect(200);
            let at = format!(
                "{}/occurrences/2035-04-{:02}T16:00:00Z",
                class_path(&class),
                index + 1
            );
            let body = json!({"starts_at": format!("2035-04-{:02}T17:00:00Z", index + 1), "ends_at": format!("2035-04-{:02}T18:00:00Z", index + 1)});
            app.post(&session, &format!("{at}/move"), body)
                .await?
                .expect(200);
            app.delete(&session, &class_path(&class)).await?.expect(204);
            post_without_body(app, &session, &format!("{}/restore", class_path(&class)))
                .await?
                .expect(200);
            post_without_body(app, &session, &format!("{}/cancel", class_path(&class)))
                .await?
                .expect(200);
            let hidden: &[&Value] = match role {
                role::TUTOR => &[&others, &other_centre_class],
                role::SUPERVISOR => &[&other_centre_class],
                _ => &[],
            };
            let before = queries::write_counters(app).await?;
            for class in hidden {
                app.get(&session, &class_path(class)).await?.expect(404);
                app.patch(&session, &class_path(class), json!({"room": "Blue"}))
                    .await?
                    .expect(404);
                app.delete(&session, &class_path(class)).await?.expect(404);
                post_without_body(app, &session, &format!("{}/cancel", class_path(class)))
                    .await?
                    .expect(404);
                app.get(&session, &format!("{}/occurrences", class_path(class)))
                    .await?
                    .expect(404);
                post_without_body(
                    app,
                    &session,
                    &format!(
                        "{}/occurrences/2035-04-28T16:00:00Z/cancel",
                        class_path(class)
                    ),
                )
                .await?
                .expect(404);
                post_without_body(
                    app,
                    &session,
                    &format!(
                        "{}/occurrences/2035-04-28T16:00:00Z/split",
                        class_path(class)
                    ),
                )
                .await?
                .expect(404);
            }
            assert_eq!(queries::write_counters(app).await?, before);
        }
        // A tutor cannot create a class for another tutor, nor a supervisor one for another centre.
        let tutor = app.sign_in(role::TUTOR).await?;
        let mut body = fixture.class_body(hour(20));
        body["tutor_id"] = json!(fixture.other_tutor);
        app.post(&tutor, "/v1/classes", body).await?.expect(422);
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let mut body = fixture.lesson_body("2035-04-20T16:00:00", "2035-04-20T17:00:00");
        body["centre_id"] = json!(fixture.other_centre);
        app.post(&supervisor, "/v1/classes", body)
            .await?
            .expect(403);
        Ok(())
    });
}

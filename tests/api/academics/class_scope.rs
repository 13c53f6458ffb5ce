//! Classes: who sees and does what.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{
    classroom::{act, classroom, make, path, single, texts},
    role, rows, run,
};

#[test]
fn each_role_sees_the_classes_of_its_scope_and_of_them_what_it_may() {
    run(async |app| {
        let (home, _) = rows::centres(app).await?;
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
                rows::texts(app, &sql, &[&session.tenant, &home, &session.user]).await?;
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
            let mut found = texts(&classes, "id");
            found.sort();
            assert_eq!(found, expected, "{}", role.name());
            let names: BTreeSet<&str> = classes[0]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, _)| name.as_str())
                .collect();
            let learns = matches!(role, role::STUDENT | role::PARENT);
            assert_eq!(names.contains("student_ids"), !learns, "{}", role.name());
            assert!(!names.contains("planned"));
            assert!(names.contains("planned_until"), "who sees a class is told");
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
fn classes_are_written_by_tutors_supervisors_and_admins_in_their_scope() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let room = classroom(app).await?;
        let hour = |day: usize| {
            single(
                "UTC",
                &format!("2035-04-{day:02}T16:00:00"),
                &format!("2035-04-{day:02}T17:00:00"),
            )
        };
        let mut others = room.class(hour(28));
        others["tutor_id"] = json!(room.colleague);
        let others = make(app, &admin, others).await?;
        let mut far = room.lesson("2035-04-29T16:00:00", "2035-04-29T17:00:00");
        far["centre_id"] = json!(room.away);
        far["tutor_id"] = json!(room.colleague);
        let far = make(app, &admin, far).await?;
        for (index, role) in role::ALL.into_iter().enumerate() {
            let session = app.sign_in(role).await?;
            let reply = app
                .post(&session, "/v1/classes", room.class(hour(index + 1)))
                .await?;
            if !matches!(role, role::TUTOR | role::SUPERVISOR | role::ADMIN) {
                reply.expect(403);
                app.patch(&session, &path(&others), json!({"room": "Blue"}))
                    .await?
                    .expect(403);
                app.delete(&session, &path(&others)).await?.expect(403);
                for action in ["cancel", "complete", "restore"] {
                    act(app, &session, &format!("{}/{action}", path(&others)))
                        .await?
                        .expect(403);
                }
                continue;
            }
            let class = reply.expect(201).json();
            app.patch(&session, &path(&class), json!({"room": "Blue"}))
                .await?
                .expect(200);
            let at = format!(
                "{}/occurrences/2035-04-{:02}T16:00:00Z",
                path(&class),
                index + 1
            );
            let body = json!({"starts_at": format!("2035-04-{:02}T17:00:00Z", index + 1), "ends_at": format!("2035-04-{:02}T18:00:00Z", index + 1)});
            app.post(&session, &format!("{at}/move"), body)
                .await?
                .expect(200);
            app.delete(&session, &path(&class)).await?.expect(204);
            act(app, &session, &format!("{}/restore", path(&class)))
                .await?
                .expect(200);
            act(app, &session, &format!("{}/cancel", path(&class)))
                .await?
                .expect(200);
            let hidden: &[&Value] = match role {
                role::TUTOR => &[&others, &far],
                role::SUPERVISOR => &[&far],
                _ => &[],
            };
            let before = rows::written(app).await?;
            for class in hidden {
                app.get(&session, &path(class)).await?.expect(404);
                app.patch(&session, &path(class), json!({"room": "Blue"}))
                    .await?
                    .expect(404);
                app.delete(&session, &path(class)).await?.expect(404);
                act(app, &session, &format!("{}/cancel", path(class)))
                    .await?
                    .expect(404);
                app.get(&session, &format!("{}/occurrences", path(class)))
                    .await?
                    .expect(404);
                act(
                    app,
                    &session,
                    &format!("{}/occurrences/2035-04-28T16:00:00Z/cancel", path(class)),
                )
                .await?
                .expect(404);
                act(
                    app,
                    &session,
                    &format!("{}/occurrences/2035-04-28T16:00:00Z/split", path(class)),
                )
                .await?
                .expect(404);
            }
            assert_eq!(rows::written(app).await?, before);
        }
        // A tutor gives a class to nobody else, and a supervisor none to another centre.
        let tutor = app.sign_in(role::TUTOR).await?;
        let mut body = room.class(hour(20));
        body["tutor_id"] = json!(room.colleague);
        app.post(&tutor, "/v1/classes", body).await?.expect(422);
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let mut body = room.lesson("2035-04-20T16:00:00", "2035-04-20T17:00:00");
        body["centre_id"] = json!(room.away);
        app.post(&supervisor, "/v1/classes", body)
            .await?
            .expect(403);
        Ok(())
    });
}

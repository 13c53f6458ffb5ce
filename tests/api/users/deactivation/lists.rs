//! Tests that inactive people are in no search or list, and cannot be booked, assigned or lent to.

use crate::academics::gamification::award;
use serde_json::{Value, json};
use tests::{analytics::refresh, class_fixture, fixtures, help_desk, queries, role, run};

use super::{REMOVAL_ACTIONS, class_body, family, remove, undo_removal};

#[test]
fn inactive_people_are_not_found_booked_assigned_or_lent_anything() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let item = {
            let (own_centre, _) = queries::demo_centres(app).await?;
            help_desk::create_item(app, &admin, own_centre, 9).await?
        };
        for removal_action in REMOVAL_ACTIONS {
            let family = family(app, &admin).await?;
            let subject = format!("Oboe {removal_action}");
            let always =
                json!({"weekly": [{"weekday": "monday", "start": "00:00", "end": "24:00"}]});
            let body = json!({"subjects": [{"subject": subject}], "availability": always});
            app.patch(&admin, &format!("/v1/tutors/{}", family.tutor), body)
                .await?
                .expect(200);
            let search = format!("/v1/tutors/search?subject={}", subject.replace(' ', "%20"));
            let time = "from=2035-04-02T00:00:00Z&to=2035-04-03T12:00:00Z";
            for query in [search.clone(), format!("{search}&{time}")] {
                assert_eq!(class_fixture::get_data(app, &admin, &query).await?.len(), 1);
            }
            for user in [family.tutor_user, family.student_user, family.parent] {
                let removed = remove(app, &admin, user, removal_action).await?;
                assert!([200, 204].contains(&removed.status), "{}", removed.text);
            }
            for query in [search.clone(), format!("{search}&{time}")] {
                assert_eq!(
                    class_fixture::get_data(app, &admin, &query).await?,
                    Vec::<Value>::new()
                );
            }
            if removal_action == "deactivate" {
                let slots = format!("/v1/tutors/{}/free-slots?{time}", family.tutor);
                assert_eq!(
                    class_fixture::get_data(app, &admin, &slots).await?,
                    Vec::<Value>::new()
                );
            }
            let before = queries::write_counters(app).await?;
            let rejected = app
                .post(&admin, "/v1/classes", class_body(&family, &[]))
                .await?;
            assert_eq!(rejected.expect(422).pointers(), ["/tutor_id"]);
            let mut with_student = class_body(&family, &[family.student]);
            with_student["tutor_id"] = json!(class_fixture::class_fixture(app).await?.other_tutor);
            let rejected = app.post(&admin, "/v1/classes", with_student).await?;
            assert!(rejected.expect(422).pointers()[0].starts_with("/student_ids"));
            let demo_student = fixtures::demo_student(app).await?;
            let path = format!("/v1/students/{demo_student}/assign-tutor");
            let rejected = app
                .post(&admin, &path, json!({"tutor_id": family.tutor}))
                .await?;
            assert_eq!(rejected.expect(422).pointers(), ["/tutor_id"]);
            let patch = json!({"assigned_tutor_id": family.tutor});
            let rejected = app
                .patch(&admin, &format!("/v1/students/{demo_student}"), patch)
                .await?;
            assert_eq!(rejected.expect(422).pointers(), ["/assigned_tutor_id"]);
            for user in [family.parent, family.tutor_user] {
                let rejected = help_desk::lend_item(app, &admin, &item, user, 1)
                    .await?
                    .expect(422);
                assert_eq!(rejected.pointers(), ["/user_id"]);
            }
            assert_eq!(queries::write_counters(app).await?, before);

            // A past class can still be recorded for an inactive tutor, but not for a deleted one.
            let mut past = class_body(&family, &[]);
            past["schedule"] =
                class_fixture::single_schedule("UTC", "2026-01-05T05:00:00", "2026-01-05T06:00:00");
            let status = app.post(&admin, "/v1/classes", past).await?.status;
            assert_eq!(status, if removal_action == "delete" { 422 } else { 201 });
        }
        Ok(())
    });
}

#[test]
fn current_lists_exclude_people_who_have_left() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let family = family(app, &admin).await?;
        award(app, &admin, family.student, json!({"points": 1000}))
            .await?
            .expect(201);
        refresh(app).await?;
        let board = format!("/v1/gamification/leaderboard?centre_id={}", family.centre);
        let progress = "/v1/analytics/student-progress?limit=200";
        let load = "/v1/analytics/tutor-load?limit=200";
        let lists = [
            (board.as_str(), "student_id", family.student),
            (progress, "student_id", family.student),
            (load, "tutor_id", family.tutor),
        ];
        for removal_action in REMOVAL_ACTIONS {
            for is_there in [true, false] {
                if !is_there {
                    for user in [family.student_user, family.tutor_user] {
                        let removed = remove(app, &admin, user, removal_action).await?;
                        assert!([200, 204].contains(&removed.status), "{}", removed.text);
                    }
                }
                for (path, member, id) in lists {
                    let listed = class_fixture::get_data(app, &admin, path).await?;
                    let found = listed.iter().any(|line| line[member] == json!(id));
                    assert_eq!(found, is_there, "{removal_action} {path}");
                }
            }
            for user in [family.student_user, family.tutor_user] {
                undo_removal(app, &admin, user, removal_action)
                    .await?
                    .expect(200);
            }
        }
        // The analytics of inactive people can still be found by id.
        remove(app, &admin, family.student_user, "deactivate")
            .await?
            .expect(200);
        let one = format!(
            "/v1/analytics/student-progress?student_id={}",
            family.student
        );
        assert_eq!(class_fixture::get_data(app, &admin, &one).await?.len(), 1);
        Ok(())
    });
}

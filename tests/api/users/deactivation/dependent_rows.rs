//! Tests the loans, requests and other rows of people and centres that are deactivated or deleted.

use serde_json::{Value, json};
use tests::{class_fixture, fixtures, help_desk, queries, role, run};

use super::{REMOVAL_ACTIONS, family, remove, undo_removal, user_of};

#[test]
fn loans_must_be_returned_before_the_borrower_is_deactivated() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        for removal_action in REMOVAL_ACTIONS {
            let family = family(app, &admin).await?;
            let item = help_desk::create_item(app, &admin, family.centre, 2).await?;
            let loan = help_desk::lend_item(app, &admin, &item, family.student_user, 1).await?;
            let loan = loan.expect(201).json();
            let rejected = remove(app, &admin, family.student_user, removal_action)
                .await?
                .expect(409);
            for part in [
                "loans that have not been returned: 1",
                item["id"].as_str().unwrap_or_default(),
            ] {
                assert!(rejected.text.contains(part), "{}", rejected.text);
            }
            help_desk::return_loan(app, &admin, &loan)
                .await?
                .expect(200);
            let removed = remove(app, &admin, family.student_user, removal_action).await?;
            assert!([200, 204].contains(&removed.status), "{}", removed.text);
        }
        Ok(())
    });
}

#[test]
fn requests_of_deactivated_staff_are_unassigned() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        for removal_action in REMOVAL_ACTIONS {
            let staff = help_desk::create_staff_member(app, &admin, "assessor", own_centre).await?;
            let user = user_of(app, "staff", staff).await?;
            let request =
                help_desk::create_request_from(app, &admin, help_desk::request_body(own_centre))
                    .await?;
            let path = format!("{}/assign", help_desk::request_path(&request));
            app.post(&admin, &path, json!({"staff_id": staff}))
                .await?
                .expect(200);
            let removed = remove(app, &admin, user, removal_action).await?;
            assert!([200, 204].contains(&removed.status), "{}", removed.text);
            let read = app
                .get(&admin, &help_desk::request_path(&request))
                .await?
                .expect(200);
            assert_eq!(read.json()["assigned_to"], Value::Null);
            app.post(&admin, &path, json!({"staff_id": staff}))
                .await?
                .expect(422);
        }
        Ok(())
    });
}

#[test]
fn deleting_and_restoring_an_account_includes_its_rows_and_links() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let family = family(app, &admin).await?;
        let guardians = format!("/v1/guardians?student_id={}", family.student);
        remove(app, &admin, family.parent, "delete")
            .await?
            .expect(204);
        let child = app
            .get(&admin, &format!("/v1/students/{}", family.student))
            .await?
            .expect(200)
            .json();
        assert_eq!(child["parent_id"], Value::Null);
        assert_eq!(
            class_fixture::get_data(app, &admin, &guardians)
                .await?
                .len(),
            0
        );
        undo_removal(app, &admin, family.parent, "delete")
            .await?
            .expect(200);
        let child = app
            .get(&admin, &format!("/v1/students/{}", family.student))
            .await?
            .expect(200)
            .json();
        assert_eq!(child["parent_id"], json!(family.parent));
        assert_eq!(
            class_fixture::get_data(app, &admin, &guardians)
                .await?
                .len(),
            1
        );

        for (table, row, user) in [
            ("students", family.student, family.student_user),
            ("tutors", family.tutor, family.tutor_user),
        ] {
            let path = format!("/v1/{table}/{row}");
            remove(app, &admin, user, "delete").await?.expect(204);
            app.get(&admin, &path).await?.expect(404);
            // The row cannot be restored without the account.
            let rejected =
                class_fixture::post_without_body(app, &admin, &format!("{path}/restore")).await?;
            assert_eq!(rejected.expect(409).pointers(), ["/user_id"]);
            undo_removal(app, &admin, user, "delete").await?.expect(200);
            app.get(&admin, &path).await?.expect(200);
            // A row that was deleted on its own stays deleted.
            app.delete(&admin, &path).await?.expect(204);
            remove(app, &admin, user, "delete").await?.expect(204);
            undo_removal(app, &admin, user, "delete").await?.expect(200);
            app.get(&admin, &path).await?.expect(404);
            class_fixture::post_without_body(app, &admin, &format!("{path}/restore"))
                .await?
                .expect(200);
        }
        Ok(())
    });
}

#[test]
fn only_an_empty_centre_is_deleted_and_nothing_is_restored_to_it() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let body =
            json!({"name": "Lakeside", "code": "lake", "time_zone": "UTC", "currency": "EUR"});
        let created = app.post(&admin, "/v1/centres", body).await?.expect(201);
        let centre = fixtures::parse_id(&created.json())?;
        let path = format!("/v1/centres/{centre}");
        let tutor = fixtures::create_tutor(app, &admin, centre, 5).await?;
        let user = user_of(app, "tutors", tutor).await?;
        let class = json!({
            "centre_id": centre, "tutor_id": tutor, "schedule": class_fixture::weekly_schedule("FREQ=WEEKLY;COUNT=2"),
        });
        let class = class_fixture::create_class(app, &admin, class).await?;
        let item = help_desk::create_item(app, &admin, centre, 1).await?;
        let request =
            help_desk::create_request_from(app, &admin, help_desk::request_body(centre)).await?;
        let rejected = app.delete(&admin, &path).await?.expect(409);
        for part in [
            "upcoming lessons: 2",
            "tutors: 1",
            "accounts: 1",
            "inventory items: 1",
            "open requests: 1",
        ] {
            assert!(rejected.text.contains(part), "{part}: {}", rejected.text);
        }
        // A centre can be closed while people belong to it, but not while it has future lessons.
        let closed = json!({"status": "inactive"});
        app.patch(&admin, &path, closed.clone()).await?.expect(409);
        app.delete(&admin, &class_fixture::class_path(&class))
            .await?
            .expect(204);
        app.patch(&admin, &path, closed).await?.expect(200);
        let later = json!({
            "centre_id": centre, "tutor_id": tutor, "schedule": class_fixture::weekly_schedule("FREQ=WEEKLY;COUNT=2"),
        });
        let rejected = app.post(&admin, "/v1/classes", later).await?;
        assert_eq!(rejected.expect(422).pointers(), ["/centre_id"]);
        let rejected = class_fixture::post_without_body(
            app,
            &admin,
            &format!("{}/restore", class_fixture::class_path(&class)),
        )
        .await?;
        assert_eq!(rejected.expect(422).pointers(), ["/centre_id"]);

        app.delete(&admin, &help_desk::item_path(&item))
            .await?
            .expect(204);
        app.delete(&admin, &help_desk::request_path(&request))
            .await?
            .expect(204);
        remove(app, &admin, user, "delete").await?.expect(204);
        app.delete(&admin, &path).await?.expect(204);
        let rejected = class_fixture::post_without_body(
            app,
            &admin,
            &format!("{}/restore", help_desk::item_path(&item)),
        )
        .await?;
        assert_eq!(rejected.expect(409).pointers(), ["/centre_id"]);
        // The account and its tutor row cannot be restored to a deleted centre.
        undo_removal(app, &admin, user, "delete").await?.expect(409);
        class_fixture::post_without_body(app, &admin, &format!("{path}/restore"))
            .await?
            .expect(200);
        undo_removal(app, &admin, user, "delete").await?.expect(200);
        Ok(())
    });
}

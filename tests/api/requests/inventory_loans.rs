//! Tests the loans of inventory items.

use anyhow::Result;
use http::Method;
use proptest::prelude::*;
use serde_json::{Value, json};
use tests::{
    Application, Session, class_fixture, fixtures, help_desk, queries, random_samples, role, run,
};
use uuid::Uuid;

use crate::requests::inventory;

async fn read(app: &Application, session: &Session, item: &Value) -> Result<Value> {
    let reply = app.get(session, &help_desk::item_path(item)).await?;
    Ok(reply.expect(200).json())
}

#[test]
fn a_loan_is_created_read_and_returned_once() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let tutor = app.user(0, role::TUTOR).id;
        let item = help_desk::create_item(app, &admin, own_centre, 5).await?;
        let created = help_desk::lend_item(app, &admin, &item, tutor, 2)
            .await?
            .expect(201);
        let loan = created.json();
        let path = format!("/v1/inventory-loans/{}", fixtures::parse_id(&loan)?);
        assert_eq!(created.header("location"), path);
        let expected = json!({
            "id": loan["id"],
            "inventory_id": item["id"],
            "centre_id": own_centre,
            "user_id": tutor,
            "quantity": 2,
            "due_on": help_desk::date_in_days(30),
            "returned_at": null,
            "reminded_at": null,
            "created_at": loan["created_at"],
            "updated_at": loan["created_at"],
            "created_by": admin.user,
            "updated_by": admin.user,
            "deleted_at": null,
        });
        assert_eq!(loan, expected);
        assert_eq!(app.get(&admin, &path).await?.expect(200).json(), expected);
        let lent = read(app, &admin, &item).await?;
        assert_eq!((&lent["lent"], &lent["available"]), (&json!(2), &json!(3)));
        let of_item = format!("{}/loans", help_desk::item_path(&item));
        assert_eq!(
            class_fixture::get_data(app, &admin, &of_item).await?.len(),
            1
        );

        // Lent stock can be neither withdrawn nor lent again, and its item cannot be deleted.
        let before = queries::write_counters(app).await?;
        assert_eq!(
            help_desk::adjust_quantity(app, &admin, &item, -4)
                .await?
                .expect(409)
                .pointers(),
            ["/change"]
        );
        let more = help_desk::lend_item(app, &admin, &item, tutor, 4)
            .await?
            .expect(409);
        assert_eq!(more.pointers(), ["/quantity"]);
        let rejected = app
            .delete(&admin, &help_desk::item_path(&item))
            .await?
            .expect(409);
        assert_eq!(rejected.pointers(), ["/lent"]);
        let other_tenant_user = queries::first_id(app, 1, "users").await?;
        for (field, value) in [
            ("user_id", json!(other_tenant_user)),
            ("user_id", json!(Uuid::now_v7())),
            ("user_id", json!("me")),
            ("quantity", json!(0)),
            ("quantity", json!(-1)),
            ("quantity", json!(1_000_000_001)),
            ("due_on", json!(help_desk::date_in_days(-2))),
            ("due_on", json!("tomorrow")),
            ("due_on", json!(null)),
            ("returned_at", json!("2035-01-01T00:00:00Z")),
        ] {
            let mut body =
                json!({"user_id": tutor, "quantity": 1, "due_on": help_desk::date_in_days(1)});
            body[field] = value;
            let rejected = app.post(&admin, &of_item, body).await?.expect(422);
            assert_eq!(
                rejected.pointers(),
                [format!("/{field}")],
                "{}",
                rejected.text
            );
        }
        assert_eq!(queries::write_counters(app).await?, before);

        let stale = app
            .request(Method::POST, &format!("{path}/return"))
            .bearer_auth(&admin.token)
            .header("if-match", "\"7\"");
        tests::send(stale).await?.expect(412);
        let back = help_desk::return_loan(app, &admin, &loan)
            .await?
            .expect(200)
            .json();
        assert!(back["returned_at"].is_string());
        let rejected = help_desk::return_loan(app, &admin, &loan)
            .await?
            .expect(409);
        assert_eq!(rejected.pointers(), ["/returned_at"]);
        assert_eq!(read(app, &admin, &item).await?["available"], 5);
        app.delete(&admin, &help_desk::item_path(&item))
            .await?
            .expect(204);
        for method in [Method::PATCH, Method::DELETE] {
            app.call(Some(&admin), method, &path, Some(json!({})))
                .await?
                .expect(405);
        }
        Ok(())
    });
}

#[test]
fn overdue_loans_are_listed_and_tutors_see_their_own() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        let tutor = app.sign_in(role::TUTOR).await?;
        let item = help_desk::create_item(app, &admin, own_centre, 9).await?;
        let other_centre_item = help_desk::create_item(app, &admin, other_centre, 9).await?;
        let mut loans = Vec::new();
        for (item, user) in [
            (&item, tutor.user),
            (&item, admin.user),
            (&other_centre_item, admin.user),
            (&item, tutor.user),
        ] {
            loans.push(
                help_desk::lend_item(app, &admin, item, user, 1)
                    .await?
                    .expect(201)
                    .json(),
            );
        }
        for loan in &loans[..3] {
            let sql = "update lms.inventory_loans set due_on = current_date - 3 where id = $1";
            queries::execute(app, sql, &[&fixtures::parse_id(loan)?]).await?;
        }
        let returned = help_desk::lend_item(app, &admin, &item, tutor.user, 1)
            .await?
            .expect(201)
            .json();
        help_desk::return_loan(app, &admin, &returned)
            .await?
            .expect(200);
        let find_loans = async |session: &Session, query: &str| -> Result<Vec<String>> {
            let path = format!("/v1/inventory-loans?sort=created_at&{query}");
            Ok(class_fixture::text_fields(
                &class_fixture::get_data(app, session, &path).await?,
                "id",
            ))
        };
        let ids = class_fixture::text_fields(&loans, "id");
        assert_eq!(find_loans(&admin, "overdue=true").await?, ids[..3]);
        let of_tutor = format!("overdue=true&user_id={}", tutor.user);
        assert_eq!(find_loans(&admin, &of_tutor).await?, ids[..1]);
        assert_eq!(find_loans(&tutor, "overdue=true").await?, ids[..1]);
        let of_item = format!("inventory_id={}", fixtures::parse_id(&item)?);
        assert_eq!(
            find_loans(&admin, &format!("{of_item}&returned_at.null=true"))
                .await?
                .len(),
            3
        );
        assert_eq!(find_loans(&tutor, &of_item).await?.len(), 3);
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        assert_eq!(find_loans(&supervisor, "overdue=true").await?, ids[..2]);
        let hidden = format!("/v1/inventory-loans/{}", ids[2]);
        app.get(&supervisor, &hidden).await?.expect(404);
        app.get(&tutor, &hidden).await?.expect(404);
        help_desk::return_loan(app, &supervisor, &loans[2])
            .await?
            .expect(404);
        help_desk::return_loan(app, &tutor, &loans[0])
            .await?
            .expect(403);
        help_desk::return_loan(app, &supervisor, &loans[0])
            .await?
            .expect(200);
        Ok(())
    });
}

/// A step of the test.
#[derive(Debug, Clone)]
enum Step {
    Adjust(i64),
    Lend(i64),
    /// Returns one of the loans so far.
    Return(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (-6..9_i64)
            .prop_filter("a change", |change| *change != 0)
            .prop_map(Step::Adjust),
        (1..6_i64).prop_map(Step::Lend),
        (0..8_usize).prop_map(Step::Return),
    ]
}

/// The expected quantities of an item.
#[derive(Default)]
struct Model {
    quantity: i64,
    loans: Vec<(Value, i64, bool)>,
}

impl Model {
    fn lent_quantity(&self) -> i64 {
        let out = self.loans.iter().filter(|(_, _, is_out)| *is_out);
        out.map(|(_, quantity, _)| quantity).sum()
    }

    /// Applies the step to the item and to the model, and asserts the status of the response.
    async fn apply_step(
        &mut self,
        app: &Application,
        admin: &Session,
        item: &Value,
        step: &Step,
    ) -> Result<()> {
        let available = self.quantity - self.lent_quantity();
        match step {
            Step::Adjust(change) => {
                let fits = available + change >= 0;
                let status = if fits { 200 } else { 409 };
                help_desk::adjust_quantity(app, admin, item, *change)
                    .await?
                    .expect(status);
                self.quantity += if fits { *change } else { 0 };
            }
            Step::Lend(quantity) => {
                let status = if available >= *quantity { 201 } else { 409 };
                let reply = help_desk::lend_item(app, admin, item, admin.user, *quantity).await?;
                let loan = reply.expect(status).json();
                if status == 201 {
                    self.loans.push((loan, *quantity, true));
                }
            }
            Step::Return(index) => {
                if let Some((loan, _, is_out)) = self.loans.get_mut(*index) {
                    let status = if *is_out { 200 } else { 409 };
                    help_desk::return_loan(app, admin, loan)
                        .await?
                        .expect(status);
                    *is_out = false;
                }
            }
        }
        Ok(())
    }
}

#[test]
fn an_items_quantity_always_equals_its_adjustments_and_loans() {
    let sequences = random_samples::samples(4, &proptest::collection::vec(step(), 40));
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        for steps in &sequences {
            let item = help_desk::create_item(app, &admin, own_centre, 0).await?;
            let mut model = Model::default();
            for step in steps {
                model.apply_step(app, &admin, &item, step).await?;
                let now = read(app, &admin, &item).await?;
                assert_eq!(
                    (&now["quantity"], &now["lent"]),
                    (&json!(model.quantity), &json!(model.lent_quantity())),
                    "{step:?} of {steps:?}"
                );
            }
        }
        assert_eq!(inventory::count_inconsistent_items(app).await?, 0);
        Ok(())
    });
}

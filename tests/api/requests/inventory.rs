//! Tests inventory items, whose quantity changes only by recorded adjustments and never below the lent quantity.

use anyhow::Result;
use futures::future::join_all;
use http::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tests::{Application, Session, class_fixture, csv::import, help_desk, queries, role, run};
use uuid::Uuid;

async fn ledger(app: &Application, session: &Session, item: &Value) -> Result<Vec<Value>> {
    let path = format!("{}/adjustments?limit=200", help_desk::item_path(item));
    class_fixture::get_data(app, session, &path).await
}

#[test]
fn an_item_is_created_read_updated_deleted_and_restored() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let item = help_desk::create_item(app, &admin, own_centre, 5).await?;
        let path = help_desk::item_path(&item);
        let expected = json!({
            "id": item["id"],
            "centre_id": own_centre,
            "item_name": "Laptop",
            "category": "laptop",
            "quantity": 5,
            "lent": 0,
            "available": 5,
            "low_stock_at": null,
            "condition": "good",
            "metadata": {},
            "created_at": item["created_at"],
            "updated_at": item["created_at"],
            "created_by": admin.user,
            "updated_by": admin.user,
            "deleted_at": null,
        });
        assert_eq!(item, expected);
        assert_eq!(app.get(&admin, &path).await?.expect(200).json(), expected);
        let patch = json!({"condition": "needs_repair", "metadata": {"shelf": "L-1"}});
        let changed = app.patch(&admin, &path, patch).await?.expect(200);
        assert_eq!(changed.json()["condition"], "needs_repair");
        let before = queries::write_counters(app).await?;
        for (body, pointer) in [
            (json!({"category": "food"}), "/category"),
            (json!({"condition": "lost"}), "/condition"),
            (json!({"item_name": ""}), "/item_name"),
            (json!({"low_stock_at": -1}), "/low_stock_at"),
            (json!({"metadata": []}), "/metadata"),
            (json!({"quantity": 7}), "/quantity"),
            (json!({"lent": 0}), "/lent"),
            (json!({"available": 7}), "/available"),
            (json!({"centre_id": own_centre}), "/centre_id"),
            (json!({"colour": "red"}), "/colour"),
        ] {
            let rejected = app.patch(&admin, &path, body).await?.expect(422);
            assert_eq!(rejected.pointers(), [pointer], "{}", rejected.text);
        }
        for quantity in [json!(-1), json!(1_000_000_001), json!(1.5), json!("5")] {
            let body = json!({"centre_id": own_centre, "item_name": "x", "category": "misc", "quantity": quantity});
            let rejected = app.post(&admin, "/v1/inventory", body).await?.expect(422);
            assert_eq!(rejected.pointers(), ["/quantity"]);
        }
        assert_eq!(queries::write_counters(app).await?, before);
        app.delete(&admin, &path).await?.expect(204);
        app.get(&admin, &path).await?.expect(404);
        help_desk::adjust_quantity(app, &admin, &item, 1)
            .await?
            .expect(404);
        app.get(&admin, &format!("{path}/adjustments"))
            .await?
            .expect(404);
        class_fixture::post_without_body(app, &admin, &format!("{path}/restore"))
            .await?
            .expect(200);
        Ok(())
    });
}

#[test]
fn every_change_of_the_quantity_is_recorded_with_its_reason() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let item = help_desk::create_item(app, &admin, own_centre, 5).await?;
        let path = format!("{}/adjust", help_desk::item_path(&item));
        let adjusted = help_desk::adjust_quantity(app, &admin, &item, -2)
            .await?
            .expect(200);
        assert_eq!(adjusted.json()["quantity"], 3);
        assert_eq!(adjusted.header("etag"), "\"2\"");
        let before = queries::write_counters(app).await?;
        for (body, status, pointer) in [
            (json!({"change": -4, "reason": "x"}), 409, "/change"),
            (
                json!({"change": 999_999_999, "reason": "x"}),
                409,
                "/change",
            ),
            (json!({"change": 0, "reason": "x"}), 422, "/change"),
            (json!({"change": 1.5, "reason": "x"}), 422, "/change"),
            (json!({"change": "1", "reason": "x"}), 422, "/change"),
            (
                json!({"change": -1_000_000_001, "reason": "x"}),
                422,
                "/change",
            ),
            (json!({"reason": "x"}), 422, "/change"),
            (json!({"change": 1}), 422, "/reason"),
            (json!({"change": 1, "reason": " "}), 422, "/reason"),
            (
                json!({"change": 1, "reason": "x", "quantity_after": 9}),
                422,
                "/quantity_after",
            ),
        ] {
            let rejected = app.post(&admin, &path, body).await?.expect(status);
            assert_eq!(rejected.pointers(), [pointer], "{}", rejected.text);
        }
        let stale = app
            .request(Method::POST, &path)
            .bearer_auth(&admin.token)
            .header("if-match", "\"1\"")
            .json(&json!({"change": 1, "reason": "x"}));
        tests::send(stale).await?.expect(412);
        assert_eq!(queries::write_counters(app).await?, before);
        let fresh = app
            .request(Method::POST, &path)
            .bearer_auth(&admin.token)
            .header("if-match", "\"2\"")
            .json(&json!({"change": 1, "reason": "Found."}));
        tests::send(fresh).await?.expect(200);
        let listed: Vec<Value> = ledger(app, &admin, &item)
            .await?
            .iter()
            .map(|entry| {
                json!([
                    entry["change"],
                    entry["reason"],
                    entry["quantity_after"],
                    entry["created_by"]
                ])
            })
            .collect();
        let by = admin.user;
        assert_eq!(
            listed,
            [
                json!([5, "Opening stock", 5, by]),
                json!([-2, "Counted.", 3, by]),
                json!([1, "Found.", 4, by]),
            ]
        );
        let file = format!(
            "centre_id,item_name,category,quantity\n{own_centre},A,misc,3\n{own_centre},B,misc,0\n"
        );
        import(app, &admin, "/v1/inventory/import", file)
            .await?
            .expect(201);
        assert_eq!(count_inconsistent_items(app).await?, 0);
        let recorded = queries::count(
            app,
            "lms.event_log
            where kind = 'inventory_adjustment.created' and state ->> 'inventory_id' = $1",
            &[&item["id"].as_str().unwrap_or_default()],
        )
        .await?;
        assert_eq!(recorded, 3);
        Ok(())
    });
}

/// Counts the items of all tenants whose quantities differ from their adjustments and loans.
pub(crate) async fn count_inconsistent_items(app: &Application) -> Result<i64> {
    queries::count(
        app,
        "lms.inventory as i
        where i.quantity <> (
          select coalesce(sum(a.change), 0) from lms.inventory_adjustments as a
          where a.tenant_id = i.tenant_id and a.inventory_id = i.id
        )
        or i.lent <> (
          select coalesce(sum(l.quantity), 0) from lms.inventory_loans as l
          where l.tenant_id = i.tenant_id and l.inventory_id = i.id and l.returned_at is null
        )
        or i.lent > i.quantity
        or i.available <> i.quantity - i.lent",
        &[],
    )
    .await
}

#[test]
fn a_hundred_concurrent_withdrawals_take_no_more_than_the_stock() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let item = help_desk::create_item(app, &admin, own_centre, 100).await?;
        help_desk::lend_item(app, &admin, &item, admin.user, 20)
            .await?
            .expect(201);
        let calls = (0..100).map(async |_| {
            loop {
                let reply = help_desk::adjust_quantity(app, &admin, &item, -3).await?;
                if reply.status != 503 {
                    return anyhow::Ok(reply);
                }
            }
        });
        let mut statuses = BTreeMap::new();
        for reply in join_all(calls).await {
            let reply = reply?;
            if reply.status == 409 {
                assert_eq!(reply.pointers(), ["/change"]);
            }
            *statuses.entry(reply.status).or_insert(0) += 1;
        }
        assert_eq!(statuses, BTreeMap::from([(200, 26), (409, 74)]));
        let now = app.get(&admin, &help_desk::item_path(&item)).await?.json();
        assert_eq!(
            (&now["quantity"], &now["available"]),
            (&json!(22), &json!(2))
        );
        assert_eq!(ledger(app, &admin, &item).await?.len(), 27);
        assert_eq!(count_inconsistent_items(app).await?, 0);
        Ok(())
    });
}

#[test]
fn each_role_reads_and_adjusts_the_stock_within_its_scope() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        let own_centre_item = help_desk::create_item(app, &admin, own_centre, 5).await?;
        let other_centre_item = help_desk::create_item(app, &admin, other_centre, 5).await?;
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            let reads = !matches!(role, role::STUDENT | role::PARENT | role::ASSESSOR);
            let keeps = matches!(role, role::ADMIN | role::SUPPORT | role::SUPERVISOR);
            for (item, centre) in [
                (&own_centre_item, own_centre),
                (&other_centre_item, other_centre),
            ] {
                let is_there = reads && (role != role::SUPERVISOR || centre == own_centre);
                let what = format!("{} {item}", role.name());
                let path = help_desk::item_path(item);
                let hidden = if reads { 404 } else { 403 };
                for path in [
                    path.clone(),
                    format!("{path}/adjustments"),
                    format!("{path}/loans"),
                ] {
                    let read = app.get(&session, &path).await?;
                    assert_eq!(
                        read.status,
                        if is_there { 200 } else { hidden },
                        "{what} {path}"
                    );
                }
                let writes = match (keeps, is_there) {
                    (false, _) => [403, 403, 403],
                    (true, false) => [404, 404, 404],
                    (true, true) => [200, 200, 201],
                };
                let found = [
                    app.patch(&session, &path, json!({"condition": "broken"}))
                        .await?
                        .status,
                    help_desk::adjust_quantity(app, &session, item, 1)
                        .await?
                        .status,
                    help_desk::lend_item(app, &session, item, session.user, 1)
                        .await?
                        .status,
                ];
                assert_eq!(found, writes, "{what}");
                let body =
                    json!({"centre_id": centre, "item_name": "Desk", "category": "furniture"});
                let created = app.post(&session, "/v1/inventory", body).await?;
                let expected = if keeps && is_there { 201 } else { 403 };
                assert_eq!(created.status, expected, "{what}: {}", created.text);
            }
            let list = app.get(&session, "/v1/inventory?limit=200").await?;
            if reads {
                let data = list.expect(200).json()["data"].clone();
                let centres: Vec<Uuid> = data
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(|item| item["centre_id"].as_str()?.parse().ok())
                    .collect();
                assert!(centres.contains(&own_centre));
                assert_eq!(
                    centres.contains(&other_centre),
                    role != role::SUPERVISOR,
                    "{}",
                    role.name()
                );
            } else {
                list.expect(403);
            }
        }
        Ok(())
    });
}

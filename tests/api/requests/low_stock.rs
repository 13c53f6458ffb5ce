//! Tests the requests that low stock creates automatically.

use anyhow::Result;
use futures::future::join_all;
use serde_json::{Value, json};
use tests::{
    Application, Session, class_fixture, csv::import, fixtures, help_desk, queries, role, run,
};

/// Returns the unresolved requests that the database created for an item.
async fn stock_requests(app: &Application, admin: &Session, item: &Value) -> Result<Vec<Value>> {
    let id = fixtures::parse_id(item)?;
    class_fixture::get_data(
        app,
        admin,
        &format!("/v1/requests?inventory_id={id}&by_rule=true&status.in=open,in_progress"),
    )
    .await
}

#[test]
fn low_stock_creates_one_request_automatically() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let item = help_desk::create_item(app, &admin, own_centre, 40).await?;
        let path = help_desk::item_path(&item);
        help_desk::adjust_quantity(app, &admin, &item, -10)
            .await?
            .expect(200);
        app.patch(&admin, &path, json!({"low_stock_at": 20}))
            .await?
            .expect(200);
        // A request that a user creates for the item does not prevent an automatic one.
        let mut body = help_desk::request_body(own_centre);
        body["inventory_id"] = item["id"].clone();
        help_desk::create_request_from(app, &admin, body).await?;
        assert!(stock_requests(app, &admin, &item).await?.is_empty());

        let calls = (0..20).map(async |index| {
            loop {
                // Lent items are not available either.
                let reply = if index % 2 == 0 {
                    help_desk::adjust_quantity(app, &admin, &item, -1).await?
                } else {
                    help_desk::lend_item(app, &admin, &item, admin.user, 1).await?
                };
                if reply.status != 503 {
                    return anyhow::Ok(reply.status);
                }
            }
        });
        for status in join_all(calls).await {
            assert!([200, 201].contains(&status?));
        }
        let open = stock_requests(app, &admin, &item).await?;
        assert_eq!(open.len(), 1, "{open:?}");
        let request = &open[0];
        assert_eq!(request["type"], "inventory");
        assert_eq!(request["centre_id"], json!(own_centre));
        assert_eq!(
            request["details"],
            "Low stock of Laptop: 20 available, at or below the threshold of 20."
        );
        assert_eq!(request["created_by"], json!(admin.user));

        // While a request is unresolved, no other is created. After that, a decrease creates one.
        help_desk::transition(app, &admin, request, "start")
            .await?
            .expect(200);
        help_desk::adjust_quantity(app, &admin, &item, -1)
            .await?
            .expect(200);
        assert_eq!(stock_requests(app, &admin, &item).await?.len(), 1);
        help_desk::transition(app, &admin, request, "resolve")
            .await?
            .expect(200);
        help_desk::adjust_quantity(app, &admin, &item, 5)
            .await?
            .expect(200);
        assert!(
            stock_requests(app, &admin, &item).await?.is_empty(),
            "an increase creates no request"
        );
        help_desk::adjust_quantity(app, &admin, &item, -1)
            .await?
            .expect(200);
        assert_eq!(stock_requests(app, &admin, &item).await?.len(), 1);
        let twice = help_desk::transition(app, &admin, request, "reopen")
            .await?
            .expect(409);
        assert_eq!(twice.pointers(), ["/inventory_id"]);

        // An item that is created low, or becomes low when its threshold rises, creates a request, too.
        let file = format!(
            "centre_id,item_name,category,quantity,low_stock_at\n{own_centre},Pen,stationery,2,5\n"
        );
        let created = import(app, &admin, "/v1/inventory/import", file)
            .await?
            .expect(201)
            .json();
        assert_eq!(
            stock_requests(app, &admin, &created["rows"][0])
                .await?
                .len(),
            1
        );
        let other = help_desk::create_item(app, &admin, own_centre, 3).await?;
        app.patch(
            &admin,
            &help_desk::item_path(&other),
            json!({"low_stock_at": 3}),
        )
        .await?
        .expect(200);
        assert_eq!(stock_requests(app, &admin, &other).await?.len(), 1);
        let never = help_desk::create_item(app, &admin, own_centre, 0).await?;
        assert!(stock_requests(app, &admin, &never).await?.is_empty());
        Ok(())
    });
}

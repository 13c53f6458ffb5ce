//! Tests that two tenants in one database cannot observe each other.

use http::Method;
use serde_json::json;
use tests::{queries, role, run};

/// The tables that have a URL.
const TABLES: [&str; 21] = [
    "centres",
    "users",
    "staff",
    "guardians",
    "tenants",
    "students",
    "tutors",
    "classes",
    "assessments",
    "gamification",
    "finance_records",
    "tutor_rates",
    "payroll_runs",
    "requests",
    "inventory",
    "inventory_loans",
    "notifications",
    "notification_templates",
    "legal_holds",
    "erasures",
    "webhooks",
];

/// Returns the URL of a table.
fn url(table: &str) -> String {
    format!("/v1/{}", table.replace('_', "-"))
}

#[test]
fn ids_of_another_tenant_are_not_found_for_any_role() {
    run(async |app| {
        let unknown_id = uuid::Uuid::now_v7();
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            for table in TABLES {
                let other_tenant_id = queries::first_id(app, 1, table).await?;
                let read = app
                    .get(&session, &format!("{}/{other_tenant_id}", url(table)))
                    .await?;
                let missing = app
                    .get(&session, &format!("{}/{unknown_id}", url(table)))
                    .await?;
                assert_eq!(read.status, missing.status, "{} {table}", role.name());
                assert!([403, 404].contains(&read.status), "{}", read.text);
                assert_eq!(read.json()["detail"], missing.json()["detail"]);
                assert!(!read.text.contains(&other_tenant_id.to_string()));
            }
        }
        Ok(())
    });
}

#[test]
fn an_admin_changes_nothing_of_another_tenant() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let before = queries::write_counters(app).await?;
        for table in [
            "centres",
            "users",
            "staff",
            "guardians",
            "students",
            "tutors",
            "assessments",
            "requests",
            "inventory",
        ] {
            let path = format!("/v1/{table}/{}", queries::first_id(app, 1, table).await?);
            let body = match table {
                "centres" | "users" => json!({"name": "Ours now"}),
                "staff" => json!({"title": "Ours now"}),
                "students" => json!({"dob": "2015-01-31"}),
                "tutors" => json!({"max_students": 20}),
                "assessments" => json!({"score": 7}),
                "requests" => json!({"details": "Ours now"}),
                "inventory" => json!({"item_name": "Ours now"}),
                _ => json!({"relationship": "guardian"}),
            };
            app.patch(&admin, &path, body).await?.expect(404);
            app.delete(&admin, &path).await?.expect(404);
            app.call(Some(&admin), Method::POST, &format!("{path}/restore"), None)
                .await?
                .expect(404);
        }
        let user = format!("/v1/users/{}", queries::first_id(app, 1, "users").await?);
        for action in ["deactivate", "activate"] {
            let path = format!("{user}/{action}");
            app.call(Some(&admin), Method::POST, &path, None)
                .await?
                .expect(404);
        }
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn lists_filters_and_counts_show_only_the_callers_tenant() {
    run(async |app| {
        let ours = app.sign_in(role::ADMIN).await?;
        for table in TABLES {
            let own = queries::count(
                app,
                &format!("lms.{table} where tenant_id = $1"),
                &[&ours.tenant],
            )
            .await?;
            let body = app
                .get(
                    &ours,
                    &format!("{}?count=exact&include_deleted=true", url(table)),
                )
                .await?
                .expect(200)
                .json();
            assert_eq!(body["count"], json!(own), "{table}");
            let other_tenant_id = queries::first_id(app, 1, table).await?;
            let body = app
                .get(
                    &ours,
                    &format!("{}?id={other_tenant_id}&count=exact", url(table)),
                )
                .await?
                .expect(200)
                .json();
            assert_eq!(
                body,
                json!({"data": [], "next_cursor": null, "count": 0}),
                "{table}"
            );
        }
        let email = &app.user(1, role::ADMIN).email;
        let body = app
            .get(&ours, &format!("/v1/users?email={email}"))
            .await?
            .expect(200)
            .json();
        assert_eq!(body["data"], json!([]));
        let centre = queries::first_id(app, 1, "centres").await?;
        let body = app
            .get(&ours, &format!("/v1/users?centre_id={centre}"))
            .await?
            .expect(200)
            .json();
        assert_eq!(body["data"], json!([]));
        Ok(())
    });
}

#[test]
fn a_cursor_of_another_tenant_shows_nothing_of_it() {
    run(async |app| {
        let ours = app.sign_in(role::ADMIN).await?;
        let other_tenant_admin = app.sign_in_to(1, role::ADMIN).await?;
        let page = app
            .get(&other_tenant_admin, "/v1/users?limit=5&sort=email")
            .await?
            .expect(200)
            .json();
        let cursor = page["next_cursor"].as_str().unwrap_or_default();
        let body = app
            .get(
                &ours,
                &format!("/v1/users?limit=200&sort=email&cursor={cursor}"),
            )
            .await?
            .expect(200)
            .json();
        for one in body["data"].as_array().into_iter().flatten() {
            // An erased account has no address of the tenant.
            assert!(
                one["email"]
                    .as_str()
                    .is_some_and(|email| email.ends_with("aurora.example")
                        || email.ends_with("@erased.invalid")),
                "{one}"
            );
        }
        Ok(())
    });
}

#[test]
fn unique_values_are_unique_per_tenant() {
    run(async |app| {
        let ours = app.sign_in(role::ADMIN).await?;
        let other_tenant_admin = app.sign_in_to(1, role::ADMIN).await?;
        let email = &app.user(1, role::TUTOR).email;
        let user = json!({"name": "Ana", "email": email, "role": "tutor", "password": "the lamp is on table 3"});
        app.post(&ours, "/v1/users", user).await?.expect(201);
        app.sign_in_as("aurora", email, "the lamp is on table 3")
            .await?;
        app.sign_in_to(1, role::TUTOR).await?;
        assert!(
            app.sign_in_as("harbour", email, "the lamp is on table 3")
                .await
                .is_err()
        );
        let centre =
            json!({"name": "Lakeside", "code": "lake", "time_zone": "UTC", "currency": "EUR"});
        app.post(&ours, "/v1/centres", centre.clone())
            .await?
            .expect(201);
        app.post(&other_tenant_admin, "/v1/centres", centre.clone())
            .await?
            .expect(201);
        let clash = app.post(&ours, "/v1/centres", centre).await?.expect(409);
        assert!(
            !clash.text.contains("harbour")
                && !clash.text.contains(&other_tenant_admin.tenant.to_string())
        );
        Ok(())
    });
}

#[test]
fn an_id_used_by_another_tenant_is_available() {
    run(async |app| {
        // Components generate ids at random, so the superuser inserts one that another tenant has.
        let other_tenant_centre = queries::first_id(app, 1, "centres").await?;
        queries::execute(
            app,
            "insert into lms.centres (tenant_id, id, name, code, time_zone, currency)
            values ($1, $2, 'Twin', 'twin', 'UTC', 'EUR')",
            &[&app.demo.tenants[0].id, &other_tenant_centre],
        )
        .await?;
        let ours = app.sign_in(role::ADMIN).await?;
        let other = app.sign_in_to(1, role::ADMIN).await?;
        let path = format!("/v1/centres/{other_tenant_centre}");
        assert_eq!(
            app.get(&ours, &path).await?.expect(200).json()["name"],
            "Twin"
        );
        let before = app.get(&other, &path).await?.expect(200).json();
        app.patch(&ours, &path, json!({"name": "Changed"}))
            .await?
            .expect(200);
        app.delete(&ours, &path).await?.expect(204);
        assert_eq!(app.get(&other, &path).await?.expect(200).json(), before);
        Ok(())
    });
}

#[test]
fn concurrent_requests_of_two_tenants_never_mix() {
    run(async |app| {
        let sessions = [
            app.sign_in(role::ADMIN).await?,
            app.sign_in_to(1, role::ADMIN).await?,
        ];
        let tasks: Vec<_> = (0..200)
            .map(|number: usize| {
                let session = &sessions[number % 2];
                let request = app
                    .request(Method::GET, "/v1/tenants")
                    .bearer_auth(&session.token);
                (session.tenant, tokio::spawn(tests::send(request)))
            })
            .collect();
        for (tenant, task) in tasks {
            let body = task.await??.expect(200).json();
            assert_eq!(body["data"].as_array().map(Vec::len), Some(1));
            assert_eq!(body["data"][0]["id"], json!(tenant));
        }
        Ok(())
    });
}

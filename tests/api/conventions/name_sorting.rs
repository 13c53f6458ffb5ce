//! Tests lists sorted by name: by collation, in the tenant's language, with an index.

use anyhow::{Context, Result};
use http::Method;
use platform::auth::policy::Verb;
use platform::declare::statements::listing::Listing;
use platform::http::request::Request;
use serde_json::{Value, json};
use tests::{Application, Role, Session, queries, role, run};
use tokio_postgres::types::{Json, Type};

use crate::conventions::lists::{get, make_centre, values};

const NAMES: [&str; 9] = [
    "Zoe",
    "Émile",
    "anna",
    "Bob",
    "Ángel",
    "Eva",
    "Østergaard",
    "de Vries",
    "Åsa",
];

/// Returns the names, page by page.
async fn all_names(
    app: &Application,
    session: &Session,
    sort: &str,
    limit: usize,
) -> Result<Vec<String>> {
    let first = format!("/v1/centres?currency=USD&sort={sort}&limit={limit}");
    let (mut path, mut found) = (first.clone(), Vec::new());
    loop {
        let page = get(app, session, &path).await?;
        found.extend(values(&page, "name"));
        let Some(cursor) = page["next_cursor"].as_str() else {
            return Ok(found);
        };
        path = format!("{first}&cursor={cursor}");
    }
}

#[test]
fn names_are_sorted_by_collation_on_every_page() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        for (index, name) in NAMES.into_iter().enumerate() {
            make_centre(app, &admin, name, &format!("c-{index}")).await?;
        }
        // Rows with the same name are sorted by id.
        make_centre(app, &admin, "Bob", "c-10").await?;
        let mut expected = vec![
            "Ángel",
            "anna",
            "Åsa",
            "Bob",
            "Bob",
            "de Vries",
            "Émile",
            "Eva",
            "Østergaard",
            "Zoe",
        ];
        for limit in [1, 2, 3, 200] {
            assert_eq!(
                all_names(app, &admin, "name", limit).await?,
                expected,
                "{limit}"
            );
            assert_eq!(
                all_names(app, &admin, "name,-code", limit).await?,
                expected,
                "{limit}"
            );
        }
        expected.reverse();
        assert_eq!(all_names(app, &admin, "-name", 3).await?, expected);
        Ok(())
    });
}

#[test]
fn names_are_sorted_by_the_tenants_language() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        for (index, name) in NAMES.into_iter().enumerate() {
            make_centre(app, &admin, name, &format!("c-{index}")).await?;
        }
        let tenant = format!("/v1/tenants/{}", admin.tenant);
        app.patch(&admin, &tenant, json!({"settings": {"language": "da-DK"}}))
            .await?
            .expect(200);
        // The access token contains the language, so the new one applies after a refresh.
        let pair = app
            .call(
                None,
                Method::POST,
                "/v1/auth/refresh",
                Some(json!({"refresh_token": admin.refresh_token})),
            )
            .await?
            .expect(200)
            .json();
        assert_eq!(pair["tenant"]["language"], "da-DK");
        let session = Session {
            token: pair["access_token"].as_str().context("a token")?.to_owned(),
            ..admin
        };
        let expected = [
            "Ángel",
            "anna",
            "Bob",
            "de Vries",
            "Émile",
            "Eva",
            "Zoe",
            "Østergaard",
            "Åsa",
        ];
        for limit in [2, 200] {
            assert_eq!(
                all_names(app, &session, "name", limit).await?,
                expected,
                "{limit}"
            );
        }
        Ok(())
    });
}

/// Returns the plan of a page of users as JSON.
async fn plan(app: &Application, role: Role, query: &str) -> Result<String> {
    let session = app.session(0, role).await?;
    let users = tests::COMPONENTS
        .into_iter()
        .find(|component| component.name == "users")
        .context("a component")?;
    let resource = users
        .resources
        .iter()
        .find(|resource| resource.name == "users")
        .context("a resource")?;
    let grant = users.grant("users", role, Verb::List).context("a grant")?;
    let request = Request {
        method: http::Method::GET,
        path: "/v1/users".to_owned(),
        query: Some(query.to_owned()),
        headers: http::HeaderMap::new(),
        body: Vec::new(),
    };
    let listing = Listing::parse(&request, resource, grant)
        .map_err(|problem| anyhow::anyhow!("{:?}", problem.errors))?;
    let client = database::connect(&app.application_url).await?;
    for (name, value) in [
        ("app.tenant_id", session.tenant.to_string()),
        ("app.user_id", session.user.to_string()),
        (
            "app.centre_id",
            queries::demo_centres(app).await?.0.to_string(),
        ),
        ("app.role", role.name().to_owned()),
    ] {
        client
            .execute("select set_config($1, $2, false)", &[&name, &value])
            .await?;
    }
    let text = listing.statement(resource, grant).text;
    let explain = client
        .prepare_typed(
            &format!("explain (analyze, format json) {text}"),
            &[Type::JSONB],
        )
        .await?;
    let arguments = Json(Value::Object(listing.arguments()));
    let plan: Value = client.query_one(&explain, &[&arguments]).await?.get(0);
    Ok(plan.to_string())
}

#[test]
fn a_page_sorted_by_name_uses_an_index_under_row_security() {
    run(async |app| {
        app.superuser()
            .await?
            .batch_execute(&format!(
                "set session_replication_role = replica;
                insert into lms.users (tenant_id, name, email, role)
                select '{}', initcap(md5(i::text)), md5(i::text) || '@aurora.example', 'parent'
                from generate_series(1, 20000) as i;
                analyze lms.users",
                app.demo.tenants[0].id
            ))
            .await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let page = get(app, &admin, "/v1/users?sort=name&limit=5").await?;
        let cursor = page["next_cursor"].as_str().context("a cursor")?;
        for role in [role::ADMIN, role::FINANCE] {
            for (query, is_entered) in [
                ("sort=name&limit=5".to_owned(), false),
                ("sort=-name&limit=5".to_owned(), false),
                (format!("sort=name&limit=5&cursor={cursor}"), true),
            ] {
                let plan = plan(app, role, &query).await?;
                assert!(plan.contains("idx_users_name"), "{query}: {plan}");
                assert!(!plan.contains("\"Node Type\":\"Sort\""), "{query}: {plan}");
                let condition = plan
                    .split("\"Index Cond\":")
                    .nth(1)
                    .and_then(|rest| rest.split("\",").next())
                    .unwrap_or_default();
                assert!(condition.contains("tenant_id"), "{query}: {plan}");
                assert_eq!(condition.contains("ROW("), is_entered, "{query}: {plan}");
            }
        }
        Ok(())
    });
}

//! Tests lists: pages, sorting and counts.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::{Application, Session, queries, role, run};

/// Sends a GET request that must succeed, and returns the body.
pub(crate) async fn get(app: &Application, session: &Session, path: &str) -> Result<Value> {
    Ok(app.get(session, path).await?.expect(200).json())
}

/// Returns a field of each row.
pub(crate) fn values(body: &Value, field: &str) -> Vec<String> {
    let data = body["data"].as_array().cloned().unwrap_or_default();
    data.iter()
        .map(|one| one[field].as_str().unwrap_or("null").to_owned())
        .collect()
}

/// Returns every value of a field, following the links from page to page.
async fn all_values(
    app: &Application,
    session: &Session,
    first: &str,
    field: &str,
) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut path = first.to_owned();
    loop {
        let reply = app.get(session, &path).await?.expect(200);
        let body = reply.json();
        found.extend(values(&body, field));
        let Some(cursor) = body["next_cursor"].as_str() else {
            assert_eq!(reply.header("link"), "");
            return Ok(found);
        };
        let link = reply.header("link");
        let next = link
            .strip_prefix('<')
            .and_then(|rest| rest.strip_suffix(">; rel=\"next\""));
        path = next.context("a link to the next page")?.to_owned();
        assert!(path.ends_with(&format!("cursor={cursor}")), "{path}");
    }
}

/// Creates a centre with a currency that no demo centre has.
pub(crate) async fn make_centre(
    app: &Application,
    session: &Session,
    name: &str,
    code: &str,
) -> Result<Value> {
    let body = json!({"name": name, "code": code, "time_zone": "UTC", "currency": "USD"});
    Ok(app
        .post(session, "/v1/centres", body)
        .await?
        .expect(201)
        .json())
}

#[test]
fn a_page_has_up_to_its_limit_of_rows_and_links_to_the_next() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let tenant = admin.tenant;
        let sql = "select id::text from lms.users where tenant_id = $1 and deleted_at is null order by created_at desc, id desc";
        let expected = queries::fetch_texts(app, sql, &[&tenant]).await?;
        for limit in [1, 7, expected.len(), 200] {
            let path = format!("/v1/users?limit={limit}");
            assert_eq!(
                all_values(app, &admin, &path, "id").await?,
                expected,
                "{limit}"
            );
        }
        let first = get(app, &admin, "/v1/users").await?;
        assert_eq!(values(&first, "id").len(), expected.len().min(50));
        let names: BTreeSet<String> = first
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name.clone())
            .collect();
        assert_eq!(
            names,
            BTreeSet::from(["data".to_owned(), "next_cursor".to_owned()])
        );
        Ok(())
    });
}

#[test]
fn a_cursor_is_stable_while_rows_are_added() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        for number in 0..6 {
            make_centre(app, &admin, "Lakeside", &format!("lake-{number}")).await?;
        }
        let first = get(app, &admin, "/v1/centres?limit=3").await?;
        assert_eq!(values(&first, "code"), ["lake-5", "lake-4", "lake-3"]);
        make_centre(app, &admin, "Lakeside", "lake-6").await?;
        let cursor = first["next_cursor"].as_str().context("cursor")?;
        let second = get(app, &admin, &format!("/v1/centres?limit=3&cursor={cursor}")).await?;
        assert_eq!(values(&second, "code"), ["lake-2", "lake-1", "lake-0"]);
        // The last row of a page may be deleted before the next page is read.
        let last = first["data"][2]["id"].as_str().context("id")?;
        app.delete(&admin, &format!("/v1/centres/{last}"))
            .await?
            .expect(204);
        let again = get(app, &admin, &format!("/v1/centres?limit=3&cursor={cursor}")).await?;
        assert_eq!(again, second);
        Ok(())
    });
}

#[test]
fn rows_are_sorted_by_several_fields_in_mixed_directions() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        for (name, code) in [
            ("B", "b-1"),
            ("A", "a-1"),
            ("B", "b-2"),
            ("A", "a-2"),
            ("B", "b-3"),
        ] {
            make_centre(app, &admin, name, code).await?;
        }
        let codes = async |sort: &str| {
            let path = format!("/v1/centres?currency=USD&limit=2&sort={sort}");
            all_values(app, &admin, &path, "code").await
        };
        assert_eq!(
            codes("name,-code").await?,
            ["a-2", "a-1", "b-3", "b-2", "b-1"]
        );
        assert_eq!(
            codes("-name,code").await?,
            ["b-1", "b-2", "b-3", "a-1", "a-2"]
        );
        assert_eq!(codes("name").await?, ["a-1", "a-2", "b-1", "b-2", "b-3"]);
        assert_eq!(codes("-name").await?, ["b-3", "b-2", "b-1", "a-2", "a-1"]);
        assert_eq!(
            codes("-created_at").await?,
            ["b-3", "a-2", "b-2", "a-1", "b-1"]
        );
        assert_eq!(
            codes("created_at,name,-code").await?,
            ["b-1", "a-1", "b-2", "a-2", "b-3"]
        );
        // These lists include demo rows, so that cursors contain values this test did not choose.
        let all = all_values(app, &admin, "/v1/centres?limit=1&sort=code", "code").await?;
        assert_eq!(all.len(), 7);
        let by_email = all_values(app, &admin, "/v1/users?limit=5&sort=-email", "email").await?;
        assert_eq!(
            by_email.len(),
            by_email.iter().collect::<BTreeSet<_>>().len()
        );
        let total = queries::count(app, "lms.users where tenant_id = $1", &[&admin.tenant]).await?;
        assert_eq!(i64::try_from(by_email.len())?, total);
        Ok(())
    });
}

#[test]
fn deleted_rows_are_listed_for_an_admin_on_request() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let created = make_centre(app, &admin, "Lakeside", "lake").await?;
        app.delete(
            &admin,
            &format!("/v1/centres/{}", created["id"].as_str().unwrap_or_default()),
        )
        .await?
        .expect(204);
        for (path, expected) in [
            ("/v1/centres?code=lake", 0),
            ("/v1/centres?code=lake&include_deleted=false", 0),
            ("/v1/centres?code=lake&include_deleted=true", 1),
        ] {
            let body = get(app, &admin, path).await?;
            assert_eq!(values(&body, "id").len(), expected, "{path}");
        }
        let body = get(app, &admin, "/v1/centres?code=lake&include_deleted=true").await?;
        assert!(body["data"][0]["deleted_at"].is_string());
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let rejected = app
            .get(&supervisor, "/v1/centres?include_deleted=true")
            .await?
            .expect(400);
        assert_eq!(rejected.pointers(), ["?include_deleted"]);
        Ok(())
    });
}

#[test]
fn a_count_is_returned_only_on_request() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let tutors = queries::count(
            app,
            "lms.users where tenant_id = $1 and role = 'tutor'",
            &[&admin.tenant],
        )
        .await?;
        let body = get(app, &admin, "/v1/users?role=tutor&count=exact&limit=1").await?;
        assert_eq!(body["count"], json!(tutors));
        assert_eq!(values(&body, "id").len(), 1);
        let cursor = body["next_cursor"].as_str().context("cursor")?;
        let second = get(
            app,
            &admin,
            &format!("/v1/users?role=tutor&count=exact&limit=1&cursor={cursor}"),
        )
        .await?;
        assert_eq!(second["count"], json!(tutors));
        let none = get(app, &admin, "/v1/users?name=Nobody+At+All&count=exact").await?;
        assert_eq!((&none["count"], &none["data"]), (&json!(0), &json!([])));
        Ok(())
    });
}

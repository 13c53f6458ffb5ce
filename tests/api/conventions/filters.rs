//! Tests the filters of lists, and invalid queries.

use anyhow::Context;
use http::Method;
use serde_json::json;
use tests::{queries, role, run};

use crate::conventions::lists::{get, make_centre, values};

#[test]
fn every_operator_filters() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let staff = json!({"name": "Ana", "email": "ana@aurora.example", "phone": "+441632960000", "role": "support"});
        app.post(&admin, "/v1/users", staff).await?.expect(201);
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        let admin_id = admin.user;
        let email = |role: &str| format!("{role}@aurora.example");
        let many = "/v1/users?limit=200&sort=email&";
        let cases = [
            (
                "email=ADMIN@aurora.example".to_owned(),
                "email = 'admin@aurora.example'".to_owned(),
            ),
            ("role=tutor".to_owned(), "role = 'tutor'".to_owned()),
            ("role.eq=tutor".to_owned(), "role = 'tutor'".to_owned()),
            ("role.ne=tutor".to_owned(), "role <> 'tutor'".to_owned()),
            (
                "role.in=tutor,parent".to_owned(),
                "role in ('tutor', 'parent')".to_owned(),
            ),
            (format!("id={admin_id}"), format!("id = '{admin_id}'")),
            (
                format!("id.in={admin_id},{own_centre}"),
                format!("id = '{admin_id}'"),
            ),
            (
                format!("centre_id={own_centre}"),
                format!("centre_id = '{own_centre}'"),
            ),
            (
                format!("centre_id.ne={own_centre}"),
                format!("centre_id is distinct from '{own_centre}'"),
            ),
            (
                format!("centre_id.in={own_centre},{other_centre}"),
                "centre_id is not null".to_owned(),
            ),
            (
                "centre_id.null=true".to_owned(),
                "centre_id is null".to_owned(),
            ),
            (
                "centre_id.null=false".to_owned(),
                "centre_id is not null".to_owned(),
            ),
            (
                "phone=%2B441632960000".to_owned(),
                "phone = '+441632960000'".to_owned(),
            ),
            (
                "phone.like=%2B4416*".to_owned(),
                "phone like '+4416%'".to_owned(),
            ),
            ("name.like=*A*".to_owned(), "name ilike '%a%'".to_owned()),
            (
                "email.like=t*@*.example".to_owned(),
                "email like 't%@%.example'".to_owned(),
            ),
            (
                format!("created_by={admin_id}"),
                format!("created_by = '{admin_id}'"),
            ),
            (
                "created_by.null=true".to_owned(),
                "created_by is null".to_owned(),
            ),
            (
                "created_at.gte=2020-01-01T00:00:00Z".to_owned(),
                "true".to_owned(),
            ),
            (
                "created_at.lt=2020-01-01T00:00:00Z".to_owned(),
                "false".to_owned(),
            ),
            (
                "created_at.gt=2020-01-01T00:00:00%2B05:00".to_owned(),
                "true".to_owned(),
            ),
            (
                "created_at.lte=2020-01-01T00:00:00Z".to_owned(),
                "false".to_owned(),
            ),
            (
                "role=tutor&centre_id.null=false&status=active".to_owned(),
                "role = 'tutor'".to_owned(),
            ),
        ];
        for (query, condition) in cases {
            let body = get(app, &admin, &format!("{many}{query}")).await?;
            let sql = format!(
                "select email from lms.users where tenant_id = $1 and {condition} order by email"
            );
            let mut expected = queries::fetch_texts(app, &sql, &[&admin.tenant]).await?;
            let mut listed = values(&body, "email");
            expected.sort();
            listed.sort();
            assert_eq!(listed, expected, "{query}");
        }
        let one = get(app, &admin, &format!("/v1/users?email={}", email("tutor"))).await?;
        assert_eq!(
            values(&one, "id"),
            [app.user(0, role::TUTOR).id.to_string()]
        );
        let dates = get(
            app,
            &admin,
            "/v1/staff?hired_on.gte=2024-05-01&hired_on.lt=2024-07-01&sort=created_at,id",
        )
        .await?;
        let mut hired = values(&dates, "hired_on");
        hired.sort();
        assert_eq!(hired, ["2024-05-01", "2024-06-01"]);
        Ok(())
    });
}

#[test]
fn sql_wildcards_in_a_pattern_match_themselves() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        for (name, code) in [
            ("100% fun", "c-1"),
            ("100 fun", "c-2"),
            ("a_b", "c-3"),
            ("axb", "c-4"),
            ("a\\b", "c-5"),
        ] {
            make_centre(app, &admin, name, code).await?;
        }
        for (pattern, expected) in [
            ("100%25*", vec!["c-1"]),
            ("100*", vec!["c-1", "c-2"]),
            ("a_b", vec!["c-3"]),
            ("a*b", vec!["c-3", "c-4", "c-5"]),
            ("a%5Cb", vec!["c-5"]),
            ("A%5C*", vec!["c-5"]),
            ("*%25*", vec!["c-1"]),
            ("100%25", vec![]),
        ] {
            let path = format!("/v1/centres?currency=USD&sort=code&name.like={pattern}");
            assert_eq!(
                values(&get(app, &admin, &path).await?, "code"),
                expected,
                "{pattern}"
            );
        }
        Ok(())
    });
}

#[test]
fn an_invalid_query_is_rejected_with_the_parameter() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let first = get(app, &admin, "/v1/users?limit=1&sort=name").await?;
        let cursor = first["next_cursor"].as_str().context("cursor")?.to_owned();
        let many_ids = vec![admin.user.to_string(); 201].join(",");
        let cases = [
            ("limit=0".to_owned(), "?limit"),
            ("limit=201".to_owned(), "?limit"),
            ("limit=-1".to_owned(), "?limit"),
            ("limit=ten".to_owned(), "?limit"),
            ("limit=".to_owned(), "?limit"),
            ("sort=".to_owned(), "?sort"),
            ("sort=phone".to_owned(), "?sort"),
            ("sort=name,name".to_owned(), "?sort"),
            ("sort=name,email,created_at,id".to_owned(), "?sort"),
            ("sort=name;drop".to_owned(), "?sort"),
            ("password_hash.like=*".to_owned(), "?password_hash.like"),
            ("tenant_id=x".to_owned(), "?tenant_id"),
            ("status.like=a*".to_owned(), "?status.like"),
            ("name.gt=a".to_owned(), "?name.gt"),
            ("name.null=true".to_owned(), "?name.null"),
            ("role=king".to_owned(), "?role"),
            ("id=7".to_owned(), "?id"),
            ("id.in=".to_owned(), "?id.in"),
            (format!("id.in={many_ids}"), "?id.in"),
            ("centre_id.null=maybe".to_owned(), "?centre_id.null"),
            ("created_at.gte=yesterday".to_owned(), "?created_at.gte"),
            ("count=yes".to_owned(), "?count"),
            ("include_deleted=yes".to_owned(), "?include_deleted"),
            ("page=2".to_owned(), "?page"),
            ("limit=1&limit=2".to_owned(), "?limit"),
            ("cursor=!!".to_owned(), "?cursor"),
            ("cursor=".to_owned(), "?cursor"),
            (format!("cursor={cursor}"), "?cursor"),
            (format!("sort=-name&cursor={cursor}"), "?cursor"),
            ("name=%ff".to_owned(), "?"),
            ("name=a%00b".to_owned(), "?"),
        ];
        for (query, name) in cases {
            let reply = app.get(&admin, &format!("/v1/users?{query}")).await?;
            assert_eq!(reply.status, 400, "{query}: {}", reply.text);
            assert_eq!(reply.header("content-type"), "application/problem+json");
            assert_eq!(reply.pointers(), [name], "{query}");
        }
        let both = app
            .get(&admin, "/v1/users?limit=0&page=2")
            .await?
            .expect(400);
        assert_eq!(both.pointers(), ["?limit", "?page"]);
        let path = format!("/v1/users/{}?fields=name", admin.user);
        assert_eq!(
            app.get(&admin, &path).await?.expect(400).pointers(),
            ["?fields"]
        );
        let posted = app
            .call(
                Some(&admin),
                Method::POST,
                "/v1/centres?dry_run=true",
                Some(json!({})),
            )
            .await?;
        assert_eq!(posted.expect(400).pointers(), ["?dry_run"]);
        Ok(())
    });
}

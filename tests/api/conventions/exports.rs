//! Tests the export of lists as CSV.

use anyhow::{Context, Result};
use serde_json::json;
use tests::{
    csv::{export, import},
    queries, role, run,
};

use crate::conventions::lists::{get, make_centre};

#[test]
fn an_export_is_complete_and_has_no_formulas() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        for (name, code) in [
            ("=1+1", "f-1"),
            ("+1", "f-2"),
            ("-1", "f-3"),
            ("@now", "f-4"),
            ("with, comma and \"quotes\"", "f-5"),
            ("'t Hooft", "f-6"),
            ("＝1+1", "f-7"),
            ("'=1", "f-8"),
        ] {
            let body = json!({"name": name, "code": code, "time_zone": "UTC", "currency": "USD", "phone": "+441632960000"});
            app.post(&admin, "/v1/centres", body).await?.expect(201);
        }
        let reply = export(app, &admin, "/v1/centres?currency=USD")
            .await?
            .expect(200);
        assert_eq!(reply.header("content-type"), "text/csv; charset=utf-8");
        assert_eq!(
            reply.header("content-disposition"),
            "attachment; filename=\"centres.csv\""
        );
        assert_eq!(reply.header("cache-control"), "no-store");
        assert_eq!(reply.header("content-length"), reply.text.len().to_string());
        let header = "id,name,code,time_zone,currency,address,phone,email,status,working_hours,holidays,created_at,updated_at,created_by,updated_by,deleted_at\r\n";
        let lines = reply.text.strip_prefix(header).context("the header")?;
        for cell in [
            ",'=1+1,f-1,",
            ",'+1,f-2,",
            ",'-1,f-3,",
            ",'@now,f-4,",
            ",\"with, comma and \"\"quotes\"\"\",f-5,",
            ",'t Hooft,f-6,",
            ",'＝1+1,f-7,",
            ",''=1,f-8,",
            ",USD,{},'+441632960000,,active,",
        ] {
            assert!(lines.contains(cell), "{cell} is not in {lines}");
        }
        assert_eq!(lines.matches("\r\n").count(), 8);
        assert!(lines.ends_with(",\r\n"));
        Ok(())
    });
}

#[test]
fn an_export_can_be_imported_into_another_tenant() {
    run(async |app| {
        let ours = app.sign_in(role::ADMIN).await?;
        let other_tenant_admin = app.sign_in_to(1, role::ADMIN).await?;
        let body = json!({
            "name": "=1+1, \"quoted\"",
            "code": "lake",
            "time_zone": "UTC",
            "currency": "USD",
            "phone": "+441632960000",
            "address": {"line1": "Lake Street, 7", "city": "Madrid"},
        });
        let created = app
            .post(&ours, "/v1/centres", body)
            .await?
            .expect(201)
            .json();
        let file = export(app, &ours, "/v1/centres?code=lake")
            .await?
            .expect(200)
            .text;
        let fields = [
            "name",
            "code",
            "time_zone",
            "currency",
            "address",
            "phone",
            "email",
            "status",
        ];
        // The read-only columns are removed, as a user would do in a spreadsheet.
        let writable_columns: Vec<String> = split(&file)
            .into_iter()
            .map(|row| row[1..9].join(","))
            .collect();
        let reply = import(
            app,
            &other_tenant_admin,
            "/v1/centres/import",
            writable_columns.join("\r\n"),
        )
        .await?
        .expect(201)
        .json();
        let id = reply["rows"][0]["id"].as_str().context("id")?.to_owned();
        let copy = app
            .get(&other_tenant_admin, &format!("/v1/centres/{id}"))
            .await?
            .expect(200)
            .json();
        for field in fields {
            assert_eq!(copy[field], created[field], "{field}");
        }
        Ok(())
    });
}

#[test]
fn names_survive_an_export_and_an_import() {
    run(async |app| {
        let ours = app.sign_in(role::ADMIN).await?;
        let other_tenant_admin = app.sign_in_to(1, role::ADMIN).await?;
        let names = [
            "'t Hooft", "'", "''", "'=1", "''@a", "=1+1", "＝1", "'＋1", "－x", "＠home", "@At",
            "-Dash", "+1", "a=b", "\"q\"", "'\"=1\"", "a, 'b'", "{{name}}",
        ];
        let mut file = "name,email,role\n".to_owned();
        for (index, name) in names.into_iter().enumerate() {
            let body = json!({"name": name, "email": format!("n{index}@mail.example"), "role": "support", "centre_id": null});
            app.post(&ours, "/v1/users", body).await?.expect(201);
        }
        let exported = export(
            app,
            &ours,
            "/v1/users?email.like=n*@mail.example&sort=created_at",
        )
        .await?
        .expect(200)
        .text;
        for row in split(&exported).into_iter().skip(1) {
            // The database writes the export, and guards formulas as the component does.
            let written = row[1].clone();
            let name = names.into_iter().find(|name| {
                let escaped = platform::values::formula::guarded(name);
                written == escaped || written == format!("\"{}\"", escaped.replace('"', "\"\""))
            });
            assert!(name.is_some(), "{written} in {exported}");
            file.push_str(&format!("{written},{},{}\n", row[2], row[4]));
        }
        let reply = import(app, &other_tenant_admin, "/v1/users/import", file)
            .await?
            .expect(201);
        let found = get(
            app,
            &other_tenant_admin,
            "/v1/users?email.like=n*@mail.example&sort=created_at,email&limit=200",
        )
        .await?;
        assert_eq!(reply.json()["created"], names.len());
        let mut imported = crate::conventions::lists::values(&found, "name");
        let mut expected: Vec<String> = names.into_iter().map(str::to_owned).collect();
        imported.sort();
        expected.sort();
        assert_eq!(imported, expected);
        Ok(())
    });
}

/// Returns the cells of a file as written, quotes included.
fn split(file: &str) -> Vec<Vec<String>> {
    let mut lines = vec![vec![String::new()]];
    let mut quoted = false;
    for character in file.trim_end().chars() {
        quoted ^= character == '"';
        let line = lines.len() - 1;
        match character {
            ',' if !quoted => lines[line].push(String::new()),
            '\r' if !quoted => {}
            '\n' if !quoted => lines.push(vec![String::new()]),
            _ => {
                let cell = lines[line].len() - 1;
                lines[line][cell].push(character);
            }
        }
    }
    lines
}

#[test]
fn an_export_has_only_the_fields_the_caller_may_read() {
    run(async |app| {
        let (own_centre, _) = queries::demo_centres(app).await?;
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let file = export(app, &supervisor, "/v1/users")
            .await?
            .expect(200)
            .text;
        let users = queries::count(app, "lms.users where centre_id = $1", &[&own_centre]).await?;
        assert_eq!(i64::try_from(file.matches("\r\n").count())?, users + 1);
        assert!(!file.contains("password") && !file.contains("argon2"));
        assert!(
            !file
                .lines()
                .next()
                .unwrap_or_default()
                .contains("deleted_at")
        );
        for role in [
            role::STUDENT,
            role::PARENT,
            role::TUTOR,
            role::ASSESSOR,
            role::SUPPORT,
        ] {
            let session = app.sign_in(role).await?;
            export(app, &session, "/v1/users").await?.expect(406);
            import(app, &session, "/v1/users/import", "name\nAna\n")
                .await?
                .expect(403);
        }
        import(app, &supervisor, "/v1/users/import", "name\nAna\n")
            .await?
            .expect(403);
        Ok(())
    });
}

#[test]
fn an_export_follows_the_filters_and_the_order_of_the_list() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        for (name, code) in [("B", "b-1"), ("A", "a-1"), ("B", "b-2"), ("A", "a-2")] {
            make_centre(app, &admin, name, code).await?;
        }
        let codes = async |query: &str| -> Result<Vec<String>> {
            let path = format!("/v1/centres?currency=USD{query}");
            let file = export(app, &admin, &path).await?.expect(200).text;
            let rows = split(&file).into_iter().skip(1);
            Ok(rows.map(|row| row[2].clone()).collect())
        };
        for (query, expected) in [
            ("", vec!["a-2", "b-2", "a-1", "b-1"]),
            ("&sort=code", vec!["a-1", "a-2", "b-1", "b-2"]),
            ("&sort=name,-code", vec!["a-2", "a-1", "b-2", "b-1"]),
            ("&name=B&sort=code", vec!["b-1", "b-2"]),
            ("&code.like=*-2&sort=-code", vec!["b-2", "a-2"]),
            ("&sort=code&limit=3", vec!["a-1", "a-2", "b-1"]),
            ("&limit=200", vec!["a-2", "b-2", "a-1", "b-1"]),
            ("&name=C", vec![]),
        ] {
            assert_eq!(codes(query).await?, expected, "{query}");
        }
        let page = get(app, &admin, "/v1/centres?currency=USD&sort=code&limit=1").await?;
        let cursor = page["next_cursor"].as_str().context("cursor")?;
        assert_eq!(
            codes(&format!("&sort=code&cursor={cursor}")).await?,
            ["a-2", "b-1", "b-2"]
        );
        Ok(())
    });
}

#[test]
fn an_export_is_not_paginated() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let rows: String = (0..250)
            .map(|number| format!("Ana,ana.{number}@aurora.example,parent\n"))
            .collect();
        let file = format!("name,email,role\n{rows}");
        import(app, &admin, "/v1/users/import", file)
            .await?
            .expect(201);
        let file = export(app, &admin, "/v1/users?name=Ana").await?.expect(200);
        assert_eq!(file.text.matches("\r\n").count(), 251);
        Ok(())
    });
}

#[test]
fn an_invalid_parameter_of_an_export_is_rejected_with_the_field_name() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        for (query, name) in [
            ("count=exact", "?count"),
            ("limit=0", "?limit"),
            ("limit=201", "?limit"),
            ("sort=phone", "?sort"),
            ("cursor=!", "?cursor"),
            ("page=2", "?page"),
        ] {
            let path = format!("/v1/centres?{query}");
            let reply = export(app, &admin, &path).await?.expect(400);
            assert_eq!(reply.pointers(), [name], "{query}");
        }
        Ok(())
    });
}

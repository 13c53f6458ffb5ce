//! Tests the import of rows from CSV.

use anyhow::Context;
use http::Method;
use serde_json::{Value, json};
use tests::{csv::import, queries, role, run, send};

#[test]
fn malformed_csv_is_rejected_with_its_cause() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let before = queries::write_counters(app).await?;
        for (file, expected_detail) in [
            (
                "email,role,name\na@aurora.example,parent,\"Ann Ng\nb@aurora.example,parent,Bo\n",
                "row 2 opens a quote that is never closed",
            ),
            (
                "email,role,name\na@aurora.example,parent,\"Ann\" Ng\n",
                "row 2 has text after a closing quote",
            ),
            (
                "email,role,name\na@aurora.example,parent,Ann\n\nb@aurora.example,parent,Bo \"B\" Ng\n",
                "row 4 has a quote inside an unquoted cell",
            ),
            (
                "email;role;name\na;b;c\n",
                "separates its cells with semicolons",
            ),
        ] {
            for path in ["/v1/users/import", "/v1/users/import?dry_run=true"] {
                let rejected = import(app, &admin, path, file).await?.expect(400).json();
                let detail = rejected["detail"].as_str().context("a detail")?;
                assert!(detail.contains(expected_detail), "{file:?}: {detail}");
            }
        }
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn a_dry_run_reports_the_outcome_and_writes_nothing() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let file = "\u{feff}name,email,role,language_preferences\nAna,Ana@Aurora.example,parent,\"[\"\"en\"\"]\"\nBen,ben@aurora.example,tutor,\n";
        let before = queries::write_counters(app).await?;
        let dry = import(app, &admin, "/v1/users/import?dry_run=true", file)
            .await?
            .expect(200)
            .json();
        assert_eq!(queries::write_counters(app).await?, before);
        assert_eq!(
            queries::count(app, "lms.users where email like 'ana@%'", &[]).await?,
            0
        );
        let done = import(app, &admin, "/v1/users/import?dry_run=false", file)
            .await?
            .expect(201)
            .json();
        for (body, is_dry) in [(&dry, true), (&done, false)] {
            assert_eq!(body["dry_run"], json!(is_dry));
            assert_eq!(body["created"], 2);
            let rows = body["rows"].as_array().context("rows")?;
            assert_eq!(rows.len(), 2);
            assert_eq!(
                (&rows[0]["row"], &rows[0]["outcome"]),
                (&json!(2), &json!("create"))
            );
            assert_eq!(rows[1]["row"], 3);
        }
        let id = done["rows"][0]["id"].as_str().context("id")?;
        let created = app
            .get(&admin, &format!("/v1/users/{id}"))
            .await?
            .expect(200)
            .json();
        assert_eq!(created["email"], "ana@aurora.example");
        assert_eq!(created["language_preferences"], json!(["en"]));
        assert_eq!(created["created_by"], json!(admin.user));
        let again = import(app, &admin, "/v1/users/import", file)
            .await?
            .expect(422);
        let in_use = |pointer: &str| json!({"pointer": pointer, "code": "not_unique", "detail": "The value is already in use."});
        assert_eq!(
            again.json()["errors"],
            json!([in_use("/2/email"), in_use("/3/email")])
        );
        Ok(())
    });
}

#[test]
fn one_invalid_row_rejects_the_whole_file() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let other_tenant_centre = queries::first_id(app, 1, "centres").await?;
        let before = queries::write_counters(app).await?;
        let file = format!(
            "name,email,role,centre_id,language_preferences\n\
            Ana,ana@aurora.example,parent,{own_centre},\n\
            ,nobody,king,7,en\n\
            Ben,ben@aurora.example,tutor,,\"[\"\"not a tag\"\"]\"\n"
        );
        let reply = import(app, &admin, "/v1/users/import", file)
            .await?
            .expect(422);
        let mut pointers = reply.pointers();
        pointers.sort();
        // A cell that is not JSON is reported as a whole, and an invalid list member by its index.
        assert!(
            pointers.contains(&"/3/language_preferences".to_owned()),
            "{pointers:?}"
        );
        assert!(
            pointers.contains(&"/4/language_preferences/0".to_owned()),
            "{pointers:?}"
        );
        let file = "name,email,role,centre_id\nAna,ana@aurora.example,parent,\n,nobody,king,7\nBen,ben@aurora.example,,\n";
        let reply = import(app, &admin, "/v1/users/import", file)
            .await?
            .expect(422);
        let mut pointers = reply.pointers();
        pointers.sort();
        assert_eq!(
            pointers,
            ["/3/centre_id", "/3/email", "/3/name", "/3/role", "/4/role"]
        );
        let file = format!(
            "name,email,role,centre_id\nAna,ana@aurora.example,parent,{own_centre}\nBen,ben@aurora.example,tutor,{other_tenant_centre}\n"
        );
        let reply = import(app, &admin, "/v1/users/import", file)
            .await?
            .expect(422);
        assert_eq!(
            reply.json()["errors"],
            json!([{"pointer": "/3/centre_id", "code": "not_found", "detail": "No such centre."}])
        );
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn a_duplicate_key_in_a_file_is_reported() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let before = queries::write_counters(app).await?;
        let file = "name,email,role\nAna,ana@aurora.example,parent\nBen,ben@aurora.example,parent\nAna,ANA@aurora.example,tutor\nAdmin,admin@aurora.example,tutor\n";
        for path in ["/v1/users/import", "/v1/users/import?dry_run=true"] {
            let reply = import(app, &admin, path, file).await?.expect(422);
            // The first duplicate is found in the file, and the other one in the database.
            assert_eq!(reply.pointers(), ["/4/email", "/5/email"]);
        }
        let file = "name,code,time_zone,currency\nA,lake,UTC,EUR\nB,lake,UTC,EUR\n";
        let reply = import(app, &admin, "/v1/centres/import", file)
            .await?
            .expect(422);
        assert_eq!(reply.pointers(), ["/3/code"]);
        let (parent, student) = (
            app.user(0, role::PARENT).id,
            queries::first_id(app, 0, "students").await?,
        );
        queries::execute(
            app,
            "update lms.guardians set deleted_at = now() where student_id = $1",
            &[&student],
        )
        .await?;
        let before_links = queries::write_counters(app).await?;
        let link = format!("{parent},{student},parent\n");
        let file = format!("user_id,student_id,relationship\n{link}{link}");
        let reply = import(app, &admin, "/v1/guardians/import", file)
            .await?
            .expect(422);
        assert_eq!(reply.pointers(), ["/3/student_id"]);
        assert_eq!(queries::write_counters(app).await?, before_links);
        assert_eq!(
            queries::count(app, "lms.centres where code = 'lake'", &[]).await?,
            0
        );
        assert_ne!(before, before_links);
        Ok(())
    });
}

#[test]
fn a_body_that_is_not_csv_is_rejected() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let before = queries::write_counters(app).await?;
        for (file, status, pointers) in [
            ("name,planet\nAna,Earth\n", 400, vec!["/1/planet"]),
            ("name,name\nAna,Ana\n", 400, vec!["/1/name"]),
            ("name,password\nAna,secret\n", 400, vec!["/1/password"]),
            ("name,status\nAna,active\n", 400, vec!["/1/status"]),
            ("name,email,role\nAna,ana@aurora.example\n", 400, vec![]),
            ("name,email,role\n", 422, vec![]),
            ("", 400, vec![]),
            ("\n\n", 400, vec![]),
        ] {
            let reply = import(app, &admin, "/v1/users/import", file).await?;
            assert!(
                [400, 422].contains(&reply.status),
                "{file:?}: {} {}",
                reply.status,
                reply.text
            );
            if !file.trim().is_empty() {
                assert_eq!(reply.status, status, "{file:?}: {}", reply.text);
                assert_eq!(reply.pointers(), pointers, "{file:?}");
            }
        }
        let invalid = import(
            app,
            &admin,
            "/v1/users/import",
            b"name,email,role\nAn\xff,a@b.example,parent\n".to_vec(),
        );
        assert_eq!(
            invalid.await?.expect(400).header("content-type"),
            "application/problem+json"
        );
        let nul = "name,email,role\nA\0na,ana@aurora.example,parent\n";
        assert_eq!(
            import(app, &admin, "/v1/users/import", nul)
                .await?
                .expect(422)
                .pointers(),
            ["/2/name"]
        );
        let json = app
            .post(&admin, "/v1/users/import", json!({"name": "Ana"}))
            .await?;
        json.expect(415);
        let query = import(app, &admin, "/v1/users/import?dry_run=maybe", "name\nAna\n")
            .await?
            .expect(400);
        assert_eq!(query.pointers(), ["?dry_run"]);
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn at_most_a_hundred_errors_are_reported() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let before = queries::write_counters(app).await?;
        let bad = format!("name,email,role\n{}", "Ana,nobody,king\n".repeat(300));
        let reply = import(app, &admin, "/v1/users/import", bad)
            .await?
            .expect(422);
        assert_eq!(reply.pointers().len(), 100);
        let same = format!(
            "name,email,role\n{}",
            "Ana,ana@aurora.example,parent\n".repeat(300)
        );
        let reply = import(app, &admin, "/v1/users/import", same)
            .await?
            .expect(422);
        assert_eq!(reply.pointers().len(), 100);
        assert_eq!(
            reply.json()["errors"][0]["pointer"],
            Value::from("/3/email")
        );
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn rows_are_numbered_as_in_the_file_blank_lines_included() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let good = "\r\nname,email,role\r\n\r\nAna,ana@aurora.example,parent\r\n\r\n\r\nBen,ben@aurora.example,tutor";
        let created = import(app, &admin, "/v1/users/import", good)
            .await?
            .expect(201)
            .json();
        assert_eq!(
            (&created["rows"][0]["row"], &created["rows"][1]["row"]),
            (&json!(4), &json!(7))
        );
        let bad =
            "name,email,role\n\n\"Ana\nMaria\",nobody,parent\n\n\nBen,ben@aurora.example,tutor\n";
        let reply = import(app, &admin, "/v1/users/import", bad)
            .await?
            .expect(422);
        // The duplicate e-mail address in the last row is looked up only if all rows are valid.
        assert_eq!(reply.pointers(), ["/3/email", "/3/name"]);
        let same = "name,email,role\n\n\nBen,ben@aurora.example,tutor\n";
        let reply = import(app, &admin, "/v1/users/import", same)
            .await?
            .expect(422);
        assert_eq!(reply.pointers(), ["/4/email"]);
        let ragged = import(app, &admin, "/v1/users/import", "name,email,role\n\nAna\n")
            .await?
            .expect(400);
        assert!(ragged.text.contains("row 3 has 1 cells"), "{}", ragged.text);
        Ok(())
    });
}

#[test]
fn an_idempotency_key_belongs_to_one_file() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let send_file = async |email: &str| {
            let request = app
                .request(Method::POST, "/v1/users/import")
                .bearer_auth(&admin.token)
                .header("content-type", "text/csv")
                .header("idempotency-key", "file-1")
                .body(format!("name,email,role\nAna,{email},parent\n"));
            send(request).await
        };
        let first = send_file("ana@aurora.example").await?.expect(201);
        let again = send_file("ana@aurora.example").await?.expect(201);
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(again.text, first.text);
        let other = send_file("ben@aurora.example").await?.expect(422);
        assert_eq!(other.json()["type"], "/problems/idempotency-key-reused");
        Ok(())
    });
}

//! Rows from CSV.

use std::fmt::Write as _;

use anyhow::Context;
use http::Method;
use serde_json::{Value, json};
use tests::{Session, csv::import, role, rows, run, send, wire};

#[test]
fn a_quote_that_stays_open_is_refused_at_its_row() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let before = rows::written(app).await?;
        for (file, said) in [
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
                "row 4 has a quote within a cell",
            ),
            (
                "email;role;name\na;b;c\n",
                "separates its cells by semicolons",
            ),
        ] {
            for path in ["/v1/users/import", "/v1/users/import?dry_run=true"] {
                let refused = import(app, &admin, path, file).await?.expect(400).json();
                let detail = refused["detail"].as_str().context("a detail")?;
                assert!(detail.contains(said), "{file:?}: {detail}");
            }
        }
        assert_eq!(rows::written(app).await?, before);
        Ok(())
    });
}

#[test]
fn a_dry_run_tells_what_would_happen_and_writes_nothing() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let file = "\u{feff}name,email,role,language_preferences\nAna,Ana@Aurora.example,parent,\"[\"\"en\"\"]\"\nBen,ben@aurora.example,tutor,\n";
        let before = rows::written(app).await?;
        let dry = import(app, &admin, "/v1/users/import?dry_run=true", file)
            .await?
            .expect(200)
            .json();
        assert_eq!(rows::written(app).await?, before);
        assert_eq!(
            rows::count(app, "lms.users where email like 'ana@%'", &[]).await?,
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
        let made = app
            .get(&admin, &format!("/v1/users/{id}"))
            .await?
            .expect(200)
            .json();
        assert_eq!(made["email"], "ana@aurora.example");
        assert_eq!(made["language_preferences"], json!(["en"]));
        assert_eq!(made["created_by"], json!(admin.user));
        let again = import(app, &admin, "/v1/users/import", file)
            .await?
            .expect(422);
        assert_eq!(again.pointers(), ["/2/email", "/3/email"]);
        Ok(())
    });
}

#[test]
fn one_bad_row_keeps_all_out() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, _) = rows::centres(app).await?;
        let theirs = rows::any(app, 1, "centres").await?;
        let before = rows::written(app).await?;
        let file = format!(
            "name,email,role,centre_id,language_preferences\n\
            Ana,ana@aurora.example,parent,{home},\n\
            ,nobody,king,7,en\n\
            Ben,ben@aurora.example,tutor,,\"[\"\"not a tag\"\"]\"\n"
        );
        let reply = import(app, &admin, "/v1/users/import", file)
            .await?
            .expect(422);
        let mut pointers = reply.pointers();
        pointers.sort();
        // A cell that is no JSON is told first, by itself.
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
            "name,email,role,centre_id\nAna,ana@aurora.example,parent,{home}\nBen,ben@aurora.example,tutor,{theirs}\n"
        );
        let reply = import(app, &admin, "/v1/users/import", file)
            .await?
            .expect(422);
        assert_eq!(reply.pointers(), ["/3/centre_id"]);
        assert_eq!(rows::written(app).await?, before);
        Ok(())
    });
}

#[test]
fn a_key_that_repeats_in_the_file_is_named() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let before = rows::written(app).await?;
        let file = "name,email,role\nAna,ana@aurora.example,parent\nBen,ben@aurora.example,parent\nAna,ANA@aurora.example,tutor\nAdmin,admin@aurora.example,tutor\n";
        for path in ["/v1/users/import", "/v1/users/import?dry_run=true"] {
            let reply = import(app, &admin, path, file).await?.expect(422);
            assert_eq!(reply.pointers(), ["/4/email", "/5/email"]);
        }
        let file = "name,code,time_zone,currency\nA,lake,UTC,EUR\nB,lake,UTC,EUR\n";
        let reply = import(app, &admin, "/v1/centres/import", file)
            .await?
            .expect(422);
        assert_eq!(reply.pointers(), ["/3/code"]);
        let (parent, student) = (
            app.user(0, role::PARENT).id,
            rows::any(app, 0, "students").await?,
        );
        rows::execute(
            app,
            "update lms.guardians set deleted_at = now() where student_id = $1",
            &[&student],
        )
        .await?;
        let before_links = rows::written(app).await?;
        let link = format!("{parent},{student},parent\n");
        let file = format!("user_id,student_id,relationship\n{link}{link}");
        let reply = import(app, &admin, "/v1/guardians/import", file)
            .await?
            .expect(422);
        assert_eq!(reply.pointers(), ["/3/user_id"]);
        assert_eq!(rows::written(app).await?, before_links);
        assert_eq!(
            rows::count(app, "lms.centres where code = 'lake'", &[]).await?,
            0
        );
        assert_ne!(before, before_links);
        Ok(())
    });
}

#[test]
fn a_file_that_is_none_is_refused() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let before = rows::written(app).await?;
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
        assert_eq!(rows::written(app).await?, before);
        Ok(())
    });
}

#[test]
fn a_file_larger_than_a_body_is_taken_whole() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let mut file = "name,email,role\n".to_owned();
        let name = "Ana ".repeat(45);
        for number in 0..6000 {
            writeln!(file, "{name},ana.{number}@aurora.example,parent")?;
        }
        assert!(file.len() > 1024 * 1024);
        let reply = import(app, &admin, "/v1/users/import", file)
            .await?
            .expect(201)
            .json();
        assert_eq!(reply["created"], 6000);
        assert_eq!(
            rows::count(app, "lms.users where email like 'ana.%'", &[]).await?,
            6000
        );
        let chain = rows::count(
            app,
            "lms.event_log where kind = 'user.created' and actor = $1 and state->>'email' like 'ana.%'",
            &[&admin.user],
        )
        .await?;
        assert_eq!(chain, 6000);
        Ok(())
    });
}

#[test]
fn at_most_a_hundred_errors_are_told() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let before = rows::written(app).await?;
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
        assert_eq!(rows::written(app).await?, before);
        Ok(())
    });
}

#[test]
fn rows_are_numbered_as_in_the_file_whatever_is_blank_in_it() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let good = "\r\nname,email,role\r\n\r\nAna,ana@aurora.example,parent\r\n\r\n\r\nBen,ben@aurora.example,tutor";
        let made = import(app, &admin, "/v1/users/import", good)
            .await?
            .expect(201)
            .json();
        assert_eq!(
            (&made["rows"][0]["row"], &made["rows"][1]["row"]),
            (&json!(4), &json!(7))
        );
        let bad =
            "name,email,role\n\n\"Ana\nMaria\",nobody,parent\n\n\nBen,ben@aurora.example,tutor\n";
        let reply = import(app, &admin, "/v1/users/import", bad)
            .await?
            .expect(422);
        // The first by what is seen in the file, the other by what is there already.
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

/// The head of a request that announces a file of so many bytes, or none to be sent in chunks.
fn head(session: &Session, path: &str, length: Option<usize>) -> String {
    let length = length.map_or("Transfer-Encoding: chunked".to_owned(), |length| {
        format!("Content-Length: {length}")
    });
    format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: text/csv\r\n{length}\r\n\r\n",
        session.token
    )
}

#[test]
fn a_file_that_begins_wrong_is_refused_while_the_rest_is_on_its_way() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let before = rows::written(app).await?;
        let errors = "Ana,nobody,king\n".repeat(60);
        for (path, begin, status) in [
            ("/v1/users/import", "name,planet\n".to_owned(), 400),
            ("/v1/users/import", "name,email,role\nAna\n".to_owned(), 400),
            (
                "/v1/users/import",
                format!("name,email,role\n{errors}"),
                422,
            ),
            ("/v1/users/import?dry_run=maybe", String::new(), 400),
        ] {
            let request = head(&admin, path, Some(40_000_000)) + &begin;
            let answer = wire::exchange(app, request.as_bytes()).await?;
            let (head, body) = wire::parts(&answer)?;
            assert!(
                head.starts_with(&format!("HTTP/1.1 {status} ")),
                "{begin}: {head} {body}"
            );
            assert_eq!(
                wire::header(head, "content-type"),
                Some("application/problem+json")
            );
        }
        assert_eq!(rows::written(app).await?, before);
        Ok(())
    });
}

#[test]
fn a_file_that_is_too_large_is_refused_as_soon_as_that_is_known() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let before = rows::written(app).await?;
        // Sixty-four megabytes and a little, and no end in sight.
        let chunk = format!("100000\r\n{}\r\n", "\n".repeat(0x10_0000));
        let file = head(&admin, "/v1/users/import", None)
            + "10\r\nname,email,role\n\r\n"
            + &chunk.repeat(64);
        let answer = wire::exchange(app, file.as_bytes()).await?;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        let mut many = "name,email,role\n".to_owned();
        for number in 0..=100_000 {
            writeln!(many, "Ana,a{number}@aurora.example,parent")?;
        }
        let reply = import(app, &admin, "/v1/users/import", many)
            .await?
            .expect(413);
        assert!(reply.text.contains("100000 rows"), "{}", reply.text);
        assert_eq!(rows::written(app).await?, before);
        Ok(())
    });
}

#[test]
fn a_key_belongs_to_one_file() {
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

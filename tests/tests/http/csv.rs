//! CSV in and out.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use http::Method;
use serde_json::{Value, json};
use tests::{Application, Reply, Role, Session, run, send};

use crate::rows;

async fn export(app: &Application, session: &Session, path: &str) -> Result<Reply> {
    let request = app
        .request(Method::GET, path)
        .bearer_auth(&session.token)
        .header("accept", "text/csv");
    send(request).await
}

async fn import(
    app: &Application,
    session: &Session,
    path: &str,
    file: impl Into<Vec<u8>>,
) -> Result<Reply> {
    let request = app
        .request(Method::POST, path)
        .bearer_auth(&session.token)
        .header("content-type", "text/csv")
        .body(file.into());
    send(request).await
}

#[test]
fn a_list_is_exported_whole_and_without_formulas() {
    run(async |app| {
        let admin = app.sign_in(Role::Admin).await?;
        for (name, code) in [
            ("=1+1", "f-1"),
            ("+1", "f-2"),
            ("-1", "f-3"),
            ("@now", "f-4"),
            ("with, comma and \"quotes\"", "f-5"),
            ("two\nlines", "f-6"),
        ] {
            let body = json!({"name": name, "code": code, "time_zone": "UTC", "currency": "USD", "phone": "+441632960000"});
            app.post(&admin, "/v1/centres", body).await?.expect(201);
        }
        let reply = export(app, &admin, "/v1/centres?currency=USD&limit=1")
            .await?
            .expect(200);
        assert_eq!(reply.header("content-type"), "text/csv; charset=utf-8");
        assert_eq!(
            reply.header("content-disposition"),
            "attachment; filename=\"centres.csv\""
        );
        assert_eq!(reply.header("cache-control"), "no-store");
        assert_eq!(reply.header("content-length"), reply.text.len().to_string());
        let header = "id,name,code,time_zone,currency,address,phone,email,status,created_at,updated_at,created_by,updated_by,deleted_at\r\n";
        let lines = reply.text.strip_prefix(header).context("the header")?;
        for cell in [
            ",'=1+1,f-1,",
            ",'+1,f-2,",
            ",'-1,f-3,",
            ",'@now,f-4,",
            ",\"with, comma and \"\"quotes\"\"\",f-5,",
            ",\"two\nlines\",f-6,",
            ",USD,{},'+441632960000,,active,",
        ] {
            assert!(lines.contains(cell), "{cell} is not in {lines}");
        }
        assert_eq!(lines.matches("\r\n").count(), 6);
        assert!(lines.ends_with(",\r\n"));
        Ok(())
    });
}

#[test]
fn what_was_exported_can_be_imported_elsewhere() {
    run(async |app| {
        let ours = app.sign_in(Role::Admin).await?;
        let theirs = app.sign_in_to(1, Role::Admin).await?;
        let body = json!({
            "name": "=1+1, \"quoted\"",
            "code": "lake",
            "time_zone": "UTC",
            "currency": "USD",
            "phone": "+441632960000",
            "address": {"line1": "Lake Street, 7", "city": "Madrid"},
        });
        let made = app
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
        // The columns that the database keeps are taken out, as one would in a spreadsheet.
        let kept: Vec<String> = split(&file)
            .into_iter()
            .map(|row| row[1..9].join(","))
            .collect();
        let reply = import(app, &theirs, "/v1/centres/import", kept.join("\r\n"))
            .await?
            .expect(201)
            .json();
        let id = reply["rows"][0]["id"].as_str().context("id")?.to_owned();
        let copy = app
            .get(&theirs, &format!("/v1/centres/{id}"))
            .await?
            .expect(200)
            .json();
        for field in fields {
            assert_eq!(copy[field], made[field], "{field}");
        }
        Ok(())
    });
}

/// The cells of a file as they are written, quotes included.
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
fn an_export_shows_what_its_caller_may_see() {
    run(async |app| {
        let (home, _) = rows::centres(app).await?;
        let supervisor = app.sign_in(Role::Supervisor).await?;
        let file = export(app, &supervisor, "/v1/users")
            .await?
            .expect(200)
            .text;
        let users = rows::count(app, "lms.users where centre_id = $1", &[&home]).await?;
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
            Role::Student,
            Role::Parent,
            Role::Tutor,
            Role::Assessor,
            Role::Support,
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
fn a_dry_run_tells_what_would_happen_and_writes_nothing() {
    run(async |app| {
        let admin = app.sign_in(Role::Admin).await?;
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
        let admin = app.sign_in(Role::Admin).await?;
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
        let admin = app.sign_in(Role::Admin).await?;
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
            app.user(0, Role::Parent).id,
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
        let admin = app.sign_in(Role::Admin).await?;
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
        let admin = app.sign_in(Role::Admin).await?;
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
            "lms.event_log where kind = 'user.created' and actor = $1",
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
        let admin = app.sign_in(Role::Admin).await?;
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

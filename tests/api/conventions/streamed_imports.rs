//! Tests imports that are read while the file arrives: large files, and errors before their end.

use std::fmt::Write as _;
use tests::{Session, csv::import, queries, raw_connection, role, run};

#[test]
fn a_file_may_be_larger_than_an_ordinary_body() {
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
            queries::count(app, "lms.users where email like 'ana.%'", &[]).await?,
            6000
        );
        let chain = queries::count(
            app,
            "lms.event_log where kind = 'user.created' and actor = $1 and state->>'email' like 'ana.%'",
            &[&admin.user],
        )
        .await?;
        assert_eq!(chain, 6000);
        Ok(())
    });
}

/// Returns the head of a request with a content length, or with chunked encoding.
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
fn a_file_with_an_invalid_header_is_rejected_before_it_ends() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let before = queries::write_counters(app).await?;
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
            let answer = raw_connection::send_and_read_one(app, request.as_bytes()).await?;
            let (head, body) = raw_connection::split_head(&answer)?;
            assert!(
                head.starts_with(&format!("HTTP/1.1 {status} ")),
                "{begin}: {head} {body}"
            );
            assert_eq!(
                raw_connection::header_of(head, "content-type"),
                Some("application/problem+json")
            );
        }
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn a_file_is_rejected_as_soon_as_it_is_too_large() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let before = queries::write_counters(app).await?;
        // The body exceeds 64 MiB and does not end.
        let chunk = format!("100000\r\n{}\r\n", "\n".repeat(0x10_0000));
        let file = head(&admin, "/v1/users/import", None)
            + "10\r\nname,email,role\n\r\n"
            + &chunk.repeat(64);
        let answer = raw_connection::send_and_read_one(app, file.as_bytes()).await?;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        let mut many = "name,email,role\n".to_owned();
        for number in 0..=100_000 {
            writeln!(many, "Ana,a{number}@aurora.example,parent")?;
        }
        let reply = import(app, &admin, "/v1/users/import", many)
            .await?
            .expect(413);
        assert!(reply.text.contains("100000 rows"), "{}", reply.text);
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

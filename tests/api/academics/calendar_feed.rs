//! Tests the URL of a calendar feed: creation, replacement and revocation, and the classes in the feed.

use std::collections::BTreeSet;

use anyhow::Context;
use http::Method;
use serde_json::{Value, json};
use tests::{
    Reply,
    calendar_feed::{FEED, read, subscribe},
    queries, role, run,
};
use uuid::Uuid;

/// Returns a problem without its request id, which differs even between otherwise equal responses.
fn anonymous(reply: &Reply) -> Value {
    let mut body = reply.json();
    if let Some(members) = body.as_object_mut() {
        members.remove("request_id");
    }
    body
}

#[test]
fn a_feed_url_works_until_it_is_revoked() {
    run(async |app| {
        let tutor = app.sign_in(role::TUTOR).await?;
        let shown = app.get(&tutor, FEED).await?.expect(200).json();
        assert_eq!(shown, json!({"active": false, "created_at": null}));
        app.delete(&tutor, FEED).await?.expect(404);

        let path = subscribe(app, &tutor).await?;
        let token = path.rsplit('=').next().unwrap_or_default();
        assert_eq!(token.len(), 43, "{token}");
        read(app, &path).await?.expect(200);
        let shown = app.get(&tutor, FEED).await?.expect(200);
        assert_eq!(shown.json()["active"], true);
        let since = shown.json()["created_at"].as_str().map(str::to_owned);
        assert!(since.is_some_and(|since| since.ends_with('Z')));
        assert!(!shown.text.contains(token));

        app.delete(&tutor, FEED).await?.expect(204);
        read(app, &path).await?.expect(404);
        app.delete(&tutor, FEED).await?.expect(404);
        let shown = app.get(&tutor, FEED).await?.expect(200).json();
        assert_eq!(shown, json!({"active": false, "created_at": null}));

        let next = subscribe(app, &tutor).await?;
        assert_ne!(next, path);
        read(app, &next).await?.expect(200);
        read(app, &path).await?.expect(404);
        Ok(())
    });
}

#[test]
fn a_new_feed_url_replaces_only_the_users_previous_one() {
    run(async |app| {
        let tutor = app.sign_in(role::TUTOR).await?;
        let parent = app.sign_in(role::PARENT).await?;
        let first = subscribe(app, &tutor).await?;
        let others = subscribe(app, &parent).await?;
        let second = subscribe(app, &tutor).await?;
        read(app, &first).await?.expect(404);
        read(app, &second).await?.expect(200);
        read(app, &others).await?.expect(200);
        app.delete(&tutor, FEED).await?.expect(204);
        read(app, &others).await?.expect(200);
        let own = "lms.calendar_feeds where user_id = $1";
        let feed_count = queries::count(app, own, &[&tutor.user]).await?;
        assert_eq!(
            feed_count, 1,
            "a new URL replaces the secret in the user's row"
        );
        Ok(())
    });
}

#[test]
fn the_secret_of_a_feed_url_is_stored_nowhere() {
    run(async |app| {
        let tutor = app.sign_in(role::TUTOR).await?;
        let request = app
            .request(Method::POST, FEED)
            .bearer_auth(&tutor.token)
            .header("idempotency-key", "once");
        let created = tests::send(request).await?.expect(201).json();
        let url = created["url"].as_str().context("no address")?;
        let token = url.rsplit('=').next().unwrap_or_default();
        let by_hash = "lms.calendar_feeds where token_hash = sha256(convert_to($1, 'UTF8'))";
        assert_eq!(queries::count(app, by_hash, &[&token]).await?, 1);
        for table in ["calendar_feeds", "idempotency_keys", "event_log"] {
            let with_token = format!("lms.{table} as r where strpos(r::text, $1) > 0");
            assert_eq!(
                queries::count(app, &with_token, &[&token]).await?,
                0,
                "{table}"
            );
        }
        let recorded = "lms.event_log as r
            where r.kind = 'calendar_feed.created' and r.actor = $1 and not r.state ? 'token_hash'";
        assert_eq!(queries::count(app, recorded, &[&tutor.user]).await?, 1);
        Ok(())
    });
}

#[test]
fn a_revoked_feed_url_is_indistinguishable_from_an_unknown_one() {
    run(async |app| {
        let student = app.sign_in(role::STUDENT).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let unknown = format!("{FEED}.ics?token={}", "A".repeat(43));
        let expected = anonymous(&read(app, &unknown).await?.expect(404));
        for token in ["A", &"é".repeat(43), &"B".repeat(100)] {
            let reply = read(app, &format!("{FEED}.ics?token={token}")).await?;
            assert_eq!(anonymous(&reply.expect(404)), expected);
        }

        let path = subscribe(app, &student).await?;
        app.delete(&student, FEED).await?.expect(204);
        assert_eq!(anonymous(&read(app, &path).await?.expect(404)), expected);

        let path = subscribe(app, &student).await?;
        let account = format!("/v1/users/{}", student.user);
        app.post(&admin, &format!("{account}/deactivate"), json!({}))
            .await?
            .expect(200);
        assert_eq!(anonymous(&read(app, &path).await?.expect(404)), expected);
        app.post(&admin, &format!("{account}/activate"), json!({}))
            .await?
            .expect(200);
        read(app, &path).await?.expect(200);
        queries::execute(
            app,
            "update lms.tenants set status = 'inactive' where tenant_id = $1",
            &[&student.tenant],
        )
        .await?;
        assert_eq!(anonymous(&read(app, &path).await?.expect(404)), expected);
        Ok(())
    });
}

#[test]
fn a_feed_is_valid_icalendar_and_is_sent_only_if_it_has_changed() {
    run(async |app| {
        let tutor = app.sign_in(role::TUTOR).await?;
        let path = subscribe(app, &tutor).await?;
        let reply = read(app, &path).await?.expect(200);
        assert_eq!(reply.header("content-type"), "text/calendar; charset=utf-8");
        assert_eq!(reply.header("cache-control"), "private, no-cache");
        assert!(
            reply
                .text
                .starts_with("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:")
        );
        assert!(reply.text.ends_with("END:VCALENDAR\r\n"));
        let tag = reply.header("etag").to_owned();
        assert!(tag.starts_with('"') && tag.len() == 66, "{tag}");

        let send_with_header = async |name: &'static str, value: &str| {
            tests::send(app.request(Method::GET, &path).header(name, value)).await
        };
        let same = send_with_header("if-none-match", &tag).await?.expect(304);
        assert_eq!((same.length, same.header("etag")), (0, tag.as_str()));
        send_with_header("if-none-match", &format!("\"0\", {tag}"))
            .await?
            .expect(304);
        send_with_header("if-none-match", "\"0\"")
            .await?
            .expect(200);
        send_with_header("accept", "text/calendar")
            .await?
            .expect(200);
        send_with_header("accept", "application/json")
            .await?
            .expect(406);
        let head = app.call(None, Method::HEAD, &path, None).await?.expect(200);
        assert_eq!((head.length, head.header("etag")), (0, tag.as_str()));

        let class = queries::fetch_id(
            app,
            "select c.id
            from lms.classes as c
            join lms.tutors as t
              on t.tenant_id = c.tenant_id
              and t.id = c.tutor_id
            where t.user_id = $1 and c.status = 'scheduled' and c.deleted_at is null
            order by c.id",
            &[&tutor.user],
        )
        .await?;
        let url = "https://meet.example.org/a,b;c";
        let change = json!({"meeting_provider": "zoom", "meeting_url": url});
        app.patch(&tutor, &format!("/v1/classes/{class}"), change)
            .await?
            .expect(200);
        let changed = send_with_header("if-none-match", &tag).await?.expect(200);
        assert_ne!(changed.header("etag"), tag);
        assert!(
            changed.text.contains(&format!("\r\nURL:{url}\r\n")),
            "{}",
            changed.text
        );
        let sequence = |text: &str| -> Option<u64> {
            let event = &text[text.find(&format!("UID:{class}"))?..];
            let (_, rest) = event.split_once("SEQUENCE:")?;
            rest.split("\r\n").next()?.parse().ok()
        };
        assert!(sequence(&changed.text) > sequence(&reply.text));
        Ok(())
    });
}

#[test]
fn a_malformed_feed_url_is_rejected() {
    run(async |app| {
        for query in ["", "?token=", "?token=a&token=b", "?token=a&other=b"] {
            let reply = read(app, &format!("{FEED}.ics{query}")).await?;
            assert_eq!(reply.status, 400, "{query}");
        }
        let tutor = app.sign_in(role::TUTOR).await?;
        app.post(&tutor, FEED, json!({"token": "mine"}))
            .await?
            .expect(422);
        Ok(())
    });
}

/// Returns the classes in a feed.
fn classes(calendar: &str) -> BTreeSet<Uuid> {
    calendar
        .split("\r\n")
        .filter_map(|line| line.strip_prefix("UID:")?.parse().ok())
        .collect()
}

#[test]
fn each_role_reads_a_feed_of_the_classes_within_its_scope() {
    run(async |app| {
        let (own_centre, _) = queries::demo_centres(app).await?;
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            let scope = match role {
                role::ADMIN | role::FINANCE | role::SUPPORT => "true",
                role::SUPERVISOR | role::ASSESSOR => "c.centre_id = $2",
                role::TUTOR => "c.tutor_id = (select id from lms.tutors where user_id = $3)",
                role::STUDENT => "exists (select from lms.students as s where s.user_id = $3 and c.student_ids ? s.id::text)",
                role::PARENT => {
                    "exists (
                      select from lms.guardians as g
                      where g.user_id = $3 and g.deleted_at is null and c.student_ids ? g.student_id::text
                    )"
                }
other => unreachable!("the role {} has no scope", other.name()),
};
            let expected: BTreeSet<Uuid> = app
                .superuser()
                .await?
                .query(
                    &format!(
                        "select c.id
                        from lms.classes as c
                        where c.tenant_id = $1
                          and $2::uuid is not null
                          and $3::uuid is not null
                          and c.deleted_at is null
                          and exists (
                            select from lms.occurrences as o
                            where o.class_id = c.id
                              and o.deleted_at is null
                              and o.ends_at > now() - interval '90 days'
                          )
                          and {scope}"
                    ),
                    &[&session.tenant, &own_centre, &session.user],
                )
                .await?
                .iter()
                .map(|row| row.get(0))
                .collect();
            assert!(!expected.is_empty(), "{}", role.name());
            let path = subscribe(app, &session).await?;
            let calendar = read(app, &path).await?.expect(200);
            assert_eq!(classes(&calendar.text), expected, "{}", role.name());
        }
        Ok(())
    });
}

#[test]
fn a_feed_names_only_a_parents_own_children_by_first_name() {
    run(async |app| {
        let names = queries::fetch_texts(
            app,
            "select name from lms.users where tenant_id = $1 and role in ('student', 'tutor', 'parent')",
            &[&app.demo.tenants[0].id],
        )
        .await?;
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            let path = subscribe(app, &session).await?;
            let calendar = read(app, &path)
                .await?
                .expect(200)
                .text
                .replace("\r\n ", "");
            for name in &names {
                assert!(!calendar.contains(name.as_str()), "{}: {name}", role.name());
            }
            let children = queries::fetch_texts(
                app,
                "select split_part(u.name, ' ', 1)
                from lms.guardians as g
                join lms.students as s
                  on s.tenant_id = g.tenant_id
                  and s.id = g.student_id
                join lms.users as u
                  on u.tenant_id = s.tenant_id
                  and u.id = s.user_id
                where g.user_id = $1 and g.deleted_at is null",
                &[&session.user],
            )
            .await?;
            for child in children {
                assert!(
                    calendar.contains(&format!("{child})"))
                        || calendar.contains(&format!("{child}\\,")),
                    "{child}"
                );
            }
        }
        Ok(())
    });
}

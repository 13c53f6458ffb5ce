//! Tests the erasure of a person from every table and the event log, without changes to other data.

use anyhow::Result;
use operations::events::verify;
use serde_json::{Value, json};
use tests::{
    Application,
    data_subject::{NAMES, create_data_subject, dump_database, erase, lines_naming_subject},
    finance_records, queries, role, run,
};
use uuid::Uuid;

/// Returns data that an erasure must not change: amounts, scores and counts, and the rows of people
/// other than `excluded_ids`.
async fn unrelated_data(app: &Application, excluded_ids: &[Uuid]) -> Result<Vec<String>> {
    let excluded_ids: Vec<Uuid> = excluded_ids.to_vec();
    let mut unrelated = queries::fetch_texts(
        app,
        "select string_agg((to_jsonb(f) - '{reference,version,updated_at,updated_by}'::text[])::text, E'\\n' order by f.id)
        from lms.finance_records as f
        union all
        select string_agg(to_jsonb(l)::text, E'\\n' order by l.id) from lms.journal_entries as l
        union all
        select string_agg(to_jsonb(t)::text, E'\\n' order by t.id) from lms.finance_totals as t
        union all
        select string_agg(format('%s %s %s', a.id, a.score, a.academic_age), E'\\n' order by a.id) from lms.assessments as a
        union all
        select string_agg(format('%s %s', g.id, g.points), E'\\n' order by g.id) from lms.gamification as g
        union all
        select string_agg(format('%s %s %s', i.id, i.quantity, i.lent), E'\\n' order by i.id) from lms.inventory as i",
        &[],
    )
    .await?;
    for table in ["users", "students", "tutors", "staff", "guardians"] {
        let sql = format!(
            "select coalesce(string_agg(to_jsonb(r)::text, E'\\n' order by r.id), '')
            from lms.{table} as r
            where r.id <> all ($1)"
        );
        unrelated.extend(queries::fetch_texts(app, &sql, &[&excluded_ids]).await?);
    }
    Ok(unrelated)
}

/// Returns whether the chains of all tenants are valid.
async fn chains_are_valid(app: &Application) -> Result<bool> {
    let reports = verify::run(&app.superuser_url, None, None).await?;
    Ok(reports.iter().all(|report| report.broken.is_none()))
}

#[test]
fn nothing_in_the_database_names_an_erased_person() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let subject = create_data_subject(app, &admin).await?;
        let before = dump_database(app)?;
        assert!(
            lines_naming_subject(&before).len() > 40,
            "{:#?}",
            lines_naming_subject(&before)
        );
        let students: Vec<Uuid> = vec![subject.user, subject.student];
        // A student's `history` repeats the notes on lessons. Those of the person's classmates
        // name the person, so these rows change, too.
        let excluded_ids = [
            students,
            tests::class_fixture::class_fixture(app).await?.students,
        ]
        .concat();
        let money = unrelated_data(app, &excluded_ids).await?;

        let receipt = erase(app, &admin, subject.user).await?.expect(200).json();
        assert_eq!(lines_naming_subject(&dump_database(app)?), [""; 0]);
        assert_eq!(unrelated_data(app, &excluded_ids).await?, money);
        assert!(chains_are_valid(app).await?);
        for table in [
            "users",
            "students",
            "assessments",
            "requests",
            "notifications",
            "finance_records",
            "inventory",
        ] {
            assert!(
                receipt["counts"][table].as_i64() >= Some(1),
                "{table}: {receipt}"
            );
        }

        let user = app
            .get(&admin, &format!("/v1/users/{}", subject.user))
            .await?
            .expect(200)
            .json();
        assert_eq!(user["name"], "Erased");
        assert_eq!(
            user["email"],
            json!(format!("erased-{}@erased.invalid", subject.user))
        );
        assert_eq!(
            (&user["phone"], &user["status"]),
            (&json!(null), &json!("inactive"))
        );
        let student = app
            .get(&admin, &format!("/v1/students/{}", subject.student))
            .await?
            .expect(200)
            .json();
        assert_eq!(
            (&student["dob"], &student["special_needs"]),
            (&json!(null), &json!([]))
        );
        app.get(&subject.session, "/v1/auth/me").await?.expect(401);
        let namesake = app
            .get(&admin, &format!("/v1/users/{}", subject.namesake))
            .await?
            .expect(200);
        assert_eq!(namesake.json()["name"], "Orsolya Marchetti");
        Ok(())
    });
}

#[test]
fn texts_of_others_are_redacted_only_where_they_name_the_person() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let subject = create_data_subject(app, &admin).await?;
        erase(app, &admin, subject.user).await?.expect(200);
        let notes = queries::fetch_texts(
            app,
            "select notes from lms.assessments where tenant_id = $1 and student_id <> $2 and notes like 'Better than%'",
            &[&admin.tenant, &subject.student],
        )
        .await?;
        assert_eq!(
            notes,
            [
                "Better than: [erased], now [erased] (also [erased], ask Orsolya Marchetti), erased@erased.invalid or \
              <erased@erased.invalid>, [erased], [erased]."
            ]
        );
        let references = queries::fetch_texts(
            app,
            "select reference from lms.finance_records where tenant_id = $1 and reference like 'Cake%'",
            &[&admin.tenant],
        )
        .await?;
        assert_eq!(references, ["Cake for [erased]"]);
        Ok(())
    });
}

#[test]
fn a_rejected_erasure_changes_nothing() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let student = app.user(0, role::STUDENT).id;
        let before = queries::count(app, "lms.erasures", &[]).await?;
        erase(app, &admin, admin.user).await?.expect(409);
        for user in [Uuid::now_v7(), app.user(1, role::STUDENT).id] {
            erase(app, &admin, user).await?.expect(404);
        }
        let path = format!("/v1/privacy/subjects/{student}/erase");
        let rejected = app.post(&admin, &path, json!({})).await?.expect(422);
        assert_eq!(rejected.pointers(), ["/reason"]);
        for role in role::ALL.into_iter().filter(|role| *role != role::ADMIN) {
            let session = app.session(0, role).await?;
            erase(app, &session, student).await?.expect(403);
        }
        let last =
            operations::privacy::erase(&app.superuser_url, "aurora", admin.user, "Why").await;
        assert!(last.is_err_and(|error| error.to_string().contains("last admin")));
        assert_eq!(queries::count(app, "lms.erasures", &[]).await?, before);

        erase(app, &admin, student).await?.expect(200);
        let again = erase(app, &admin, student).await?.expect(409);
        assert!(again.text.contains("already been erased"), "{}", again.text);
        Ok(())
    });
}

#[test]
fn repeating_an_erasure_with_its_idempotency_key_returns_the_same_erasure() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let path = format!(
            "/v1/privacy/subjects/{}/erase",
            app.user(0, role::STUDENT).id
        );
        let body = json!({"reason": "Asked for it."});
        let first = tests::send(finance_records::request_with_key(
            app, &admin, &path, "once", &body,
        ))
        .await?
        .expect(200);
        let again = tests::send(finance_records::request_with_key(
            app, &admin, &path, "once", &body,
        ))
        .await?
        .expect(200);
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(first.json(), again.json());
        let erasures = app
            .get(
                &admin,
                &format!("/v1/erasures?user_id={}", app.user(0, role::STUDENT).id),
            )
            .await?;
        assert_eq!(
            erasures.expect(200).json()["data"].as_array().map(Vec::len),
            Some(1)
        );
        Ok(())
    });
}

#[test]
fn a_person_who_gets_a_new_name_can_be_erased_again() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let subject = create_data_subject(app, &admin).await?;
        erase(app, &admin, subject.user).await?.expect(200);
        let path = format!("/v1/users/{}", subject.user);
        app.patch(&admin, &path, json!({"name": NAMES[0]}))
            .await?
            .expect(200);
        erase(app, &admin, subject.user).await?.expect(200);
        assert_eq!(lines_naming_subject(&dump_database(app)?), [""; 0]);
        assert!(chains_are_valid(app).await?);
        Ok(())
    });
}

#[test]
fn concurrent_writes_during_an_erasure_survive_without_the_name() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let subject = create_data_subject(app, &admin).await?;
        let path = format!("/v1/users/{}", subject.user);
        let (centre, _) = queries::demo_centres(app).await?;
        let writing = async {
            for number in 0..30 {
                let name = NAMES[number % 2];
                let reply = app.patch(&admin, &path, json!({"name": name})).await?;
                // The loop ends with the erasure, so that the erased user does not get the name.
                anyhow::ensure!([200, 503].contains(&reply.status), "{}", reply.text);
                if queries::count(app, "lms.erasures where user_id = $1", &[&subject.user]).await?
                    > 0
                {
                    break;
                }
            }
            Ok(())
        };
        let others = async {
            let mut created = 0;
            for _ in 0..20 {
                let reply = app
                    .post(
                        &admin,
                        "/v1/requests",
                        tests::help_desk::request_body(centre),
                    )
                    .await?;
                anyhow::ensure!([201, 503].contains(&reply.status), "{}", reply.text);
                created += i64::from(reply.status == 201);
            }
            Ok(created)
        };
        let count = "lms.requests where details = 'The screen stays dark.'";
        let before = queries::count(app, count, &[]).await?;
        let (written, created, erased) =
            tokio::join!(writing, others, erase(app, &admin, subject.user));
        let (_, created, _): ((), i64, Value) = (written?, created?, erased?.expect(200).json());
        assert_eq!(queries::count(app, count, &[]).await?, before + created);
        assert!(chains_are_valid(app).await?);
        // A name that was given after the erasure is erased by another one.
        if erase(app, &admin, subject.user).await?.status == 409 {
            let user = app.get(&admin, &path).await?.expect(200).json();
            assert_eq!(user["name"], "Erased");
        }
        assert_eq!(lines_naming_subject(&dump_database(app)?), [""; 0]);
        Ok(())
    });
}

#[test]
fn append_only_tables_are_changed_only_by_an_erasure() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let subject = create_data_subject(app, &admin).await?;
        erase(app, &admin, subject.user).await?.expect(200);
        let client = app.superuser().await?;
        for sql in [
            "update lms.finance_records set reference = 'x'",
            "update lms.request_comments set body = 'x'",
            "update lms.inventory_adjustments set reason = 'x'",
            "update lms.erasures set reason = 'x'",
            "update lms.erasures set redactions_hash = sha256('x')",
            "delete from lms.erasures",
            "truncate lms.erasures",
            "update lms.event_log set state = '{}'",
        ] {
            let rejected = client.batch_execute(sql).await;
            let code = rejected
                .err()
                .and_then(|error| error.code().map(|code| code.code().to_owned()));
            assert_eq!(code.as_deref(), Some("42501"), "{sql}");
        }
        Ok(())
    });
}

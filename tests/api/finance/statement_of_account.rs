//! Statements of account: what they say, to whom, and as a file.

use anyhow::{Context, Result};
use http::Method;
use serde_json::{Value, json};
use tests::{
    Application, Reply, Session,
    book::{record, reverse},
    people, role, rows, run, send,
};
use uuid::Uuid;

pub(crate) const PATH: &str = "/v1/finance-records/statement";

/// A parent with two children in two centres, of whom the parent is first contact and guardian.
pub(crate) struct Family {
    pub(crate) parent: Uuid,
    pub(crate) home: Uuid,
    pub(crate) away: Uuid,
    pub(crate) child: Uuid,
    pub(crate) sibling: Uuid,
}

pub(crate) async fn family(app: &Application, admin: &Session) -> Result<Family> {
    let (home, away) = rows::centres(app).await?;
    let parent = people::user(app, admin, "parent", home).await?;
    let child = people::student(app, admin, home).await?;
    let sibling = people::student(app, admin, away).await?;
    let body = json!({"parent_id": parent});
    app.patch(admin, &format!("/v1/students/{child}"), body)
        .await?
        .expect(200);
    let body = json!({"user_id": parent, "student_id": sibling, "relationship": "guardian"});
    app.post(admin, "/v1/guardians", body).await?.expect(201);
    Ok(Family {
        parent,
        home,
        away,
        child,
        sibling,
    })
}

/// A payment or a reimbursement of a student, on a day.
pub(crate) fn entry(centre: Uuid, student: Uuid, kind: &str, amount: &str, day: &str) -> Value {
    json!({
        "centre_id": centre,
        "student_id": student,
        "type": kind,
        "amount": amount,
        "method": "cash",
        "effective_on": day,
    })
}

/// Asks for a statement in a media type.
pub(crate) async fn statement(
    app: &Application,
    session: &Session,
    query: &str,
    media: &str,
) -> Result<Reply> {
    let request = app
        .request(Method::GET, &format!("{PATH}{query}"))
        .bearer_auth(&session.token)
        .header("accept", media);
    send(request).await
}

async fn content(app: &Application, session: &Session, query: &str) -> Result<Value> {
    let reply = statement(app, session, query, "application/json").await?;
    Ok(reply.expect(200).json())
}

/// Some payments of the family in two currencies, one of them taken back. Gives the first number.
async fn booked(app: &Application, finance: &Session, f: &Family) -> Result<u64> {
    let before = entry(f.home, f.child, "payment", "100.50", "2026-02-27");
    let first = record(app, finance, &before).await?["number"]
        .as_u64()
        .context("a number")?;
    let mut payment = entry(f.home, f.child, "payment", "50", "2026-03-01");
    payment["reference"] = json!("=HYPERLINK(\"https://evil.example\")");
    let mistake = record(app, finance, &payment).await?;
    record(
        app,
        finance,
        &entry(f.away, f.sibling, "payment", "20.25", "2026-03-02"),
    )
    .await?;
    let back = json!({"reference": "Paid twice", "effective_on": "2026-03-31"});
    reverse(app, finance, &mistake["id"], &back)
        .await?
        .expect(201);
    record(
        app,
        finance,
        &entry(f.home, f.child, "payment", "7.75", "2026-04-01"),
    )
    .await?;
    let mut yen = entry(f.away, f.sibling, "reimbursement", "5000", "2026-03-31");
    yen["currency"] = json!("JPY");
    record(app, finance, &yen).await?;
    Ok(first)
}

#[test]
fn a_familys_statement_has_every_child_every_centre_and_every_currency() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let finance = app.sign_in(role::FINANCE).await?;
        let f = family(app, &admin).await?;
        let first = booked(app, &finance, &f).await?;
        let query = format!("?user_id={}&from=2026-03-01&to=2026-03-31", f.parent);
        let found = content(app, &finance, &query).await?;
        assert_eq!(
            found["tenant"],
            json!({"id": finance.tenant, "name": "Aurora Learning"})
        );
        assert_eq!(
            found["holder"],
            json!({"user_id": f.parent, "name": "New parent"})
        );
        assert_eq!(
            (&found["from"], &found["to"]),
            (&json!("2026-03-01"), &json!("2026-03-31"))
        );
        let students = found["students"].as_array().context("students")?;
        let mut ids: Vec<&Value> = students
            .iter()
            .map(|student| &student["student_id"])
            .collect();
        ids.sort_by_key(|id| id.to_string());
        let mut expected = [f.child, f.sibling];
        expected.sort_unstable();
        assert_eq!(json!(ids), json!(expected));
        let line = |number: u64, rest: Value| {
            let mut line = json!({
                "number": first + number,
                "student": "New student",
                "method": "cash",
                "reference": null,
                "reverses": null,
                "reversed_by": null,
            });
            for (name, value) in rest.as_object().into_iter().flatten() {
                line[name] = value.clone();
            }
            line
        };
        let mut accounts = found["accounts"].clone();
        for account in accounts.as_array_mut().into_iter().flatten() {
            for entry in account["entries"].as_array_mut().into_iter().flatten() {
                let entry = entry.as_object_mut().context("an entry")?;
                entry.remove("finance_record_id");
            }
        }
        let (home, away) = (
            json!({"centre_id": f.home, "centre": "Riverside", "student_id": f.child}),
            json!({"centre_id": f.away, "centre": "Hillcrest", "student_id": f.sibling}),
        );
        let at = |place: &Value, rest: Value| {
            let mut all = place.clone();
            for (name, value) in rest.as_object().into_iter().flatten() {
                all[name] = value.clone();
            }
            all
        };
        assert_eq!(
            accounts,
            json!([
                {
                    "currency": "EUR",
                    "brought_forward": "100.50",
                    "entries": [
                        line(1, at(&home, json!({"effective_on": "2026-03-01", "type": "payment", "amount": "50.00",
                            "balance": "150.50", "reversed_by": first + 3, "reference": "=HYPERLINK(\"https://evil.example\")"}))),
                        line(2, at(&away, json!({"effective_on": "2026-03-02", "type": "payment", "amount": "20.25", "balance": "170.75"}))),
                        line(3, at(&home, json!({"effective_on": "2026-03-31", "type": "payment", "amount": "-50.00",
                            "balance": "120.75", "reverses": first + 1, "reference": "Paid twice"}))),
                    ],
                    "paid_in": "70.25",
                    "paid_out": "50.00",
                    "carried_forward": "120.75",
                },
                {
                    "currency": "JPY",
                    "brought_forward": "0",
                    "entries": [
                        line(5, at(&away, json!({"effective_on": "2026-03-31", "type": "reimbursement", "amount": "-5000", "balance": "-5000"}))),
                    ],
                    "paid_in": "0",
                    "paid_out": "5000",
                    "carried_forward": "-5000",
                },
            ])
        );
        Ok(())
    });
}

#[test]
fn a_file_has_a_line_for_each_entry_and_no_formula() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let finance = app.sign_in(role::FINANCE).await?;
        let f = family(app, &admin).await?;
        let first = booked(app, &finance, &f).await?;
        let query = format!("?student_id={}&from=2026-03-01&to=2026-03-31", f.child);
        let file = statement(app, &finance, &query, "text/csv")
            .await?
            .expect(200);
        assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
        assert_eq!(
            file.header("content-disposition"),
            "attachment; filename=\"statement.csv\""
        );
        assert_eq!(file.header("cache-control"), "no-store");
        let expected = format!(
            "line,currency,effective_on,number,centre,student,type,method,reference,amount,balance,reverses,reversed_by\r\n\
            brought_forward,EUR,2026-03-01,,,,,,,,100.50,,\r\n\
            entry,EUR,2026-03-01,{},Riverside,New student,payment,cash,\"'=HYPERLINK(\"\"https://evil.example\"\")\",50.00,150.50,,{}\r\n\
            entry,EUR,2026-03-31,{},Riverside,New student,payment,cash,Paid twice,-50.00,100.50,{},\r\n\
            carried_forward,EUR,2026-03-31,,,,,,,,100.50,,\r\n",
            first + 1,
            first + 3,
            first + 3,
            first + 1,
        );
        assert_eq!(file.text, expected);
        let reply = statement(app, &finance, &query, "application/pdf")
            .await?
            .expect(406);
        assert!(reply.text.contains("text/html"), "{}", reply.text);
        Ok(())
    });
}

#[test]
fn a_student_and_a_parent_have_their_own_by_default() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let own = people::own_student(app).await?;
        let student = app.sign_in(role::STUDENT).await?;
        let found = content(app, &student, "").await?;
        assert_eq!(found["students"][0]["student_id"], json!(own));
        assert_eq!(found["holder"]["user_id"], json!(student.user));
        let today = rows::texts(
            app,
            "select d.day::text from lms.students as s
            join lms.centres as c on c.id = s.centre_id
            cross join lateral (select (now() at time zone c.time_zone)::date as today) as t
            cross join lateral (values (t.today), (date_trunc('month', t.today)::date)) as d (day)
            where s.id = $1",
            &[&own],
        )
        .await?;
        assert_eq!(
            (&found["to"], &found["from"]),
            (&json!(today[0]), &json!(today[1]))
        );
        assert_eq!(
            found["accounts"][0]["entries"].as_array().map(Vec::len),
            Some(1)
        );

        let parent = app.sign_in(role::PARENT).await?;
        let found = content(app, &parent, "").await?;
        assert_eq!(found["holder"]["user_id"], json!(parent.user));
        let children = rows::count(
            app,
            "lms.students as s where s.parent_id = $1
            or exists (select from lms.guardians as g where g.student_id = s.id and g.user_id = $1)",
            &[&parent.user],
        )
        .await?;
        assert!(children > 1);
        assert_eq!(
            found["students"].as_array().map(|list| list.len() as i64),
            Some(children)
        );
        let explicit = content(app, &parent, &format!("?user_id={}", parent.user)).await?;
        assert_eq!(explicit["accounts"], found["accounts"]);

        let lone = people::user(app, &admin, "parent", rows::centres(app).await?.0).await?;
        let reply = statement(app, &admin, &format!("?user_id={lone}"), "text/html").await?;
        reply.expect(404);
        Ok(())
    });
}

#[test]
fn each_role_sees_the_statements_of_its_scope() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let f = family(app, &admin).await?;
        booked(app, &app.sign_in(role::FINANCE).await?, &f).await?;
        let own = people::own_student(app).await?;
        let theirs = rows::any(app, 1, "students").await?;
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            // A tutor has statements of the own children alone, and the demo tutor has none.
            let may = !matches!(role, role::ASSESSOR | role::SUPPORT);
            let all = matches!(role, role::ADMIN | role::FINANCE);
            for (query, is_seen) in [
                (format!("?student_id={own}"), true),
                (
                    format!("?student_id={}", f.child),
                    all || role == role::SUPERVISOR,
                ),
                (format!("?student_id={}", f.sibling), all),
                (
                    format!("?user_id={}", f.parent),
                    all || role == role::SUPERVISOR,
                ),
                (format!("?student_id={theirs}"), false),
                (format!("?user_id={}", Uuid::now_v7()), false),
            ] {
                let reply = statement(app, &session, &query, "application/json").await?;
                let expected = match (may, is_seen && role != role::TUTOR) {
                    (false, _) => 403,
                    (true, true) => 200,
                    (true, false) => 404,
                };
                assert_eq!(
                    reply.status,
                    expected,
                    "{} {query}: {}",
                    role.name(),
                    reply.text
                );
            }
        }
        // Of a family in two centres a supervisor sees what is of the own one.
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let query = format!("?user_id={}&from=2026-01-01&to=2026-12-31", f.parent);
        let found = content(app, &supervisor, &query).await?;
        assert_eq!(found["students"].as_array().map(Vec::len), Some(1));
        assert_eq!(found["accounts"].as_array().map(Vec::len), Some(1));
        assert_eq!(found["accounts"][0]["carried_forward"], "108.25");
        Ok(())
    });
}

#[test]
fn what_is_asked_for_wrongly_is_refused_by_name() {
    run(async |app| {
        let finance = app.sign_in(role::FINANCE).await?;
        let student = people::own_student(app).await?;
        for (query, pointer) in [
            (String::new(), "?student_id"),
            ("?from=2026-01-01".to_owned(), "?student_id"),
            (
                format!("?student_id={student}&user_id={student}"),
                "?user_id",
            ),
            (
                format!("?student_id={student}&from=2026-03-02&to=2026-03-01"),
                "?to",
            ),
            (format!("?student_id={student}&from=2026-02-30"), "?from"),
            ("?student_id=7".to_owned(), "?student_id"),
            (format!("?student_id={student}&format=pdf"), "?format"),
        ] {
            let reply = statement(app, &finance, &query, "text/html")
                .await?
                .expect(400);
            assert_eq!(reply.pointers(), [pointer], "{}", reply.text);
            assert_eq!(reply.header("content-type"), "application/problem+json");
        }
        Ok(())
    });
}

#[test]
fn what_was_booked_for_a_student_is_in_the_statements_of_staff_when_the_student_is_deleted() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let finance = app.sign_in(role::FINANCE).await?;
        let f = family(app, &admin).await?;
        booked(app, &finance, &f).await?;
        let of_child = format!("?student_id={}&from=2026-03-01&to=2026-03-31", f.child);
        let of_family = format!("?user_id={}&from=2026-03-01&to=2026-03-31", f.parent);
        let mut before = Vec::new();
        for query in [&of_child, &of_family] {
            before.push(content(app, &finance, query).await?["accounts"].clone());
        }
        app.delete(&admin, &format!("/v1/students/{}", f.child))
            .await?
            .expect(204);
        for (query, before) in [&of_child, &of_family].into_iter().zip(before) {
            let accounts = content(app, &finance, query).await?["accounts"].clone();
            assert_eq!(accounts, before, "{query}");
        }
        // Nobody asks about a deleted student for whom nothing was booked.
        let other = people::student(app, &admin, f.home).await?;
        app.delete(&admin, &format!("/v1/students/{other}"))
            .await?
            .expect(204);
        let query = format!("?student_id={other}");
        let reply = statement(app, &finance, &query, "application/json").await?;
        reply.expect(404);
        Ok(())
    });
}

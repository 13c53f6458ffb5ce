//! Tests statements of account: their content, the access to them, and their export.

mod scope;

use anyhow::{Context, Result};
use http::Method;
use serde_json::{Value, json};
use tests::{
    Application, Reply, Session,
    finance_records::{create, reverse},
    fixtures, queries, role, run, send,
};
use uuid::Uuid;

pub(crate) const PATH: &str = "/v1/finance-records/statement";

/// A parent of two children in two centres: the first contact of one, and a guardian of the other.
pub(crate) struct Family {
    pub(crate) parent: Uuid,
    pub(crate) own_centre: Uuid,
    pub(crate) other_centre: Uuid,
    pub(crate) child: Uuid,
    pub(crate) sibling: Uuid,
}

pub(crate) async fn family(app: &Application, admin: &Session) -> Result<Family> {
    let (own_centre, other_centre) = queries::demo_centres(app).await?;
    let parent = fixtures::create_user(app, admin, "parent", own_centre).await?;
    let child = fixtures::create_student(app, admin, own_centre).await?;
    let sibling = fixtures::create_student(app, admin, other_centre).await?;
    let body = json!({"parent_id": parent});
    app.patch(admin, &format!("/v1/students/{child}"), body)
        .await?
        .expect(200);
    let body = json!({"user_id": parent, "student_id": sibling, "relationship": "guardian"});
    app.post(admin, "/v1/guardians", body).await?.expect(201);
    Ok(Family {
        parent,
        own_centre,
        other_centre,
        child,
        sibling,
    })
}

/// Returns the body of a payment or a reimbursement of a student on a date.
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

/// Requests a statement in a media type.
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

/// Creates finance records of the family in two currencies, one of them reversed, and returns the
/// number of the first.
async fn create_records(app: &Application, finance: &Session, family: &Family) -> Result<u64> {
    let before = entry(
        family.own_centre,
        family.child,
        "payment",
        "100.50",
        "2026-02-27",
    );
    let first = create(app, finance, &before).await?["number"]
        .as_u64()
        .context("a number")?;
    let mut payment = entry(
        family.own_centre,
        family.child,
        "payment",
        "50",
        "2026-03-01",
    );
    payment["reference"] = json!("=HYPERLINK(\"https://evil.example\")");
    let mistake = create(app, finance, &payment).await?;
    create(
        app,
        finance,
        &entry(
            family.other_centre,
            family.sibling,
            "payment",
            "20.25",
            "2026-03-02",
        ),
    )
    .await?;
    let reversal_body = json!({"reference": "Paid twice", "effective_on": "2026-03-31"});
    reverse(app, finance, &mistake["id"], &reversal_body)
        .await?
        .expect(201);
    create(
        app,
        finance,
        &entry(
            family.own_centre,
            family.child,
            "payment",
            "7.75",
            "2026-04-01",
        ),
    )
    .await?;
    let mut yen = entry(
        family.other_centre,
        family.sibling,
        "reimbursement",
        "5000",
        "2026-03-31",
    );
    yen["currency"] = json!("JPY");
    create(app, finance, &yen).await?;
    Ok(first)
}

#[test]
fn a_familys_statement_covers_every_child_centre_and_currency() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let finance = app.sign_in(role::FINANCE).await?;
        let family = family(app, &admin).await?;
        let first = create_records(app, &finance, &family).await?;
        let query = format!("?user_id={}&from=2026-03-01&to=2026-03-31", family.parent);
        let found = content(app, &finance, &query).await?;
        assert_eq!(
            found["tenant"],
            json!({"id": finance.tenant, "name": "Aurora Learning"})
        );
        assert_eq!(
            found["holder"],
            json!({"user_id": family.parent, "name": "New parent"})
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
        let mut expected = [family.child, family.sibling];
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
        let (own_centre, other_centre) = (
            json!({"centre_id": family.own_centre, "centre": "Riverside", "student_id": family.child}),
            json!({"centre_id": family.other_centre, "centre": "Hillcrest", "student_id": family.sibling}),
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
                        line(1, at(&own_centre, json!({"effective_on": "2026-03-01", "type": "payment", "amount": "50.00",
                            "balance": "150.50", "reversed_by": first + 3, "reference": "=HYPERLINK(\"https://evil.example\")"}))),
                        line(2, at(&other_centre, json!({"effective_on": "2026-03-02", "type": "payment", "amount": "20.25", "balance": "170.75"}))),
                        line(3, at(&own_centre, json!({"effective_on": "2026-03-31", "type": "payment", "amount": "-50.00",
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
                        line(5, at(&other_centre, json!({"effective_on": "2026-03-31", "type": "reimbursement", "amount": "-5000", "balance": "-5000"}))),
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
fn a_csv_statement_has_a_row_for_each_entry_and_no_formulas() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let finance = app.sign_in(role::FINANCE).await?;
        let family = family(app, &admin).await?;
        let first = create_records(app, &finance, &family).await?;
        let query = format!("?student_id={}&from=2026-03-01&to=2026-03-31", family.child);
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
fn invalid_parameters_are_rejected_with_the_field_name() {
    run(async |app| {
        let finance = app.sign_in(role::FINANCE).await?;
        let student = fixtures::demo_student(app).await?;
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

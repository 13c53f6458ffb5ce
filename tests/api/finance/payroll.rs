//! Payroll: what a draft comes to, by the lessons of a month and the rates of their days, and who may see it.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::{Application, Reply, Session, book::post, people, role, rows, run, send};
use uuid::Uuid;

use crate::finance::tutor_rates::rate;

pub(crate) const PATH: &str = "/v1/payroll-runs";

/// A tutor without rates in a centre of its own, with a class to give lessons in.
pub(crate) struct Payroll {
    pub(crate) centre: Uuid,
    pub(crate) tutor: Uuid,
    pub(crate) class: Uuid,
}

/// A centre with one tutor.
pub(crate) async fn payroll(
    app: &Application,
    admin: &Session,
    zone: &str,
    currency: &str,
) -> Result<Payroll> {
    let code = format!("c{}", Uuid::now_v7().simple());
    let body = json!({"name": "Lakeside", "code": code, "time_zone": zone, "currency": currency});
    let centre = people::id(
        &app.post(admin, "/v1/centres", body)
            .await?
            .expect(201)
            .json(),
    )?;
    let tutor = people::tutor(app, admin, centre, 5).await?;
    let class = people::class(app, tutor).await?;
    Ok(Payroll {
        centre,
        tutor,
        class,
    })
}

impl Payroll {
    /// A lesson that was given.
    pub(crate) async fn lesson(&self, app: &Application, start: &str, end: &str) -> Result<Uuid> {
        people::lesson(app, self.class, start, end, "completed").await
    }

    /// Asks for the run of a month.
    pub(crate) async fn draft(
        &self,
        app: &Application,
        session: &Session,
        month: &str,
    ) -> Result<Reply> {
        let body = json!({"centre_id": self.centre, "month": month});
        post(app, session, PATH, &body).await
    }

    /// The one item of the run of a month.
    pub(crate) async fn item(
        &self,
        app: &Application,
        session: &Session,
        month: &str,
    ) -> Result<Value> {
        let run = self.draft(app, session, month).await?.expect(200).json();
        let items = run["items"].as_array().context("items")?;
        anyhow::ensure!(items.len() == 1, "{run}");
        Ok(items[0].clone())
    }
}

/// The path of a run.
pub(crate) fn path(run: &Value) -> String {
    format!("{PATH}/{}", run["id"].as_str().unwrap_or_default())
}

/// Books a run.
pub(crate) async fn book(
    app: &Application,
    session: &Session,
    run: &Value,
    body: Value,
) -> Result<Reply> {
    post(app, session, &format!("{}/post", path(run)), &body).await
}

#[test]
fn a_draft_pays_each_lesson_at_the_rate_of_its_day() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let p = payroll(app, &admin, "Europe/Dublin", "EUR").await?;
        rate(app, &admin, p.tutor, "hour", "20", "2026-01-01").await?;
        rate(app, &admin, p.tutor, "lesson", "31", "2026-03-10").await?;
        rate(app, &admin, p.tutor, "hour", "24.60", "2026-03-30").await?;
        // The last evening of February, and the first minutes of April on the clock of the centre.
        p.lesson(app, "2026-02-28T23:15:00Z", "2026-02-28T23:55:00Z")
            .await?;
        p.lesson(app, "2026-03-31T23:00:00Z", "2026-03-31T23:30:00Z")
            .await?;
        // At the hour: 30 minutes before the lessons' rate, then one lesson however long.
        p.lesson(app, "2026-03-01T00:00:00Z", "2026-03-01T00:30:00Z")
            .await?;
        p.lesson(app, "2026-03-10T16:00:00Z", "2026-03-10T19:00:00Z")
            .await?;
        // The clocks go from one to two in this one: two hours, not three, and still at the lesson's rate.
        p.lesson(app, "2026-03-29T00:30:00Z", "2026-03-29T02:30:00Z")
            .await?;
        // The 29th in UTC and the 30th at the centre.
        p.lesson(app, "2026-03-29T23:30:00Z", "2026-03-30T00:20:30Z")
            .await?;
        p.lesson(app, "2026-03-31T22:30:00Z", "2026-03-31T22:59:00Z")
            .await?;
        for (status, start, end) in [
            ("scheduled", "2026-03-20T10:00:00Z", "2026-03-20T11:00:00Z"),
            ("cancelled", "2026-03-20T12:00:00Z", "2026-03-20T13:00:00Z"),
        ] {
            people::lesson(app, p.class, start, end, status).await?;
        }
        let draft = p.draft(app, &admin, "2026-03-01").await?.expect(200).json();
        let expected = json!([{
            "id": draft["items"][0]["id"],
            "tutor_id": p.tutor,
            "tutor_name": "New tutor",
            "lessons": 5,
            "minutes": 30 + 180 + 120 + 50 + 29,
            "first_on": "2026-03-01",
            "last_on": "2026-03-31",
            "rates": [
                {"unit": "hour", "amount": "20.00", "effective_from": "2026-01-01", "lessons": 1, "minutes": 30},
                {"unit": "lesson", "amount": "31.00", "effective_from": "2026-03-10", "lessons": 2, "minutes": 300},
                {"unit": "hour", "amount": "24.60", "effective_from": "2026-03-30", "lessons": 2, "minutes": 79},
            ],
            "late_lessons": [],
            "currency": "EUR",
            // 10 + 62 + 24.60 * 79 / 60
            "amount": "104.39",
            "problem": null,
            "finance_record_id": null,
        }]);
        assert_eq!(draft["items"], expected);
        assert_eq!(
            draft["totals"],
            json!([{"currency": "EUR", "amount": "104.39"}])
        );
        assert_eq!(
            (&draft["status"], &draft["posted_at"]),
            (&json!("draft"), &Value::Null)
        );
        assert_eq!(
            (&draft["month"], &draft["centre_id"]),
            (&json!("2026-03-01"), &json!(p.centre))
        );
        assert_eq!(p.item(app, &admin, "2026-02-01").await?["minutes"], 40);
        assert_eq!(p.item(app, &admin, "2026-04-01").await?["minutes"], 30);
        // Nothing is booked by looking.
        let booked =
            rows::count(app, "lms.finance_records where tutor_id = $1", &[&p.tutor]).await?;
        assert_eq!(booked, 0);
        Ok(())
    });
}

#[test]
fn a_month_begins_and_ends_with_the_centres_days_also_where_midnight_comes_twice() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        // In Havana the clocks went from one back to midnight on the first of November 2026.
        let p = payroll(app, &admin, "America/Havana", "USD").await?;
        rate(app, &admin, p.tutor, "hour", "10", "2026-01-01").await?;
        p.lesson(app, "2026-11-01T03:00:00Z", "2026-11-01T03:50:00Z")
            .await?;
        p.lesson(app, "2026-11-01T04:10:00Z", "2026-11-01T04:55:00Z")
            .await?;
        p.lesson(app, "2026-11-01T05:00:00Z", "2026-11-01T05:30:00Z")
            .await?;
        assert_eq!(p.item(app, &admin, "2026-10-01").await?["minutes"], 50);
        assert_eq!(p.item(app, &admin, "2026-11-01").await?["minutes"], 75);
        let west = payroll(app, &admin, "Pacific/Kiritimati", "AUD").await?;
        rate(app, &admin, west.tutor, "lesson", "10", "2026-01-01").await?;
        west.lesson(app, "2026-02-28T09:30:00Z", "2026-02-28T09:59:00Z")
            .await?;
        west.lesson(app, "2026-02-28T10:00:00Z", "2026-02-28T10:30:00Z")
            .await?;
        assert_eq!(west.item(app, &admin, "2026-02-01").await?["minutes"], 29);
        assert_eq!(west.item(app, &admin, "2026-03-01").await?["minutes"], 30);
        Ok(())
    });
}

#[test]
fn a_sum_is_rounded_once_and_half_up_to_the_coins_of_its_currency() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        for (currency, amount, minutes, expected) in [
            ("EUR", "10.01", &[30][..], "5.01"),
            ("EUR", "0.01", &[29], "0.00"),
            ("EUR", "0.01", &[29, 1], "0.01"),
            ("EUR", "10.00", &[20, 20, 20], "10.00"),
            ("JPY", "1001", &[30], "501"),
            ("JPY", "1000", &[50], "833"),
            ("KWD", "7.125", &[50], "5.938"),
            ("KWD", "0.001", &[29], "0.000"),
        ] {
            let p = payroll(app, &admin, "UTC", currency).await?;
            rate(app, &admin, p.tutor, "hour", amount, "2026-01-01").await?;
            for (day, minutes) in (1..).zip(minutes) {
                let start = format!("2026-03-{day:02}T10:00:00Z");
                let end = format!("2026-03-{day:02}T10:{minutes:02}:00Z");
                p.lesson(app, &start, &end).await?;
            }
            let item = p.item(app, &admin, "2026-03-01").await?;
            assert_eq!(item["amount"], expected, "{currency} {amount} {minutes:?}");
            assert_eq!(item["currency"], currency);
        }
        Ok(())
    });
}

#[test]
fn what_is_asked_for_wrongly_is_refused_with_its_field() {
    run(async |app| {
        let finance = app.sign_in(role::FINANCE).await?;
        let (home, _) = rows::centres(app).await?;
        let run = rows::any(app, 0, "payroll_runs").await?;
        let theirs = rows::any(app, 1, "centres").await?;
        let before = rows::written(app).await?;
        for (body, pointer) in [
            (json!({"centre_id": home, "month": "2026-03-02"}), "/month"),
            (json!({"centre_id": home, "month": "2026-13-01"}), "/month"),
            (json!({"centre_id": home}), "/month"),
            (json!({"month": "2026-03-01"}), "/centre_id"),
            (
                json!({"centre_id": Uuid::now_v7(), "month": "2026-03-01"}),
                "/centre_id",
            ),
            (
                json!({"centre_id": theirs, "month": "2026-03-01"}),
                "/centre_id",
            ),
            (
                json!({"centre_id": home, "month": "2026-03-01", "tutor_id": home}),
                "/tutor_id",
            ),
        ] {
            let reply = post(app, &finance, PATH, &body).await?.expect(422);
            assert_eq!(reply.pointers(), [pointer], "{}", reply.text);
        }
        let path = format!("{PATH}/{run}/post");
        for (body, pointer) in [
            (json!({}), "/method"),
            (json!({"method": "gold"}), "/method"),
            (
                json!({"method": "cash", "effective_on": "1999-01-01"}),
                "/effective_on",
            ),
            (
                json!({"method": "cash", "effective_on": "tomorrow"}),
                "/effective_on",
            ),
        ] {
            let reply = post(app, &finance, &path, &body).await?.expect(422);
            assert_eq!(reply.pointers(), [pointer], "{}", reply.text);
        }
        let body = json!({"centre_id": home, "month": "2026-03-01"});
        app.post(&finance, PATH, body).await?.expect(428);
        app.post(&finance, &path, json!({"method": "cash"}))
            .await?
            .expect(428);
        let nowhere = format!("{PATH}/{}", Uuid::now_v7());
        app.get(&finance, &nowhere).await?.expect(404);
        post(
            app,
            &finance,
            &format!("{nowhere}/post"),
            &json!({"method": "cash"}),
        )
        .await?
        .expect(404);
        assert_eq!(rows::written(app).await?, before);
        Ok(())
    });
}

#[test]
fn each_role_sees_the_runs_of_its_scope() {
    run(async |app| {
        let (home, away) = rows::centres(app).await?;
        let of = async |centre: Uuid| {
            rows::id(
                app,
                "select id from lms.payroll_runs where centre_id = $1",
                &[&centre],
            )
            .await
        };
        let (near, far) = (of(home).await?, of(away).await?);
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            let body = json!({"centre_id": home, "month": "2026-01-01"});
            let made = post(app, &session, PATH, &body).await?;
            let writes = matches!(role, role::ADMIN | role::FINANCE);
            assert_eq!(made.status, if writes { 200 } else { 403 }, "{}", made.text);
            let path = format!("{PATH}/{far}/post");
            let posted = post(app, &session, &path, &json!({"method": "gold"})).await?;
            assert_eq!(posted.status, if writes { 422 } else { 403 });
            if !writes && role != role::SUPERVISOR {
                app.get(&session, PATH).await?.expect(403);
                app.get(&session, &format!("{PATH}/{near}"))
                    .await?
                    .expect(403);
                continue;
            }
            let shown = app
                .get(&session, &format!("{PATH}/{near}"))
                .await?
                .expect(200);
            let items = shown.json()["items"].as_array().map_or(0, Vec::len);
            assert!(items > 0, "{}", shown.text);
            let request = app
                .request(http::Method::GET, &format!("{PATH}/{near}"))
                .bearer_auth(&session.token)
                .header("if-none-match", shown.header("etag"));
            send(request).await?.expect(304);
            let expected = if writes { 200 } else { 404 };
            app.get(&session, &format!("{PATH}/{far}"))
                .await?
                .expect(expected);
            let list = app
                .get(&session, &format!("{PATH}?centre_id={away}"))
                .await?
                .expect(200)
                .json();
            assert_eq!(
                list["data"].as_array().is_some_and(|data| !data.is_empty()),
                writes
            );
        }
        Ok(())
    });
}

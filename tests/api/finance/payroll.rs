//! Tests payroll drafts, computed from the lessons of a month and the rates of their dates, and the access to them.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::{
    Application, Reply, Session, finance_records::post_with_new_key, fixtures, queries, role, run,
    send,
};
use uuid::Uuid;

use crate::finance::tutor_rates::rate;

pub(crate) const PATH: &str = "/v1/payroll-runs";

/// A centre with one tutor, who has no rates, and a class for lessons.
pub(crate) struct Payroll {
    pub(crate) centre: Uuid,
    pub(crate) tutor: Uuid,
    pub(crate) class: Uuid,
}

/// Creates a centre with one tutor.
pub(crate) async fn payroll(
    app: &Application,
    admin: &Session,
    zone: &str,
    currency: &str,
) -> Result<Payroll> {
    let code = format!("c{}", Uuid::now_v7().simple());
    let body = json!({"name": "Lakeside", "code": code, "time_zone": zone, "currency": currency});
    let centre = fixtures::parse_id(
        &app.post(admin, "/v1/centres", body)
            .await?
            .expect(201)
            .json(),
    )?;
    let tutor = fixtures::create_tutor(app, admin, centre, 5).await?;
    let class = fixtures::insert_class(app, tutor).await?;
    Ok(Payroll {
        centre,
        tutor,
        class,
    })
}

impl Payroll {
    /// Inserts a completed lesson.
    pub(crate) async fn insert_lesson(
        &self,
        app: &Application,
        start: &str,
        end: &str,
    ) -> Result<Uuid> {
        fixtures::insert_lesson(app, self.class, start, end, "completed").await
    }

    /// Drafts the payroll run of a month.
    pub(crate) async fn draft(
        &self,
        app: &Application,
        session: &Session,
        month: &str,
    ) -> Result<Reply> {
        let body = json!({"centre_id": self.centre, "month": month});
        post_with_new_key(app, session, PATH, &body).await
    }

    /// Drafts the run of a month and returns its only item.
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

/// Returns the path of a run.
pub(crate) fn path(run: &Value) -> String {
    format!("{PATH}/{}", run["id"].as_str().unwrap_or_default())
}

/// Posts a run.
pub(crate) async fn post_run(
    app: &Application,
    session: &Session,
    run: &Value,
    body: Value,
) -> Result<Reply> {
    post_with_new_key(app, session, &format!("{}/post", path(run)), &body).await
}

#[test]
fn a_draft_pays_each_lesson_at_the_rate_of_its_date() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = payroll(app, &admin, "Europe/Dublin", "EUR").await?;
        rate(app, &admin, fixture.tutor, "hour", "20", "2026-01-01").await?;
        rate(app, &admin, fixture.tutor, "lesson", "31", "2026-03-10").await?;
        rate(app, &admin, fixture.tutor, "hour", "24.60", "2026-03-30").await?;
        // The first lesson is on the last evening of February and the second in the first minutes of April, in the centre's time.
        fixture
            .insert_lesson(app, "2026-02-28T23:15:00Z", "2026-02-28T23:55:00Z")
            .await?;
        fixture
            .insert_lesson(app, "2026-03-31T23:00:00Z", "2026-03-31T23:30:00Z")
            .await?;
        // The first lesson of March is paid by the hour. The second is paid per lesson, whatever
        // its length.
        fixture
            .insert_lesson(app, "2026-03-01T00:00:00Z", "2026-03-01T00:30:00Z")
            .await?;
        fixture
            .insert_lesson(app, "2026-03-10T16:00:00Z", "2026-03-10T19:00:00Z")
            .await?;
        // The clocks go forward during this lesson: it lasts two hours, not three, and is still
        // paid per lesson.
        fixture
            .insert_lesson(app, "2026-03-29T00:30:00Z", "2026-03-29T02:30:00Z")
            .await?;
        // The date is the 29th in UTC and the 30th at the centre.
        fixture
            .insert_lesson(app, "2026-03-29T23:30:00Z", "2026-03-30T00:20:30Z")
            .await?;
        fixture
            .insert_lesson(app, "2026-03-31T22:30:00Z", "2026-03-31T22:59:00Z")
            .await?;
        for (status, start, end) in [
            ("scheduled", "2026-03-20T10:00:00Z", "2026-03-20T11:00:00Z"),
            ("cancelled", "2026-03-20T12:00:00Z", "2026-03-20T13:00:00Z"),
        ] {
            fixtures::insert_lesson(app, fixture.class, start, end, status).await?;
        }
        let draft = fixture
            .draft(app, &admin, "2026-03-01")
            .await?
            .expect(200)
            .json();
        let expected = json!([{
            "id": draft["items"][0]["id"],
            "tutor_id": fixture.tutor,
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
            (&json!("2026-03-01"), &json!(fixture.centre))
        );
        assert_eq!(
            fixture.item(app, &admin, "2026-02-01").await?["minutes"],
            40
        );
        assert_eq!(
            fixture.item(app, &admin, "2026-04-01").await?["minutes"],
            30
        );
        // Reading a draft posts nothing.
        let booked = queries::count(
            app,
            "lms.finance_records where tutor_id = $1",
            &[&fixture.tutor],
        )
        .await?;
        assert_eq!(booked, 0);
        Ok(())
    });
}

#[test]
fn a_month_starts_and_ends_at_the_centres_midnight_even_if_it_occurs_twice() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        // In Havana, clocks went from one back to midnight on 1 November 2026.
        let fixture = payroll(app, &admin, "America/Havana", "USD").await?;
        rate(app, &admin, fixture.tutor, "hour", "10", "2026-01-01").await?;
        fixture
            .insert_lesson(app, "2026-11-01T03:00:00Z", "2026-11-01T03:50:00Z")
            .await?;
        fixture
            .insert_lesson(app, "2026-11-01T04:10:00Z", "2026-11-01T04:55:00Z")
            .await?;
        fixture
            .insert_lesson(app, "2026-11-01T05:00:00Z", "2026-11-01T05:30:00Z")
            .await?;
        assert_eq!(
            fixture.item(app, &admin, "2026-10-01").await?["minutes"],
            50
        );
        assert_eq!(
            fixture.item(app, &admin, "2026-11-01").await?["minutes"],
            75
        );
        let kiritimati = payroll(app, &admin, "Pacific/Kiritimati", "AUD").await?;
        rate(app, &admin, kiritimati.tutor, "lesson", "10", "2026-01-01").await?;
        kiritimati
            .insert_lesson(app, "2026-02-28T09:30:00Z", "2026-02-28T09:59:00Z")
            .await?;
        kiritimati
            .insert_lesson(app, "2026-02-28T10:00:00Z", "2026-02-28T10:30:00Z")
            .await?;
        let february = kiritimati.item(app, &admin, "2026-02-01").await?;
        assert_eq!(february["minutes"], 29);
        let march = kiritimati.item(app, &admin, "2026-03-01").await?;
        assert_eq!(march["minutes"], 30);
        Ok(())
    });
}

#[test]
fn a_sum_is_rounded_once_and_half_up_to_the_currencys_decimals() {
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
            let fixture = payroll(app, &admin, "UTC", currency).await?;
            rate(app, &admin, fixture.tutor, "hour", amount, "2026-01-01").await?;
            for (day, minutes) in (1..).zip(minutes) {
                let start = format!("2026-03-{day:02}T10:00:00Z");
                let end = format!("2026-03-{day:02}T10:{minutes:02}:00Z");
                fixture.insert_lesson(app, &start, &end).await?;
            }
            let item = fixture.item(app, &admin, "2026-03-01").await?;
            assert_eq!(item["amount"], expected, "{currency} {amount} {minutes:?}");
            assert_eq!(item["currency"], currency);
        }
        Ok(())
    });
}

#[test]
fn invalid_payroll_runs_are_rejected_with_the_field() {
    run(async |app| {
        let finance = app.sign_in(role::FINANCE).await?;
        let (centre, _) = queries::demo_centres(app).await?;
        let run = queries::first_id(app, 0, "payroll_runs").await?;
        let other_tenant_centre = queries::first_id(app, 1, "centres").await?;
        let before = queries::write_counters(app).await?;
        for (body, pointer) in [
            (
                json!({"centre_id": centre, "month": "2026-03-02"}),
                "/month",
            ),
            (
                json!({"centre_id": centre, "month": "2026-13-01"}),
                "/month",
            ),
            (json!({"centre_id": centre}), "/month"),
            (json!({"month": "2026-03-01"}), "/centre_id"),
            (
                json!({"centre_id": Uuid::now_v7(), "month": "2026-03-01"}),
                "/centre_id",
            ),
            (
                json!({"centre_id": other_tenant_centre, "month": "2026-03-01"}),
                "/centre_id",
            ),
            (
                json!({"centre_id": centre, "month": "2026-03-01", "tutor_id": centre}),
                "/tutor_id",
            ),
        ] {
            let reply = post_with_new_key(app, &finance, PATH, &body)
                .await?
                .expect(422);
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
            let reply = post_with_new_key(app, &finance, &path, &body)
                .await?
                .expect(422);
            assert_eq!(reply.pointers(), [pointer], "{}", reply.text);
        }
        let body = json!({"centre_id": centre, "month": "2026-03-01"});
        app.post(&finance, PATH, body).await?.expect(428);
        app.post(&finance, &path, json!({"method": "cash"}))
            .await?
            .expect(428);
        let unknown_run = format!("{PATH}/{}", Uuid::now_v7());
        app.get(&finance, &unknown_run).await?.expect(404);
        post_with_new_key(
            app,
            &finance,
            &format!("{unknown_run}/post"),
            &json!({"method": "cash"}),
        )
        .await?
        .expect(404);
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn each_role_sees_the_payroll_runs_within_its_scope() {
    run(async |app| {
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        let run_of_centre = async |centre: Uuid| {
            queries::fetch_id(
                app,
                "select id from lms.payroll_runs where centre_id = $1",
                &[&centre],
            )
            .await
        };
        let own_centre_run = run_of_centre(own_centre).await?;
        let other_centre_run = run_of_centre(other_centre).await?;
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            let body = json!({"centre_id": own_centre, "month": "2026-01-01"});
            let reply = post_with_new_key(app, &session, PATH, &body).await?;
            let writes = matches!(role, role::ADMIN | role::FINANCE);
            reply.expect(if writes { 200 } else { 403 });
            let path = format!("{PATH}/{other_centre_run}/post");
            let gold = json!({"method": "gold"});
            let posted = post_with_new_key(app, &session, &path, &gold).await?;
            assert_eq!(posted.status, if writes { 422 } else { 403 });
            if !writes && role != role::SUPERVISOR {
                app.get(&session, PATH).await?.expect(403);
                app.get(&session, &format!("{PATH}/{own_centre_run}"))
                    .await?
                    .expect(403);
                continue;
            }
            let shown = app
                .get(&session, &format!("{PATH}/{own_centre_run}"))
                .await?
                .expect(200);
            let items = shown.json()["items"].as_array().map_or(0, Vec::len);
            assert!(items > 0, "{}", shown.text);
            let request = app
                .request(http::Method::GET, &format!("{PATH}/{own_centre_run}"))
                .bearer_auth(&session.token)
                .header("if-none-match", shown.header("etag"));
            send(request).await?.expect(304);
            let expected = if writes { 200 } else { 404 };
            app.get(&session, &format!("{PATH}/{other_centre_run}"))
                .await?
                .expect(expected);
            let list = app
                .get(&session, &format!("{PATH}?centre_id={other_centre}"))
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

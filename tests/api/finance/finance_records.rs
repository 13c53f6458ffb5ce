//! Tests finance records: the fields of each type, amounts as text, and reversals.

use serde_json::{Value, json};
use tests::{
    finance_records::{create, journal_entries, payment_body, post_with_new_key, reverse},
    fixtures, queries, role, run,
};
use uuid::Uuid;

#[test]
fn a_record_gets_a_number_a_date_and_its_centres_currency_by_default() {
    run(async |app| {
        let finance = app.sign_in(role::FINANCE).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let last = queries::count(
            app,
            "lms.finance_records where tenant_id = $1",
            &[&finance.tenant],
        )
        .await?;
        let body = payment_body(app, own_centre, "125.5").await?;
        let reply = post_with_new_key(app, &finance, "/v1/finance-records", &body)
            .await?
            .expect(201);
        let created = reply.json();
        let path = format!(
            "/v1/finance-records/{}",
            created["id"].as_str().unwrap_or_default()
        );
        assert_eq!(reply.header("location"), path);
        assert!(!reply.header("etag").is_empty());
        assert_eq!(created["number"], json!(last + 1));
        assert_eq!(created["amount"], "125.50");
        let facts = queries::fetch_texts(
            app,
            "select currency from lms.centres where id = $1
            union all
            select ((now() at time zone time_zone)::date)::text from lms.centres where id = $1",
            &[&own_centre],
        )
        .await?;
        assert_eq!(created["currency"], facts[0].as_str());
        assert_eq!(created["effective_on"], facts[1].as_str());
        assert_eq!(created["reverses_id"], Value::Null);
        assert_eq!(app.get(&finance, &path).await?.expect(200).json(), created);
        Ok(())
    });
}

#[test]
fn each_type_and_method_has_journal_entries_that_sum_to_zero() {
    run(async |app| {
        let finance = app.sign_in(role::FINANCE).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let student = fixtures::any_student_of(app, own_centre).await?;
        let tutor = fixtures::demo_tutor(app).await?;
        for (kind, party, method, debit, credit) in [
            (
                "payment",
                json!({"student_id": student}),
                "card",
                "card_clearing",
                "tuition_income",
            ),
            (
                "salary",
                json!({"tutor_id": tutor}),
                "transfer",
                "salaries",
                "bank",
            ),
            ("expense", json!({}), "cash", "expenses", "cash"),
            (
                "reimbursement",
                json!({"student_id": student}),
                "card",
                "reimbursements",
                "card_clearing",
            ),
            (
                "reimbursement",
                json!({"tutor_id": tutor}),
                "transfer",
                "reimbursements",
                "bank",
            ),
            ("reimbursement", json!({}), "cash", "reimbursements", "cash"),
        ] {
            let mut body = party;
            for (name, value) in [
                ("centre_id", json!(own_centre)),
                ("type", json!(kind)),
                ("amount", json!("40.10")),
                ("currency", json!("EUR")),
                ("method", json!(method)),
                ("reference", json!("invoice 7")),
                ("effective_on", json!("2026-02-28")),
            ] {
                body[name] = value;
            }
            let created = create(app, &finance, &body).await?;
            for (name, value) in body.as_object().into_iter().flatten() {
                assert_eq!(&created[name], value, "{kind}: {name}");
            }
            let found = journal_entries(app, &finance, &created).await?;
            let expected = [(debit, "40.10"), (credit, "-40.10")];
            assert_eq!(
                found,
                expected.map(|(account, amount)| (account.to_owned(), amount.to_owned()))
            );
        }
        Ok(())
    });
}

#[test]
fn amounts_have_the_decimal_places_of_their_currency() {
    run(async |app| {
        let finance = app.sign_in(role::FINANCE).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        for (currency, amount, stored) in [
            ("EUR", "0.01", "0.01"),
            ("EUR", "7", "7.00"),
            ("EUR", "7.1000", "7.10"),
            ("JPY", "1200", "1200"),
            ("JPY", "1200.00", "1200"),
            ("KWD", "1.5", "1.500"),
            ("KWD", "0.001", "0.001"),
            ("CLF", "0.0001", "0.0001"),
            ("EUR", "999999999999999.99", "999999999999999.99"),
        ] {
            let mut body = payment_body(app, own_centre, amount).await?;
            body["currency"] = json!(currency);
            let created = create(app, &finance, &body).await?;
            assert_eq!(created["amount"], stored, "{amount} {currency}");
            assert_eq!(
                journal_entries(app, &finance, &created).await?[1].1,
                format!("-{stored}")
            );
        }
        Ok(())
    });
}

#[test]
fn a_record_is_reversed_once_and_a_reversal_never() {
    run(async |app| {
        let finance = app.sign_in(role::FINANCE).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let mut body = payment_body(app, own_centre, "125.50").await?;
        body["effective_on"] = json!("2026-01-31");
        let created = create(app, &finance, &body).await?;
        let reversal_body = json!({"reference": "paid twice", "effective_on": "2026-02-01"});
        let reply = reverse(app, &finance, &created["id"], &reversal_body)
            .await?
            .expect(201);
        let reversal = reply.json();
        assert_eq!(
            reply.header("location"),
            format!(
                "/v1/finance-records/{}",
                reversal["id"].as_str().unwrap_or_default()
            )
        );
        assert_eq!(reversal["reverses_id"], created["id"]);
        assert_eq!(
            reversal["number"],
            json!(created["number"].as_i64().map(|number| number + 1))
        );
        assert_eq!(reversal["reference"], "paid twice");
        assert_eq!(reversal["effective_on"], "2026-02-01");
        for name in [
            "centre_id",
            "student_id",
            "tutor_id",
            "amount",
            "currency",
            "type",
            "method",
        ] {
            assert_eq!(reversal[name], created[name], "{name}");
        }
        assert_eq!(
            journal_entries(app, &finance, &reversal).await?,
            [
                ("tuition_income".to_owned(), "125.50".to_owned()),
                ("card_clearing".to_owned(), "-125.50".to_owned()),
            ]
        );

        reverse(app, &finance, &json!(Uuid::now_v7()), &json!({}))
            .await?
            .expect(404);
        let before = queries::write_counters(app).await?;
        let again = reverse(app, &finance, &created["id"], &json!({}))
            .await?
            .expect(409);
        assert!(
            again.text.contains("already been reversed"),
            "{}",
            again.text
        );
        let twice = reverse(app, &finance, &reversal["id"], &json!({}))
            .await?
            .expect(409);
        assert!(twice.text.contains("is a reversal"), "{}", twice.text);
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn a_reversal_takes_effect_today_and_not_before_its_record() {
    run(async |app| {
        let finance = app.sign_in(role::FINANCE).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let today = queries::fetch_texts(
            app,
            "select ((now() at time zone time_zone)::date)::text from lms.centres where id = $1",
            &[&own_centre],
        )
        .await?;
        for (of_record, expected) in [
            ("2026-01-31", today[0].as_str()),
            ("2190-01-31", "2190-01-31"),
        ] {
            let mut body = payment_body(app, own_centre, "5.00").await?;
            body["effective_on"] = json!(of_record);
            let created = create(app, &finance, &body).await?;
            let before = queries::write_counters(app).await?;
            let early = json!({"effective_on": "2026-01-30"});
            let rejected = reverse(app, &finance, &created["id"], &early)
                .await?
                .expect(422);
            assert_eq!(rejected.pointers(), ["/effective_on"]);
            assert_eq!(queries::write_counters(app).await?, before);
            let reversal = reverse(app, &finance, &created["id"], &json!({}))
                .await?
                .expect(201)
                .json();
            assert_eq!(reversal["effective_on"], expected);
            assert_eq!(reversal["reference"], Value::Null);
        }
        Ok(())
    });
}

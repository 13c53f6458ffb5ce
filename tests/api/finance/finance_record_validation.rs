//! Tests the validation of finance records, and their lists, imports and exports.

use anyhow::Context;
use http::Method;
use serde_json::{Value, json};
use tests::{
    csv::export,
    finance_records::{create, payment_body, post_with_new_key},
    fixtures, queries, role, run, send,
};
use uuid::Uuid;

#[test]
fn invalid_finance_records_are_rejected_with_the_field_name_and_nothing_is_written() {
    run(async |app| {
        let finance = app.sign_in(role::FINANCE).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let tutor = fixtures::demo_tutor(app).await?;
        let valid = payment_body(app, own_centre, "125.50").await?;
        let other_tenant_student = queries::first_id(app, 1, "students").await?;
        let before = queries::write_counters(app).await?;
        for (change, pointers) in [
            (json!({"amount": "-5.00"}), vec!["/amount"]),
            (json!({"amount": "0"}), vec!["/amount"]),
            (json!({"amount": "0.00"}), vec!["/amount"]),
            (json!({"amount": 125.5}), vec!["/amount"]),
            (json!({"amount": 125}), vec!["/amount"]),
            (json!({"amount": null}), vec!["/amount"]),
            (json!({"amount": "1e3"}), vec!["/amount"]),
            (json!({"amount": "1,50"}), vec!["/amount"]),
            (json!({"amount": "NaN"}), vec!["/amount"]),
            (json!({"amount": "1000000000000000"}), vec!["/amount"]),
            (json!({"amount": "1.00001"}), vec!["/amount"]),
            (
                json!({"amount": "1.255", "currency": "EUR"}),
                vec!["/amount"],
            ),
            // The default currency is the centre's, which only the database knows.
            (json!({"amount": "1.255"}), vec!["/amount"]),
            (json!({"amount": "1.5", "currency": "JPY"}), vec!["/amount"]),
            (
                json!({"amount": "1.2555", "currency": "KWD"}),
                vec!["/amount"],
            ),
            (json!({"currency": "EUX"}), vec!["/currency"]),
            (json!({"currency": "XAU"}), vec!["/currency"]),
            (json!({"currency": "eur"}), vec!["/currency"]),
            (json!({"currency": null}), vec!["/currency"]),
            (json!({"student_id": null}), vec!["/student_id"]),
            (
                json!({"student_id": other_tenant_student}),
                vec!["/student_id"],
            ),
            (json!({"student_id": Uuid::now_v7()}), vec!["/student_id"]),
            (json!({"tutor_id": tutor}), vec!["/tutor_id"]),
            (json!({"type": "salary"}), vec!["/tutor_id", "/student_id"]),
            (json!({"type": "expense"}), vec!["/student_id"]),
            (
                json!({"type": "reimbursement", "tutor_id": tutor}),
                vec!["/tutor_id"],
            ),
            (json!({"type": "gift"}), vec!["/type"]),
            (json!({"method": "cheque"}), vec!["/method"]),
            (json!({"centre_id": Uuid::now_v7()}), vec!["/centre_id"]),
            (json!({"effective_on": "2026-02-30"}), vec!["/effective_on"]),
            (json!({"reference": "x".repeat(201)}), vec!["/reference"]),
            (json!({"number": 7}), vec!["/number"]),
            (json!({"reverses_id": Uuid::now_v7()}), vec!["/reverses_id"]),
            (json!({"deleted_at": null}), vec!["/deleted_at"]),
        ] {
            let mut body = valid.clone();
            for (name, value) in change.as_object().into_iter().flatten() {
                body[name] = value.clone();
            }
            let reply = post_with_new_key(app, &finance, "/v1/finance-records", &body)
                .await?
                .expect(422);
            assert_eq!(reply.pointers(), pointers, "{change}: {}", reply.text);
        }
        for name in ["centre_id", "type", "amount", "method"] {
            let mut body = valid.clone();
            body.as_object_mut().context("an object")?.remove(name);
            let reply = post_with_new_key(app, &finance, "/v1/finance-records", &body)
                .await?
                .expect(422);
            assert_eq!(reply.pointers(), [format!("/{name}")]);
        }
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn an_amount_given_as_a_number_is_rejected_with_the_expected_format() {
    run(async |app| {
        let finance = app.sign_in(role::FINANCE).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let mut body = payment_body(app, own_centre, "1").await?;
        body["amount"] = json!(125.5);
        let reply = post_with_new_key(app, &finance, "/v1/finance-records", &body)
            .await?
            .expect(422)
            .json();
        assert_eq!(reply["errors"][0]["code"], "wrong_type");
        let detail = reply["errors"][0]["detail"].as_str().context("a detail")?;
        assert!(detail.contains("\"125.50\""), "{detail}");
        Ok(())
    });
}

#[test]
fn every_write_requires_an_idempotency_key() {
    run(async |app| {
        let finance = app.sign_in(role::FINANCE).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let body = payment_body(app, own_centre, "125.50").await?;
        let created = create(app, &finance, &body).await?;
        let before = queries::write_counters(app).await?;
        let reversal = format!(
            "/v1/finance-records/{}/reverse",
            created["id"].as_str().context("an id")?
        );
        for (path, body) in [("/v1/finance-records", body), (&reversal, json!({}))] {
            let reply = app.post(&finance, path, body).await?.expect(428);
            assert_eq!(reply.json()["type"], "/problems/precondition-required");
            assert!(reply.text.contains("Idempotency-Key"), "{}", reply.text);
        }
        let file = app
            .request(Method::POST, "/v1/finance-records/import")
            .bearer_auth(&finance.token)
            .header("content-type", "text/csv")
            .body("centre_id,type,amount,method\n");
        send(file).await?.expect(428);
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn a_finance_record_cannot_be_updated_or_deleted() {
    run(async |app| {
        let finance = app.sign_in(role::FINANCE).await?;
        let path = format!(
            "/v1/finance-records/{}",
            queries::first_id(app, 0, "finance_records").await?
        );
        let before = queries::write_counters(app).await?;
        for method in [Method::PATCH, Method::DELETE, Method::PUT] {
            let body = (method != Method::DELETE).then(|| json!({"reference": "other"}));
            let reply = app.call(Some(&finance), method, &path, body).await?;
            assert_eq!(reply.expect(405).header("allow"), "GET, HEAD, OPTIONS");
        }
        let restore = format!("{path}/restore");
        post_with_new_key(app, &finance, &restore, &json!({}))
            .await?
            .expect(404);
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn finance_records_are_filtered_and_sorted_by_the_ledgers_columns() {
    run(async |app| {
        let finance = app.sign_in(role::FINANCE).await?;
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        let mut ids = Vec::new();
        for (amount, on) in [
            ("9.00", "2031-03-01"),
            ("10.00", "2031-03-02"),
            ("100.00", "2031-03-03"),
        ] {
            let mut body = payment_body(app, own_centre, amount).await?;
            body["effective_on"] = json!(on);
            body["currency"] = json!("CHF");
            ids.push(create(app, &finance, &body).await?["id"].clone());
        }
        let student = fixtures::any_student_of(app, own_centre).await?;
        for (query, expected) in [
            ("sort=number".to_owned(), vec![0, 1, 2]),
            ("sort=-number".to_owned(), vec![2, 1, 0]),
            ("sort=-effective_on".to_owned(), vec![2, 1, 0]),
            // Amounts are compared as numbers: as text, 9.00 would be the largest.
            ("amount.gte=10&sort=number".to_owned(), vec![1, 2]),
            ("amount.lt=10.00".to_owned(), vec![0]),
            ("amount=100".to_owned(), vec![2]),
            (
                "effective_on.gte=2031-03-02&sort=number".to_owned(),
                vec![1, 2],
            ),
            (format!("centre_id={own_centre}&sort=number"), vec![0, 1, 2]),
            (format!("centre_id={other_centre}"), vec![]),
            (
                format!("student_id={student}&type=payment&method=card&sort=number"),
                vec![0, 1, 2],
            ),
            ("tutor_id.null=false".to_owned(), vec![]),
            (
                "reverses_id.null=true&sort=number".to_owned(),
                vec![0, 1, 2],
            ),
        ] {
            let path = format!("/v1/finance-records?currency=CHF&{query}");
            let body = app.get(&finance, &path).await?.expect(200).json();
            let listed: Vec<Value> = body["data"]
                .as_array()
                .context("data")?
                .iter()
                .map(|one| one["id"].clone())
                .collect();
            let expected: Vec<Value> = expected
                .iter()
                .map(|index: &usize| ids[*index].clone())
                .collect();
            assert_eq!(listed, expected, "{query}");
        }
        for query in [
            "amount=-1",
            "amount=x",
            "amount.like=1*",
            "sort=amount",
            "currency=EUX",
        ] {
            let path = format!("/v1/finance-records?{query}");
            app.get(&finance, &path).await?.expect(400);
        }
        Ok(())
    });
}

#[test]
fn pages_sorted_by_number_have_each_record_once() {
    run(async |app| {
        let finance = app.sign_in(role::FINANCE).await?;
        let (mut numbers, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/v1/finance-records?sort=number&limit=7{cursor}");
            let page = app.get(&finance, &path).await?.expect(200).json();
            let listed = page["data"].as_array().context("data")?;
            numbers.extend(listed.iter().filter_map(|one| one["number"].as_i64()));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let all: Vec<i64> = (1..).take(numbers.len()).collect();
        assert!(numbers.len() > 14);
        assert_eq!(numbers, all);
        Ok(())
    });
}

#[test]
fn an_import_creates_all_or_none_and_can_be_exported() {
    run(async |app| {
        let finance = app.sign_in(role::FINANCE).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let student = fixtures::any_student_of(app, own_centre).await?;
        let import = async |key: &str, file: String| {
            let request = app
                .request(Method::POST, "/v1/finance-records/import")
                .bearer_auth(&finance.token)
                .header("idempotency-key", key)
                .header("content-type", "text/csv")
                .body(file);
            send(request).await
        };
        let header = "centre_id,type,student_id,amount,currency,method,reference,effective_on\n";
        let valid = format!(
            "{header}{own_centre},payment,{student},12.5,,card,first,2031-03-01\n\
            {own_centre},expense,,7,KWD,cash,second,2031-03-02\n"
        );
        let before = queries::write_counters(app).await?;
        for (row, pointer) in [
            (
                format!("{own_centre},payment,,12.50,,card,,"),
                "/4/student_id",
            ),
            (format!("{own_centre},expense,,-1,,card,,"), "/4/amount"),
            (
                format!("{own_centre},expense,,1.255,EUR,card,,"),
                "/4/amount",
            ),
            (format!("{own_centre},expense,,1.255,,card,,"), "/4/amount"),
            (format!("{own_centre},expense,,1,EUX,card,,"), "/4/currency"),
            (
                format!("{},expense,,1,,card,,", Uuid::now_v7()),
                "/4/centre_id",
            ),
        ] {
            let reply = import("refused", format!("{valid}{row}\n"))
                .await?
                .expect(422);
            assert_eq!(reply.pointers(), [pointer], "{}", reply.text);
        }
        assert_eq!(queries::write_counters(app).await?, before);
        let done = import("sound", valid.clone()).await?.expect(201);
        let again = import("sound", valid).await?.expect(201);
        assert_eq!(again.text, done.text);
        let body = app
            .get(
                &finance,
                "/v1/finance-records?effective_on.gte=2031-03-01&sort=number",
            )
            .await?
            .expect(200)
            .json();
        let listed = body["data"].as_array().context("data")?;
        assert_eq!(listed.len(), 2);
        assert_eq!(
            (&listed[0]["amount"], &listed[1]["amount"]),
            (&json!("12.50"), &json!("7.000"))
        );
        let file = export(
            app,
            &finance,
            "/v1/finance-records?effective_on.gte=2031-03-01&sort=number",
        )
        .await?
        .expect(200);
        let cells: Vec<&str> = file
            .text
            .lines()
            .nth(1)
            .context("a row")?
            .split(',')
            .collect();
        let columns: Vec<&str> = file
            .text
            .lines()
            .next()
            .context("a header")?
            .split(',')
            .collect();
        let amount = columns
            .iter()
            .position(|name| *name == "amount")
            .context("amount")?;
        assert_eq!(cells[amount], "12.50");
        Ok(())
    });
}

#[test]
fn the_database_and_the_components_have_the_same_currencies() {
    run(async |app| {
        let rows = app
            .superuser()
            .await?
            .query(
                "select code, digits from lms_private.currencies order by code",
                &[],
            )
            .await?;
        let stored: Vec<(String, usize)> = rows
            .iter()
            .map(|row| {
                (
                    row.get(0),
                    usize::try_from(row.get::<_, i32>(1)).unwrap_or_default(),
                )
            })
            .collect();
        let letters = || 'A'..='Z';
        let known: Vec<(String, usize)> = letters()
            .flat_map(|first| letters().map(move |second| (first, second)))
            .flat_map(|(first, second)| {
                letters().map(move |third| format!("{first}{second}{third}"))
            })
            .filter_map(|code| platform::values::money::digits(&code).map(|digits| (code, digits)))
            .collect();
        assert!(known.len() > 150);
        assert_eq!(stored, known);
        let rejected = queries::execute(app, "update lms.centres set currency = 'EUX'", &[]).await;
        assert!(rejected.is_err_and(|error| format!("{error:?}").contains("No such currency")));
        Ok(())
    });
}

//! Tests that centre financials, a materialized view, equal the ledger.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::{
    Application, Session,
    analytics::refresh,
    finance_records::{create, payment_body, reverse},
    queries, role, run,
};

const PATH: &str = "/v1/analytics/centre-financials";

/// Reads all rows of the list, page by page.
async fn all_rows(app: &Application, session: &Session, limit: u32) -> Result<Vec<Value>> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("{PATH}?limit={limit}{cursor}");
        let page = app.get(session, &path).await?.expect(200).json();
        let data = page["data"].as_array().context("data")?;
        assert!(data.len() <= limit as usize && page["refreshed_at"].is_string());
        found.extend(data.iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(found),
        }
    }
}

/// Computes the figures of the session's tenant from the ledger with a query other than the view's.
async fn figures_from_ledger(app: &Application, session: &Session) -> Result<Vec<Value>> {
    let rows = queries::fetch_texts(
        app,
        "select json_build_object(
          'centre_id', centre_id,
          'month', month,
          'currency', currency,
          'income', sum(signed * (type = 'payment')::integer)::text,
          'salaries', sum(signed * (type = 'salary')::integer)::text,
          'expenses', sum(signed * (type = 'expense')::integer)::text,
          'reimbursements', sum(signed * (type = 'reimbursement')::integer)::text,
          'net', sum(case type when 'payment' then signed else -signed end)::text,
          'records', count(*)
        )::text
        from (
          select
            r.centre_id,
            to_char(r.effective_on, 'YYYY-MM-01') as month,
            r.currency,
            r.type,
            r.amount * (1 - 2 * (r.reverses_id is not null)::integer) as signed
          from lms.finance_records as r
          where r.tenant_id = $1
        ) as book
        group by centre_id, month, currency
        order by centre_id, month, currency",
        &[&session.tenant],
    )
    .await?;
    rows.iter()
        .map(|text| serde_json::from_str(text).context("JSON"))
        .collect()
}

#[test]
fn centre_financials_equal_the_ledger_at_the_last_refresh_within_each_roles_scope() {
    run(async |app| {
        let finance = app.sign_in(role::FINANCE).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        refresh(app).await?;
        let before = all_rows(app, &finance, 200).await?;
        assert_eq!(before, figures_from_ledger(app, &finance).await?);
        for (amount, currency, on) in [
            ("80.00", "EUR", "2031-01-31"),
            ("20.50", "EUR", "2031-01-01"),
            ("1.250", "KWD", "2031-01-31"),
            ("900", "JPY", "2031-02-01"),
        ] {
            let mut body = payment_body(app, own_centre, amount).await?;
            body["currency"] = json!(currency);
            body["effective_on"] = json!(on);
            let created = create(app, &finance, &body).await?;
            if amount == "900" {
                let later = json!({"effective_on": "2031-03-01"});
                reverse(app, &finance, &created["id"], &later)
                    .await?
                    .expect(201);
            }
        }
        assert_eq!(all_rows(app, &finance, 200).await?, before);
        refresh(app).await?;
        let after = all_rows(app, &finance, 200).await?;
        assert_eq!(after, figures_from_ledger(app, &finance).await?);
        let of = |month: &str, currency: &str| {
            after
                .iter()
                .find(|one| one["month"] == month && one["currency"] == currency)
                .cloned()
                .unwrap_or_default()
        };
        assert_eq!(of("2031-01-01", "EUR")["income"], "100.50");
        assert_eq!(of("2031-01-01", "KWD")["net"], "1.250");
        assert_eq!(of("2031-02-01", "JPY")["income"], "900");
        assert_eq!(of("2031-03-01", "JPY")["income"], "-900");
        assert_eq!(all_rows(app, &finance, 2).await?, after);

        for role in role::ALL {
            let session = app.sign_in(role).await?;
            match role {
                role::ADMIN => assert_eq!(all_rows(app, &session, 200).await?, after),
                role::SUPERVISOR => {
                    let own = after
                        .iter()
                        .filter(|one| one["centre_id"] == json!(own_centre));
                    let own: Vec<Value> = own.cloned().collect();
                    assert!(!own.is_empty() && own.len() < after.len());
                    assert_eq!(all_rows(app, &session, 200).await?, own);
                }
                role::FINANCE => {}
                _ => {
                    app.get(&session, PATH).await?.expect(403);
                }
            }
        }
        Ok(())
    });
}

#[test]
fn centre_financials_are_filtered_and_a_cursor_of_another_list_is_rejected() {
    run(async |app| {
        let finance = app.sign_in(role::FINANCE).await?;
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        refresh(app).await?;
        let all = all_rows(app, &finance, 200).await?;
        let month = all[0]["month"].as_str().context("a month")?;
        for (query, expected) in [
            (format!("centre_id={own_centre}"), json!(own_centre)),
            (
                format!("centre_id={other_centre}&from={month}&to={month}"),
                json!(other_centre),
            ),
        ] {
            let body = app
                .get(&finance, &format!("{PATH}?{query}"))
                .await?
                .expect(200)
                .json();
            let data = body["data"].as_array().context("data")?;
            assert!(!data.is_empty() && data.iter().all(|one| one["centre_id"] == expected));
        }
        let none = json!({"data": [], "next_cursor": null, "refreshed_at": null});
        for query in ["currency=JPY", "from=2190-01-01", "to=1950-01-01"] {
            let body = app
                .get(&finance, &format!("{PATH}?{query}"))
                .await?
                .expect(200)
                .json();
            assert_eq!(body, none);
        }
        let page = app
            .get(&finance, "/v1/finance-records?limit=1")
            .await?
            .expect(200)
            .json();
        let other = page["next_cursor"].as_str().context("a cursor")?;
        for cursor in [other, "x", ""] {
            let path = format!("{PATH}?cursor={cursor}");
            assert_eq!(
                app.get(&finance, &path).await?.expect(400).pointers(),
                ["?cursor"]
            );
        }
        Ok(())
    });
}

#[test]
fn centre_financials_of_a_million_records_are_exact_to_the_cent() {
    run(async |app| {
        let finance = app.sign_in(role::FINANCE).await?;
        let client = app.superuser().await?;
        // The rows are inserted in bulk without triggers, as in a restore.
        client
            .batch_execute("set statement_timeout = 0; set session_replication_role = replica")
            .await?;
        let created = client
            .execute(
                "insert into lms.finance_records (
                  tenant_id, number, centre_id, student_id, tutor_id, amount, currency, type, method, effective_on
                )
                select
                  $1,
                  (select max(number) from lms.finance_records where tenant_id = $1) + i,
                  c.ids[1 + i::integer % cardinality(c.ids)],
                  case i % 4 when 0 then s.id end,
                  case i % 4 when 1 then t.id end,
                  round((1 + i * 7919 % 1000003) / 7.0, m.digits),
                  m.code,
                  (array['payment', 'salary', 'expense', 'reimbursement'])[1 + i % 4],
                  (array['card', 'cash', 'transfer'])[1 + i % 3],
                  date '2020-01-01' + (i * 104729 % 1500)::integer
                from generate_series(1::bigint, 1000000) as i
                cross join lateral (
                  select array_agg(id order by id) as ids from lms.centres where tenant_id = $1
                ) as c
                cross join lateral (select min(id::text)::uuid as id from lms.students where tenant_id = $1) as s
                cross join lateral (select min(id::text)::uuid as id from lms.tutors where tenant_id = $1) as t
                join lms_private.currencies as m
                  on m.code = (array['EUR', 'JPY', 'KWD'])[1 + i % 3]",
                &[&finance.tenant],
            )
            .await?;
        assert_eq!(created, 1_000_000);
        let reversed = client
            .execute(
                "insert into lms.finance_records (
                  tenant_id, number, centre_id, student_id, tutor_id, amount, currency, type, method, effective_on, reverses_id
                )
                select
                  tenant_id,
                  1000000 + number,
                  centre_id,
                  student_id,
                  tutor_id,
                  amount,
                  currency,
                  type,
                  method,
                  effective_on + 40,
                  id
                from lms.finance_records
                where tenant_id = $1
                  and number % 97 = 0",
                &[&finance.tenant],
            )
            .await?;
        assert!(reversed > 10_000);
        client
            .batch_execute("set session_replication_role = origin")
            .await?;
        refresh(app).await?;
        let listed = all_rows(app, &finance, 200).await?;
        assert!(listed.len() >= 2 * 3 * 49, "{} rows", listed.len());
        assert_eq!(listed, figures_from_ledger(app, &finance).await?);
        Ok(())
    });
}

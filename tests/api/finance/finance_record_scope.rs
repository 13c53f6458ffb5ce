//! Tests the access of each role to finance records and balances.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::{
    Application, Role, Session,
    finance_records::{create, payment_body, post_with_new_key, reverse},
    fixtures, queries, role, run,
};
use uuid::Uuid;

/// Returns the records that a role may read, as the superuser finds them.
async fn expected(app: &Application, session: &Session, role: Role) -> Result<Vec<String>> {
    let (own_centre, _) = queries::demo_centres(app).await?;
    let scope = match role {
        role::ADMIN | role::FINANCE => "true",
        role::SUPERVISOR => "r.centre_id = $2",
        role::TUTOR => {
            "r.type = 'salary' and r.tutor_id = (select t.id from lms.tutors as t where t.user_id = $3)"
        }
        role::STUDENT => "r.student_id = (select s.id from lms.students as s where s.user_id = $3)",
        role::PARENT => {
            "r.student_id in (
              select s.id from lms.students as s where s.parent_id = $3
              union
              select g.student_id from lms.guardians as g where g.user_id = $3
            )"
        }
        _ => "false",
    };
    let sql = format!(
        "select r.id::text from lms.finance_records as r
        where r.tenant_id = $1 and {scope} and ($2::uuid is not null and $3::uuid is not null)
        order by r.number"
    );
    queries::fetch_texts(app, &sql, &[&session.tenant, &own_centre, &session.user]).await
}

/// Returns the net amount of each currency.
fn nets(balance: &Value) -> BTreeMap<String, String> {
    let figures = balance["data"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    figures
        .map(|one| (text(&one["currency"]), text(&one["net"])))
        .collect()
}

#[test]
fn each_role_reads_the_records_and_balances_within_its_scope() {
    run(async |app| {
        let finance = app.sign_in(role::FINANCE).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let mut body = payment_body(app, own_centre, "80.00").await?;
        body["student_id"] = json!(fixtures::demo_student(app).await?);
        let created = create(app, &finance, &body).await?;
        reverse(app, &finance, &created["id"], &json!({}))
            .await?
            .expect(201);
        body["amount"] = json!("31.20");
        create(app, &finance, &body).await?;
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            let list = app
                .get(&session, "/v1/finance-records?limit=200&sort=number")
                .await?;
            let balance = app.get(&session, "/v1/finance-records/balance").await?;
            if matches!(role, role::ASSESSOR | role::SUPPORT) {
                list.expect(403);
                balance.expect(403);
                continue;
            }
            let found: Vec<String> = list.expect(200).json()["data"]
                .as_array()
                .context("data")?
                .iter()
                .filter_map(|one| one["id"].as_str().map(str::to_owned))
                .collect();
            let expected = expected(app, &session, role).await?;
            assert!(
                !expected.is_empty() && expected.len() < 200,
                "{}",
                role.name()
            );
            assert_eq!(found, expected, "{}", role.name());

            let sums = queries::fetch_texts(
                app,
                "select r.currency || ' ' || sum(
                  case when r.type = 'payment' then r.amount else -r.amount end
                    * case when r.reverses_id is null then 1 else -1 end
                )
                from lms.finance_records as r
                where r.id::text = any ($1)
                group by r.currency",
                &[&expected],
            )
            .await?;
            let sums: BTreeMap<String, String> = sums
                .iter()
                .filter_map(|line| line.split_once(' '))
                .map(|(currency, sum)| (currency.to_owned(), sum.to_owned()))
                .collect();
            assert_eq!(nets(&balance.expect(200).json()), sums, "{}", role.name());
        }
        Ok(())
    });
}

#[test]
fn records_outside_the_scope_are_not_found() {
    run(async |app| {
        let finance = app.sign_in(role::FINANCE).await?;
        let (_, other_centre) = queries::demo_centres(app).await?;
        let created = create(
            app,
            &finance,
            &payment_body(app, other_centre, "12.00").await?,
        )
        .await?;
        let path = format!(
            "/v1/finance-records/{}",
            created["id"].as_str().context("an id")?
        );
        let student = created["student_id"].as_str().context("a student")?;
        for role in [role::STUDENT, role::PARENT, role::TUTOR, role::SUPERVISOR] {
            let session = app.sign_in(role).await?;
            app.get(&session, &path).await?.expect(404);
            for query in [
                format!("centre_id={other_centre}"),
                format!("student_id={student}"),
                format!("tutor_id={}", Uuid::now_v7()),
            ] {
                let path = format!("/v1/finance-records/balance?{query}");
                let balance = app.get(&session, &path).await?.expect(200).json();
                assert_eq!(balance, json!({"data": []}), "{} {query}", role.name());
            }
        }
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        app.get(&supervisor, &format!("{path}/journal-entries"))
            .await?
            .expect(404);
        let proof = format!("/v1/finance-records/reconciliation?centre_id={other_centre}");
        let proof = app.get(&supervisor, &proof).await?.expect(200).json();
        assert_eq!(proof["data"], json!([]));
        Ok(())
    });
}

#[test]
fn only_finance_and_admins_create_records() {
    run(async |app| {
        let (own_centre, _) = queries::demo_centres(app).await?;
        let body = payment_body(app, own_centre, "12.00").await?;
        let finance = app.sign_in(role::FINANCE).await?;
        let created = create(app, &finance, &body).await?;
        let reversal = format!(
            "/v1/finance-records/{}/reverse",
            created["id"].as_str().context("an id")?
        );
        let mut sessions = Vec::new();
        for role in role::ALL {
            if !matches!(role, role::FINANCE | role::ADMIN) {
                sessions.push(app.sign_in(role).await?);
            }
        }
        let before = queries::write_counters(app).await?;
        for session in &sessions {
            post_with_new_key(app, session, "/v1/finance-records", &body)
                .await?
                .expect(403);
            post_with_new_key(app, session, &reversal, &json!({}))
                .await?
                .expect(403);
        }
        assert_eq!(queries::write_counters(app).await?, before);
        let admin = app.sign_in(role::ADMIN).await?;
        post_with_new_key(app, &admin, "/v1/finance-records", &body)
            .await?
            .expect(201);
        post_with_new_key(app, &admin, &reversal, &json!({}))
            .await?
            .expect(201);
        Ok(())
    });
}

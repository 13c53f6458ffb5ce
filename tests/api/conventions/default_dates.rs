//! Tests that default dates are today's date at the centre, not that of the server.

use std::fs;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::{
    Application, Session,
    csv::import,
    finance_records::{post_with_new_key, reverse},
    fixtures, queries, role, run,
};
use uuid::Uuid;

/// Two time zones that never have the same date.
const DISTANT_ZONES: [&str; 2] = ["Pacific/Kiritimati", "Pacific/Pago_Pago"];

async fn centre(app: &Application, admin: &Session, zone: &str) -> Result<Uuid> {
    let code = format!("c{}", Uuid::now_v7().simple());
    let body = json!({"name": "Edge", "code": code, "time_zone": zone, "currency": "USD"});
    fixtures::parse_id(
        &app.post(admin, "/v1/centres", body)
            .await?
            .expect(201)
            .json(),
    )
}

async fn day(app: &Application, zone: &str, offset: i32) -> Result<String> {
    let days = queries::fetch_texts(
        app,
        "select ((now() at time zone $1)::date + $2::integer)::text",
        &[&zone, &offset],
    )
    .await?;
    days.into_iter().next().context("a day")
}

#[test]
fn an_assessment_without_a_date_gets_todays_date_at_the_students_centre() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        for zone in DISTANT_ZONES {
            let centre = centre(app, &admin, zone).await?;
            let student = fixtures::create_student(app, &admin, centre).await?;
            let today = day(app, zone, 0).await?;
            let body = json!({"student_id": student, "type": "custom", "score": 1});
            let created = app.post(&admin, "/v1/assessments", body).await?.expect(201);
            assert_eq!(created.json()["assessed_on"], today, "{zone}");
            let file = format!("student_id,type,score\n{student},custom,2\n");
            import(app, &admin, "/v1/assessments/import", file)
                .await?
                .expect(201);
            let days = queries::fetch_texts(
                app,
                "select distinct assessed_on::text from lms.assessments where student_id = $1",
                &[&student],
            )
            .await?;
            assert_eq!(days, [today], "{zone}");
        }
        Ok(())
    });
}

#[test]
fn an_assessment_cannot_have_a_future_date_at_the_centre() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        for zone in DISTANT_ZONES {
            let centre = centre(app, &admin, zone).await?;
            let student = fixtures::create_student(app, &admin, centre).await?;
            for (offset, status) in [(0, 201), (1, 422)] {
                let body = json!({
                    "student_id": student, "type": "custom", "score": 1, "assessed_on": day(app, zone, offset).await?,
                });
                let reply = app.post(&admin, "/v1/assessments", body).await?;
                assert_eq!(reply.status, status, "{zone} {offset}");
                if status == 422 {
                    assert_eq!(reply.json()["errors"][0]["pointer"], "/assessed_on");
                }
            }
        }
        Ok(())
    });
}

#[test]
fn progress_ends_with_the_current_month_at_the_centre() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        for zone in DISTANT_ZONES {
            let centre = centre(app, &admin, zone).await?;
            let student = fixtures::create_student(app, &admin, centre).await?;
            let last = |body: &Value| {
                let months = body["months"].as_array().map(Vec::as_slice);
                let months = months.unwrap_or_default();
                (
                    months.len(),
                    months.last().map(|month| month["month"].clone()),
                )
            };
            let path = format!("/v1/students/{student}/progress");
            let today = day(app, zone, 0).await?;
            let month = json!(format!("{}-01", &today[..7]));
            let shown = app.get(&admin, &path).await?.expect(200).json();
            assert_eq!(last(&shown), (12, Some(month.clone())), "{zone}");
            let from = format!("{path}?from={today}");
            let shown = app.get(&admin, &from).await?.expect(200).json();
            assert_eq!(last(&shown), (1, Some(month)), "{zone}");
            let in_three_days = day(app, zone, 3).await?;
            app.get(&admin, &format!("{path}?from={in_three_days}"))
                .await?
                .expect(400);
        }
        Ok(())
    });
}

/// Expressions that return the server's date or local time, which belongs to no centre.
const SERVER_DATE_PATTERN: &str = r"(^|[^'])\m(current_date|current_time|localtime|localtimestamp)\M|\m(now\(\)|current_timestamp|clock_timestamp\(\)|transaction_timestamp\(\)|statement_timestamp\(\))\s*::\s*(date|timestamp\M)|'(today|tomorrow|yesterday)'";

#[test]
fn no_database_function_uses_the_servers_date() {
    run(async |app| {
        let client = app.superuser().await?;
        let offenders = client
            .query(
                "select found.what
                from (
                  select p.oid::regprocedure::text as what, pg_get_functiondef(p.oid) as text
                  from pg_proc as p
                  where p.pronamespace in ('lms'::regnamespace, 'lms_private'::regnamespace)
                    and p.prokind in ('f', 'p')
                    -- The event log's months are those of UTC.
                    and p.proname <> 'make_event_partitions'
                    and not exists (
                      select from pg_depend as d where d.objid = p.oid and d.deptype = 'e'
                    )
                  union all
                  select format('%s.%s', d.adrelid::regclass, d.adnum), pg_get_expr(d.adbin, d.adrelid)
                  from pg_attrdef as d
                  union all
                  select c.conname, pg_get_constraintdef(c.oid)
                  from pg_constraint as c
                  where c.connamespace = 'lms'::regnamespace
                  union all
                  select c.relname, pg_get_viewdef(c.oid)
                  from pg_class as c
                  where c.relkind in ('v', 'm')
                    and c.relnamespace in ('lms'::regnamespace, 'lms_private'::regnamespace)
                  union all
                  select p.polname, concat(pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
                  from pg_policy as p
                ) as found
                where lower(found.text) ~ $1",
                &[&SERVER_DATE_PATTERN],
            )
            .await?;
        let offenders: Vec<&str> = offenders.iter().map(|row| row.get(0)).collect();
        assert!(offenders.is_empty(), "{offenders:?}");
        // The recorded SQL statements of the components must not use them either.
        let directory = tests::root().join("tests/golden/sql");
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            let text = fs::read_to_string(&path)?;
            let found = client
                .query_one("select lower($1) ~ $2", &[&text, &SERVER_DATE_PATTERN])
                .await?;
            assert!(!found.get::<_, bool>(0), "{}", path.display());
        }
        Ok(())
    });
}

#[test]
fn payments_and_reversals_without_a_date_get_todays_date_at_the_centre() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        for zone in DISTANT_ZONES {
            let centre = centre(app, &admin, zone).await?;
            let today = day(app, zone, 0).await?;
            let body =
                json!({"centre_id": centre, "type": "expense", "method": "cash", "amount": "5"});
            let created = post_with_new_key(app, &admin, "/v1/finance-records", &body)
                .await?
                .expect(201)
                .json();
            assert_eq!(created["effective_on"], today, "{zone}");
            let back = reverse(app, &admin, &created["id"], &json!({}))
                .await?
                .expect(201)
                .json();
            assert_eq!(back["effective_on"], today, "{zone}");
        }
        Ok(())
    });
}

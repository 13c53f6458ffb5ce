//! Tests the filters of students by need and academic age: the result for each role and the use of an index.

use anyhow::{Context, Result};
use platform::auth::policy::Verb;
use platform::declare::statements::listing::Listing;
use platform::http::request::Request;
use serde_json::Value;
use tests::{Application, Role, Session, queries, role, run};
use tokio_postgres::types::{Json, Type};

/// The number of students in addition to the demo students.
const STUDENTS: i64 = 10_000;

/// Inserts many students, half of them in each centre. Four percent have dyspraxia, about a third
/// have ADHD and autism, and academic ages are between 5.00 and 14.99.
async fn insert_students(app: &Application) -> Result<()> {
    let client = app.superuser().await?;
    let (own_centre, other_centre) = queries::demo_centres(app).await?;
    let tenant = app.demo.tenants[0].id;
    client
        .execute(
            "select set_config('app.tenant_id', $1::text, false)",
            &[&tenant.to_string()],
        )
        .await?;
    // Triggers are off, because the event log is not tested here.
    client
        .batch_execute("set session_replication_role = replica")
        .await?;
    client
        .execute(
            "with made as (
              insert into lms.users (tenant_id, centre_id, name, email, role)
              select $1::uuid, case when n % 2 = 0 then $2::uuid else $3::uuid end, 'Student ' || n, n || '@many.example', 'student'
              from generate_series(1, $4::bigint) as n
              returning id, centre_id, split_part(email, '@', 1)::bigint as n
            )
            insert into lms.students (tenant_id, user_id, centre_id, academic_age, special_needs)
            select
              $1::uuid, id, centre_id,
              jsonb_build_object('reading', 5 + (n % 1000) / 100.0, 'numeracy', 5 + (n % 500) / 50.0),
              case when n % 25 = 0 then '[\"Dyspraxia\"]'::jsonb when n % 3 = 0 then '[\"ADHD\", \"Autism\"]' else '[]' end
            from made",
            &[&tenant, &own_centre, &other_centre, &STUDENTS],
        )
        .await?;
    client
        .batch_execute(
            "set session_replication_role = origin; analyze lms.students; analyze lms.users",
        )
        .await?;
    Ok(())
}

async fn count(app: &Application, session: &Session, query: &str) -> Result<i64> {
    let body = app
        .get(
            session,
            &format!("/v1/students?limit=1&count=exact&{query}"),
        )
        .await?
        .expect(200)
        .json();
    Ok(body["count"].as_i64().unwrap_or(-1))
}

#[test]
fn filters_by_need_and_age_apply_within_each_roles_scope() {
    run(async |app| {
        insert_students(app).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            let scope = match role {
                role::ADMIN | role::FINANCE | role::SUPPORT => "true",
                role::SUPERVISOR | role::ASSESSOR => "s.centre_id = $2",
                role::PARENT => {
                    "(s.parent_id = $3 or s.id in (select g.student_id from lms.guardians as g where g.user_id = $3))"
                }
                role::STUDENT => "s.user_id = $3",
                role::TUTOR => {
                    "s.assigned_tutor_id = (select t.id from lms.tutors as t where t.user_id = $3)"
                }
                other => unreachable!("the role {} has no scope", other.name()),
            };
            for (query, condition) in [
                ("special_needs.has=Autism", "s.special_needs ? 'Autism'"),
                (
                    "special_needs.has=Dyspraxia",
                    "s.special_needs ? 'Dyspraxia'",
                ),
                ("special_needs.has=autism", "false"),
                ("special_needs.has=%27%25", "false"),
                (
                    "academic_age.reading.gte=7.5&academic_age.reading.lt=8",
                    "(s.academic_age->>'reading')::numeric >= 7.5 and (s.academic_age->>'reading')::numeric < 8",
                ),
                (
                    "academic_age.numeracy=9.5",
                    "(s.academic_age->>'numeracy')::numeric = 9.5",
                ),
                (
                    "academic_age.spelling.gt=0&special_needs.has=Autism",
                    "s.special_needs ? 'Autism' and s.academic_age ? 'spelling'",
                ),
                (
                    "special_needs.has=Dyspraxia&academic_age.reading.lte=6",
                    "s.special_needs ? 'Dyspraxia' and (s.academic_age->>'reading')::numeric <= 6",
                ),
            ] {
                let expected = queries::count(
                    app,
                    &format!(
                        "lms.students as s
                        where s.tenant_id = $1 and s.deleted_at is null and {scope} and {condition}
                          and ($2::uuid is not null and $3::uuid is not null)"
                    ),
                    &[&session.tenant, &own_centre, &session.user],
                )
                .await?;
                let found = count(app, &session, query).await?;
                assert_eq!(found, expected, "{} {query}", role.name());
            }
        }
        // Students of another tenant are never included.
        let other_tenant_admin = app.sign_in_to(1, role::ADMIN).await?;
        assert_eq!(
            count(app, &other_tenant_admin, "special_needs.has=Dyspraxia").await?,
            0
        );
        let admin = app.sign_in(role::ADMIN).await?;
        for query in [
            "special_needs=Autism",
            "special_needs.like=A*",
            "academic_age.gte=7",
            "academic_age.reading.gte=x",
            "academic_age.reading.gte=7.123",
            "academic_age.writing.gte=7",
            "languages.has=en",
        ] {
            app.get(&admin, &format!("/v1/students?{query}"))
                .await?
                .expect(400);
        }
        Ok(())
    });
}

/// Returns the query plan of a list of students for a role.
async fn plan(app: &Application, role: Role, query: &str) -> Result<String> {
    let session = app.session(0, role).await?;
    let (own_centre, _) = queries::demo_centres(app).await?;
    let academics = tests::COMPONENTS
        .into_iter()
        .find(|component| component.name == "academics")
        .context("a component")?;
    let resource = academics
        .resources
        .iter()
        .find(|resource| resource.name == "students")
        .context("a resource")?;
    let grant = academics
        .grant("students", role, Verb::List)
        .context("a grant")?;
    let request = Request {
        method: http::Method::GET,
        path: "/v1/students".to_owned(),
        query: Some(query.to_owned()),
        headers: http::HeaderMap::new(),
        body: Vec::new(),
    };
    let listing = Listing::parse(&request, resource, grant)
        .map_err(|problem| anyhow::anyhow!("{:?}", problem.errors))?;
    let client = database::connect(&app.application_url).await?;
    for (name, value) in [
        ("app.tenant_id", session.tenant.to_string()),
        ("app.user_id", session.user.to_string()),
        ("app.centre_id", own_centre.to_string()),
        ("app.role", role.name().to_owned()),
    ] {
        client
            .execute("select set_config($1, $2, false)", &[&name, &value])
            .await?;
    }
    let text = listing.statement(resource, grant).text;
    let explain = format!("explain (analyze, format json) {text}");
    let arguments = Json(Value::Object(listing.arguments()));
    let explain = client.prepare_typed(&explain, &[Type::JSONB]).await?;
    let row = client.query_one(&explain, &[&arguments]).await?;
    let plan: Value = row.get(0);
    Ok(plan.to_string())
}

#[test]
fn filters_use_an_index_under_row_security() {
    run(async |app| {
        insert_students(app).await?;
        for role in [role::ADMIN, role::SUPERVISOR, role::ASSESSOR, role::SUPPORT] {
            let by_need = plan(app, role, "special_needs.has=Dyspraxia").await?;
            assert!(by_need.contains("students_pkey"), "{by_need}");
            assert!(!by_need.contains("Seq Scan"), "{by_need}");
            let by_age = plan(
                app,
                role,
                "academic_age.reading.gte=7.5&academic_age.reading.lt=7.6",
            )
            .await?;
            assert!(
                by_age.contains("idx_students_academic_age_reading"),
                "{by_age}"
            );
            // The index is searched by tenant and value together.
            for (plan, column) in [(&by_need, "id ="), (&by_age, "academic_age_reading >=")] {
                let uses_index = plan.split("\"Index Cond\":").skip(1).any(|condition| {
                    let condition = condition.split("\",").next().unwrap_or_default();
                    condition.contains("tenant_id =") && condition.contains(column)
                });
                assert!(uses_index, "{plan}");
            }
        }
        // The function that bypasses row security finds the ids through the GIN index.
        let client = app.superuser().await?;
        let row = client
            .query_one(
                &format!(
                    "explain (format json) select s.id from lms.students as s
                    where lms_private.tenant_prefixed_keys(s.tenant_id, s.special_needs) @> array['{}:Dyspraxia']
                      and s.deleted_at is null",
                    app.demo.tenants[0].id
                ),
                &[],
            )
            .await?;
        let plan: Value = row.get(0);
        assert!(
            plan.to_string().contains("idx_students_special_needs"),
            "{plan}"
        );
        Ok(())
    });
}

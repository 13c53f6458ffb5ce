//! Tests the statements of every request: there is one, with a few exceptions, and it leaves nothing
//! on its connection.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use http::Method;
use platform::sql::database::CALL;
use serde_json::json;
use tests::{Application, COMPONENTS, DatabaseProxy, Reply, role, run_behind_proxy};
use uuid::Uuid;

/// Requests that execute no statement.
const WITHOUT_STATEMENT: [&str; 2] = ["health.live", "regions.list"];

/// Requests that name a time zone.
const READS_TIME_ZONE: [&str; 4] = [
    "centres.create",
    "centres.import",
    "classes.create",
    "classes.import",
];

/// Sends a request of every operation, and passes the number of its statements to `check`.
async fn send_every_operation(
    app: &Application,
    proxy: &DatabaseProxy,
    check: impl Fn(&str, usize, &Reply),
) -> Result<()> {
    let user = app.user(0, role::STUDENT).id;
    for component in COMPONENTS {
        for endpoint in component.endpoints() {
            let operation = endpoint.operation_id();
            let session = app.session(0, role::ADMIN).await?;
            let mut path = tests::endpoint_path(&endpoint, user);
            if operation == "finance-records.statement" {
                // A caller without a statement of their own has to name the student.
                path.push_str(&format!("?student_id={user}"));
            }
            let body = match operation.as_str() {
                "auth.login" => json!({
                    "tenant": app.demo.tenants[0].slug,
                    "email": app.user(0, role::PARENT).email,
                    "password": app.user(0, role::PARENT).password,
                }),
                "auth.refresh" => json!({"refresh_token": "unknown"}),
                "auth.password.change" => json!({
                    "current": app.user(0, role::ADMIN).password,
                    "new": "a wholly new password",
                }),
                "auth.password.reset" => {
                    json!({"tenant": "x", "email": "nobody@example.org"})
                }
                "auth.email.confirm" => json!({"token": "unknown"}),
                "auth.password.confirm" => {
                    json!({"token": "unknown", "password": "a wholly new password"})
                }
                "users.create" => {
                    json!({"name": "Ana", "email": "ana@example.org", "role": "parent"})
                }
                "centres.create" => {
                    json!({"name": "New", "code": "new", "time_zone": "UTC", "currency": "EUR"})
                }
                "staff.create" => {
                    json!({"user_id": Uuid::now_v7(), "centre_id": Uuid::now_v7()})
                }
                "guardians.create" => json!({
                    "user_id": Uuid::now_v7(),
                    "student_id": Uuid::now_v7(),
                    "relationship": "parent",
                }),
                "students.create" | "tutors.create" => {
                    json!({"user_id": Uuid::now_v7(), "centre_id": Uuid::now_v7()})
                }
                "students.assign-tutor" => json!({"tutor_id": null}),
                "assessments.create" => {
                    json!({"student_id": Uuid::now_v7(), "type": "reading", "score": 7})
                }
                "gamification.create" => json!({"student_id": Uuid::now_v7(), "points": 7}),
                "finance-records.create" => json!({
                    "centre_id": Uuid::now_v7(),
                    "type": "expense",
                    "amount": "7.00",
                    "method": "cash",
                }),
                "tutor-rates.create" => json!({
                    "tutor_id": Uuid::now_v7(),
                    "unit": "hour",
                    "amount": "7.00",
                    "effective_from": "2026-03-01",
                }),
                "payroll-runs.create" => {
                    json!({"centre_id": Uuid::now_v7(), "month": "2026-03-01"})
                }
                "payroll-runs.post" => json!({"method": "cash"}),
                "classes.create" => json!({
                    "centre_id": Uuid::now_v7(),
                    "tutor_id": Uuid::now_v7(),
                    "schedule": {
                        "start": "2035-04-02T16:00:00",
                        "end": "2035-04-02T17:00:00",
                        "time_zone": "UTC",
                    },
                }),
                "classes.occurrences.move" => {
                    json!({"starts_at": "2035-04-02T16:00:00Z", "ends_at": "2035-04-02T17:00:00Z"})
                }
                "classes.attendance.record" => json!({"students": []}),
                "notifications.create" => json!({
                    "user_id": Uuid::now_v7(),
                    "type": "email",
                    "message": "Hello.",
                }),
                "notifications.preferences.set" => {
                    json!({"email": true, "sms": true, "push": true})
                }
                "notification-templates.create" => json!({
                    "key": "announcement",
                    "type": "email",
                    "language": "fr",
                    "message": "{{text}}",
                }),
                "requests.create" => {
                    json!({"centre_id": Uuid::now_v7(), "type": "it", "details": "Broken"})
                }
                "requests.assign" => json!({"staff_id": null}),
                "requests.resolve" => json!({"resolution": "Mended"}),
                "request-comments.create" => json!({"body": "When?"}),
                "inventory.create" => json!({
                    "centre_id": Uuid::now_v7(),
                    "item_name": "Desk",
                    "category": "furniture",
                }),
                "inventory.adjust" => json!({"change": 1, "reason": "Found"}),
                "inventory-loans.lend" => {
                    json!({"user_id": Uuid::now_v7(), "due_on": "2035-04-02"})
                }
                "legal-holds.create" => {
                    json!({"user_id": Uuid::now_v7(), "reason": "A dispute"})
                }
                "privacy.erase" => json!({"reason": "Asked for it"}),
                "webhooks.create" => json!({"url": "https://hooks.example.com/lms"}),
                "webhooks.replay" => json!({"after": 0}),
                _ => json!({}),
            };
            let mut request = app
                .request(endpoint.method.clone(), &path)
                .bearer_auth(&session.token)
                .header("idempotency-key", Uuid::now_v7().to_string())
                .header("if-match", "*");
            if path.ends_with("/import") {
                let file = match path.as_str() {
                    "/v1/centres/import" => {
                        "name,code,time_zone,currency\nA,a-centre,UTC,EUR\n".to_owned()
                    }
                    "/v1/users/import" => "name,email,role\nA,a@example.org,parent\n".to_owned(),
                    "/v1/staff/import" | "/v1/students/import" | "/v1/tutors/import" => {
                        format!("user_id,centre_id\n{user},{user}\n")
                    }
                    "/v1/assessments/import" => {
                        format!("student_id,type,score\n{user},reading,7\n")
                    }
                    "/v1/gamification/import" => format!("student_id,points\n{user},7\n"),
                    "/v1/finance-records/import" => {
                        format!("centre_id,type,amount,method\n{user},expense,7.00,cash\n")
                    }
                    "/v1/tutor-rates/import" => {
                        format!(
                            "tutor_id,unit,amount,effective_from\n{user},hour,7.00,2026-03-01\n"
                        )
                    }
                    "/v1/requests/import" => {
                        format!("centre_id,type,details\n{user},it,Broken\n")
                    }
                    "/v1/inventory/import" => {
                        format!("centre_id,item_name,category\n{user},Desk,furniture\n")
                    }
                    "/v1/classes/import" => format!(
                        "centre_id,tutor_id,schedule\n{user},{user},\"{{\"\"start\"\":\"\"2035-04-02T16:00:00\"\",\"\"end\"\":\"\"2035-04-02T17:00:00\"\",\"\"time_zone\"\":\"\"UTC\"\"}}\"\n"
                    ),
                    "/v1/notification-templates/import" => {
                        "key,type,language,message\nannouncement,email,it,{{text}}\n".to_owned()
                    }
                    _ => format!("user_id,student_id,relationship\n{user},{user},parent\n"),
                };
                request = request.header("content-type", "text/csv").body(file);
            } else if [Method::POST, Method::PATCH, Method::PUT].contains(&endpoint.method) {
                request = request.json(&body);
            }
            proxy.take_executed_count();
            let reply = tests::send(request).await?;
            check(&operation, proxy.take_executed_count(), &reply);
        }
    }
    Ok(())
}

#[test]
fn every_request_executes_one_statement() {
    run_behind_proxy(async |app, proxy| {
        send_every_operation(app, proxy, |operation, executed, reply| {
            let expected = match operation {
                name if WITHOUT_STATEMENT.contains(&name) => 0,
                // Argon2 runs between two statements, because PostgreSQL cannot compute it.
                "auth.login" | "auth.password.change" => 2,
                _ => 1,
            };
            // An instance that has not used a time zone for a while reads it first.
            let reads_zone = READS_TIME_ZONE.contains(&operation);
            assert!(
                executed == expected || reads_zone && executed == expected + 1,
                "{operation}: {executed} {} {}",
                reply.status,
                reply.text
            );
        })
        .await?;
        let parsed: BTreeSet<String> = proxy.prepared_statements().into_iter().collect();
        assert_eq!(parsed, BTreeSet::from([CALL.to_owned()]));
        // A connection that has run nothing else is not reset.
        assert_eq!(proxy.simple_queries(), Vec::<String>::new());
        Ok(())
    });
}

/// Describes what the application could leave on a session. It may not create temporary tables.
const SESSION_STATE: &str = "
select string_agg(s.state, ', ')
from (
  select c.name || '=' || coalesce(current_setting(c.name, true), '') as state
  from unnest(array[
    'app.tenant_id', 'app.user_id', 'app.role', 'app.session_id', 'app.request_id', 'app.centre_id', 'app.arguments'
  ]) as c (name)
  union all
  select 'role=' || current_user
  union all
  select 'setting ' || s.name
  from pg_settings as s
  where s.source = 'session'
  union all
  select 'lock ' || l.objid
  from pg_locks as l
  where l.pid = pg_backend_pid()
    and l.locktype = 'advisory'
  union all
  select 'cursor ' || c.name
  from pg_cursors as c
  where c.name <> ''
  union all
  select 'channel ' || c.name
  from pg_listening_channels() as c (name)
) as s";

#[test]
fn no_request_leaves_anything_on_its_connection() {
    run_behind_proxy(async |app, proxy| {
        let client = database::connect(&app.application_url).await?;
        let fresh: String = client.query_one(SESSION_STATE, &[]).await?.get(0);
        send_every_operation(app, proxy, |_, _, _| {}).await?;
        let states = proxy.query_sessions(SESSION_STATE).await?;
        ensure!(!states.is_empty(), "no connection was used");
        assert!(states.iter().all(|state| *state == fresh), "{states:?}");
        // The same query finds what a session is left with.
        let changes = "set work_mem = '5MB'; select pg_advisory_lock(7); listen news; \
            select set_config('app.role', 'admin', false)";
        client.batch_execute(changes).await?;
        let changed: String = client.query_one(SESSION_STATE, &[]).await?.get(0);
        for change in [
            "app.role=admin",
            "setting work_mem",
            "lock 7",
            "channel news",
        ] {
            assert!(changed.contains(change), "{changed}");
        }
        Ok(())
    });
}

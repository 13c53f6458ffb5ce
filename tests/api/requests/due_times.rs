//! Tests the due times of requests by type and priority, the tenant's settings and the centre's working hours.

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tests::{Application, Session, help_desk, queries, role, run};

use crate::requests::working_hours::window;

/// Returns the minutes from a request's creation until it is due.
fn minutes_until_due(request: &Value) -> Result<i64> {
    let moment = |name: &str| -> Result<DateTime<Utc>> {
        Ok(request[name].as_str().context("a time")?.parse()?)
    };
    Ok((moment("due_at")? - moment("opened_at")?).num_minutes())
}

async fn patch_settings(app: &Application, admin: &Session, path: &str, body: Value) -> Result<()> {
    app.patch(admin, path, body).await?.expect(200);
    Ok(())
}

#[test]
fn due_times_follow_type_and_priority_and_the_tenants_settings() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        // Without working hours, every minute counts.
        let centre = format!("/v1/centres/{own_centre}");
        patch_settings(app, &admin, &centre, json!({"working_hours": []})).await?;
        let request = help_desk::create_request(app, &admin).await?;
        assert_eq!(minutes_until_due(&request)?, 480);
        let path = help_desk::request_path(&request);
        let change = async |body: Value| -> Result<i64> {
            minutes_until_due(&app.patch(&admin, &path, body).await?.expect(200).json())
        };
        assert_eq!(change(json!({"priority": "high"})).await?, 240);
        assert_eq!(change(json!({"type": "reschedule"})).await?, 120);
        let tenant = format!("/v1/tenants/{}", admin.tenant);
        let settings = json!({"settings": {"due_times": {"reschedule": {"high": 45}}}});
        patch_settings(app, &admin, &tenant, settings).await?;
        // Existing due times stay, and a setting for one type leaves the others unchanged.
        assert_eq!(change(json!({"details": "Other."})).await?, 120);
        assert_eq!(change(json!({"priority": "low"})).await?, 960);
        assert_eq!(change(json!({"priority": "high"})).await?, 45);
        let settings = json!({"settings": {"due_times": {"reschedule": {"high": null}}}});
        patch_settings(app, &admin, &tenant, settings).await?;
        assert_eq!(change(json!({"priority": "low"})).await?, 960);
        assert_eq!(change(json!({"priority": "high"})).await?, 120);

        // A reopened request gets a new due time.
        for name in ["start", "resolve"] {
            help_desk::transition(app, &admin, &request, name)
                .await?
                .expect(200);
        }
        let again = help_desk::transition(app, &admin, &request, "reopen")
            .await?
            .expect(200)
            .json();
        assert_eq!(minutes_until_due(&again)?, 120);
        assert_ne!(again["opened_at"], request["opened_at"]);
        Ok(())
    });
}

#[test]
fn invalid_working_hours_holidays_and_due_times_are_rejected_with_a_pointer() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let centre = format!("/v1/centres/{own_centre}");
        let tenant = format!("/v1/tenants/{}", admin.tenant);
        let due = |times: Value| json!({"settings": {"due_times": times}});
        let before = queries::write_counters(app).await?;
        for (path, body, pointer) in [
            (&centre, json!({"working_hours": {}}), "/working_hours"),
            (&centre, json!({"working_hours": null}), "/working_hours"),
            (
                &centre,
                json!({"working_hours": [window("someday", "09:00", "17:00")]}),
                "/working_hours/0/weekday",
            ),
            (
                &centre,
                json!({"working_hours": [window("monday", "9", "17:00")]}),
                "/working_hours/0/start",
            ),
            (
                &centre,
                json!({"working_hours": [window("monday", "09:00", "24:01")]}),
                "/working_hours/0/end",
            ),
            (
                &centre,
                json!({"working_hours": [window("monday", "17:00", "09:00")]}),
                "/working_hours/0/end",
            ),
            (
                &centre,
                json!({"holidays": [{"date": "2026-12-25"}]}),
                "/holidays/0/name",
            ),
            (
                &centre,
                json!({"holidays": [{"date": "25.12.", "name": "Christmas"}]}),
                "/holidays/0/date",
            ),
            (
                &centre,
                json!({"holidays": [{"date": "2026-12-25", "name": "a"}, {"date": "2026-12-25", "name": "b"}]}),
                "/holidays/1/date",
            ),
            (&tenant, due(json!([])), "/settings/due_times"),
            (
                &tenant,
                due(json!({"party": {"high": 1}})),
                "/settings/due_times/party",
            ),
            (
                &tenant,
                due(json!({"it": {"highest": 1}})),
                "/settings/due_times/it/highest",
            ),
            (
                &tenant,
                due(json!({"it": {"high": 0}})),
                "/settings/due_times/it/high",
            ),
            (
                &tenant,
                due(json!({"it": {"high": 100_001}})),
                "/settings/due_times/it/high",
            ),
            (
                &tenant,
                due(json!({"it": {"high": "soon"}})),
                "/settings/due_times/it/high",
            ),
        ] {
            let rejected = app.patch(&admin, path, body).await?.expect(422);
            assert_eq!(rejected.pointers(), [pointer], "{}", rejected.text);
        }
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

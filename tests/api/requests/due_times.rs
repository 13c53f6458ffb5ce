//! When requests are due: by type and priority, as the tenant says, in the working hours that the centre says.

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tests::{Application, Session, desk, role, rows, run};

use crate::requests::working_clock::window;

/// A request's minutes from its beginning until it is due.
fn allowed(request: &Value) -> Result<i64> {
    let moment = |name: &str| -> Result<DateTime<Utc>> {
        Ok(request[name].as_str().context("a time")?.parse()?)
    };
    Ok((moment("due_at")? - moment("opened_at")?).num_minutes())
}

async fn set(app: &Application, admin: &Session, path: &str, body: Value) -> Result<()> {
    app.patch(admin, path, body).await?.expect(200);
    Ok(())
}

#[test]
fn type_and_priority_say_how_much_time_there_is_and_the_tenant_may_say_otherwise() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, _) = rows::centres(app).await?;
        // Without working hours minutes are those of the day.
        let centre = format!("/v1/centres/{home}");
        set(app, &admin, &centre, json!({"working_hours": []})).await?;
        let request = desk::ask(app, &admin).await?;
        assert_eq!(allowed(&request)?, 480);
        let path = desk::path(&request);
        let change = async |body: Value| -> Result<i64> {
            allowed(&app.patch(&admin, &path, body).await?.expect(200).json())
        };
        assert_eq!(change(json!({"priority": "high"})).await?, 240);
        assert_eq!(change(json!({"type": "reschedule"})).await?, 120);
        let tenant = format!("/v1/tenants/{}", admin.tenant);
        let settings = json!({"settings": {"due_times": {"reschedule": {"high": 45}}}});
        set(app, &admin, &tenant, settings).await?;
        // What is due already stays due; what is said of one leaves the others.
        assert_eq!(change(json!({"details": "Other."})).await?, 120);
        assert_eq!(change(json!({"priority": "low"})).await?, 960);
        assert_eq!(change(json!({"priority": "high"})).await?, 45);
        let settings = json!({"settings": {"due_times": {"reschedule": {"high": null}}}});
        set(app, &admin, &tenant, settings).await?;
        assert_eq!(change(json!({"priority": "low"})).await?, 960);
        assert_eq!(change(json!({"priority": "high"})).await?, 120);

        // Reopened, it begins anew.
        for name in ["start", "resolve"] {
            desk::act(app, &admin, &request, name).await?.expect(200);
        }
        let again = desk::act(app, &admin, &request, "reopen")
            .await?
            .expect(200)
            .json();
        assert_eq!(allowed(&again)?, 120);
        assert_ne!(again["opened_at"], request["opened_at"]);
        Ok(())
    });
}

#[test]
fn hours_holidays_and_due_times_that_make_no_sense_are_refused_with_their_place() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (home, _) = rows::centres(app).await?;
        let centre = format!("/v1/centres/{home}");
        let tenant = format!("/v1/tenants/{}", admin.tenant);
        let due = |times: Value| json!({"settings": {"due_times": times}});
        let before = rows::written(app).await?;
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
            let refused = app.patch(&admin, path, body).await?.expect(422);
            assert_eq!(refused.pointers(), [pointer], "{}", refused.text);
        }
        assert_eq!(rows::written(app).await?, before);
        Ok(())
    });
}

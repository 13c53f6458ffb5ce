//! Tests the export of the event log: complete, resumable, and readable by independent programs.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use operations::events::export::{self, Format, Options, Report};
use serde_json::{Value, json};
use tests::{Application, queries, role, run, run_python};

async fn export(
    app: &Application,
    format: Format,
    output: &Path,
    after: Option<i64>,
) -> Result<Report> {
    let options = Options {
        tenant: app.demo.tenants[0].slug.clone(),
        format,
        output: output.to_owned(),
        after,
        home_page: Some("https://lms.example/".parse()?),
    };
    export::run(&app.superuser_url, &options).await
}

/// Returns the names of the files, sorted.
fn names(directory: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Returns the events of all lines.
fn lines(directory: &Path) -> Result<Vec<Value>> {
    let mut events = Vec::new();
    for name in names(directory)? {
        for line in std::fs::read_to_string(directory.join(name))?.lines() {
            events.push(serde_json::from_str(line)?);
        }
    }
    Ok(events)
}

/// Returns the events of all pages of the feed.
async fn feed(app: &Application) -> Result<Vec<Value>> {
    let admin = app.session(0, role::ADMIN).await?;
    let mut events = Vec::new();
    loop {
        let path = format!("/v1/events?limit=200&after={}", events.len());
        let page = app.get(&admin, &path).await?.expect(200).json();
        let data = page["data"].as_array().context("data")?;
        if data.is_empty() {
            return Ok(events);
        }
        events.extend(data.iter().cloned());
    }
}

#[test]
fn the_export_equals_the_feed_and_a_second_run_adds_new_events() {
    run(async |app| {
        let directory = tempfile::tempdir()?;
        let output = directory.path().join("log");
        let events = feed(app).await?;
        let end = i64::try_from(events.len())?;
        let first = export(app, Format::Ndjson, &output, None).await?;
        assert_eq!(
            first,
            Report {
                parts: 1,
                position: end
            }
        );
        assert_eq!(
            names(&output)?,
            [format!("aurora-000000000001-{end:012}.ndjson")]
        );
        let exported_events = lines(&output)?;
        assert_eq!(exported_events.len(), events.len());
        for (line, event) in exported_events.iter().zip(&events) {
            for (name, value) in event.as_object().context("an event")? {
                assert_eq!(&line[name], value, "{name}");
            }
        }
        let idle = export(app, Format::Ndjson, &output, None).await?;
        assert_eq!(
            idle,
            Report {
                parts: 0,
                position: end
            }
        );

        let admin = app.sign_in(role::ADMIN).await?;
        let body = json!({"name": "New", "code": "new", "time_zone": "UTC", "currency": "EUR"});
        app.post(&admin, "/v1/centres", body).await?.expect(201);
        // The remains of an interrupted export are ignored.
        std::fs::write(output.join(".part-dead"), "half")?;
        let more = export(app, Format::Ndjson, &output, None).await?;
        assert!(more.parts == 1 && more.position > end);
        std::fs::remove_file(output.join(".part-dead"))?;
        let positions: Vec<i64> = lines(&output)?
            .iter()
            .filter_map(|line| line["position"].as_i64())
            .collect();
        assert_eq!(positions, (1..=more.position).collect::<Vec<_>>());
        Ok(())
    });
}

#[test]
fn a_rejected_export_states_the_reason() {
    run(async |app| {
        let directory = tempfile::tempdir()?;
        let end = i64::try_from(feed(app).await?.len())?;
        let rejection = async |after: Option<i64>, output: &Path| -> Result<String> {
            let error = export(app, Format::Ndjson, output, after)
                .await
                .err()
                .context("the export succeeded")?;
            Ok(format!("{error:#}"))
        };
        let output = directory.path().join("a");
        // The end may have moved since it was read, so a position well beyond it is used.
        let message = rejection(Some(end + 1000), &output).await?;
        assert!(
            message.contains("is beyond the end: the last event of aurora is at position"),
            "{message}"
        );
        assert!(!output.exists());
        export(app, Format::Ndjson, &output, Some(10)).await?;
        let message = rejection(Some(5), &output).await?;
        assert!(
            message.contains("begin at position 11, not after 5"),
            "{message}"
        );
        std::fs::write(output.join("aurora-000000900000-000000900001.ndjson"), "")?;
        let message = rejection(None, &output).await?;
        assert!(message.contains("does not follow on"), "{message}");
        let message = rejection(None, Path::new("/proc/nowhere")).await?;
        assert!(
            message.contains("cannot use the directory /proc/nowhere"),
            "{message}"
        );

        let partition: String = queries::fetch_texts(
            app,
            "select tableoid::regclass::text from lms.event_log limit 1",
            &[],
        )
        .await?
        .remove(0);
        let client = app.superuser().await?;
        client
            .batch_execute(&format!(
                "alter table {partition} disable trigger all;
                update lms.event_log set kind = 'x' where position = 17"
            ))
            .await?;
        let output = directory.path().join("b");
        let message = rejection(None, &output).await?;
        assert_eq!(
            message,
            "the chain of aurora is broken at position 17: the event differs from the one that was hashed"
        );
        assert!(names(&output)?.is_empty());
        Ok(())
    });
}

#[test]
fn arrow_reads_the_same_events_with_their_types() {
    run(async |app| {
        let directory = tempfile::tempdir()?;
        export(app, Format::Parquet, directory.path(), None).await?;
        let printed = run_python("event_parquet.py", [directory.path()]).await?;
        let mut printed = printed.lines();
        let types: BTreeMap<String, String> =
            serde_json::from_str(printed.next().context("types")?)?;
        assert_eq!(types["id"], "UUID");
        assert_eq!(types["state"], "JSON");
        assert_eq!(types["entity"], "String");
        assert!(
            types["at"].contains("isAdjustedToUTC=true, timeUnit=microseconds"),
            "{}",
            types["at"]
        );
        let events: Vec<Value> = printed
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()?;
        let feed = feed(app).await?;
        assert!(events.len() >= feed.len().saturating_sub(1) && events.len() > 100);
        let plain = |value: &Value| value.as_str().unwrap_or_default().replace('-', "");
        for (event, expected) in events.iter().zip(&feed) {
            for name in ["position", "entity", "kind", "request_id", "at", "state"] {
                assert_eq!(event[name], expected[name], "{name}");
            }
            for name in ["id", "entity_id", "actor", "hash"] {
                assert_eq!(plain(&event[name]), plain(&expected[name]), "{name}");
            }
        }
        Ok(())
    });
}

#[test]
fn lessons_and_assessments_are_exported_as_xapi_statements() {
    run(async |app| {
        let directory = tempfile::tempdir()?;
        export(app, Format::Xapi, directory.path(), None).await?;
        let printed: Value =
            serde_json::from_str(&run_python("xapi_statements.py", [directory.path()]).await?)?;
        let statements = lines(directory.path())?;
        assert_eq!(printed["ids"], statements.len());
        for verb in ["attended", "completed", "scored"] {
            assert!(
                printed["verbs"][verb].as_i64() > Some(0),
                "{verb}: {printed}"
            );
        }
        let scored = statements
            .iter()
            .find(|statement| statement["result"]["score"].is_object())
            .context("a score")?;
        assert_eq!(
            scored["actor"]["account"]["homePage"],
            "https://lms.example"
        );
        let user: uuid::Uuid = scored["actor"]["account"]["name"]
            .as_str()
            .context("a user")?
            .parse()?;
        let user_count = queries::count(
            app,
            "lms.users where id = $1 and role = 'student'",
            &[&user],
        )
        .await?;
        assert_eq!(user_count, 1);
        let again = tempfile::tempdir()?;
        export(app, Format::Xapi, again.path(), None).await?;
        assert_eq!(lines(again.path())?[..statements.len()], statements[..]);
        let text = std::fs::read_to_string(directory.path().join(&names(directory.path())?[0]))?;
        for name in queries::fetch_texts(
            app,
            "select name from lms.users union select email from lms.users",
            &[],
        )
        .await?
        {
            assert!(!text.contains(&name), "{name}");
        }
        Ok(())
    });
}

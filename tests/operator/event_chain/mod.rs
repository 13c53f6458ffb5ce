//! Tests the verification of the event chain, which reports the position of the first change.

mod flipped_bits;
mod redactions;
mod signed_heads;

use anyhow::{Context, Result};
use operations::events::{Break, Fault, verify};
use serde_json::json;
use tests::{Application, queries, role, run, run_python};
use tokio_postgres::Client;
use uuid::Uuid;

/// A superuser connection that has removed the triggers and the unique key that protect the log.
struct Tamperer {
    client: Client,
    tenant: Uuid,
}

impl Tamperer {
    async fn new(app: &Application) -> Result<Self> {
        let client = app.superuser().await?;
        let tenant = app.demo.tenants[0].id;
        client
            .execute("select lms_private.seal_events($1)", &[&tenant])
            .await?;
        client
            .batch_execute(
                "alter table lms.event_log drop constraint event_log_position_key;
                alter table lms.event_heads disable trigger all;
                alter table lms.event_redactions disable trigger all",
            )
            .await?;
        queries::disable_event_triggers(&client).await?;
        let tamperer = Self { client, tenant };
        tamperer.save().await?;
        Ok(tamperer)
    }

    /// Saves the present log, which [`Tamperer::restore`] restores.
    async fn save(&self) -> Result<()> {
        self.client
            .batch_execute(
                "drop table if exists public.saved_log, public.saved_heads;
                create table public.saved_log as select * from lms.event_log;
                create table public.saved_heads as select * from lms.event_heads",
            )
            .await?;
        Ok(())
    }

    async fn restore(&self) -> Result<()> {
        self.client
            .batch_execute(
                "delete from lms.event_log;
                insert into lms.event_log select * from public.saved_log;
                delete from lms.event_heads;
                insert into lms.event_heads select * from public.saved_heads",
            )
            .await?;
        Ok(())
    }

    /// Runs a statement with the tenant and a position as parameters.
    async fn change(&self, sql: &str, position: i64) -> Result<()> {
        let count = self
            .client
            .execute(sql, &[&self.tenant, &position])
            .await
            .with_context(|| sql.to_owned())?;
        assert!(count > 0, "{sql}");
        Ok(())
    }

    async fn end(&self) -> Result<i64> {
        let sql = "select position from lms.event_heads where tenant_id = $1";
        Ok(self.client.query_one(sql, &[&self.tenant]).await?.get(0))
    }
}

/// Verifies the chain of the first tenant and returns its first break.
async fn verify_first_tenant(app: &Application) -> Result<Option<Break>> {
    let slug = &app.demo.tenants[0].slug;
    let reports = verify::run(&app.superuser_url, Some(slug), None).await?;
    Ok(reports.into_iter().next().context("a report")?.broken)
}

fn break_at(position: i64, fault: Fault) -> Option<Break> {
    Some(Break { position, fault })
}

#[test]
fn an_untouched_chain_is_valid_in_every_tenant() {
    run(async |app| {
        let reports = verify::run(&app.superuser_url, None, None).await?;
        assert_eq!(reports.len(), 2);
        for report in &reports {
            assert_eq!(report.broken, None);
            assert!(report.intact > 100, "{report}");
        }
        let line = reports[0].to_string();
        assert!(
            line.starts_with("aurora: the chain is intact, events: "),
            "{line}"
        );
        let error = verify::run(&app.superuser_url, Some("nobody"), None)
            .await
            .err()
            .context("the tenant was found")?;
        assert_eq!(
            error.to_string(),
            "there is no tenant \"nobody\" in this database"
        );
        Ok(())
    });
}

#[test]
fn removed_added_swapped_and_changed_events_are_detected_at_their_position() {
    run(async |app| {
        let tamperer = Tamperer::new(app).await?;
        let end = tamperer.end().await?;
        let of = "where tenant_id = $1 and position = $2";
        let cases: [(String, i64, Option<Break>); 10] = [
            (format!("delete from lms.event_log {of}"), 9, break_at(9, Fault::Missing)),
            (format!("delete from lms.event_log {of}"), 1, break_at(1, Fault::Missing)),
            (format!("delete from lms.event_log {of}"), end, break_at(end, Fault::Missing)),
            (
                format!("insert into lms.event_log (select (jsonb_populate_record(l, jsonb_build_object('id', lms.new_id(), 'at', l.at + interval '1 second'))).* from lms.event_log as l {of})"),
                12,
                break_at(12, Fault::Surplus),
            ),
            (
                format!("insert into lms.event_log (select (jsonb_populate_record(l, jsonb_build_object('id', lms.new_id(), 'position', 0))).* from lms.event_log as l {of})"),
                12,
                break_at(0, Fault::Surplus),
            ),
            (
                format!("update lms.event_log set state = state || '{{\"x\": 1}}' {of}"),
                13,
                break_at(13, Fault::State),
            ),
            (
                format!("update lms.event_log set state = '{{}}', state_hash = lms_private.state_hash(salt, '{{}}') {of}"),
                14,
                break_at(14, Fault::Hash),
            ),
            (
                format!("update lms.event_log set updated_by = lms.new_id() {of}"),
                15,
                break_at(15, Fault::Column("updated_by")),
            ),
            (
                "update lms.event_heads set hash = sha256(hash) where tenant_id = $1 and position = $2".to_owned(),
                end,
                break_at(end, Fault::Head),
            ),
            (
                "update lms.event_heads set position = position - 1 where tenant_id = $1 and position = $2".to_owned(),
                end,
                break_at(end, Fault::Surplus),
            ),
        ];
        for (sql, position, expected) in cases {
            tamperer.change(&sql, position).await?;
            let broken = verify_first_tenant(app).await?;
            // Two events at one position are read in either order, so the kind of fault varies.
            if let Some(Break {
                position,
                fault: Fault::Surplus,
            }) = &expected
            {
                assert_eq!(
                    broken.map(|broken| broken.position),
                    Some(*position),
                    "{sql}"
                );
            } else {
                assert_eq!(broken, expected, "{sql}");
            }
            tamperer.restore().await?;
            assert_eq!(verify_first_tenant(app).await?, None);
        }
        for (from, to) in [(10, -1), (11, 10), (-1, 11)] {
            let sql = format!(
                "update lms.event_log set position = {to} where tenant_id = $1 and position = $2"
            );
            tamperer.change(&sql, from).await?;
        }
        assert_eq!(
            verify_first_tenant(app).await?,
            break_at(10, Fault::Previous)
        );
        Ok(())
    });
}

#[test]
fn an_independent_implementation_computes_the_same_chain() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let odd = json!({
            "name": "é 😀 \" \\ / 中", "code": "odd", "time_zone": "UTC", "currency": "EUR",
        });
        app.post(&admin, "/v1/centres", odd).await?.expect(201);
        // The event is inserted directly, because no endpoint accepts such control characters,
        // numbers and keys.
        app.superuser()
            .await?
            .execute(
                "insert into lms_private.unsealed_events (tenant_id, entity, entity_id, kind, actor, request_id, at, state)
                values ($1, 'odd', lms.new_id(), 'odd.created', null, E'\\x01\\x1f\\b\\f\\n\\r\\t\"\\\\/\\x7f é😀', now(), $2::text::jsonb)",
                &[&admin.tenant, &r#"{"b": 1.50, "aa": [1e3, 1.5e-7, -0.0, 0.1, 12345678901234567890.123, true, false, null, [], {}],
                  "é": "\u0001\u001f\b\f\n\r\t\"\\\/\u007f\u2028😀", "ab": {"z": "", "": 0, "A": -1E+2}, "a": 1, "B": 2}"#],
            )
            .await?;
        let directory = tempfile::tempdir()?;
        let options = operations::events::export::Options {
            tenant: app.demo.tenants[0].slug.clone(),
            format: operations::events::export::Format::Ndjson,
            output: directory.path().to_owned(),
            after: None,
            home_page: None,
        };
        let report = operations::events::export::run(&app.superuser_url, &options).await?;
        let redactions = tempfile::NamedTempFile::new()?;
        let lines = queries::fetch_texts(
            app,
            "select r.position || ',' || encode(r.state_hash, 'hex')
            from lms.event_redactions as r
            where r.tenant_id = $1
            order by r.created_at",
            &[&admin.tenant],
        )
        .await?;
        std::fs::write(redactions.path(), lines.join("\n"))?;
        let printed = run_python("event_chain.py", [directory.path(), redactions.path()]).await?;
        let sql = "select position, encode(hash, 'hex') from lms.event_heads where tenant_id = $1";
        let head = app
            .superuser()
            .await?
            .query_one(sql, &[&admin.tenant])
            .await?;
        assert_eq!(report.position, head.get::<_, i64>(0));
        assert_eq!(
            printed.trim(),
            format!("{} {}", head.get::<_, i64>(0), head.get::<_, String>(1))
        );
        Ok(())
    });
}

//! The checker of the chain: it finds every change, wherever it is made, and names the first position that is broken.

use anyhow::{Context, Result, bail};
use operations::events::heads::{self, Heads};
use operations::events::{Break, Fault, keys, verify};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use tests::{Application, role, rows, run, run_python};
use tokio_postgres::Client;
use uuid::Uuid;

/// A superuser who has switched off what keeps the log as it is, keys included, and can put it back.
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
                alter table lms.event_log disable trigger all;
                alter table lms.event_heads disable trigger all;
                alter table lms.event_redactions disable trigger all;
                do $$ declare partition regclass; begin
                  for partition in select inhrelid from pg_inherits where inhparent = 'lms.event_log'::regclass loop
                    execute format('alter table %s disable trigger all', partition);
                  end loop;
                end $$",
            )
            .await?;
        let tamperer = Self { client, tenant };
        tamperer.keep().await?;
        Ok(tamperer)
    }

    /// What is there now is what [`Tamperer::restore`] puts back.
    async fn keep(&self) -> Result<()> {
        self.client
            .batch_execute(
                "drop table if exists public.kept_log, public.kept_heads;
                create table public.kept_log as select * from lms.event_log;
                create table public.kept_heads as select * from lms.event_heads",
            )
            .await?;
        Ok(())
    }

    async fn restore(&self) -> Result<()> {
        self.client
            .batch_execute(
                "delete from lms.event_log;
                insert into lms.event_log select * from public.kept_log;
                delete from lms.event_heads;
                insert into lms.event_heads select * from public.kept_heads",
            )
            .await?;
        Ok(())
    }

    /// Runs a statement that has the tenant and a position as its parameters.
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

/// What the checker finds in the first tenant.
async fn found(app: &Application) -> Result<Option<Break>> {
    let slug = &app.demo.tenants[0].slug;
    let reports = verify::run(&app.superuser_url, Some(slug), None).await?;
    Ok(reports.into_iter().next().context("a report")?.broken)
}

fn at(position: i64, fault: Fault) -> Option<Break> {
    Some(Break { position, fault })
}

#[test]
fn a_chain_that_nobody_touched_is_whole_in_every_tenant() {
    run(async |app| {
        let reports = verify::run(&app.superuser_url, None, None).await?;
        assert_eq!(reports.len(), 2);
        for report in &reports {
            assert_eq!(report.broken, None);
            assert!(report.intact > 100, "{report}");
        }
        let line = reports[0].to_string();
        assert!(
            line.starts_with("aurora: ") && line.ends_with(" events, the chain is intact"),
            "{line}"
        );
        let error = verify::run(&app.superuser_url, Some("nobody"), None)
            .await
            .err()
            .context("found")?;
        assert_eq!(
            error.to_string(),
            "there is no tenant \"nobody\" in this database"
        );
        Ok(())
    });
}

#[test]
fn what_was_removed_added_swapped_or_changed_is_found_at_its_position() {
    run(async |app| {
        let tamperer = Tamperer::new(app).await?;
        let end = tamperer.end().await?;
        let of = "where tenant_id = $1 and position = $2";
        let cases: [(String, i64, Option<Break>); 10] = [
            (format!("delete from lms.event_log {of}"), 9, at(9, Fault::Missing)),
            (format!("delete from lms.event_log {of}"), 1, at(1, Fault::Missing)),
            (format!("delete from lms.event_log {of}"), end, at(end, Fault::Missing)),
            (
                format!("insert into lms.event_log (select (jsonb_populate_record(l, jsonb_build_object('id', lms.new_id(), 'at', l.at + interval '1 second'))).* from lms.event_log as l {of})"),
                12,
                at(12, Fault::Surplus),
            ),
            (
                format!("insert into lms.event_log (select (jsonb_populate_record(l, jsonb_build_object('id', lms.new_id(), 'position', 0))).* from lms.event_log as l {of})"),
                12,
                at(0, Fault::Surplus),
            ),
            (
                format!("update lms.event_log set state = state || '{{\"x\": 1}}' {of}"),
                13,
                at(13, Fault::State),
            ),
            (
                format!("update lms.event_log set state = '{{}}', state_hash = lms_private.state_hash(salt, '{{}}') {of}"),
                14,
                at(14, Fault::Hash),
            ),
            (
                format!("update lms.event_log set updated_by = lms.new_id() {of}"),
                15,
                at(15, Fault::Column("updated_by")),
            ),
            (
                "update lms.event_heads set hash = sha256(hash) where tenant_id = $1 and position = $2".to_owned(),
                end,
                at(end, Fault::Head),
            ),
            (
                "update lms.event_heads set position = position - 1 where tenant_id = $1 and position = $2".to_owned(),
                end,
                at(end, Fault::Surplus),
            ),
        ];
        for (sql, position, expected) in cases {
            tamperer.change(&sql, position).await?;
            let broken = found(app).await?;
            // Two events of one position come in either order, and the wrong one may not even be an event.
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
            assert_eq!(found(app).await?, None);
        }
        for (from, to) in [(10, -1), (11, 10), (-1, 11)] {
            let sql = format!(
                "update lms.event_log set position = {to} where tenant_id = $1 and position = $2"
            );
            tamperer.change(&sql, from).await?;
        }
        assert_eq!(found(app).await?, at(10, Fault::Previous));
        Ok(())
    });
}

/// An expression that is the column with one bit turned, by its type; the bit is `$3`.
fn turned(kind: &str, column: &str) -> Result<String> {
    let uuid = format!("uuid_send({column})");
    let turn = |bytes: &str| {
        format!(
            "set_bit({bytes}, $3 % (8 * octet_length({bytes})), 1 - get_bit({bytes}, $3 % (8 * octet_length({bytes}))))"
        )
    };
    Ok(match kind {
        "uuid" => format!(
            "coalesce(encode({}, 'hex')::uuid, lms.new_id())",
            turn(&uuid)
        ),
        "bytea" => turn(column),
        "int8" => format!("{column} # (1::bigint << ($3 % 62)::integer)"),
        // The lower seven bits of a byte, so that it stays text.
        "text" => {
            let bytes = format!("convert_to({column}, 'UTF8')");
            let bit = format!("(8 * ($3 / 7 % octet_length({bytes})) + $3 % 7)");
            format!(
                "coalesce(convert_from(set_bit({bytes}, {bit}, 1 - get_bit({bytes}, {bit})), 'UTF8'), 'x')"
            )
        }
        "timestamptz" => format!(
            "coalesce({column} + (1::bigint << ($3 % 50)::integer) * interval '1 microsecond', now())"
        ),
        kind => bail!("no bit of a {kind} is turned yet"),
    })
}

#[test]
fn one_turned_bit_of_any_column_is_found() {
    run(async |app| {
        let tamperer = Tamperer::new(app).await?;
        let end = tamperer.end().await?;
        let columns = tamperer
            .client
            .query(
                "select a.attname::text, t.typname::text from pg_attribute as a join pg_type as t on t.oid = a.atttypid
                where a.attrelid = 'lms.event_log'::regclass and a.attnum > 0 and not a.attisdropped",
                &[],
            )
            .await?;
        assert!(columns.len() >= 20, "{}", columns.len());
        let mut random = ChaCha8Rng::seed_from_u64(7);
        for row in columns {
            let (column, kind): (String, String) = (row.get(0), row.get(1));
            for _ in 0..4 {
                let position = random.random_range(1..=end);
                let bit: i64 = random.random_range(0..10_000);
                let expected = if kind == "jsonb" {
                    turn_state(&tamperer, position, &mut random).await?;
                    position
                } else {
                    let sql = format!(
                        "update lms.event_log set {column} = {} where tenant_id = $1 and position = $2
                        returning position",
                        turned(&kind, &column)?
                    );
                    let sql = sql.replace("$3", &bit.to_string());
                    let moved: i64 = tamperer
                        .client
                        .query_one(&sql, &[&tamperer.tenant, &position])
                        .await
                        .with_context(|| sql.clone())?
                        .get(0);
                    position.min(moved)
                };
                let broken = found(app).await?.map(|broken| broken.position);
                assert_eq!(broken, Some(expected), "{column}, bit {bit}");
                tamperer.restore().await?;
            }
        }
        assert_eq!(found(app).await?, None);
        Ok(())
    });
}

/// Turns a bit of the state's text, so that it is another state and still JSON.
async fn turn_state(tamperer: &Tamperer, position: i64, random: &mut ChaCha8Rng) -> Result<()> {
    let sql = "select state::text from lms.event_log where tenant_id = $1 and position = $2";
    let row = tamperer
        .client
        .query_one(sql, &[&tamperer.tenant, &position])
        .await?;
    let text: String = row.get(0);
    loop {
        let mut bytes = text.clone().into_bytes();
        let byte = random.random_range(0..bytes.len());
        bytes[byte] ^= 1 << random.random_range(0..8);
        let Ok(changed) = String::from_utf8(bytes) else {
            continue;
        };
        let sql = "update lms.event_log set state = $3::text::jsonb
            where tenant_id = $1 and position = $2 and state::text <> $3::text::jsonb::text";
        if let Ok(1) = tamperer
            .client
            .execute(sql, &[&tamperer.tenant, &position, &changed])
            .await
        {
            return Ok(());
        }
    }
}

#[test]
fn a_rewritten_tail_is_found_by_the_signed_heads() {
    run(async |app| {
        let tamperer = Tamperer::new(app).await?;
        let directory = tempfile::tempdir()?;
        let (key, file) = (directory.path().join("key"), directory.path().join("heads"));
        let public = keys::generate(&key)?;
        let written = heads::export(&app.superuser_url, &file, &keys::private(&key)?).await?;
        assert_eq!(written, 2);
        let signed = Heads::read(&file, &keys::public(&public)?)?;
        let end = tamperer.end().await?;
        assert_eq!(
            signed.of(tamperer.tenant).map(|head| head.position),
            Some(end)
        );
        let check = async || -> Result<Option<Break>> {
            let reports = verify::run(&app.superuser_url, None, Some(&signed)).await?;
            Ok(reports.into_iter().find_map(|report| report.broken))
        };
        assert_eq!(check().await?, None);
        let printed = run_python("signed_heads.py", [file.as_os_str(), public.as_os_str()]).await?;
        let printed: serde_json::Value = serde_json::from_str(&printed)?;
        assert_eq!(printed["heads"].as_array().map(Vec::len), Some(2));

        // Somebody who may do all in the database makes the whole chain anew from one event on.
        tamperer
            .client
            .batch_execute(&format!(
                "do $$
                declare event lms.event_log; previous bytea; begin
                  update lms.event_log set state = state || '{{\"forged\": true}}'
                  where tenant_id = '{tenant}' and position = {forged};
                  select hash into previous from lms.event_log
                  where tenant_id = '{tenant}' and position = {forged} - 1;
                  for event in select * from lms.event_log
                    where tenant_id = '{tenant}' and position >= {forged} order by position
                  loop
                    event.state_hash := lms_private.state_hash(event.salt, event.state);
                    event.previous_hash := previous;
                    event.hash := sha256(previous || convert_to(lms_private.event_text(event), 'UTF8'));
                    update lms.event_log
                    set state_hash = event.state_hash, previous_hash = previous, hash = event.hash
                    where tenant_id = '{tenant}' and position = event.position;
                    previous := event.hash;
                  end loop;
                  update lms.event_heads set hash = previous where tenant_id = '{tenant}';
                end $$",
                tenant = tamperer.tenant,
                forged = end - 5,
            ))
            .await?;
        assert_eq!(found(app).await?, None, "the forgery is consistent");
        assert_eq!(check().await?, at(end, Fault::SignedHead));
        tamperer.restore().await?;

        // A log that is cut off, with its head.
        tamperer
            .client
            .batch_execute(&format!(
                "delete from lms.event_log where tenant_id = '{tenant}' and position > {end} - 3;
                update lms.event_heads as h set position = l.position, hash = l.hash
                from lms.event_log as l
                where l.tenant_id = h.tenant_id and h.tenant_id = '{tenant}' and l.position = {end} - 3",
                tenant = tamperer.tenant
            ))
            .await?;
        assert_eq!(found(app).await?, None);
        assert_eq!(check().await?, at(end - 2, Fault::Missing));

        let other = keys::generate(&directory.path().join("other"))?;
        let error = Heads::read(&file, &keys::public(&other)?)
            .err()
            .context("read")?;
        assert!(
            format!("{error:#}").contains("the signature does not match this key"),
            "{error:#}"
        );
        let again = heads::export(&app.superuser_url, &file, &keys::private(&key)?).await;
        assert!(again.is_err());
        Ok(())
    });
}

/// Replaces the state of an event as an erasure does, and tells the log of it.
async fn erase(tamperer: &Tamperer, erasure: Uuid, position: i64, state: &str) -> Result<()> {
    tamperer
        .client
        .batch_execute(&format!(
            "begin;
            select set_config('app.tenant_id', '{tenant}', true);
            insert into lms.event_redactions (tenant_id, erasure_id, position, state_hash)
            values ('{tenant}', '{erasure}', {position}, lms_private.state_hash('{erasure}', '{state}'));
            update lms.event_log set state = '{state}', salt = '{erasure}'
            where tenant_id = '{tenant}' and position = {position};
            insert into lms_private.unsealed_events (tenant_id, entity, entity_id, kind, at, state)
            select '{tenant}', 'erasures', '{erasure}', 'erasure.created', clock_timestamp(), jsonb_build_object(
              'redactions_hash', sha256(int8send(r.position) || r.state_hash)
            )
            from lms.event_redactions as r where r.erasure_id = '{erasure}';
            commit",
            tenant = tamperer.tenant
        ))
        .await?;
    Ok(())
}

#[test]
fn an_erased_state_is_accepted_and_nothing_else_in_its_place() {
    run(async |app| {
        let tamperer = Tamperer::new(app).await?;
        let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
        erase(&tamperer, first, 20, "{\"name\": \"Erased\"}").await?;
        assert_eq!(found(app).await?, None);
        erase(&tamperer, second, 20, "{\"name\": null}").await?;
        assert_eq!(found(app).await?, None);
        tamperer.keep().await?;
        let of = "where tenant_id = $1 and position = $2";
        for state in ["{\"name\": \"Ana\"}", "{\"name\": \"Erased\"}"] {
            let sql = format!("update lms.event_log set state = '{state}' {of}");
            tamperer.change(&sql, 20).await?;
            assert_eq!(found(app).await?, at(20, Fault::State));
            tamperer.restore().await?;
        }
        // An erasure that claims more or less than its event does.
        let redactions = "lms.event_redactions (tenant_id, erasure_id, position, state_hash)";
        let sql = format!(
            "insert into {redactions} select tenant_id, '{second}', $2, sha256('') from lms.event_heads where tenant_id = $1"
        );
        tamperer.change(&sql, 30).await?;
        let end = tamperer.end().await?;
        assert_eq!(found(app).await?, at(end, Fault::Redactions));
        tamperer
            .change(
                "delete from lms.event_redactions where tenant_id = $1 and position = $2",
                30,
            )
            .await?;
        assert_eq!(found(app).await?, None);
        tamperer
            .change(
                "delete from lms.event_redactions where tenant_id = $1 and position = $2",
                20,
            )
            .await?;
        assert_eq!(found(app).await?, at(20, Fault::State));
        Ok(())
    });
}

#[test]
fn another_language_computes_the_chain_from_the_document() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let odd = json!({
            "name": "é 😀 \" \\ / 中", "code": "odd", "time_zone": "UTC", "currency": "EUR",
        });
        app.post(&admin, "/v1/centres", odd).await?.expect(201);
        // What no endpoint lets in: control characters, numbers of all forms, keys of all lengths.
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
        let lines = rows::texts(
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

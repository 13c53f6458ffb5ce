//! Checks inside the database: version, time zones, roles, migrations, cell, row security, event log, archiving, clock, demo users.

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use tokio_postgres::Client;

use super::{Check, Options};
use crate::backup::{self, Archiver};
use crate::cluster::VERSION;
use crate::database::{self, explain};
use crate::demo::Demo;
use crate::migrate;
use crate::secrets::Secrets;
use crate::zones;

/// Tokens live for minutes: clocks that differ by more than this make them fail.
const CLOCK_SECONDS: i64 = 5;

pub(super) async fn check(options: &Options, address: &str) -> Vec<Check> {
    let client = match database::connect(address).await {
        Ok(client) => client,
        Err(error) => {
            return vec![Check::bad(
                "database",
                format!("{error:#}"),
                "start it, or correct DATABASE_URL; `lms up` starts a private one",
            )];
        }
    };
    let mut checks = Vec::new();
    for (subject, outcome) in [
        ("database version", version(&client).await),
        ("clock", clock(&client).await),
        ("time zones", time_zones(&client).await),
        ("migrations", migrations(&client).await),
        ("cell", cell(&client).await),
        ("roles", roles(&client).await),
        ("privileges", privileges(&client).await),
        ("server log", server_log(&client).await),
        ("row security", row_security(&client).await),
        ("event log", event_log(&client).await),
        ("archiving", archiving(&client).await),
        ("application login", login(options, address).await),
        ("demo users", demo_users(options, &client).await),
    ] {
        checks.push(match outcome {
            Ok(Outcome::Good(text)) => Check::good(subject, text),
            Ok(Outcome::Skipped(text)) => Check::skipped(subject, text),
            Ok(Outcome::Bad(what, mend)) => Check::bad(subject, what, mend),
            Err(error) => Check::bad(
                subject,
                format!("{error:#}"),
                "`lms migrate`, and look again",
            ),
        });
    }
    checks
}

enum Outcome {
    Good(String),
    Skipped(String),
    Bad(String, String),
}

fn bad(what: impl Into<String>, mend: impl Into<String>) -> Result<Outcome> {
    Ok(Outcome::Bad(what.into(), mend.into()))
}

async fn version(client: &Client) -> Result<Outcome> {
    let row = client
        .query_one("show server_version", &[])
        .await
        .map_err(explain)?;
    let version: String = row.get(0);
    if version.split('.').next() == Some(VERSION) {
        Ok(Outcome::Good(version))
    } else {
        bad(
            format!("it is PostgreSQL {version}"),
            format!("use PostgreSQL {VERSION}, for which the schema is written and tested"),
        )
    }
}

async fn clock(client: &Client) -> Result<Outcome> {
    let row = client
        .query_one("select clock_timestamp()", &[])
        .await
        .map_err(explain)?;
    let difference = (Utc::now() - row.get::<_, DateTime<Utc>>(0))
        .num_seconds()
        .abs();
    if difference <= CLOCK_SECONDS {
        Ok(Outcome::Good(
            "this machine and the database agree".to_owned(),
        ))
    } else {
        bad(
            format!("this machine and the database differ by {difference} s"),
            "set both clocks by NTP",
        )
    }
}

/// Checks that the server's zones are those of this year: all of the application counts by them.
async fn time_zones(client: &Client) -> Result<Outcome> {
    let outdated = zones::outdated(client).await?;
    if outdated.is_empty() {
        Ok(Outcome::Good(
            "the server knows the rules of 2026".to_owned(),
        ))
    } else {
        bad(
            format!(
                "the server counts by rules that clocks have no longer, in {}",
                outdated.join(", ")
            ),
            "upgrade the package tzdata on the database's server and restart PostgreSQL; `lms worker` then names the classes that were planned by the old rules",
        )
    }
}

async fn migrations(client: &Client) -> Result<Outcome> {
    let known = migrate::embedded()?;
    match migrate::pending(&known, &migrate::ledger(client).await?) {
        Ok(left) if left.is_empty() => Ok(Outcome::Good(format!(
            "the schema is at {}",
            known
                .last()
                .map(migrate::Migration::label)
                .unwrap_or_default()
        ))),
        Ok(left) => bad(format!("{} are not applied", left.len()), "`lms migrate`"),
        Err(mismatch) => bad(
            mismatch.to_string(),
            "use the program that belongs to this database, or another database",
        ),
    }
}

async fn cell(client: &Client) -> Result<Outcome> {
    let row = client
        .query_opt(
            "select name, region, retention_class from lms_private.cell",
            &[],
        )
        .await
        .map_err(explain)?;
    match row {
        Some(row) => Ok(Outcome::Good(format!(
            "{}: {}, {}",
            row.get::<_, &str>(0),
            row.get::<_, &str>(1),
            row.get::<_, &str>(2)
        ))),
        None => bad(
            "the database does not say which cell it is",
            "`lms migrate` with --cell",
        ),
    }
}

async fn roles(client: &Client) -> Result<Outcome> {
    let row = client
        .query_one(
            "select
              (
                select coalesce(string_agg(wanted.name, ', '), '')
                from unnest(array['lms_owner', 'lms_application', 'lms_refresher', 'lms_definer', 'lms_migrator']) as wanted (name)
                where not exists (select from pg_roles where rolname = wanted.name)
              ),
              (
                select coalesce(bool_or(rolsuper or rolbypassrls), false)
                from pg_roles
                where rolname = 'lms_application'
              ),
              (
                select coalesce(bool_or(pg_has_role(rolname, 'lms_owner', 'member')), false)
                from pg_roles
                where rolname = 'lms_application'
              )",
            &[],
        )
        .await
        .map_err(explain)?;
    let (missing, bypasses, owns): (String, bool, bool) = (row.get(0), row.get(1), row.get(2));
    if !missing.is_empty() {
        bad(
            format!("missing: {missing}"),
            "restore them from the first migration, as a superuser",
        )
    } else if bypasses {
        bad(
            "lms_application may look past row security",
            "alter role lms_application nosuperuser nobypassrls",
        )
    } else if owns {
        bad(
            "lms_application is a member of lms_owner",
            "revoke lms_owner from lms_application",
        )
    } else {
        Ok(Outcome::Good(
            "all there, and the application is under row security".to_owned(),
        ))
    }
}

async fn privileges(client: &Client) -> Result<Outcome> {
    let found = migrate::excess(client).await?;
    if found == migrate::Excess::default() {
        Ok(Outcome::Good(
            "the application makes neither temporary nor large objects".to_owned(),
        ))
    } else {
        bad(
            "lms_application may make temporary or large objects",
            "`lms migrate` once more, as a superuser",
        )
    }
}

/// Checks that the server's log has nobody's data in it.
async fn server_log(client: &Client) -> Result<Outcome> {
    let faults = crate::server_log::faults(client).await?;
    if faults.is_empty() {
        Ok(Outcome::Good("has no values in it".to_owned()))
    } else {
        bad(
            format!("may have what people typed in it: {}", faults.join("; ")),
            "`alter system set` what is named, or `alter role ... reset` it, and `select pg_reload_conf()`",
        )
    }
}

async fn row_security(client: &Client) -> Result<Outcome> {
    let row = client
        .query_one(
            "select coalesce(string_agg(relname, ', ' order by relname), '')
            from pg_class
            where relnamespace = 'lms'::regnamespace
              and relkind in ('r', 'p')
              and not (relrowsecurity and relforcerowsecurity)",
            &[],
        )
        .await
        .map_err(explain)?;
    let open: String = row.get(0);
    if open.is_empty() {
        Ok(Outcome::Good("forced on every table".to_owned()))
    } else {
        bad(
            format!("not forced on {open}"),
            "alter table lms.<table> enable row level security, force row level security",
        )
    }
}

/// Whether the next month of the event log is there before it begins.
async fn event_log(client: &Client) -> Result<Outcome> {
    let row = client
        .query_one(
            "select
              count(*),
              coalesce(bool_or(m.month = to_char(now() at time zone 'UTC' + interval '1 month', 'YYYY_MM')), false)
            from (
              select substring(c.relname from '^event_log_([0-9]{4}_[0-9]{2})$') as month
              from pg_inherits as i
              join pg_class as c
                on c.oid = i.inhrelid
              where i.inhparent = 'lms.event_log'::regclass
            ) as m
            where m.month > to_char(now() at time zone 'UTC', 'YYYY_MM')",
            &[],
        )
        .await
        .map_err(explain)?;
    let (months, is_ahead): (i64, bool) = (row.get(0), row.get(1));
    if is_ahead {
        Ok(Outcome::Good(format!(
            "the partitions of {months} months ahead are there"
        )))
    } else {
        bad(
            "the partition of the next month is not there: its events will all be in the default partition",
            "run `lms worker`, or `lms worker --once`, before the month ends",
        )
    }
}

/// Whether what is written reaches the archive, which a restore to a time needs.
async fn archiving(client: &Client) -> Result<Outcome> {
    let state = backup::archiver(client).await?;
    Ok(match state {
        Archiver::Off => Outcome::Skipped(format!("{state}: `lms backup configure` sets it up")),
        Archiver::Working { .. } => Outcome::Good(state.to_string()),
        Archiver::Failing { .. } => Outcome::Bad(
            state.to_string(),
            "the server's log says why; free the repository's disk, or make it reachable: the server keeps what waits and goes on by itself"
                .to_owned(),
        ),
    })
}

/// The components' own login, with the password of the local installation.
async fn login(options: &Options, address: &str) -> Result<Outcome> {
    if !options.state.join(crate::secrets::FILE).exists() {
        return Ok(Outcome::Skipped(
            "there are no local secrets yet".to_owned(),
        ));
    }
    let secrets = Secrets::load_or_create(&options.state)?;
    let address = database::with_login(address, "lms_application", &secrets.application_password)?;
    match database::connect(&address).await {
        Ok(_) => Ok(Outcome::Good("works".to_owned())),
        Err(error) => bad(
            format!("{error:#}"),
            "`lms up` or `lms prepare` sets its password",
        ),
    }
}

async fn demo_users(options: &Options, client: &Client) -> Result<Outcome> {
    let Ok(demo) = Demo::read(&options.state) else {
        return Ok(Outcome::Skipped("there is no demo data".to_owned()));
    };
    let wanted: Vec<uuid::Uuid> = demo
        .tenants
        .iter()
        .flat_map(|tenant| &tenant.users)
        .map(|user| user.id)
        .collect();
    let row = client
        .query_one("select count(*) from lms.users where id = any($1) and status = 'active' and deleted_at is null", &[&wanted])
        .await
        .map_err(explain)?;
    let found = usize::try_from(row.get::<_, i64>(0)).context("a count is never negative")?;
    if found == wanted.len() {
        Ok(Outcome::Good(format!("all {found} can sign in")))
    } else {
        bad(
            format!("{found} of {} are there and active", wanted.len()),
            "`lms up` or `lms prepare` restores them",
        )
    }
}

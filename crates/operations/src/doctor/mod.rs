//! The checks of `lms doctor` inside of the database: version, clock, time zones, migrations, cell, roles, row security, event log and
//! archiving. They change nothing.
//! Checks of a developer's machine and installation live in `local::doctor`.

mod check;

use anyhow::Result;
use chrono::{DateTime, Utc};
use database::{explain, migrate, zones};
use tokio_postgres::Client;

use crate::backup::{self, Archiver};
use crate::postgresql::VERSION;
pub use check::{Check, Finding};

/// The largest difference of clocks, in seconds. Tokens live for minutes, and a larger difference makes them fail.
const MAX_CLOCK_DIFFERENCE: i64 = 5;

/// Connects to the database that is checked.
///
/// # Errors
///
/// The failed check, when there is no connection.
pub async fn connect(database_url: &str) -> Result<Client, Check> {
    database::connect(database_url).await.map_err(|error| {
        Check::bad(
            "database",
            format!("{error:#}"),
            "start it, or correct DATABASE_URL; `lms up` starts a private one",
        )
    })
}

/// Runs every check inside of the database. Without the right schema, those of the schema would only repeat that.
pub async fn check(client: &Client) -> Vec<Check> {
    let mut checks = vec![
        Check::of("database version", version(client).await),
        Check::of("clock", clock(client).await),
        Check::of("time zones", time_zones(client).await),
        Check::of("archiving", archiving(client).await),
    ];
    let migrations = Check::of("migrations", migrations(client).await);
    let has_schema = !migrations.is_bad();
    checks.push(migrations);
    if has_schema {
        checks.extend(check_schema(client).await);
    }
    checks
}

async fn check_schema(client: &Client) -> [Check; 6] {
    [
        Check::of("cell", cell(client).await),
        Check::of("roles", roles(client).await),
        Check::of("privileges", privileges(client).await),
        Check::of("server log", server_log(client).await),
        Check::of("row security", row_security(client).await),
        Check::of("event log", event_log(client).await),
    ]
}

/// Something wrong, with the way to repair it.
fn bad(fault: impl Into<String>, repair: impl Into<String>) -> Result<Finding> {
    Ok(Finding::Bad(fault.into(), repair.into()))
}

async fn version(client: &Client) -> Result<Finding> {
    let row = client
        .query_one("show server_version", &[])
        .await
        .map_err(explain)?;
    let version: String = row.get(0);
    if version.split('.').next() == Some(VERSION) {
        Ok(Finding::Good(version))
    } else {
        bad(
            format!("the server is PostgreSQL {version}"),
            format!("use PostgreSQL {VERSION}, for which the schema is written and tested"),
        )
    }
}

async fn clock(client: &Client) -> Result<Finding> {
    let row = client
        .query_one("select clock_timestamp()", &[])
        .await
        .map_err(explain)?;
    let difference = (Utc::now() - row.get::<_, DateTime<Utc>>(0))
        .num_seconds()
        .abs();
    if difference <= MAX_CLOCK_DIFFERENCE {
        Ok(Finding::Good(
            "this machine and the database agree".to_owned(),
        ))
    } else {
        bad(
            format!("this machine and the database differ by {difference} s"),
            "synchronise both clocks by NTP",
        )
    }
}

/// Checks that the server has the current rules of time zones, which the whole application uses.
async fn time_zones(client: &Client) -> Result<Finding> {
    let outdated = zones::outdated(client).await?;
    if outdated.is_empty() {
        Ok(Finding::Good("the server has the rules of 2026".to_owned()))
    } else {
        bad(
            format!("the server has outdated rules for {}", outdated.join(", ")),
            "upgrade the package tzdata on the database's server and restart PostgreSQL; `lms worker` then lists the classes that were planned by the old rules",
        )
    }
}

async fn migrations(client: &Client) -> Result<Finding> {
    let known = migrate::embedded()?;
    match migrate::pending(&known, &migrate::ledger(client).await?) {
        Ok(left) if left.is_empty() => Ok(Finding::Good(format!(
            "the schema is at {}",
            known
                .last()
                .map(migrate::Migration::label)
                .unwrap_or_default()
        ))),
        Ok(left) => bad(
            format!("{} are not applied", left.len()),
            "run `lms migrate`",
        ),
        Err(mismatch) => bad(
            mismatch.to_string(),
            "use the program that belongs to this database, or another database",
        ),
    }
}

async fn cell(client: &Client) -> Result<Finding> {
    let row = client
        .query_opt(
            "select name, region, retention_class from lms_private.cell",
            &[],
        )
        .await
        .map_err(explain)?;
    match row {
        Some(row) => Ok(Finding::Good(format!(
            "{}: {}, {}",
            row.get::<_, &str>(0),
            row.get::<_, &str>(1),
            row.get::<_, &str>(2)
        ))),
        None => bad(
            "the database has no identity of a cell",
            "run `lms migrate` with --cell",
        ),
    }
}

async fn roles(client: &Client) -> Result<Finding> {
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
            "create them as the baseline does, as a superuser",
        )
    } else if bypasses {
        bad(
            "lms_application may bypass row security",
            "alter role lms_application nosuperuser nobypassrls",
        )
    } else if owns {
        bad(
            "lms_application is a member of lms_owner",
            "revoke lms_owner from lms_application",
        )
    } else {
        Ok(Finding::Good(
            "all exist, and row security applies to the application".to_owned(),
        ))
    }
}

async fn privileges(client: &Client) -> Result<Finding> {
    let found = migrate::excess_privileges(client).await?;
    if found == migrate::ExcessPrivileges::default() {
        Ok(Finding::Good(
            "the application may create neither temporary nor large objects".to_owned(),
        ))
    } else {
        bad(
            "lms_application may create temporary or large objects",
            "run `lms migrate` once more, as a superuser",
        )
    }
}

/// Checks that the server's log contains no personal data.
async fn server_log(client: &Client) -> Result<Finding> {
    let faults = crate::server_log::faults(client).await?;
    if faults.is_empty() {
        Ok(Finding::Good("contains no values".to_owned()))
    } else {
        bad(
            format!("may contain users' input: {}", faults.join("; ")),
            "run `alter system set` for the named settings, or `alter role ... reset`, and `select pg_reload_conf()`",
        )
    }
}

async fn row_security(client: &Client) -> Result<Finding> {
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
        Ok(Finding::Good("forced on every table".to_owned()))
    } else {
        bad(
            format!("not forced on {open}"),
            "alter table lms.<table> enable row level security, force row level security",
        )
    }
}

/// Checks that the partition of the next month exists before it begins.
async fn event_log(client: &Client) -> Result<Finding> {
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
        Ok(Finding::Good(format!(
            "the partitions of the next {months} months exist"
        )))
    } else {
        bad(
            "the partition of the next month is missing: all its events will be in the default partition",
            "run `lms worker`, or `lms worker --once`, before the month ends",
        )
    }
}

/// Checks that writes reach the archive, which a restore to a time needs.
async fn archiving(client: &Client) -> Result<Finding> {
    let state = backup::archiver(client).await?;
    Ok(match state {
        Archiver::Off => Finding::Skipped(format!("{state}: `lms backup configure` sets it up")),
        Archiver::Working { .. } => Finding::Good(state.to_string()),
        Archiver::Failing { .. } => Finding::Bad(
            state.to_string(),
            "the server's log has the reason; free the repository's disk, or make it reachable: the server keeps the waiting segments and resumes by itself"
                .to_owned(),
        ),
    })
}

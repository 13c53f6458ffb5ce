//! Rebuilding the tables of a tenant from its events alone, in a new schema (`lms events replay`).
//! Rows that are not events live in `derived`.
//!
//! Windows of positions are read from the last to the first, so that each row is written once: an event of a row that a later window has
//! already written is older, and is skipped.

mod derived;

use anyhow::{Context, Result, bail, ensure};
use chrono::{DateTime, SecondsFormat, Utc};
use database::{explain, quote_literal, quote_name, tenant};
use serde::Serialize;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Transaction};
use uuid::Uuid;

use super::log::Log;
use super::snapshot::{begin_snapshot, find_tenant};
use super::tables::{Table, copy_definition};
use super::verify::find_break;
use crate::progress::Bar;

/// The number of positions in a window.
const POSITIONS_PER_WINDOW: i64 = 50_000;

/// The columns that a replay does not rebuild, by table (`*` for all of a table), with the reason. docs/reference/event-log-format.md lists
/// the same.
pub const NOT_REBUILT: &[(&str, &[&str], &str)] = &[
    (
        "users",
        &["password_hash"],
        "a secret, which no event contains",
    ),
    (
        "calendar_feeds",
        &["token_hash"],
        "a secret, which no event contains",
    ),
    (
        "sessions",
        &[
            "user_agent",
            "address",
            "last_used_at",
            "updated_at",
            "updated_by",
            "version",
        ],
        "recorded when they open and when they are revoked, but not when they are refreshed",
    ),
    (
        "finance_totals",
        &[
            "id",
            "created_at",
            "updated_at",
            "created_by",
            "updated_by",
            "version",
        ],
        "computed from records: no event contains the writer or version of a total",
    ),
    (
        "tenant_sequences",
        &[
            "id",
            "created_at",
            "updated_at",
            "created_by",
            "updated_by",
            "version",
        ],
        "computed from rows and events",
    ),
    ("refresh_tokens", &["*"], "not recorded"),
    ("one_use_tokens", &["*"], "not recorded"),
    ("sign_in_failures", &["*"], "not recorded"),
    ("idempotency_keys", &["*"], "not recorded"),
    ("notification_deliveries", &["*"], "not recorded"),
    ("webhook_secrets", &["*"], "not recorded"),
    ("webhook_queues", &["*"], "not recorded"),
    ("webhook_deliveries", &["*"], "not recorded"),
    ("event_log", &["*"], "the log itself"),
    ("event_heads", &["*"], "the log itself"),
    ("event_redactions", &["*"], "the log itself"),
];

/// The end of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// All events.
    End,
    /// The events up to a position.
    Position(i64),
    /// The events up to a time.
    Time(DateTime<Utc>),
}

/// The options of a replay.
#[derive(Clone, Debug)]
pub struct Options {
    /// The tenant's slug.
    pub tenant: String,
    /// The end of the replay.
    pub until: Until,
    /// The schema to be created.
    pub schema: String,
}

/// The extent of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The last position that was read.
    pub position: i64,
    /// The number of rows that were rebuilt in recorded tables.
    pub rows: u64,
}

/// Rebuilds a tenant. A failure leaves nothing behind.
///
/// # Errors
///
/// When there is no such tenant, the schema exists, the end is before the first event, beyond the log or in the future, the chain is
/// broken, or the database rejects a statement.
pub async fn run(database_url: &str, options: &Options) -> Result<Report> {
    check_schema_name(&options.schema)?;
    let mut client = database::connect(database_url).await?;
    let tenant = find_tenant(&client, &options.tenant).await?;
    check_schema_is_new(&client, &options.schema).await?;
    check_time(&client, options.until).await?;
    tenant::seal_events(&mut client, tenant).await?;

    let transaction = begin_snapshot(&mut client, tenant, false).await?;
    let log = Log::open(&transaction, tenant).await?;
    let head = log.head().await?;
    let end = match options.until {
        Until::End => head.position,
        Until::Position(position) => position,
        Until::Time(time) => last_position(&log, options, time).await?,
    };
    ensure!(
        end <= head.position,
        "position {end} is beyond the end: the last event of {} is at position {}",
        options.tenant,
        head.position
    );
    let replay = Replay {
        transaction: &transaction,
        tenant,
        schema: &options.schema,
        end,
        time: match options.until {
            Until::Time(time) => Some(time),
            Until::End | Until::Position(_) => None,
        },
    };
    // Another connection verifies the chain at the same time, so that nothing is rebuilt from a broken one.
    let verified = async {
        match find_break(database_url, tenant, head.position).await? {
            Some(broken) => bail!("the chain of {} is broken at {broken}", options.tenant),
            None => Ok(()),
        }
    };
    let (rows, ()) = tokio::try_join!(replay.rebuild(), verified)?;
    transaction.commit().await.map_err(explain)?;
    Ok(Report {
        position: end,
        rows,
    })
}

/// Allows only names that need no quotes in SQL.
fn check_schema_name(schema: &str) -> Result<()> {
    let is_plain = (1..=63).contains(&schema.len())
        && schema
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        && !schema.starts_with(|first: char| first.is_ascii_digit())
        && !schema.starts_with("pg_");
    ensure!(
        is_plain,
        "{schema:?} is not a name for the schema: it takes 1 to 63 lower-case letters, digits and underscores, and must not begin with a digit or \
         with pg_"
    );
    Ok(())
}

async fn check_schema_is_new(client: &Client, schema: &str) -> Result<()> {
    let row = client
        .query_opt(
            "-- events.schema
            select from pg_namespace as n
            where n.nspname = $1",
            &[&schema],
        )
        .await
        .map_err(explain)?;
    ensure!(
        row.is_none(),
        "the schema {schema} already exists: choose another name, or drop it first"
    );
    Ok(())
}

/// The position of the last event up to a time, which must not be before the first event.
async fn last_position(log: &Log<'_>, options: &Options, time: DateTime<Utc>) -> Result<i64> {
    let until = log.until(time).await?;
    until.position.with_context(|| {
        let first = until.first.map_or_else(String::new, |first| {
            format!(": its first event is of {}", formatted(first))
        });
        format!(
            "{} has no event up to {}{first}",
            options.tenant,
            formatted(time)
        )
    })
}

fn formatted(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

async fn check_time(client: &Client, until: Until) -> Result<()> {
    let Until::Time(time) = until else {
        return Ok(());
    };
    let row = client
        .query_one("select now() < $1", &[&time])
        .await
        .map_err(explain)?;
    ensure!(
        !row.get::<_, bool>(0),
        "{} is in the future",
        formatted(time)
    );
    Ok(())
}

struct Replay<'a> {
    transaction: &'a Transaction<'a>,
    tenant: Uuid,
    schema: &'a str,
    end: i64,
    time: Option<DateTime<Utc>>,
}

impl Replay<'_> {
    async fn rebuild(&self) -> Result<u64> {
        self.create_schema().await?;
        let tables = Table::recorded(self.transaction).await?;
        for table in &tables {
            copy_definition(self.transaction, &table.name, self.schema).await?;
        }
        let mut bar = Bar::new("replaying", u64::try_from(self.end)?);
        let mut rows = 0;
        let mut until = self.end;
        while until > 0 {
            let after = (until - POSITIONS_PER_WINDOW).max(0);
            rows += self.window(&tables, after, until).await?;
            bar.advance(u64::try_from(until - after)?);
            until = after;
        }
        derived::derive(
            self.transaction,
            self.tenant,
            self.schema,
            self.end,
            self.time,
        )
        .await?;
        bar.done();
        Ok(rows)
    }

    /// Creates the schema. The login itself does so, because the owner of the schema `lms` may not create others.
    async fn create_schema(&self) -> Result<()> {
        let name = quote_name(self.schema);
        let comment = format!("Rebuilt from the event log to position {}.", self.end);
        self.transaction
            .batch_execute(&format!(
                "set local role none;
                create schema {name} authorization lms_owner;
                set local role lms_owner;
                comment on schema {name} is {};
                -- Windows are sorted in memory.
                set local work_mem = '128MB';
                create temporary table replay_purged (
                  entity text, entity_id uuid, primary key (entity, entity_id)
                )
                on commit drop",
                quote_literal(&comment)
            ))
            .await
            .map_err(explain)
            .context("cannot create the schema: the login needs the privilege to create schemas in this database")
    }

    /// Writes the last state of each row in a window, unless a later window has the row. One statement serves all tables, so that the window
    /// is read once.
    async fn window(&self, tables: &[Table], after: i64, until: i64) -> Result<u64> {
        let entities = self.entities(after, until).await?;
        // An entity without a table belongs to a table that no longer exists.
        let touched: Vec<&Table> = tables
            .iter()
            .filter(|table| entities.contains(&table.name))
            .collect();
        let statement = window_statement(&touched, self.schema);
        let parameters: [&(dyn ToSql + Sync); 4] = [&self.tenant, &after, &until, &self.time];
        let row = self
            .transaction
            .query_one(&statement, &parameters)
            .await
            .map_err(explain)
            .with_context(|| format!("cannot rebuild the rows of positions {after} to {until}"))?;
        Ok(u64::try_from(row.get::<_, i64>(0))?)
    }

    async fn entities(&self, after: i64, until: i64) -> Result<Vec<String>> {
        let rows = self
            .transaction
            .query(
                "-- events.replay_entities
                select distinct l.entity
                from lms.event_log as l
                where l.tenant_id = $1
                  and l.position > $2
                  and l.position <= $3",
                &[&self.tenant, &after, &until],
            )
            .await
            .map_err(explain)?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }
}

/// The statement that inserts the rows of a window that are not in their tables yet, and counts them.
fn window_statement(tables: &[&Table], schema: &str) -> String {
    let inserts = tables.iter().enumerate().map(|(number, table)| {
        format!(
            ", default_{number} as materialized (
              select {defaults} as row
            ), inserted_{number} as (
              insert into {target} ({columns})
              select {values}
              from default_{number} as d
              cross join latest as s
              cross join lateral jsonb_populate_record(d.row, s.state) as r
              where s.entity = {name}
                and not s.is_purged
                and not exists (
                  select from replay_purged as p
                  where p.entity = {name}
                    and p.entity_id = s.entity_id
                )
              on conflict (tenant_id, id) do nothing
              returning 1
            )",
            name = quote_literal(&table.name),
            target = table.within(schema),
            columns = table.list(""),
            values = table.list("r."),
            defaults = table.defaults(schema),
        )
    });
    let counts =
        (0..tables.len()).map(|number| format!(" + (select count(*) from inserted_{number})"));
    format!(
        "-- events.replay_window
        with latest as materialized (
          select distinct on (l.entity_id, l.entity collate \"C\")
            l.entity,
            l.entity_id,
            l.kind like '%.purged' as is_purged,
            l.state
          from lms.event_log as l
          where l.tenant_id = $1
            and l.position > $2
            and l.position <= $3
            and ($4::timestamptz is null or l.at <= $4)
          order by l.entity_id, l.entity collate \"C\", l.position desc
        ), purged as (
          insert into replay_purged (entity, entity_id)
          select s.entity, s.entity_id
          from latest as s
          where s.is_purged
          on conflict do nothing
        ){}
        select 0::bigint{}",
        inserts.collect::<String>(),
        counts.collect::<String>()
    )
}

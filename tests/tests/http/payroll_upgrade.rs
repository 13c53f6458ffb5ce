//! Lessons that an earlier release paid count as paid: no lesson of a month that it posted is paid once more.

use anyhow::{Context, Result};
use database::migrate::{embedded, run as migrate};
use tests::{Application, run};

use crate::faults::beside;
use crate::finance_upgrade::older_cell;

/// The migration that keeps which lessons were paid.
const PAID: i64 = 262;

/// A database of its own with the schema before that, and March 2026 posted in Auckland.
async fn before(app: &Application) -> Result<String> {
    let (name, server) = beside(app).await?;
    let name = format!("{name}_paid");
    server
        .batch_execute(&format!("create database {name}"))
        .await?;
    let (address, _) = app.superuser_url.rsplit_once('/').context("an address")?;
    let address = format!("{address}/{name}");
    let older: Vec<_> = embedded()?
        .into_iter()
        .filter(|migration| migration.version < PAID)
        .collect();
    migrate(&address, &older, &older_cell()).await?;
    database::connect(&address)
        .await?
        .batch_execute(
            "select set_config('app.tenant_id', '01900000-0000-7000-8000-000000000001', false);
            insert into lms.tenants (tenant_id, id, slug, name, region, retention_class)
            values ('01900000-0000-7000-8000-000000000001', '01900000-0000-7000-8000-000000000001', 'one', 'One', 'eu', 'standard');
            insert into lms.centres (id, name, code, time_zone, currency)
            values ('01900000-0000-7000-8000-000000000002', 'Centre', 'centre', 'Pacific/Auckland', 'NZD');
            insert into lms.users (id, name, email, role, centre_id)
            select '01900000-0000-7000-8000-000000000003', 'Tess', 'tess@one.example', 'tutor', c.id from lms.centres as c;
            insert into lms.tutors (id, user_id, centre_id)
            select '01900000-0000-7000-8000-000000000004', u.id, u.centre_id from lms.users as u;
            insert into lms.classes (id, centre_id, tutor_id, schedule)
            select '01900000-0000-7000-8000-000000000005', t.centre_id, t.id, '{}' from lms.tutors as t;
            insert into lms.occurrences (class_id, centre_id, tutor_id, original_start, starts_at, ends_at, status)
            select c.id, c.centre_id, c.tutor_id, s.at, s.at, s.at + interval '1 hour', s.status
            from lms.classes as c
            cross join (values
              (timestamptz '2026-02-28 10:00Z', 'completed'),
              ('2026-02-28 11:00Z', 'completed'),
              ('2026-03-10 00:00Z', 'completed'),
              ('2026-03-11 00:00Z', 'cancelled'),
              ('2026-03-31 10:00Z', 'completed'),
              ('2026-03-31 11:00Z', 'completed')
            ) as s (at, status);
            insert into lms.payroll_runs (centre_id, month, status, posted_at)
            select c.id, '2026-03-01', 'posted', now() from lms.centres as c",
        )
        .await?;
    Ok(address)
}

#[test]
fn lessons_of_months_that_were_posted_before_are_paid() {
    run(async |app| {
        let address = before(app).await?;
        let later: Vec<_> = embedded()?;
        migrate(&address, &later, &older_cell()).await?;
        let client = database::connect(&address).await?;
        let rows = client
            .query(
                "select held_on::text from lms.payroll_lessons order by held_on",
                &[],
            )
            .await?;
        let days: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
        // By the clock of the centre: the first is of February, the last of April.
        assert_eq!(days, ["2026-03-01", "2026-03-10", "2026-03-31"]);
        drop(client);
        let (name, server) = beside(app).await?;
        server
            .batch_execute(&format!("drop database {name}_paid with (force)"))
            .await?;
        Ok(())
    });
}

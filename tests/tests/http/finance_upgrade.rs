//! Records that an earlier release wrote are numbered, dated and entered into the book.

use anyhow::{Context, Result};
use database::migrate::{embedded, run as migrate};
use tests::{Application, run};

use crate::faults::beside;

/// The first migration of the book.
const BOOK: i64 = 90;

/// A database of its own with the schema before the book, and records as they could be then.
async fn before_the_book(app: &Application) -> Result<String> {
    let (name, server) = beside(app).await?;
    let name = format!("{name}_older");
    server
        .batch_execute(&format!("create database {name}"))
        .await?;
    let (address, _) = app.superuser_url.rsplit_once('/').context("an address")?;
    let address = format!("{address}/{name}");
    let older: Vec<_> = embedded()?
        .into_iter()
        .filter(|migration| migration.version < BOOK)
        .collect();
    migrate(&address, &older, &older_cell()).await?;
    let client = database::connect(&address).await?;
    client
        .batch_execute(
            "select set_config('app.tenant_id', '01900000-0000-7000-8000-000000000001', false);
            insert into lms.tenants (tenant_id, id, slug, name, region, retention_class)
            select t.id, t.id, t.slug, t.slug, 'eu', 'standard'
            from (values
              ('01900000-0000-7000-8000-000000000001'::uuid, 'one'),
              ('01900000-0000-7000-8000-000000000002'::uuid, 'two')
            ) as t (id, slug);
            insert into lms.centres (tenant_id, name, code, time_zone, currency)
            select t.id, 'Centre', 'centre', 'Pacific/Auckland', 'EUR' from lms.tenants as t;
            insert into lms.finance_records (tenant_id, centre_id, type, amount, currency, method, reference)
            select c.tenant_id, c.id, r.type, r.amount, r.currency, 'card', r.reference
            from lms.centres as c
            cross join (values
              ('expense', 12.5, null, 'first'),
              ('payment', -5.00, null, 'given back'),
              ('expense', -7.25, null, 'came back'),
              ('expense', 0, null, 'nothing'),
              ('payment', 1.2345, 'EUR', 'exact'),
              ('salary', 3, 'ZZZ', 'unknown currency')
            ) as r (type, amount, currency, reference)",
        )
        .await?;
    Ok(address)
}

pub(crate) fn older_cell() -> database::migrate::Options {
    database::migrate::Options {
        cell: Some(database::cell::Name::first(
            database::cell::Region::Eu,
            database::cell::Retention::Standard,
        )),
        ..database::migrate::Options::default()
    }
}

#[test]
fn records_of_an_earlier_release_survive_to_the_cent() {
    run(async |app| {
        let address = before_the_book(app).await?;
        migrate(&address, &embedded()?, &older_cell()).await?;
        let client = database::connect(&address).await?;
        let rows = client
            .query(
                "select r.number, r.type, r.amount::text, r.reference,
                  r.effective_on = (r.created_at at time zone 'Pacific/Auckland')::date,
                  (select count(*) from lms.finance_lines as l where l.tenant_id = r.tenant_id and l.record_id = r.id),
                  (select sum(l.amount)::text::double precision from lms.finance_lines as l
                    where l.tenant_id = r.tenant_id and l.record_id = r.id)
                from lms.finance_records as r
                order by r.tenant_id, r.number",
                &[],
            )
            .await?;
        assert_eq!(rows.len(), 12);
        for (index, row) in rows.iter().enumerate() {
            let number: i64 = row.get(0);
            assert_eq!(number, i64::try_from(index % 6 + 1)?);
            let (kind, amount, reference): (&str, &str, &str) =
                (row.get(1), row.get(2), row.get(3));
            let expected = match reference {
                "first" => ("expense", "12.5"),
                "given back" => ("reimbursement", "5.00"),
                "came back" => ("payment", "7.25"),
                "nothing" => ("expense", "0"),
                "exact" => ("payment", "1.2345"),
                _ => ("salary", "3"),
            };
            assert_eq!((kind, amount), expected, "{reference}");
            assert!(row.get::<_, bool>(4));
            assert_eq!((row.get::<_, i64>(5), row.get::<_, f64>(6)), (2, 0.0));
        }
        for tenant in [
            "01900000-0000-7000-8000-000000000001",
            "01900000-0000-7000-8000-000000000002",
        ] {
            client
                .execute(
                    "select set_config('app.tenant_id', $1, false), set_config('app.role', 'admin', false)",
                    &[&tenant],
                )
                .await?;
            let proven = client
                .query_one(
                    "select count(*) = 2 and bool_and(r.consistent) and lms.missing_finance_numbers() = 0
                    from lms.reconcile_finance() as r",
                    &[],
                )
                .await?;
            assert!(proven.get::<_, bool>(0), "{tenant}");
        }
        let chains = operations::events::verify::run(&address, None, None).await?;
        assert!(
            chains.iter().all(|report| report.broken.is_none()),
            "{chains:?}"
        );
        drop(client);
        let (name, server) = beside(app).await?;
        server
            .batch_execute(&format!("drop database {name}_older with (force)"))
            .await?;
        Ok(())
    });
}

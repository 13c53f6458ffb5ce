//! Tests the relocation of a tenant between two cells: exactly one of them serves it, and no data is lost or left behind.

mod interruptions;
mod rejections;

use anyhow::Result;
use database::migrate;
use http::Method;
use operations::events;
use operations::relocation::{self, CELL_TABLES, Cell, Options, tenant_tables};
use serde_json::json;
use tests::{Application, Reply, role, run, send};

const AU_KEYS: &str = "au:QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI";

const EU_URL: &str = "https://eu.lms.example.com";

const AU_URL: &str = "https://au.lms.example.com";

/// A second cell on the server of a test, without a tenant.
struct OtherCell {
    superuser_url: String,
    application_url: String,
}

impl OtherCell {
    async fn create(app: &Application) -> Result<Self> {
        let name = format!("other_{}", uuid::Uuid::now_v7().simple());
        app.superuser()
            .await?
            .batch_execute(&format!("create database {name} template template0"))
            .await?;
        let other = Self {
            superuser_url: database::with_database(&app.superuser_url, &name)?,
            application_url: database::with_database(&app.application_url, &name)?,
        };
        let options = migrate::Options {
            cell: Some("au-standard".parse()?),
            dry_run: false,
            passwords: Vec::new(),
        };
        migrate::run(&other.superuser_url, &migrate::embedded()?, &options).await?;
        Ok(other)
    }

    async fn client(&self) -> Result<tokio_postgres::Client> {
        database::connect(&self.superuser_url).await
    }
}

fn options(app: &Application, other: &OtherCell) -> Options {
    Options {
        tenant: app.demo.tenants[0].slug.clone(),
        from: Cell {
            name: None,
            database_url: app.superuser_url.clone(),
            url: EU_URL.to_owned(),
        },
        to: Cell {
            name: None,
            database_url: other.superuser_url.clone(),
            url: AU_URL.to_owned(),
        },
    }
}

/// Sends a sign-in to the first tenant and returns the response.
async fn sign_in(app: &Application, of: &Application) -> Result<Reply> {
    let tenant = &of.demo.tenants[0];
    let admin = of.user(0, role::ADMIN);
    let body = json!({
        "tenant": tenant.slug,
        "email": admin.email,
        "password": admin.password,
    });
    send(app.request(Method::POST, "/v1/auth/login").json(&body)).await
}

/// Runs a test on an application of the other cell.
async fn with_other_cell(
    app: &Application,
    other: &OtherCell,
    test: impl AsyncFnOnce(&Application) -> Result<()>,
) -> Result<()> {
    app.with_second_application(
        |variables| {
            variables.insert("region".to_owned(), "au".to_owned());
            variables.insert("cell".to_owned(), "au-standard".to_owned());
            variables.insert("signing_keys".to_owned(), AU_KEYS.to_owned());
            variables.insert("database_url".to_owned(), other.application_url.clone());
        },
        test,
    )
    .await
}

async fn receipt_file(
    directory: &tempfile::TempDir,
    receipt: &relocation::Receipt,
) -> Result<std::path::PathBuf> {
    let path = directory.path().join(format!("{}.json", receipt.move_id));
    tokio::fs::write(&path, serde_json::to_string(receipt)?).await?;
    Ok(path)
}

/// Returns a tenant's rows as text, by table, without the region and retention class.
async fn rows_by_table(
    client: &tokio_postgres::Client,
    tenant: uuid::Uuid,
) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for table in tenant_tables(client).await? {
        let row = client
            .query_one(
                &format!(
                    "select coalesce(string_agg((to_jsonb(r) - array['region', 'cell', 'retention_class'])::text, chr(10)
                      order by to_jsonb(r)::text collate \"C\"), '')
                    from {} as r where r.tenant_id = $1",
                    table.name
                ),
                &[&tenant],
            )
            .await?;
        found.push((table.name, row.get(0)));
    }
    Ok(found)
}

/// Returns every row of every table and materialized view of the database as text.
async fn dump(client: &tokio_postgres::Client) -> Result<String> {
    let relations = client
        .query(
            "select c.oid::regclass::text from pg_class as c
            join pg_namespace as n on n.oid = c.relnamespace
            where n.nspname in ('lms', 'lms_private') and c.relkind in ('r', 'p', 'm')",
            &[],
        )
        .await?;
    let mut text = String::new();
    for relation in relations {
        let name: String = relation.get(0);
        let rows = client
            .query(&format!("select r::text from {name} as r"), &[])
            .await?;
        for row in rows {
            text.push_str(&row.get::<_, String>(0));
            text.push('\n');
        }
    }
    Ok(text)
}

#[test]
fn a_tenant_is_relocated_completely_and_erased_from_the_source_cell() {
    run(async |app| {
        let other = OtherCell::create(app).await?;
        let (source, target) = (app.superuser().await?, other.client().await?);
        let tenant = app.demo.tenants[0].id;
        let admin = app.sign_in(role::ADMIN).await?;
        let email = app.user(0, role::ADMIN).email.clone();
        let name: String = source
            .query_one(
                "select name from lms.tenants where tenant_id = $1",
                &[&tenant],
            )
            .await?
            .get(0);
        let bystander = rows_by_table(&source, app.demo.tenants[1].id).await?;
        let options = options(app, &other);

        let receipt = relocation::run(&options).await?;
        let before = rows_by_table(&source, tenant).await?;
        // The target has one more event, for the relocation.
        let event_count: i64 = target
            .query_one(
                "select count(*) from lms_private.unsealed_events
                where tenant_id = $1 and kind = 'tenant.updated' and request_id = 'relocation' and state ->> 'region' = 'au'",
                &[&tenant],
            )
            .await?
            .get(0);
        assert_eq!(event_count, 1);
        for ((name, source_rows), (_, target_rows)) in
            before.iter().zip(rows_by_table(&target, tenant).await?)
        {
            if name != "lms.tenants" {
                assert!(*source_rows == target_rows, "{name} differs");
            }
        }

        // A token of the tenant and a sign-in to it are redirected to the new region.
        for reply in [
            app.get(&admin, "/v1/users").await?,
            sign_in(app, app).await?,
        ] {
            let reply = reply.expect(421);
            assert_eq!(reply.header("location"), AU_URL);
        }
        with_other_cell(app, &other, async |au| {
            let reply = sign_in(au, app).await?.expect(200);
            assert_eq!(reply.json()["tenant"]["region"], "au");
            Ok(())
        })
        .await?;
        let reports = events::verify::run(&other.superuser_url, None, None).await?;
        assert!(reports.iter().all(|report| report.broken.is_none()));
        assert_eq!(reports.len(), 1);

        let directory = tempfile::tempdir()?;
        let file = receipt_file(&directory, &receipt).await?;
        let erased = relocation::erase_source(&file, &options.from, &options.to).await?;
        assert!(erased.rows > 100);
        let dump_after = dump(&source).await?;
        for marker in [&email, &name] {
            assert!(!dump_after.contains(marker.as_str()), "{marker} is left");
        }
        for (name, rows) in rows_by_table(&source, tenant).await? {
            assert_eq!(rows, "", "{name}");
        }
        assert!(rows_by_table(&source, app.demo.tenants[1].id).await? == bystander);
        for reply in [
            app.get(&admin, "/v1/users").await?,
            sign_in(app, app).await?,
        ] {
            assert_eq!(reply.expect(421).header("location"), AU_URL);
        }

        // The tenant is relocated back.
        let return_options = Options {
            tenant: options.tenant.clone(),
            from: options.to.clone(),
            to: options.from.clone(),
        };
        relocation::run(&return_options).await?;
        sign_in(app, app).await?.expect(200);
        with_other_cell(app, &other, async |au| {
            assert_eq!(
                sign_in(au, app).await?.expect(421).header("location"),
                EU_URL
            );
            Ok(())
        })
        .await
    });
}

#[test]
fn every_table_is_relocated_or_belongs_to_the_cell() {
    run(async |app| {
        let client = app.superuser().await?;
        let rows = client
            .query(
                "select format('%s.%s', n.nspname, c.relname) from pg_class as c
                join pg_namespace as n on n.oid = c.relnamespace
                where n.nspname in ('lms', 'lms_private') and c.relkind in ('r', 'p') and not c.relispartition
                order by 1",
                &[],
            )
            .await?;
        let relocated = tenant_tables(&client).await?;
        let mut not_relocated: Vec<String> = rows
            .iter()
            .map(|row| row.get(0))
            .filter(|name: &String| relocated.iter().all(|table| table.name != *name))
            .collect();
        not_relocated.retain(|name| CELL_TABLES.iter().all(|(known, _)| known != name));
        assert_eq!(
            not_relocated,
            [
                "lms_private.backups",
                "lms_private.cell",
                "lms_private.currencies",
                "lms_private.dependency_rules",
                "lms_private.erasures_in_progress",
                "lms_private.migrations",
                "lms_private.notification_events",
                "lms_private.notification_texts",
                "lms_private.personal_columns",
                "lms_private.personal_rows",
                "lms_private.personal_tables",
                "lms_private.view_refreshes",
            ]
        );
        Ok(())
    });
}

//! A tenant moves between two cells, each a database with an application of its own: it is served in exactly one of them, whatever is
//! interrupted, and nothing of it is left behind or changed.

use anyhow::{Result, ensure};
use database::migrate;
use http::Method;
use operations::events;
use operations::relocation::{
    self, CELL_TABLES, Cell, Direction, Options, RelocationState, tenant_tables,
};
use serde_json::json;
use tests::{Application, Reply, role, run, send};

const AU_KEYS: &str = "au:QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI";
const EU_URL: &str = "https://eu.lms.example.com";
const AU_URL: &str = "https://au.lms.example.com";

/// A second cell on the server of a test, without a tenant.
struct Other {
    superuser_url: String,
    application_url: String,
}

impl Other {
    async fn make(app: &Application) -> Result<Self> {
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

fn options(app: &Application, other: &Other) -> Options {
    Options {
        tenant: app.demo.tenants[0].slug.clone(),
        from: Cell {
            database: app.superuser_url.clone(),
            url: EU_URL.to_owned(),
        },
        to: Cell {
            database: other.superuser_url.clone(),
            url: AU_URL.to_owned(),
        },
    }
}

/// Signs in to the first tenant, whatever comes of it.
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
async fn beside(
    app: &Application,
    other: &Other,
    test: impl AsyncFnOnce(&Application) -> Result<()>,
) -> Result<()> {
    app.beside(
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

/// All that a tenant's rows hold, table by table, as text, with the place where it is kept left out.
async fn everything(
    client: &tokio_postgres::Client,
    tenant: uuid::Uuid,
) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for table in tenant_tables(client).await? {
        let row = client
            .query_one(
                &format!(
                    "select coalesce(string_agg((to_jsonb(r) - array['region', 'retention_class'])::text, chr(10)
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

/// Every row of every table and view of the database, as text.
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
fn a_tenant_moves_whole_and_the_cell_that_it_left_forgets_it() {
    run(async |app| {
        let other = Other::make(app).await?;
        let (here, there) = (app.superuser().await?, other.client().await?);
        let tenant = app.demo.tenants[0].id;
        let admin = app.sign_in(role::ADMIN).await?;
        let email = app.user(0, role::ADMIN).email.clone();
        let name: String = here
            .query_one(
                "select name from lms.tenants where tenant_id = $1",
                &[&tenant],
            )
            .await?
            .get(0);
        let bystander = everything(&here, app.demo.tenants[1].id).await?;
        let options = options(app, &other);

        let receipt = relocation::run(&options).await?;
        let before = everything(&here, tenant).await?;
        // At the target one event more, that of the move, and what it touches.
        let told: i64 = there
            .query_one(
                "select count(*) from lms_private.unsealed_events
                where tenant_id = $1 and kind = 'tenant.updated' and request_id = 'move' and state ->> 'region' = 'au'",
                &[&tenant],
            )
            .await?
            .get(0);
        assert_eq!(told, 1);
        for ((name, left), (_, arrived)) in before.iter().zip(everything(&there, tenant).await?) {
            if name != "lms.tenants" {
                assert!(*left == arrived, "{name} differs");
            }
        }

        // A token of the tenant, and its slug, are sent to where it lives.
        for reply in [
            app.get(&admin, "/v1/users").await?,
            sign_in(app, app).await?,
        ] {
            let reply = reply.expect(421);
            assert_eq!(reply.header("location"), AU_URL);
        }
        beside(app, &other, async |au| {
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
        let forgotten = relocation::erase_source(&file, &options.from, &options.to).await?;
        assert!(forgotten.rows > 100);
        let left = dump(&here).await?;
        for marker in [&email, &name] {
            assert!(!left.contains(marker.as_str()), "{marker} is left");
        }
        for (name, rows) in everything(&here, tenant).await? {
            assert_eq!(rows, "", "{name}");
        }
        assert!(everything(&here, app.demo.tenants[1].id).await? == bystander);
        for reply in [
            app.get(&admin, "/v1/users").await?,
            sign_in(app, app).await?,
        ] {
            assert_eq!(reply.expect(421).header("location"), AU_URL);
        }

        // And back again.
        let back = Options {
            tenant: options.tenant.clone(),
            from: options.to.clone(),
            to: options.from.clone(),
        };
        relocation::run(&back).await?;
        sign_in(app, app).await?.expect(200);
        beside(app, &other, async |au| {
            assert_eq!(
                sign_in(au, app).await?.expect(421).header("location"),
                EU_URL
            );
            Ok(())
        })
        .await
    });
}

/// Kills the connection that writes a state down.
async fn break_at(client: &tokio_postgres::Client, state: &str) -> Result<()> {
    client
        .batch_execute(&format!(
            "create function public.break_off() returns trigger language plpgsql security definer as $$
            begin perform pg_terminate_backend(pg_backend_pid()); return new; end $$;
            create trigger break_off before insert or update on lms_private.tenant_relocations
            for each row when (new.state = '{state}') execute function public.break_off();
            alter table lms_private.tenant_relocations enable always trigger break_off"
        ))
        .await?;
    Ok(())
}

async fn mend(client: &tokio_postgres::Client) -> Result<()> {
    client
        .batch_execute("drop function public.break_off cascade")
        .await?;
    Ok(())
}

#[test]
fn a_move_that_is_interrupted_at_any_step_leaves_one_home_and_goes_on() {
    run(async |app| {
        let other = Other::make(app).await?;
        let (here, there) = (app.superuser().await?, other.client().await?);
        let options = options(app, &other);
        beside(app, &other, async |au| {
            for state in RelocationState::STEPS {
                let client = match state.direction() {
                    Direction::Out => &here,
                    Direction::In => &there,
                };
                break_at(client, state.name()).await?;
                assert!(relocation::run(&options).await.is_err(), "{state:?}");
                mend(client).await?;
                let (old, new) = (sign_in(app, app).await?, sign_in(au, app).await?);
                if state == RelocationState::SourceReadOnly {
                    old.expect(200);
                    new.expect(401);
                } else if state == RelocationState::Active {
                    // It has left. Its new home says to come back in a moment, until the move is finished.
                    assert_eq!(old.expect(421).header("location"), AU_URL);
                    new.expect(503);
                } else {
                    // It is read only: a sign-in writes.
                    old.expect(503);
                    ensure!(
                        [401, 421, 503].contains(&new.status),
                        "{state:?}: {}",
                        new.status
                    );
                }
            }
            relocation::run(&options).await?;
            relocation::run(&options).await?;
            sign_in(app, app).await?.expect(421);
            sign_in(au, app).await?.expect(200);
            Ok(())
        })
        .await
    });
}

#[test]
fn a_tenant_that_is_on_its_way_can_be_read_and_not_written_and_may_stay() {
    run(async |app| {
        let other = Other::make(app).await?;
        let there = other.client().await?;
        let options = options(app, &other);
        let admin = app.sign_in(role::ADMIN).await?;
        break_at(&there, "awaited").await?;
        assert!(relocation::run(&options).await.is_err());
        mend(&there).await?;
        app.get(&admin, "/v1/users").await?.expect(200);
        let refused = app
            .patch(&admin, "/v1/tenant", json!({"name": "Another name"}))
            .await?;
        ensure!(refused.status != 200, "written");
        relocation::cancel(&options).await?;
        sign_in(app, app).await?.expect(200);
        for (name, rows) in everything(&there, app.demo.tenants[0].id).await? {
            assert_eq!(rows, "", "{name}");
        }
        relocation::run(&options).await?;
        Ok(())
    });
}

async fn refused(options: &Options) -> Result<String> {
    match relocation::run(options).await {
        Ok(_) => anyhow::bail!("it was moved"),
        Err(error) => Ok(format!("{error:#}")),
    }
}

#[test]
fn what_cannot_be_moved_is_told_in_one_line_and_stays() {
    run(async |app| {
        let other = Other::make(app).await?;
        let there = other.client().await?;
        let good = options(app, &other);
        let mut unknown = good.clone();
        unknown.tenant = "nobody-here".to_owned();
        let mut same = good.clone();
        same.to.database = same.from.database.clone();
        let mut away = good.clone();
        away.to.database = "postgres://nobody@127.0.0.1:1/lms".to_owned();
        for (options, told) in [
            (&unknown, "there is no tenant nobody-here"),
            (&same, "both are the cell"),
            (&away, "cannot reach PostgreSQL"),
        ] {
            let line = refused(options).await?;
            assert!(line.contains(told) && !line.contains('\n'), "{line}");
        }
        let mut client = other.client().await?;
        let twin = database::tenant::New {
            slug: good.tenant.clone(),
            name: "Another".to_owned(),
        };
        database::tenant::create(&mut client, &twin).await?;
        assert!(refused(&good).await?.contains("is taken"));
        there
            .batch_execute("delete from lms_private.migrations where version = 1")
            .await?;
        assert!(refused(&good).await?.contains("the schemas differ"));
        sign_in(app, app).await?.expect(200);
        Ok(())
    });
}

#[test]
fn nothing_is_erased_unless_everything_is_found_again() {
    run(async |app| {
        let other = Other::make(app).await?;
        let there = other.client().await?;
        let options = options(app, &other);
        let directory = tempfile::tempdir()?;
        let receipt = relocation::run(&options).await?;
        let forget = async |receipt: &relocation::Receipt| -> Result<String> {
            let file = receipt_file(&directory, receipt).await?;
            match relocation::erase_source(&file, &options.from, &options.to).await {
                Ok(_) => Ok("erased".to_owned()),
                Err(error) => Ok(format!("{error:#}")),
            }
        };
        let mut forged = receipt.clone();
        forged.events.position += 1;
        assert!(forget(&forged).await?.contains("the receipt is not valid"));
        // Lost without an event, as by a hand that lets triggers rest.
        there
            .batch_execute(
                "set session_replication_role = replica;
                create table public.kept as select * from lms.centres limit 1;
                update lms.centres as c set name = 'elsewhere' from public.kept as k where c.id = k.id;
                set session_replication_role = origin",
            )
            .await?;
        let line = forget(&receipt).await?;
        assert!(line.contains("1 rows of lms.centres are not"), "{line}");
        there
            .batch_execute(
                "set session_replication_role = replica;
                update lms.centres as c set name = k.name from public.kept as k where c.id = k.id;
                set session_replication_role = origin",
            )
            .await?;
        // What people change there since is told by an event, and holds up nothing.
        there
            .batch_execute(&format!(
                "set app.tenant_id = '{}';
                update lms.centres as c set name = 'elsewhere' from public.kept as k where c.id = k.id",
                receipt.tenant_id
            ))
            .await?;
        assert_eq!(forget(&receipt).await?, "erased");
        assert!(
            forget(&receipt)
                .await?
                .contains("has already erased the tenant")
        );
        Ok(())
    });
}

#[test]
fn every_table_is_moved_or_belongs_to_the_cell() {
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
        let moved = tenant_tables(&client).await?;
        let mut left: Vec<String> = rows
            .iter()
            .map(|row| row.get(0))
            .filter(|name: &String| moved.iter().all(|table| table.name != *name))
            .collect();
        left.retain(|name| CELL_TABLES.iter().all(|(known, _)| known != name));
        assert_eq!(
            left,
            [
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

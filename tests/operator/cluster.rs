//! Tests the private cluster, migrations and demo data, each test on a cluster of its own.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use database::cell::{Name, Region, Retention};
use database::migrate::{self, Migration};
use local::cluster::{self, Cluster, Durability, Status};
use local::{demo, installation};
use operations::{events, password};
use tests::private_cluster::{create_database, fetch_text, migration, settings, with_cluster};

#[tokio::test]
async fn a_failed_command_stops_only_the_cluster_that_it_started() -> Result<()> {
    with_cluster(|cluster, state| async move {
        migrate::run(
            &cluster.superuser_url(),
            &migrate::embedded()?,
            &migration(),
        )
        .await?;
        let prepare = async || {
            installation::prepare(&installation::Options {
                state: state.clone(),
                database_url: None,
                // The database already belongs to another cell.
                cell: Some(Name::first(Region::Us, Retention::Standard)),
                base_url: "http://127.0.0.1:3000".to_owned(),
                region_urls: Vec::new(),
                durability: Durability::Unsafe,
            })
            .await
        };
        assert!(prepare().await.is_err());
        assert!(matches!(cluster::status(&state), Status::Running(_)));
        cluster.stop().await?;
        assert!(prepare().await.is_err());
        assert_eq!(cluster::status(&state), Status::Stopped);
        Ok(())
    })
    .await
}

/// Runs `lms up` with the cluster of a state directory until it serves, and then stops it.
async fn serve_for_a_while(state: &Path) -> Result<()> {
    let root = tests::root();
    let log = state.join("served.log");
    let mut process = tokio::process::Command::new(tests::program())
        .current_dir(root)
        .env_remove("DATABASE_URL")
        .arg("--state")
        .arg(state)
        .args(["up", "--listen", "127.0.0.1:0"])
        .stdin(Stdio::null())
        .stdout(fs::File::create(&log)?)
        .stderr(fs::File::options().append(true).open(&log)?)
        .kill_on_drop(true)
        .spawn()?;
    loop {
        let text = fs::read_to_string(&log)?;
        if text.contains("Press Ctrl-C to stop it.") {
            break;
        }
        if let Some(status) = process.try_wait()? {
            anyhow::bail!("`lms up` ended: {status}: {text}");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let id = i32::try_from(process.id().context("it has ended")?)?;
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(id),
        nix::sys::signal::Signal::SIGTERM,
    )?;
    anyhow::ensure!(process.wait().await?.success());
    Ok(())
}

#[tokio::test]
async fn a_serving_command_stops_only_the_cluster_that_it_started() -> Result<()> {
    with_cluster(|cluster, state| async move {
        serve_for_a_while(&state).await?;
        assert!(matches!(cluster::status(&state), Status::Running(_)));
        database::connect(&cluster.superuser_url()).await?;
        cluster.stop().await?;
        serve_for_a_while(&state).await?;
        assert_eq!(cluster::status(&state), Status::Stopped);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_cluster_survives_stops_crashes_and_a_lost_port() -> Result<()> {
    with_cluster(|cluster, state| async move {
        let port = cluster.port();
        assert_eq!(
            Cluster::start(&settings(&state)).await?.port(),
            port,
            "a running cluster is used again"
        );

        let Status::Running(process) = cluster::status(&state) else {
            anyhow::bail!("the cluster is not running")
        };
        let process = nix::unistd::Pid::from_raw(i32::try_from(process)?);
        nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGKILL)?;
        while matches!(cluster::status(&state), Status::Running(_)) {
            tokio::task::yield_now().await;
        }
        let cluster = Cluster::start(&settings(&state))
            .await
            .context("after a crash")?;
        database::connect(&cluster.superuser_url()).await?;

        cluster.stop().await?;
        assert_eq!(cluster::status(&state), Status::Stopped);
        let _taken = std::net::TcpListener::bind(("127.0.0.1", port))?;
        let cluster = Cluster::start(&settings(&state))
            .await
            .context("with its port taken")?;
        assert_ne!(cluster.port(), port);
        database::connect(&cluster.superuser_url()).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn migrations_are_applied_once_and_their_history_is_kept() -> Result<()> {
    with_cluster(|cluster, _| async move {
        let address = cluster.superuser_url();
        let known = migrate::embedded()?;
        let dry = migrate::Options {
            dry_run: true,
            ..migration()
        };
        for _ in 0..2 {
            // The second dry run shows that the first changed nothing.
            let first = migrate::run(&address, &known, &dry).await?;
            assert_eq!(first, [&known[0]], "the baseline is the whole schema");
        }

        // Of two concurrent programs, one applies the migrations and the other finds them applied.
        let opened = migration();
        let (one, other) = tokio::join!(
            migrate::run(&address, &known, &opened),
            migrate::run(&address, &known, &opened)
        );
        let mut counts = [one?.len(), other?.len()];
        counts.sort_unstable();
        assert_eq!(counts, [0, 1]);
        let recorded = migrate::ledger(&database::connect(&address).await?).await?;
        assert_eq!(recorded.len(), known.len());

        let mut edited = known.clone();
        edited[0].files[3].sql.push_str("\n-- a word more");
        assert!(
            migrate::run(&address, &edited, &migration())
                .await?
                .is_empty(),
            "a comment is not a change"
        );
        edited[0].files[3].sql.push_str("\nselect 1;");
        edited.truncate(1);
        let error = migrate::run(&address, &edited, &migration())
            .await
            .unwrap_err();
        assert!(
            error
                .to_string()
                .contains("was edited after this database had been made by it"),
            "{error}"
        );
        let mut next = known.clone();
        next.push(Migration::parse("9000_nothing.sql", "select 1")?);
        migrate::run(&address, &next, &migration()).await?;
        next.pop();
        next.push(Migration::parse("9000_nothing.sql", "select 2")?);
        let error = migrate::run(&address, &next, &migration())
            .await
            .unwrap_err();
        assert!(
            error
                .to_string()
                .contains("was edited after it had been applied"),
            "{error}"
        );

        let error = migrate::run(&address, &known, &migration())
            .await
            .unwrap_err();
        assert!(error.to_string().contains("does not contain"), "{error}");

        let other = migrate::Options {
            cell: Some(Name::first(Region::Au, Retention::Standard)),
            ..migration()
        };
        let error = migrate::run(&address, &next[..known.len()], &other).await;
        assert!(error.is_err(), "the database has one more migration");
        next.pop();
        next.push(Migration::parse("9000_nothing.sql", "select 1")?);
        let error = migrate::run(&address, &next, &other).await.unwrap_err();
        assert!(
            error.to_string().contains("a cell never changes"),
            "{error}"
        );
        Ok(())
    })
    .await
}

/// The table of applied migrations in a database from before the first release.
const UNRELEASED: &str = "create schema lms_private;
create table lms_private.migrations (
  version bigint primary key,
  name text not null,
  sha256 text not null,
  applied_at timestamptz not null default now()
);
insert into lms_private.migrations (version, name, sha256)
values (1, 'roles', 'a'), (2, 'schemas', 'b'), (312, 'right_to_change_emails', 'c')";

#[tokio::test]
async fn a_database_from_before_the_first_release_must_be_recreated_and_is_left_untouched()
-> Result<()> {
    with_cluster(|cluster, state| async move {
        let server = database::connect(&cluster.superuser_url()).await?;
        server.batch_execute("create database former").await?;
        let address = database::with_database(&cluster.superuser_url(), "former")?;
        let client = database::connect(&address).await?;
        client.batch_execute(UNRELEASED).await?;
        let touched = "select concat_ws(
              '; ',
              (select string_agg(n.nspname, ',' order by n.oid) from pg_namespace as n),
              (select string_agg(c.relname, ',' order by c.oid) from pg_class as c where c.oid > 16383),
              (select string_agg(r.rolname, ',' order by r.oid) from pg_roles as r),
              (select string_agg(m::text, ',' order by m.version) from lms_private.migrations as m)
            )";
        let before = fetch_text(&address, touched).await?;
        for more in [&["--dry-run"][..], &["--cell", "eu-standard"]] {
            let output = std::process::Command::new(tests::program())
                .arg("--state")
                .arg(&state)
                .arg("migrate")
                .args(more)
                .env("DATABASE_URL", &address)
                .output()?;
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success(), "{errors}");
            assert_eq!(errors.trim_end().lines().count(), 1, "{errors}");
            assert!(
                errors.contains("made by migrations from before the first release")
                    && errors.contains("create it anew"),
                "{errors}"
            );
            assert_eq!(String::from_utf8_lossy(&output.stdout), "");
        }
        assert_eq!(fetch_text(&address, touched).await?, before);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_failed_migration_is_rolled_back_and_names_its_line() -> Result<()> {
    with_cluster(|cluster, _| async move {
        let address = cluster.superuser_url();
        let mut known = migrate::embedded()?;
        migrate::run(&address, &known, &migration()).await?;
        let sql = "set local role lms_owner;\ncreate table lms.half_made (id uuid);\ncreate table lms.tenants ();\nnonsense;";
        known.push(Migration::parse("9999_broken.sql", sql)?);
        let error = migrate::run(&address, &known, &migration()).await.unwrap_err();
        let line = format!("{error:#}");
        assert!(line.contains("9999_broken failed and was rolled back: changes/9999_broken.sql, line 4: "), "{line}");
        assert_eq!(fetch_text(&address, "select to_regclass('lms.half_made')::text").await?, "");
        known.pop();
        assert!(migrate::run(&address, &known, &migration()).await?.is_empty(), "it is not recorded");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn demo_data_is_created_once_and_its_sign_ins_are_restored() -> Result<()> {
    with_cluster(|cluster, _| async move {
        let address = create_database(&cluster, "demo").await?;
        let options = demo::Options {
            base_url: "http://127.0.0.1:3000".to_owned(),
            owner_url: String::new(),
            application_url: String::new(),
            password: "a password for all".to_owned(),
        };
        let first = demo::create(&address, &options).await?;
        assert_eq!(first.tenants.len(), 2);
        for tenant in &first.tenants {
            let mut roles: Vec<&str> = tenant.users.iter().map(|user| user.role.as_str()).collect();
            roles.sort_unstable();
            let mut expected = demo::ROLES;
            expected.sort_unstable();
            assert_eq!(roles, expected);
        }
        let recorded = "select sum(lms_private.seal_events(t.tenant_id))::text from lms.tenants as t";
        let count = fetch_text(&address, recorded).await?;

        let client = database::connect(&address).await?;
        client.batch_execute("update lms.users set status = 'inactive' where email = 'finance@aurora.example'").await?;
        let before = fetch_text(&address, "select count(*)::text from lms.users").await?;
        let second = demo::create(&address, &options).await?;
        assert_eq!(serde_json::to_value(&first)?, serde_json::to_value(&second)?);
        assert_eq!(fetch_text(&address, "select count(*)::text from lms.users").await?, before);
        let query = "select password_hash from lms.users where email = 'finance@aurora.example' and status = 'active'";
        assert!(password::matches("a password for all", &fetch_text(&address, query).await?));

        // The account and its staff row were each deactivated and reactivated.
        let expected = count.parse::<u64>()? + 4;
        assert_eq!(fetch_text(&address, recorded).await?, expected.to_string());
        let chains = events::verify::run(&address, None, None).await?;
        assert_eq!(chains.len(), 2);
        assert!(chains.iter().all(|chain| chain.broken.is_none()), "{chains:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_migration_that_waits_for_a_lock_does_not_block_others() -> Result<()> {
    with_cluster(|cluster, _| async move {
        let address = create_database(&cluster, "patient").await?;
        let mut holder = database::connect(&address).await?;
        let reading = holder.transaction().await?;
        reading.execute("lock lms.centres in access share mode", &[]).await?;
        let mut next = migrate::embedded()?;
        let sql = "set local role lms_owner; alter table lms.centres add column colour text";
        next.push(Migration::parse("9000_colour.sql", sql)?);
        let migrating = tokio::spawn({
            let address = address.clone();
            async move {
                migrate::run(&address, &next, &migrate::Options::default())
                    .await
                    .map(|applied| applied.len())
            }
        });
        // The migration waits for a second at a time, so a reader gets the lock in between.
        let watcher = database::connect(&address).await?;
        let waiting = "select count(*) > 0 from pg_locks where not granted and relation = 'lms.centres'::regclass";
        while !watcher.query_one(waiting, &[]).await?.get::<_, bool>(0) {
            tokio::task::yield_now().await;
        }
        let reader = database::connect(&address).await?;
        reader.batch_execute("set lock_timeout = '3s'; select count(*) from lms.centres").await?;
        assert!(!migrating.is_finished());
        reading.rollback().await?;
        assert_eq!(migrating.await??, 1);
        Ok(())
    })
    .await
}

//! Tests backup and recovery with real PostgreSQL and pgBackRest: faults are survived, or reported in one line.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use local::cluster::{self, Status};
use operations::backup::{self, Archiver};

use crate::recovery_fixture::{RecoveryFixture, with_recovery_fixture};

#[tokio::test]
async fn acknowledged_writes_survive_a_killed_server() -> Result<()> {
    with_recovery_fixture(&["eu-standard"], async |fixture| {
        let address = fixture.address();
        let writing = tokio::spawn(async move {
            let client = database::connect(&address).await?;
            client.batch_execute("create table written (number int)").await?;
            let mut acknowledged = 0;
            // The loop ends when the server is killed.
            while client
                .execute("insert into written values ($1)", &[&(acknowledged + 1)])
                .await
                .is_ok()
            {
                acknowledged += 1;
            }
            anyhow::Ok(acknowledged)
        });
        let client = database::connect(&fixture.address()).await?;
        let inserted_rows = "select coalesce((select max(n_tup_ins) from pg_stat_user_tables where relname = 'written'), 0)::bigint";
        while client.query_one(inserted_rows, &[]).await?.get::<_, i64>(0) < 100 {
            tokio::task::yield_now().await;
        }
        let Status::Running(process) = cluster::status(&fixture.state) else {
            anyhow::bail!("the server is not running")
        };
        let process = nix::unistd::Pid::from_raw(i32::try_from(process)?);
        nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGKILL)?;
        let acknowledged = writing.await??;
        fixture.start().await?;
        let client = database::connect(&fixture.address()).await?;
        let row = client
            .query_one("select count(*), max(number) from written where number <= $1", &[&acknowledged])
            .await?;
        ensure!(acknowledged >= 100);
        assert_eq!(row.get::<_, i64>(0), i64::from(acknowledged));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_full_archive_disk_does_not_stop_writes_and_is_reported() -> Result<()> {
    with_recovery_fixture(&["eu-standard"], async |fixture| {
        let repository = fixture.repository("eu-standard", 1);
        let _disk = crate::recovery_fixture::SmallDisk::mount(&repository)?;
        fixture.configure("eu-standard").await?;
        let filler = repository.join("filler");
        crate::recovery_fixture::fill(&filler)?;

        let client = database::connect(&fixture.address()).await?;
        client
            .batch_execute("create table written (number int); select pg_switch_wal()")
            .await?;
        let began = Instant::now();
        while !matches!(backup::archiver(&client).await?, Archiver::Failing { .. }) {
            ensure!(
                began.elapsed() < Duration::from_secs(60),
                "archiving does not fail"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        fixture
            .backup_fails(
                &["run", "--cell", "eu-standard"],
                "is full: free some space",
            )
            .await?;
        let (_, report, _) = fixture.lms(&["doctor"]).await?;
        assert!(
            report.contains("FAIL  archiving: archiving of 0"),
            "{report}"
        );
        client
            .batch_execute("insert into written values (1)")
            .await?;

        fs::remove_file(&filler)?;
        backup::archive_now(&client, Duration::from_secs(120)).await?;
        fixture
            .backup_succeeds(&["run", "--cell", "eu-standard"], "bytes")
            .await?;
        fixture
            .backup_succeeds(
                &["verify", "--cell", "eu-standard"],
                "intact, any time from",
            )
            .await
    })
    .await
}

#[tokio::test]
async fn missing_and_damaged_backups_are_reported_before_a_restore() -> Result<()> {
    with_recovery_fixture(&["eu-regulated"], async |fixture| {
        fixture.configure("eu-regulated").await?;
        fixture
            .backup_succeeds(&["run", "--cell", "eu-regulated"], "in repository 2")
            .await?;
        let client = database::connect(&fixture.address()).await?;
        for _ in 0..3 {
            client
                .batch_execute("create table written (number int); drop table written")
                .await?;
            backup::archive_now(&client, Duration::from_secs(60)).await?;
        }
        fixture
            .backup_succeeds(&["verify", "--cell", "eu-regulated"], "repository 2")
            .await?;
        fixture
            .backup_succeeds(&["list", "--cell", "eu-regulated"], "any time from 2")
            .await?;
        let now = crate::recovery_fixture::now(&client).await?;
        client
            .batch_execute("create table written (number int)")
            .await?;
        backup::archive_now(&client, Duration::from_secs(60)).await?;

        let segments =
            crate::recovery_fixture::files(&fixture.repository("eu-regulated", 1), |name| {
                name.starts_with("00000001") && name.contains('-')
            })?;
        let missing_segment = segments
            .get(segments.len() - 3)
            .context("too few segments")?;
        let segment = fs::read(missing_segment)?;
        fs::remove_file(missing_segment)?;
        fixture
            .backup_fails(
                &["verify", "--cell", "eu-regulated"],
                "of the log is missing, so nothing after",
            )
            .await?;
        let into = fixture.path("restored");
        let restore = [
            "restore",
            "--cell",
            "eu-regulated",
            "--into",
            &into,
            "--repository",
            "1",
            "--to-time",
        ];
        fixture
            .backup_fails(
                &[&restore[..], &["latest"]].concat(),
                "of the log is missing",
            )
            .await?;
        assert!(!fixture.directory.join("restored").exists());
        // The other repository is complete.
        let other = [
            "restore",
            "--cell",
            "eu-regulated",
            "--into",
            &into,
            "--to-time",
            &now,
        ];
        fixture.backup_succeeds(&other, "repository 2").await?;
        fs::remove_dir_all(fixture.directory.join("restored"))?;
        fixture.write_as_server(missing_segment, &segment)?;

        let mut files =
            crate::recovery_fixture::files(&fixture.repository("eu-regulated", 1), |name| {
                name.ends_with(".lz4")
            })?;
        files.retain(|file| file.components().any(|part| part.as_os_str() == "base"));
        let damaged = files.first().context("there are no files")?;
        let mut bytes = fs::read(damaged)?;
        for byte in bytes.iter_mut().skip(100).take(16) {
            *byte ^= 0xff;
        }
        fs::write(damaged, bytes)?;
        fixture
            .backup_fails(
                &["verify", "--cell", "eu-regulated"],
                "BROKEN: 1 files of the backup",
            )
            .await?;
        fixture
            .backup_fails(
                &[&restore[..], &[now.as_str()]].concat(),
                "cannot be restored",
            )
            .await?;
        assert!(!fixture.directory.join("restored").exists());
        Ok(())
    })
    .await
}

#[tokio::test]
async fn invalid_input_is_reported_in_one_line_and_changes_nothing() -> Result<()> {
    with_recovery_fixture(&["eu-standard", "au-standard"], async |fixture| {
        fixture
            .backup_fails(
                &["run", "--cell", "eu-standard"],
                "are not configured for this server",
            )
            .await?;
        fixture
            .backup_fails(&["configure", "--cell", "nowhere"], "nowhere")
            .await?;
        fixture.configure("eu-standard").await?;
        fixture
            .backup_succeeds(&["run", "--cell", "eu-standard", "--type", "full"], "bytes")
            .await?;
        let settings = fixture.settings().await?;
        let backup_files =
            crate::recovery_fixture::files(&fixture.repository("eu-standard", 1), |_| true)?;

        // A second cell on the same server is rejected, and so is a cell whose repository is taken.
        fixture
            .backup_fails(
                &["configure", "--cell", "au-standard"],
                "is configured as the cell eu-standard",
            )
            .await?;
        fixture.define("us-standard", "eu-standard")?;
        let second_state = fixture.directory.join("beside");
        let server = crate::recovery_fixture::start(&second_state).await?;
        let configure_other_cell = ["backup", "configure", "--cell", "us-standard"];
        let outcome = fixture.lms_at(&second_state, &configure_other_cell).await;
        server.stop().await?;
        let (code, _, errors) = outcome?;
        let refusal =
            "holds backups of the cell eu-standard: each cell has repositories of its own";
        assert!(code == Some(1) && errors.contains(refusal), "{errors}");
        assert_eq!(fixture.settings().await?, settings);

        let into = fixture.path("restored");
        let restore = [
            "restore",
            "--cell",
            "eu-standard",
            "--into",
            &into,
            "--to-time",
        ];
        let with = |time: &'static str| [&restore[..], &[time]].concat();
        fixture
            .backup_fails(&with("2020-01-01T00:00:00Z"), "is before the first backup")
            .await?;
        fixture
            .backup_fails(&with("2999-01-01T00:00:00Z"), "is in the future")
            .await?;
        let (code, _, errors) = fixture
            .lms(&[&["backup"], &with("yesterday")[..]].concat())
            .await?;
        assert_eq!(code, Some(2), "{errors}");
        let live = fixture.state.join("postgres").display().to_string();
        let restore_command = [
            "restore",
            "--cell",
            "eu-standard",
            "--to-time",
            "latest",
            "--into",
            &live,
        ];
        fixture
            .backup_fails(&restore_command, "a PostgreSQL server runs on")
            .await?;
        let full = fixture.path("cells");
        let restore_command = [
            "restore",
            "--cell",
            "eu-standard",
            "--to-time",
            "latest",
            "--into",
            &full,
        ];
        fixture
            .backup_fails(&restore_command, "is not empty")
            .await?;
        fixture
            .backup_fails(&["list", "--cell", "au-standard"], "cannot be reached")
            .await?;
        let from_unreachable = [
            "restore",
            "--cell",
            "au-standard",
            "--into",
            &into,
            "--to-time",
            "latest",
        ];
        fixture
            .backup_fails(&from_unreachable, "cannot be reached")
            .await?;

        let right = fs::read_to_string(fixture.directory.join("passphrase"))?;
        fs::write(
            fixture.directory.join("passphrase"),
            "another long passphrase",
        )?;
        for arguments in [
            &["configure", "--cell", "eu-standard"][..],
            &["list", "--cell", "eu-standard"],
            &["verify", "--cell", "eu-standard"],
            &with("latest"),
        ] {
            fixture
                .backup_fails(arguments, "the passphrase is wrong")
                .await?;
        }
        fs::write(fixture.directory.join("passphrase"), right)?;
        assert!(!fixture.directory.join("restored").exists());
        assert_eq!(fixture.settings().await?, settings);
        assert_eq!(
            crate::recovery_fixture::files(&fixture.repository("eu-standard", 1), |_| true)?,
            backup_files
        );
        fixture
            .backup_succeeds(&with("latest"), "contains everything that was committed")
            .await
    })
    .await
}

#[tokio::test]
async fn a_repository_belongs_to_one_cell_and_is_encrypted() -> Result<()> {
    for (name, count, days) in [("eu-standard", 1, "30"), ("eu-regulated", 2, "2557")] {
        with_recovery_fixture(&[name], async |fixture: &mut RecoveryFixture| {
            fixture.configure(name).await?;
            let client = database::connect(&fixture.address()).await?;
            client
                .batch_execute(
                    "create table marked as select repeat('marker of a tenant', 100) as text",
                )
                .await?;
            fixture
                .backup_succeeds(&["run", "--cell", name], "bytes")
                .await?;
            backup::archive_now(&client, Duration::from_secs(60)).await?;
            for number in 1..=count {
                let repository = fixture.repository(name, number);
                for place in ["archive", "backup"] {
                    let cells: Vec<_> = fs::read_dir(repository.join(place))?
                        .map(|entry| entry.map(|entry| entry.file_name()))
                        .collect::<Result<_, _>>()?;
                    assert_eq!(cells, [name], "{place}");
                }
                for file in crate::recovery_fixture::files(&repository, |_| true)? {
                    let bytes = fs::read(&file)?;
                    ensure!(
                        bytes.starts_with(b"Salted__") || file.ends_with("latest"),
                        "{} is not encrypted",
                        file.display()
                    );
                }
            }
            let configuration = fixture
                .state
                .join("backup")
                .join(name)
                .join("pgbackrest.conf");
            let text = fs::read_to_string(&configuration)?;
            assert_eq!(
                text.matches(&format!("retention-full={days}\n")).count(),
                count
            );
            let mode = Command::new("stat")
                .args(["-c", "%a"])
                .arg(&configuration)
                .output()?;
            assert_eq!(String::from_utf8(mode.stdout)?.trim(), "600");
            Ok(())
        })
        .await?;
    }
    Ok(())
}

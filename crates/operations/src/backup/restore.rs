//! Restoring a cell to a time, in a new data directory (`lms backup restore`). It needs the definition of the cell, a repository and the
//! passphrase.
//! The write-ahead log is replayed in `recovery`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use chrono::{DateTime, TimeDelta, Utc};

use super::access::{Access, NumberedRepository, RepositoryReference};
use super::archive::RecoveryWindow;
use super::information::Backup;
use super::recovery;
use crate::{postgresql, time};

/// The target of a recovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoveryTarget {
    /// Everything that was committed by this time.
    Time(DateTime<Utc>),
    /// Everything that was archived.
    Latest,
}

/// The options of a restore.
#[derive(Clone, Debug)]
pub struct Options {
    /// The recovery target.
    pub target: RecoveryTarget,
    /// The new data directory, which must not exist or must be empty.
    pub into: PathBuf,
    /// The number of the repository. Without one, the first suitable repository is used.
    pub repository: Option<usize>,
}

/// The result of a restore.
#[derive(Clone, Debug)]
pub struct Restored {
    /// The backup that was used.
    pub backup: Backup,
    /// The repository of the backup.
    pub repository: RepositoryReference,
    /// The duration of copying the backup.
    pub copy_time: Duration,
    /// The duration of replaying the log.
    pub replay_time: Duration,
}

/// The backup with which a restore begins.
struct Source<'a> {
    repository: NumberedRepository<'a>,
    backup: Backup,
}

/// Restores into a new data directory, without starting a server on it.
///
/// # Errors
///
/// When the directory is in use, the time is outside of the recovery window, or the repositories cannot be read. Then the directory is
/// left as it was.
pub async fn restore(access: &Access, options: &Options) -> Result<Restored> {
    check_recovery_target(options.target)?;
    check_directory(&options.into)?;
    let source = source(access, options).await?;
    let existed = options.into.is_dir();
    let outcome = fill(access, options, &source).await;
    if outcome.is_err() {
        clear(&options.into, existed)?;
    }
    outcome
}

fn check_recovery_target(target: RecoveryTarget) -> Result<()> {
    let now = Utc::now();
    match target {
        RecoveryTarget::Time(wanted) if wanted > now => bail!(
            "{} is in the future, it is now {}: restore to a time in the past",
            time::text(wanted),
            time::text(now)
        ),
        RecoveryTarget::Time(_) | RecoveryTarget::Latest => Ok(()),
    }
}

fn check_directory(into: &Path) -> Result<()> {
    if !into.is_absolute() {
        bail!("{} is not an absolute path", into.display());
    }
    if postgresql::is_running(into) {
        bail!(
            "a PostgreSQL server runs on {}: restore into a new directory, beside it",
            into.display()
        );
    }
    match fs::read_dir(into) {
        Ok(mut entries) => match entries.next() {
            Some(_) => bail!(
                "{} is not empty: restore into a new directory",
                into.display()
            ),
            None => Ok(()),
        },
        Err(_) if into.symlink_metadata().is_ok() => {
            bail!("{} is not a readable directory", into.display())
        }
        Err(_) => match into.parent() {
            Some(parent) if parent.is_dir() => Ok(()),
            _ => bail!(
                "the parent directory of {} does not exist: create it first",
                into.display()
            ),
        },
    }
}

/// The backup of the first suitable repository. When there is none, the error is that of the last repository.
async fn source<'a>(access: &'a Access, options: &Options) -> Result<Source<'a>> {
    let mut last_error = None;
    for repository in access.repositories() {
        if options.repository.is_some_and(|key| key != repository.key) {
            continue;
        }
        match choose_backup(access, repository, options.target).await {
            Ok(backup) => return Ok(Source { repository, backup }),
            Err(error) => last_error = Some(error),
        }
    }
    match last_error {
        Some(error) => Err(error),
        None => bail!(
            "the cell {} has no repository with this number",
            access.definition.name
        ),
    }
}

async fn choose_backup(
    access: &Access,
    repository: NumberedRepository<'_>,
    target: RecoveryTarget,
) -> Result<Backup> {
    let description = repository.described();
    let mut backups = access.backups(repository).await?;
    let Some(first) = backups.first().map(|backup| backup.ended_at) else {
        bail!("{description}: it contains no backup");
    };
    if let RecoveryTarget::Time(wanted) = target {
        // The recorded end of a backup is rounded down to a second.
        backups.retain(|backup| backup.ended_at + TimeDelta::seconds(1) <= wanted);
        if backups.is_empty() {
            bail!(
                "{} is before the first backup in {description}, which ended at {}: nothing earlier can be restored",
                time::text(wanted),
                time::text(first)
            );
        }
    }
    let newest = backups.pop().context("there is no backup")?;
    let window = access
        .archive(repository)
        .await?
        .recovery_window(&newest.first_segment);
    let Some(window) = window else {
        bail!(
            "{description}: the segment {} of the log is missing, without which the backup {} cannot be restored",
            newest.first_segment,
            newest.label
        );
    };
    check_window(target, &window, &description)?;
    Ok(newest)
}

fn check_window(target: RecoveryTarget, window: &RecoveryWindow, repository: &str) -> Result<()> {
    let until = time::text(window.until);
    match (target, &window.missing) {
        (RecoveryTarget::Latest, Some(missing)) => bail!(
            "{repository}: the segment {missing} of the log is missing, so that nothing after {until} can be restored"
        ),
        (RecoveryTarget::Time(wanted), Some(missing)) if wanted > window.until => bail!(
            "{repository}: the segment {missing} of the log is missing, so that {} cannot be restored, but {until} can",
            time::text(wanted)
        ),
        // The time at which a segment was archived is rounded down to a second.
        (RecoveryTarget::Time(wanted), None) if wanted > window.until + TimeDelta::seconds(1) => {
            bail!(
                "{} is after the end of the archive in {repository}, {until}: restore to an earlier time, or to `latest`",
                time::text(wanted)
            )
        }
        _ => Ok(()),
    }
}

async fn fill(access: &Access, options: &Options, source: &Source<'_>) -> Result<Restored> {
    let into = &options.into;
    super::access::create_directory(into, &access.program.account)?;
    // An existing empty directory may belong to another account.
    access.program.account.own(into)?;
    fs::set_permissions(into, std::os::unix::fs::PermissionsExt::from_mode(0o700))
        .with_context(|| format!("cannot change the permissions of {}", into.display()))?;
    let started = Instant::now();
    copy(access, options, source).await?;
    let copied = Instant::now();
    recovery::replay(&access.program.account, into).await?;
    Ok(Restored {
        backup: source.backup.clone(),
        repository: source.repository.reference(),
        copy_time: copied.duration_since(started),
        replay_time: copied.elapsed(),
    })
}

async fn copy(access: &Access, options: &Options, source: &Source<'_>) -> Result<()> {
    let mut arguments = vec![
        source.repository.option(),
        format!("--set={}", source.backup.label),
        format!("--pg1-path={}", options.into.display()),
        // Two servers that archive to the same repository would damage the archive of both.
        "--archive-mode=off".to_owned(),
    ];
    match options.target {
        RecoveryTarget::Time(time) => arguments.extend([
            "--type=time".to_owned(),
            format!("--target={}", time.format("%F %T%.6f+00")),
            "--target-action=promote".to_owned(),
        ]),
        RecoveryTarget::Latest => arguments.push("--type=default".to_owned()),
    }
    access
        .program
        .run("restore", arguments)
        .await
        .map(|_| ())
        .with_context(|| {
            format!(
                "the backup {} in {} cannot be restored",
                source.backup.label,
                source.repository.described()
            )
        })
}

/// Restores the directory to its former state: empty, or absent.
fn clear(into: &Path, existed: bool) -> Result<()> {
    if !into.is_dir() {
        return Ok(());
    }
    let cleared = || -> std::io::Result<()> {
        fs::remove_dir_all(into)?;
        if existed {
            fs::create_dir(into)
        } else {
            Ok(())
        }
    };
    cleared().with_context(|| format!("cannot clear {} again", into.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(missing: Option<&str>) -> RecoveryWindow {
        RecoveryWindow {
            until: "2026-11-24T12:00:00Z".parse().unwrap(),
            missing: missing.map(str::to_owned),
        }
    }

    fn rejection(target: RecoveryTarget, missing: Option<&str>) -> Option<String> {
        check_window(target, &window(missing), "repository 1")
            .err()
            .map(|error| error.to_string())
    }

    #[test]
    fn only_targets_in_the_recovery_window_are_accepted() {
        let at = |text: &str| RecoveryTarget::Time(text.parse().unwrap());
        assert_eq!(rejection(at("2026-11-24T11:59:59Z"), None), None);
        assert_eq!(rejection(at("2026-11-24T11:59:59Z"), Some("x")), None);
        assert_eq!(rejection(RecoveryTarget::Latest, None), None);
        let late = rejection(at("2026-11-24T12:00:02Z"), None).unwrap();
        assert!(late.contains("after the end of the archive"), "{late}");
        for target in [RecoveryTarget::Latest, at("2026-11-24T12:00:02Z")] {
            let gap = rejection(target, Some("........0000000000000007")).unwrap();
            assert!(
                gap.contains("0000000000000007 of the log is missing"),
                "{gap}"
            );
        }
    }
}

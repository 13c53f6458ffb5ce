//! `lms backup restore`: a new data directory with what the cell held at a time. The definition of the cell, a repository and the
//! passphrase are all that it needs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use chrono::{DateTime, TimeDelta, Utc};

use super::access::{Access, Numbered};
use super::archive::Reach;
use super::information::Backup;
use super::list::time;
use super::recovery;
use crate::postgresql;

/// What is restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// What was committed by this time, and nothing after it.
    At(DateTime<Utc>),
    /// Everything that was archived.
    Latest,
}

/// What to restore, and where to.
#[derive(Clone, Debug)]
pub struct Options {
    /// Until when.
    pub moment: Moment,
    /// The new data directory: not there yet, or empty.
    pub into: PathBuf,
    /// The number of the repository; without one, the first that can serve.
    pub repository: Option<usize>,
}

/// What was restored.
#[derive(Clone, Debug)]
pub struct Restored {
    /// The backup that it was made from.
    pub backup: Backup,
    /// The repository that had it.
    pub repository: String,
    /// How long copying the backup took.
    pub copying: Duration,
    /// How long replaying the log took.
    pub replaying: Duration,
}

/// What a restore begins with.
struct Source<'a> {
    repository: Numbered<'a>,
    backup: Backup,
}

/// Restores into a new data directory, which no server serves when this ends.
///
/// # Errors
///
/// When the directory is in use, the time is not covered, or the repositories cannot be read. The directory is left as it was.
pub async fn restore(access: &Access, options: &Options) -> Result<Restored> {
    check_moment(options.moment)?;
    check_target(&options.into)?;
    let source = source(access, options).await?;
    let existed = options.into.is_dir();
    let outcome = fill(access, options, &source).await;
    if outcome.is_err() {
        clear(&options.into, existed)?;
    }
    outcome
}

fn check_moment(moment: Moment) -> Result<()> {
    let now = Utc::now();
    match moment {
        Moment::At(moment) if moment > now => bail!(
            "{} has not come yet, it is {}: restore to a time that has passed",
            time(moment),
            time(now)
        ),
        Moment::At(_) | Moment::Latest => Ok(()),
    }
}

fn check_target(into: &Path) -> Result<()> {
    if !into.is_absolute() {
        bail!("{} is no absolute path", into.display());
    }
    if postgresql::serves(into) {
        bail!(
            "a PostgreSQL server runs on {}: a restore goes into a new directory, beside it",
            into.display()
        );
    }
    match fs::read_dir(into) {
        Ok(mut entries) => match entries.next() {
            Some(_) => bail!(
                "{} is not empty: a restore goes into a new directory",
                into.display()
            ),
            None => Ok(()),
        },
        Err(_) if into.symlink_metadata().is_ok() => {
            bail!("{} is no directory that can be read", into.display())
        }
        Err(_) => match into.parent() {
            Some(parent) if parent.is_dir() => Ok(()),
            _ => bail!(
                "the directory around {} is not there: make it first",
                into.display()
            ),
        },
    }
}

/// The backup to begin with: of the first repository that can serve. What is wrong with the last one is what is told.
async fn source<'a>(access: &'a Access, options: &Options) -> Result<Source<'a>> {
    let mut refused = None;
    for repository in access.repositories() {
        if options.repository.is_some_and(|key| key != repository.key) {
            continue;
        }
        match choose(access, repository, options.moment).await {
            Ok(backup) => return Ok(Source { repository, backup }),
            Err(error) => refused = Some(error),
        }
    }
    match refused {
        Some(error) => Err(error),
        None => bail!(
            "the cell {} has no repository with this number",
            access.definition.name
        ),
    }
}

async fn choose(access: &Access, repository: Numbered<'_>, moment: Moment) -> Result<Backup> {
    let place = repository.described();
    let mut backups = access.backups(repository).await?;
    let Some(first) = backups.first().map(|backup| backup.ended) else {
        bail!("{place}: there is no backup in it");
    };
    if let Moment::At(wanted) = moment {
        // The end of a backup is known to the second.
        backups.retain(|backup| backup.ended + TimeDelta::seconds(1) <= wanted);
        if backups.is_empty() {
            bail!(
                "{} is before the first backup in {place}, which ended at {}: nothing earlier can be restored",
                time(wanted),
                time(first)
            );
        }
    }
    let newest = backups.pop().context("there is no backup")?;
    let reach = access
        .archive(repository)
        .await?
        .reach(&newest.first_segment);
    let Some(reach) = reach else {
        bail!(
            "{place}: the segment {} of the log is missing, without which the backup {} cannot be restored",
            newest.first_segment,
            newest.label
        );
    };
    check_reach(moment, &reach, &place)?;
    Ok(newest)
}

fn check_reach(moment: Moment, reach: &Reach, place: &str) -> Result<()> {
    let until = time(reach.until);
    match (moment, &reach.missing) {
        (Moment::Latest, Some(missing)) => bail!(
            "{place}: the segment {missing} of the log is missing, nothing after {until} can be restored"
        ),
        (Moment::At(wanted), Some(missing)) if wanted > reach.until => bail!(
            "{place}: the segment {missing} of the log is missing, {} can't be reached but {until} can",
            time(wanted)
        ),
        // When a segment was archived is known to the second.
        (Moment::At(wanted), None) if wanted > reach.until + TimeDelta::seconds(1) => bail!(
            "{} is after the end of the archive in {place}, {until}: restore to an earlier time, or to `latest`",
            time(wanted)
        ),
        _ => Ok(()),
    }
}

async fn fill(access: &Access, options: &Options, source: &Source<'_>) -> Result<Restored> {
    let into = &options.into;
    super::access::make(into, &access.program.account)?;
    // One that was there and is empty may have been made by anybody.
    access.program.account.own(into)?;
    fs::set_permissions(into, std::os::unix::fs::PermissionsExt::from_mode(0o700))
        .with_context(|| format!("cannot change the permissions of {}", into.display()))?;
    let began = Instant::now();
    copy(access, options, source).await?;
    let copied = Instant::now();
    recovery::replay(&access.program.account, into).await?;
    Ok(Restored {
        backup: source.backup.clone(),
        repository: source.repository.described(),
        copying: copied.duration_since(began),
        replaying: copied.elapsed(),
    })
}

async fn copy(access: &Access, options: &Options, source: &Source<'_>) -> Result<()> {
    let mut arguments = vec![
        source.repository.option(),
        format!("--set={}", source.backup.label),
        format!("--pg1-path={}", options.into.display()),
        // Two servers that archive to one place would spoil it for both.
        "--archive-mode=off".to_owned(),
    ];
    match options.moment {
        Moment::At(moment) => arguments.extend([
            "--type=time".to_owned(),
            format!("--target={}", moment.format("%F %T%.6f+00")),
            "--target-action=promote".to_owned(),
        ]),
        Moment::Latest => arguments.push("--type=default".to_owned()),
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

/// Leaves the directory as it was: empty, or not there.
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

    fn reach(missing: Option<&str>) -> Reach {
        Reach {
            until: "2026-11-24T12:00:00Z".parse().unwrap(),
            missing: missing.map(str::to_owned),
        }
    }

    fn refused(moment: Moment, missing: Option<&str>) -> Option<String> {
        check_reach(moment, &reach(missing), "repository 1")
            .err()
            .map(|error| error.to_string())
    }

    #[test]
    fn only_what_the_archive_reaches_is_begun() {
        let at = |text: &str| Moment::At(text.parse().unwrap());
        assert_eq!(refused(at("2026-11-24T11:59:59Z"), None), None);
        assert_eq!(refused(at("2026-11-24T11:59:59Z"), Some("x")), None);
        assert_eq!(refused(Moment::Latest, None), None);
        let late = refused(at("2026-11-24T12:00:02Z"), None).unwrap();
        assert!(late.contains("after the end of the archive"), "{late}");
        for moment in [Moment::Latest, at("2026-11-24T12:00:02Z")] {
            let gap = refused(moment, Some("........0000000000000007")).unwrap();
            assert!(
                gap.contains("0000000000000007 of the log is missing"),
                "{gap}"
            );
        }
    }
}

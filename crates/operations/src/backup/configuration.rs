//! The text of pgBackRest's configuration for one cell.
//! It is written to a file in `access` and `configure`.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;

use super::credentials::Credentials;
use crate::cell::{Definition, Repository};

/// The configuration of a cell: its repositories, and the data directory if the server is on this machine.
///
/// # Errors
///
/// When a path cannot be written as text.
pub(super) fn text(
    definition: &Definition,
    credentials: &Credentials,
    work: &Path,
    data: Option<&Path>,
) -> Result<String> {
    let mut text = String::from(
        "# Written by `lms backup`; changes here are lost. Holds secrets.\n[global]\n",
    );
    for (repository, key) in definition.backup.repositories.iter().zip(1..) {
        write_repository(&mut text, key, repository, credentials)?;
        writeln!(text, "repo{key}-cipher-type=aes-256-cbc")?;
        writeln!(text, "repo{key}-cipher-pass={}", credentials.passphrase)?;
        writeln!(text, "repo{key}-retention-full-type=time")?;
        writeln!(
            text,
            "repo{key}-retention-full={}",
            definition.retention.days()
        )?;
    }
    writeln!(text, "lock-path={}", work.join("lock").display())?;
    // Errors go to standard error, where this program reads them, or the server writes them into its log.
    text.push_str("log-level-file=off\nlog-level-console=off\nlog-level-stderr=error\ncompress-type=lz4\nstart-fast=y\n");
    writeln!(text, "\n[{}]", definition.name)?;
    // pgBackRest requires the option even without a server here; a restore overrides it.
    let data = data.map_or_else(|| work.join("absent"), Path::to_owned);
    writeln!(text, "pg1-path={}", data.display())?;
    Ok(text)
}

fn write_repository(
    text: &mut String,
    key: usize,
    repository: &Repository,
    credentials: &Credentials,
) -> Result<()> {
    match repository {
        Repository::Posix { path } => writeln!(text, "repo{key}-path={}", path.display())?,
        Repository::S3 {
            bucket,
            endpoint,
            region,
            path,
        } => {
            writeln!(text, "repo{key}-type=s3\nrepo{key}-path={path}")?;
            writeln!(text, "repo{key}-s3-bucket={bucket}")?;
            writeln!(text, "repo{key}-s3-endpoint={endpoint}")?;
            writeln!(text, "repo{key}-s3-region={region}")?;
            match &credentials.s3 {
                Some(account) => {
                    writeln!(text, "repo{key}-s3-key={}", account.id)?;
                    writeln!(text, "repo{key}-s3-key-secret={}", account.secret)?;
                }
                None => writeln!(text, "repo{key}-s3-key-type=auto")?,
            }
        }
    }
    Ok(())
}

/// The command that the server runs for each finished segment.
pub(super) fn archive_command(configuration: &Path, stanza: &str) -> String {
    // The server replaces percent signs before the shell reads the command.
    let file = quote(&configuration.display().to_string()).replace('%', "%%");
    format!("pgbackrest --config={file} --stanza={stanza} archive-push \"%p\"")
}

/// Quotes a word for the shell.
fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::credentials::S3;

    fn definition(retention: &str) -> Definition {
        let directory = tempfile::tempdir().unwrap();
        let name = format!("eu-{retention}");
        std::fs::write(
            directory.path().join(format!("{name}.toml")),
            format!(
                "region = 'eu'\nretention = '{retention}'\nurl = 'https://eu.example.com'\n\
                [database]\nhost = 'db.example.com'\nport = 5432\nname = 'lms'\n\
                [backup]\narchive_timeout = 300\n\
                [[backup.repositories]]\ntype = 'posix'\npath = '/srv/backup'\n\
                [[backup.repositories]]\ntype = 's3'\nbucket = 'b'\nendpoint = 's3.example.com'\nregion = 'eu-1'\npath = '/p'\n"
            ),
        )
        .unwrap();
        Definition::load(directory.path(), &name).unwrap()
    }

    fn written(retention: &str, s3: Option<S3>) -> String {
        let credentials = Credentials {
            passphrase: "a long passphrase".to_owned(),
            s3,
        };
        text(
            &definition(retention),
            &credentials,
            Path::new("/work"),
            None,
        )
        .unwrap()
    }

    #[test]
    fn each_repository_is_encrypted_and_keeps_backups_for_the_time_of_the_class() {
        for (retention, days) in [("standard", 30), ("regulated", 2557)] {
            let text = written(retention, None);
            for key in [1, 2] {
                for line in [
                    format!("repo{key}-cipher-type=aes-256-cbc"),
                    format!("repo{key}-cipher-pass=a long passphrase"),
                    format!("repo{key}-retention-full-type=time"),
                    format!("repo{key}-retention-full={days}"),
                ] {
                    assert!(
                        text.lines().any(|written| written == line),
                        "{line}\n{text}"
                    );
                }
            }
            assert!(text.contains("repo1-path=/srv/backup\n"));
            assert!(text.contains(&format!("\n[eu-{retention}]\n")));
        }
    }

    #[test]
    fn s3_uses_a_key_or_the_role_of_the_machine() {
        assert!(written("standard", None).contains("repo2-s3-key-type=auto\n"));
        let key = S3 {
            id: "AKIA".to_owned(),
            secret: "hidden".to_owned(),
        };
        let text = written("standard", Some(key));
        assert!(
            text.contains("repo2-s3-key=AKIA\nrepo2-s3-key-secret=hidden\n"),
            "{text}"
        );
        assert!(!text.contains("key-type"));
    }

    #[test]
    fn the_archive_command_quotes_any_path() {
        assert_eq!(
            archive_command(Path::new("/a b/it's 100%/c"), "eu-standard"),
            r#"pgbackrest --config='/a b/it'\''s 100%%/c' --stanza=eu-standard archive-push "%p""#
        );
    }
}

//! The parts of an export in their directory: `<tenant>-<first position>-<last position>.<format>`.
//! Their content is written in the parent module.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use tempfile::NamedTempFile;

/// The complete parts of one tenant and format.
pub(super) struct Parts {
    directory: PathBuf,
    prefix: String,
    suffix: String,
    /// The first and last position of each part, in order.
    ranges: Vec<(i64, i64)>,
    /// The lock that keeps other exports out of the directory until this one ends.
    _lock: File,
}

impl Parts {
    /// Opens the directory, which is created if needed.
    pub(super) fn open(directory: &Path, tenant: &str, extension: &str) -> Result<Self> {
        let unusable = || format!("cannot use the directory {}", directory.display());
        fs::create_dir_all(directory).with_context(unusable)?;
        let lock = File::open(directory).with_context(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!("another export is writing into {}", directory.display())
            }
            Err(TryLockError::Error(error)) => return Err(error).with_context(unusable),
        }
        let mut parts = Self {
            directory: directory.to_owned(),
            prefix: format!("{tenant}-"),
            suffix: format!(".{extension}"),
            ranges: Vec::new(),
            _lock: lock,
        };
        for entry in fs::read_dir(directory).with_context(unusable)? {
            let name = entry.with_context(unusable)?.file_name();
            parts
                .ranges
                .extend(name.to_str().and_then(|name| parts.range(name)));
        }
        parts.ranges.sort_unstable();
        parts.check()?;
        Ok(parts)
    }

    fn range(&self, name: &str) -> Option<(i64, i64)> {
        let range = name
            .strip_prefix(&self.prefix)?
            .strip_suffix(&self.suffix)?;
        let (first, last) = range.split_once('-')?;
        Some((first.parse().ok()?, last.parse().ok()?))
    }

    fn name(&self, (first, last): (i64, i64)) -> String {
        format!("{}{first:012}-{last:012}{}", self.prefix, self.suffix)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn check(&self) -> Result<()> {
        for pair in self.ranges.windows(2) {
            if let [previous, next] = pair {
                ensure!(
                    previous.1.checked_add(1) == Some(next.0),
                    "{} does not follow on {}: remove the files that do not belong there, or use another directory",
                    self.name(*next),
                    self.path(&self.name(*previous)).display()
                );
            }
        }
        Ok(())
    }

    /// The last exported position; without any part, the position after which to begin.
    pub(super) fn reached(&self, after: Option<i64>) -> Result<i64> {
        let (Some(first), Some(last)) = (self.ranges.first(), self.ranges.last()) else {
            return Ok(after.unwrap_or(0));
        };
        if let Some(after) = after {
            ensure!(
                after.checked_add(1) == Some(first.0),
                "the parts in {} begin at position {}, not after {after}: use another directory",
                self.directory.display(),
                first.0
            );
        }
        Ok(last.1)
    }

    /// Gives a complete part its name.
    pub(super) fn keep(&self, file: NamedTempFile, after: i64, until: i64) -> Result<()> {
        let name = self.name((after + 1, until));
        let keep = || -> Result<()> {
            file.as_file().sync_all()?;
            file.persist_noclobber(self.path(&name))?;
            File::open(&self.directory)?.sync_all()?;
            Ok(())
        };
        keep().with_context(|| format!("cannot write {}", self.path(&name).display()))
    }
}

/// A temporary file for an incomplete part. It is deleted unless it is kept.
pub(super) fn temporary(directory: &Path) -> Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(".part-")
        .tempfile_in(directory)
        .with_context(|| format!("cannot write into {}", directory.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(names: &[&str]) -> (tempfile::TempDir, Result<Parts>) {
        let directory = tempfile::tempdir().unwrap();
        for name in names {
            fs::write(directory.path().join(name), "").unwrap();
        }
        let parts = Parts::open(directory.path(), "a-1", "ndjson");
        (directory, parts)
    }

    #[test]
    fn an_export_resumes_after_its_last_part() {
        let (_directory, parts) = with(&[]);
        let parts = parts.unwrap();
        assert_eq!(parts.reached(None).unwrap(), 0);
        assert_eq!(parts.reached(Some(7)).unwrap(), 7);
        let (directory, parts) = with(&[
            "a-1-000000000008-000000000010.ndjson",
            "a-1-000000000011-000000000020.ndjson",
            "a-1-000000000021-000000000030.xapi.ndjson",
            "a-2-000000000021-000000000030.ndjson",
            ".part-xyz",
        ]);
        let parts = parts.unwrap();
        assert_eq!(parts.reached(None).unwrap(), 20);
        assert_eq!(parts.reached(Some(7)).unwrap(), 20);
        assert!(parts.reached(Some(0)).is_err());
        assert!(
            Parts::open(directory.path(), "a-1", "parquet").is_err(),
            "locked"
        );
    }

    #[test]
    fn parts_that_do_not_join_are_rejected() {
        let (_directory, parts) = with(&["a-1-1-10.ndjson", "a-1-12-20.ndjson"]);
        assert!(parts.is_err());
        let (_directory, parts) = with(&["a-1-1-10.ndjson", "a-1-10-20.ndjson"]);
        assert!(parts.is_err());
    }
}

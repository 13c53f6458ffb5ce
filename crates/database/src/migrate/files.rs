//! Reading the schema's files: the baseline in the order in which it is applied, and the changes by their numbers.
//! They are applied in `migrate`; those that a database still needs are chosen in `plan`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, bail};
use include_dir::{Dir, DirEntry, include_dir};

use super::plan::{BASELINE, File, Migration};

static FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../migrations");

/// The kinds of the baseline's files, in the order in which they are applied. A file is named by its kind, or by kind and topic
/// (`functions_planning.sql`).
const KINDS: [&str; 9] = [
    "superuser",
    "definitions",
    "tables",
    "functions",
    "views",
    "triggers",
    "policies",
    "grants",
    "data",
];

/// The migrations of this program, in order: the baseline, then the changes.
///
/// # Errors
///
/// When a file does not fit into the order.
pub fn embedded() -> Result<Vec<Migration>> {
    let mut texts = BTreeMap::new();
    collect_embedded(&FILES, &mut texts)?;
    order(texts)
}

/// The migrations in a directory with the layout of `migrations/`, such as that of another release.
///
/// # Errors
///
/// When the directory cannot be read, or a file does not fit into the order.
pub fn read(directory: &Path) -> Result<Vec<Migration>> {
    let mut texts = BTreeMap::new();
    for folder in ["baseline", "changes"] {
        collect(directory, &directory.join(folder), &mut texts)?;
    }
    order(texts)
}

fn collect_embedded(directory: &Dir<'_>, texts: &mut BTreeMap<String, String>) -> Result<()> {
    for entry in directory.entries() {
        match entry {
            DirEntry::Dir(inner) => collect_embedded(inner, texts)?,
            DirEntry::File(file) if is_sql(file.path()) => {
                let name = name(file.path());
                let text = file
                    .contents_utf8()
                    .with_context(|| format!("the migration {name} is not UTF-8"))?;
                texts.insert(name, text.to_owned());
            }
            DirEntry::File(_) => {}
        }
    }
    Ok(())
}

fn collect(root: &Path, directory: &Path, texts: &mut BTreeMap<String, String>) -> Result<()> {
    let unreadable = || format!("cannot read {}", directory.display());
    for entry in std::fs::read_dir(directory).with_context(unreadable)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, texts)?;
        } else if is_sql(&path) {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            texts.insert(name(path.strip_prefix(root)?), text);
        }
    }
    Ok(())
}

fn is_sql(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "sql")
}

fn name(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

/// Puts files, by their paths in `migrations/`, into the order of the schema's README.
fn order(texts: BTreeMap<String, String>) -> Result<Vec<Migration>> {
    let mut baseline = Vec::new();
    let mut by_version = BTreeMap::new();
    for (path, text) in texts {
        if let Some(name) = path.strip_prefix("baseline/") {
            baseline.push(BaselineFile::parse(name, text)?);
        } else if let Some(file_name) = path.strip_prefix("changes/") {
            let change = Migration::parse(file_name, &text)?;
            if change.version <= BASELINE {
                bail!(
                    "the change {file_name} has the number of the baseline: changes begin with 0002"
                );
            }
            if let Some(other) = by_version.insert(change.version, change) {
                bail!("two changes have the number of {}", other.label());
            }
        } else {
            bail!("{path} is neither in migrations/baseline nor in migrations/changes");
        }
    }
    if baseline.is_empty() {
        bail!("migrations/baseline has no files");
    }
    let mut migrations = vec![Migration::baseline(sorted(baseline))];
    migrations.extend(by_version.into_values());
    Ok(migrations)
}

/// A file of the baseline, with the folder and kind that determine its place in the order.
struct BaselineFile {
    folder: String,
    kind: usize,
    file: File,
}

impl BaselineFile {
    /// Reads folder and kind of a file from its path in `migrations/baseline` (`05_teaching/functions_planning.sql`).
    fn parse(path: &str, sql: String) -> Result<Self> {
        let (folder, stem) = path
            .strip_suffix(".sql")
            .and_then(|path| path.split_once('/'))
            .filter(|(_, stem)| !stem.contains('/'))
            .with_context(|| {
                format!("the file {path} of the baseline is not named like 05_teaching/tables.sql")
            })?;
        let kind = stem.split_once('_').map_or(stem, |(kind, _)| kind);
        let kind = KINDS
            .iter()
            .position(|known| *known == kind)
            .with_context(|| {
                format!(
                    "the file {path} of the baseline has an unknown kind; the kinds are {}",
                    KINDS.join(", ")
                )
            })?;
        Ok(Self {
            folder: folder.to_owned(),
            kind,
            file: File {
                path: format!("baseline/{path}"),
                sql,
            },
        })
    }
}

/// All of the first folder, then kind by kind through the others.
fn sorted(mut files: Vec<BaselineFile>) -> Vec<File> {
    let folders: BTreeSet<String> = files.iter().map(|entry| entry.folder.clone()).collect();
    let first = folders.first();
    files.sort_by(|one, other| {
        let key = |entry: &BaselineFile| {
            (
                Some(&entry.folder) != first,
                entry.kind,
                entry.folder.clone(),
                entry.file.path.clone(),
            )
        };
        key(one).cmp(&key(other))
    });
    files.into_iter().map(|entry| entry.file).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(paths: &[&str]) -> Result<Vec<Migration>> {
        order(
            paths
                .iter()
                .map(|path| ((*path).to_owned(), format!("-- {path}")))
                .collect(),
        )
    }

    #[test]
    fn the_baseline_comes_by_kind_and_the_changes_by_number() {
        let migrations = ordered(&[
            "changes/0010_ten.sql",
            "changes/0002_two.sql",
            "baseline/01_b/functions_a.sql",
            "baseline/01_b/functions.sql",
            "baseline/01_b/tables.sql",
            "baseline/00_a/functions.sql",
            "baseline/00_a/superuser.sql",
            "baseline/02_c/definitions.sql",
            "baseline/02_c/tables_later.sql",
        ])
        .unwrap();
        let labels: Vec<String> = migrations.iter().map(Migration::label).collect();
        assert_eq!(labels, ["0001_baseline", "0002_two", "0010_ten"]);
        let paths: Vec<&str> = migrations[0]
            .files
            .iter()
            .map(|file| file.path.as_str())
            .collect();
        assert_eq!(
            paths,
            [
                "baseline/00_a/superuser.sql",
                "baseline/00_a/functions.sql",
                "baseline/02_c/definitions.sql",
                "baseline/01_b/tables.sql",
                "baseline/02_c/tables_later.sql",
                "baseline/01_b/functions.sql",
                "baseline/01_b/functions_a.sql",
            ]
        );
    }

    #[test]
    fn files_outside_of_the_order_are_rejected() {
        for path in [
            "0002_two.sql",
            "baseline/tables.sql",
            "baseline/01_b/deeper/tables.sql",
            "baseline/01_b/notes.sql",
            "changes/0001_one.sql",
            "changes/two.sql",
        ] {
            let paths = ["baseline/00_a/tables.sql", path];
            assert!(ordered(&paths).is_err(), "{path}");
        }
        let twice = [
            "baseline/00_a/tables.sql",
            "changes/0002_a.sql",
            "changes/0002_b.sql",
        ];
        assert!(ordered(&twice).is_err());
        assert!(ordered(&[]).is_err());
    }

    #[test]
    fn the_embedded_files_are_those_of_the_repository() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
        assert_eq!(embedded().unwrap(), read(&directory).unwrap());
    }

    /// A longer file has more than one subject.
    const MAX_LINES: usize = 400;

    #[test]
    fn a_file_has_a_header_and_one_subject() {
        for migration in embedded().unwrap() {
            for file in &migration.files {
                let lines = file.sql.lines().count();
                assert!(lines <= MAX_LINES, "{} has {lines} lines", file.path);
                assert!(file.sql.starts_with("-- "), "{} has no header", file.path);
            }
        }
    }

    #[test]
    fn objects_of_the_previous_release_are_dropped_or_renamed_only_on_purpose() {
        let contracts = [
            "drop table",
            "drop column",
            "drop view",
            "drop materialized view",
            "rename to",
            "rename column",
        ];
        for migration in embedded().unwrap().iter().skip(1) {
            for file in &migration.files {
                let text = file.sql.to_lowercase();
                let found = contracts.iter().find(|words| text.contains(**words));
                assert!(
                    found.is_none() || text.contains("-- contracts:"),
                    "{} says {found:?}: see migrations/README.md, Expand, then contract",
                    file.path
                );
            }
        }
    }
}

//! Reads the components' files from `spin.toml` and checks that they have been built.
//! The host reads the rest of the manifest.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Returns the WebAssembly files that a manifest names, each once.
pub fn wasm_files(manifest: &Path) -> Result<BTreeSet<PathBuf>> {
    let text = std::fs::read_to_string(manifest).with_context(|| {
        format!(
            "cannot read {}: run this program in the repository, or name the file with --manifest",
            manifest.display()
        )
    })?;
    let table: toml::Table =
        toml::from_str(&text).with_context(|| format!("{} is not valid", manifest.display()))?;
    let folder = manifest.parent().unwrap_or(Path::new(""));
    let components = table
        .get("component")
        .and_then(toml::Value::as_table)
        .into_iter()
        .flatten();
    Ok(components
        .filter_map(|(_, component)| component.get("source")?.as_str())
        .map(|source| folder.join(source))
        .collect())
}

/// Returns an error if a component has not been built.
pub fn check_built(manifest: &Path) -> Result<()> {
    for file in wasm_files(manifest)? {
        if !file.is_file() {
            bail!("{} has not been built: run `make build`", file.display());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_is_listed_once_and_must_exist() {
        let directory = tempfile::tempdir().unwrap();
        let manifest = directory.path().join("spin.toml");
        std::fs::write(
            &manifest,
            "[component.a]\nsource = \"one.wasm\"\n[component.b]\nsource = \"one.wasm\"\n",
        )
        .unwrap();
        assert_eq!(
            wasm_files(&manifest)
                .unwrap()
                .into_iter()
                .collect::<Vec<_>>(),
            [directory.path().join("one.wasm")]
        );
        assert!(
            check_built(&manifest)
                .unwrap_err()
                .to_string()
                .contains("make build")
        );
        std::fs::write(directory.path().join("one.wasm"), "").unwrap();
        check_built(&manifest).unwrap();
    }
}

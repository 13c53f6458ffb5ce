//! Finds the files of the components that a manifest names. Tests of their contents are in
//! `component_sizes` and `spin_versions`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result};
use tests::root;

/// Returns the file of each component of a manifest, by the component's id.
pub(crate) fn of(manifest: &str) -> Result<BTreeMap<String, PathBuf>> {
    let text = std::fs::read_to_string(root().join(manifest))?;
    let manifest: toml::Table = toml::from_str(&text)?;
    let components = manifest["component"].as_table().context("no components")?;
    components
        .iter()
        .map(|(id, component)| {
            let source = component["source"].as_str().context("no source")?;
            Ok((id.clone(), root().join(source)))
        })
        .collect()
}

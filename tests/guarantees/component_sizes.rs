//! Tests the sizes of the components. An instance's host compiles and maps all of a component, so
//! its size is felt at the start and in memory. Their interfaces are in `spin_versions`.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use tests::root;

/// The largest size of each component's file, in bytes.
const BOUNDS: [(&str, u64); 6] = [
    ("users", 1_500_000),
    ("academics", 1_520_000),
    ("finance", 1_400_000),
    ("requests", 1_300_000),
    ("docs", 900_000),
    ("passwords", 350_000),
];

/// Returns the size of each component of a manifest.
fn sizes(manifest: &str) -> Result<BTreeMap<String, u64>> {
    let text = std::fs::read_to_string(root().join(manifest))?;
    let manifest: toml::Table = toml::from_str(&text)?;
    let components = manifest["component"].as_table().context("no components")?;
    components
        .iter()
        .map(|(id, component)| {
            let source = component["source"].as_str().context("no source")?;
            let file = std::fs::metadata(root().join(source))
                .with_context(|| format!("{source} is missing: run make components"))?;
            Ok((id.clone(), file.len()))
        })
        .collect()
}

#[test]
fn components_are_within_their_bounds_of_size() -> Result<()> {
    let bounds = BTreeMap::from(BOUNDS);
    for manifest in ["spin.toml", "spin-4.0.toml"] {
        let sizes = sizes(manifest)?;
        ensure!(
            sizes.keys().eq(bounds.keys()),
            "{manifest} has {:?}",
            sizes.keys()
        );
        for (component, size) in sizes {
            let bound = bounds[component.as_str()];
            ensure!(
                size <= bound,
                "{manifest}: {component} has {size} bytes, {} more than its bound",
                size - bound
            );
        }
    }
    Ok(())
}

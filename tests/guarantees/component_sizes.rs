//! Tests the sizes of the components. An instance's host compiles and maps all of a component, so
//! its size is felt at the start and in memory. Their interfaces are in `spin_versions`.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

use crate::component_files;

/// The largest size of each component's file, in bytes.
const BOUNDS: [(&str, u64); 6] = [
    ("users", 1_500_000),
    ("academics", 1_520_000),
    ("finance", 1_400_000),
    ("requests", 1_300_000),
    ("docs", 900_000),
    ("passwords", 400_000),
];

/// Returns the size of each component of a manifest.
fn sizes(manifest: &str) -> Result<BTreeMap<String, u64>> {
    component_files::of(manifest)?
        .into_iter()
        .map(|(id, file)| {
            let metadata = std::fs::metadata(&file)
                .with_context(|| format!("{} is missing: run make components", file.display()))?;
            Ok((id, metadata.len()))
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

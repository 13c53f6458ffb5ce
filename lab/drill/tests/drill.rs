//! Tests a whole recovery drill, as `make drill` runs it.

#![allow(missing_docs)]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use anyhow::Result;

#[tokio::test]
async fn a_drill_restores_every_acknowledged_write_and_no_later_one() -> Result<()> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()?;
    let directory = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o755))
        .tempdir()?;
    let report = drill::run(&drill::Options {
        directory: directory.path().join("drill"),
        cache: root.join(".lms/test/cache"),
        manifest: root.join("spin.toml"),
        writes: 100,
    })
    .await?;
    assert_eq!(report.acknowledged, 200);
    assert!(report.tables > 50 && report.events > 200, "{report}");
    assert!(!directory.path().join("drill").exists());
    Ok(())
}

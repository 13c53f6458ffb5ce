//! The errors of `Runtime::load` for an application that cannot run: one clear line for each.
//! Applications that run are tested over HTTP in the workspace's package `tests`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};

/// The smallest component, which exports nothing.
const EMPTY_COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

const MANIFEST: &str = r#"
    spin_manifest_version = 2
    application = { name = "test" }

    [variables]
    region = { required = true }

    [[trigger.http]]
    route = "/..."
    component = "users"

    [component.users]
    source = "users.wasm"
    allowed_outbound_hosts = ["https://{{ region }}.example"]
"#;

/// Loads a manifest from a folder of its own, and returns the error.
fn load_error(folder: &Path, manifest: &str, region: Option<&str>) -> Result<String> {
    let path = folder.join("spin.toml");
    std::fs::write(&path, manifest)?;
    let runtime = host::Runtime::new(&folder.join("cache"))?;
    let variables = region.map(|region| ("region".to_owned(), region.to_owned()));
    let outcome = runtime.load(&path, BTreeMap::from_iter(variables));
    let error = outcome.err().context("the application was loaded")?;
    Ok(format!("{error:#}"))
}

#[test]
fn a_missing_manifest() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let runtime = host::Runtime::new(&folder.path().join("cache"))?;
    let missing = folder.path().join("spin.toml");
    let error = runtime
        .load(&missing, BTreeMap::new())
        .err()
        .context("loaded")?;
    let expected = format!("cannot read the manifest {}", missing.display());
    assert!(format!("{error:#}").starts_with(&expected), "{error:#}");
    Ok(())
}

#[test]
fn a_missing_variable() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let error = load_error(folder.path(), MANIFEST, None)?;
    assert_eq!(
        error,
        "variable \"region\" has no value: set SPIN_VARIABLE_REGION"
    );
    Ok(())
}

#[test]
fn a_missing_wasm_file() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let error = load_error(folder.path(), MANIFEST, Some("eu"))?;
    let file = folder.path().join("users.wasm");
    let expected = format!(
        "[component.users]: cannot read the Wasm file {}: has it been built?",
        file.display()
    );
    assert!(error.starts_with(&expected), "{error}");
    Ok(())
}

#[test]
fn a_file_that_is_not_a_component() -> Result<()> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("users.wasm"), "text")?;
    let error = load_error(folder.path(), MANIFEST, Some("eu"))?;
    assert!(
        error.contains("users.wasm is not a usable component"),
        "{error}"
    );
    Ok(())
}

#[test]
fn a_component_without_a_handler() -> Result<()> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("users.wasm"), EMPTY_COMPONENT)?;
    let error = load_error(folder.path(), MANIFEST, Some("eu"))?;
    assert!(
        error.starts_with("[component.users] does not handle HTTP requests"),
        "{error}"
    );
    Ok(())
}

#[test]
fn an_invalid_allowed_host() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let error = load_error(folder.path(), MANIFEST, Some("a/b"))?;
    let expected = "[component.users]: allowed host \"https://{{ region }}.example\"";
    assert!(error.starts_with(expected), "{error}");
    Ok(())
}

#[test]
fn an_unknown_component_in_a_route() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let manifest = MANIFEST.replace("component = \"users\"", "component = \"nobody\"");
    let error = load_error(folder.path(), &manifest, Some("eu"))?;
    assert!(
        error.ends_with(
            "route \"/...\" names the component \"nobody\", but there is no [component.nobody]"
        ),
        "{error}"
    );
    Ok(())
}

#[test]
fn a_damaged_cache_entry_is_compiled_again() -> Result<()> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("users.wasm"), EMPTY_COMPONENT)?;
    let first = load_error(folder.path(), MANIFEST, Some("eu"))?;
    let cache = folder.path().join("cache");
    let compiled = std::fs::read_dir(&cache)?.collect::<Result<Vec<_>, _>>()?;
    assert_eq!(compiled.len(), 1);
    for file in compiled {
        std::fs::write(file.path(), "damaged")?;
    }
    assert_eq!(load_error(folder.path(), MANIFEST, Some("eu"))?, first);
    Ok(())
}

//! What `Runtime::load` says about an application that cannot run: one clear line for each fault.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};

/// The smallest component there is: it exports nothing.
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

/// Loads a manifest that stands in a folder of its own, and returns what is wrong with it.
fn fault(folder: &Path, manifest: &str, region: Option<&str>) -> Result<String> {
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
    let fault = fault(folder.path(), MANIFEST, None)?;
    assert_eq!(
        fault,
        "variable \"region\" has no value: set SPIN_VARIABLE_REGION"
    );
    Ok(())
}

#[test]
fn a_missing_wasm_file() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let fault = fault(folder.path(), MANIFEST, Some("eu"))?;
    let file = folder.path().join("users.wasm");
    let expected = format!(
        "[component.users]: cannot read the Wasm file {}: has it been built?",
        file.display()
    );
    assert!(fault.starts_with(&expected), "{fault}");
    Ok(())
}

#[test]
fn a_file_that_is_no_component() -> Result<()> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("users.wasm"), "text")?;
    let fault = fault(folder.path(), MANIFEST, Some("eu"))?;
    assert!(
        fault.contains("users.wasm is not a usable component"),
        "{fault}"
    );
    Ok(())
}

#[test]
fn a_component_without_a_handler() -> Result<()> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("users.wasm"), EMPTY_COMPONENT)?;
    let fault = fault(folder.path(), MANIFEST, Some("eu"))?;
    assert!(
        fault.starts_with("[component.users] does not handle HTTP requests"),
        "{fault}"
    );
    Ok(())
}

#[test]
fn a_rule_for_hosts_that_makes_no_sense() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let fault = fault(folder.path(), MANIFEST, Some("a/b"))?;
    let expected = "[component.users]: allowed host \"https://{{ region }}.example\"";
    assert!(fault.starts_with(expected), "{fault}");
    Ok(())
}

#[test]
fn an_unknown_component_in_a_route() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let manifest = MANIFEST.replace("component = \"users\"", "component = \"nobody\"");
    let fault = fault(folder.path(), &manifest, Some("eu"))?;
    assert!(
        fault.ends_with(
            "route \"/...\" names the component \"nobody\", but there is no [component.nobody]"
        ),
        "{fault}"
    );
    Ok(())
}

#[test]
fn a_damaged_cache_is_made_anew() -> Result<()> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("users.wasm"), EMPTY_COMPONENT)?;
    let first = fault(folder.path(), MANIFEST, Some("eu"))?;
    let cache = folder.path().join("cache");
    let compiled = std::fs::read_dir(&cache)?.collect::<Result<Vec<_>, _>>()?;
    assert_eq!(compiled.len(), 1);
    for file in compiled {
        std::fs::write(file.path(), "damaged")?;
    }
    assert_eq!(fault(folder.path(), MANIFEST, Some("eu"))?, first);
    Ok(())
}

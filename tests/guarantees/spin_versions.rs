//! Tests that the components run on every version of Spin that their manifest names: `spin.toml` on 4.1 and later,
//! `spin-4.0.toml` on 4.0.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tests::class_fixture::{class_fixture, create_class, get_lessons, single_schedule};
use tests::finance_records::{create, journal_entries, payment_body};
use tests::{Application, fixtures, help_desk, role, root, run};
use wasmparser::{Parser, Payload};

use crate::component_files;

/// The interfaces that a component imports and exports.
#[derive(Debug, Default)]
struct Interfaces {
    imports: BTreeSet<String>,
    exports: BTreeSet<String>,
}

/// Reads the interfaces of the outermost component of a file.
fn interfaces(file: &Path) -> Result<Interfaces> {
    let wasm = std::fs::read(file).with_context(|| format!("{} is missing", file.display()))?;
    let mut interfaces = Interfaces::default();
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(&wasm) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    interfaces.imports.insert(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    interfaces.exports.insert(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(interfaces)
}

/// Reads the interfaces of each component of a manifest.
fn components(manifest: &str) -> Result<BTreeMap<String, Interfaces>> {
    component_files::of(manifest)?
        .into_iter()
        .map(|(id, file)| Ok((id, interfaces(&file)?)))
        .collect()
}

/// Returns whether a version of Spin with this WASI 0.3 has the interface.
///
/// Both versions of Spin have WASI up to 0.2.6, `spin:postgres` 4.2.0 and `spin:variables` 3.0.0 (the world `platform` of the
/// package `spin:up` of each).
fn is_provided(interface: &str, wasi: &str) -> bool {
    if let Some((_, version)) = interface
        .strip_prefix("wasi:")
        .and_then(|name| name.split_once('@'))
    {
        return version == wasi
            || version
                .strip_prefix("0.2.")
                .is_some_and(|patch| patch <= "6");
    }
    [
        "spin:postgres/postgres@4.2.0",
        "spin:variables/variables@3.0.0",
    ]
    .contains(&interface)
}

fn assert_provided(manifest: &str, wasi: &str) -> Result<()> {
    let components = components(manifest)?;
    ensure!(components.len() == 6, "{:?}", components.keys());
    for (id, interfaces) in components {
        for import in &interfaces.imports {
            ensure!(
                is_provided(import, wasi),
                "{manifest}: {id} imports {import}"
            );
        }
        let handler = format!("wasi:http/handler@{wasi}");
        ensure!(
            interfaces.exports == BTreeSet::from([handler]),
            "{manifest}: {id} exports {:?}",
            interfaces.exports
        );
    }
    Ok(())
}

#[test]
fn components_import_only_what_their_version_of_spin_provides() -> Result<()> {
    assert_provided("spin.toml", "0.3.0")?;
    assert_provided("spin-4.0.toml", "0.3.0-rc-2026-03-15")
}

#[test]
fn the_manifests_differ_only_in_targets_and_builds() -> Result<()> {
    let read = |manifest: &str| -> Result<toml::Table> {
        let text = std::fs::read_to_string(root().join(manifest))?;
        let mut manifest: toml::Table = toml::from_str(&text)?;
        let application = manifest["application"].as_table_mut().context("no table")?;
        application.remove("targets").context("no targets")?;
        let components = manifest["component"].as_table_mut().context("no table")?;
        for (id, component) in components {
            let component = component.as_table_mut().context("no table")?;
            component["source"] = component["source"]
                .as_str()
                .and_then(|source| source.rsplit('/').next())
                .with_context(|| format!("{id} has no source"))?
                .into();
            component["build"]
                .as_table_mut()
                .and_then(|build| build.remove("command"))
                .with_context(|| format!("{id} has no build command"))?;
        }
        Ok(manifest)
    };
    assert_eq!(read("spin-4.0.toml")?, read("spin.toml")?);
    Ok(())
}

/// Sends requests to each component.
async fn assert_serves(app: &Application) -> Result<()> {
    let admin = app.sign_in(role::ADMIN).await?;
    let fixture = class_fixture(app).await?;
    fixtures::create_tutor(app, &admin, fixture.centre, 8).await?;
    let schedule = single_schedule("UTC", "2031-01-06T16:00:00", "2031-01-06T17:00:00");
    let class = create_class(app, &admin, fixture.class_body(schedule)).await?;
    ensure!(get_lessons(app, &admin, &class).await?.len() == 1);
    let payment = payment_body(app, fixture.centre, "12.50").await?;
    let record = create(app, &admin, &payment).await?;
    ensure!(journal_entries(app, &admin, &record).await?.len() == 2);
    let request = help_desk::create_request(app, &admin).await?;
    ensure!(request["status"] == json!("open"));
    let wrong = app
        .sign_in_as("aurora", "admin@aurora.example", "wrong password")
        .await;
    ensure!(wrong.is_err(), "signed in with a wrong password");
    for path in ["/docs", "/v1/openapi.json", "/readyz"] {
        app.get(&admin, path).await?.expect(200);
    }
    Ok(())
}

/// Writes the manifest for Spin 4.0 without the component `passwords`, because that version cannot send requests from one component
/// with WASI 0.3 to another.
fn write_manifest_without_service(path: &Path) -> Result<()> {
    let text = std::fs::read_to_string(root().join("spin-4.0.toml"))?;
    let mut manifest: toml::Table = toml::from_str(&text)?;
    let triggers = manifest["trigger"]["http"]
        .as_array_mut()
        .context("no triggers")?;
    triggers.retain(|trigger| trigger["component"].as_str() != Some("passwords"));
    let components = manifest["component"]
        .as_table_mut()
        .context("no components")?;
    components
        .remove("passwords")
        .context("no component passwords")?;
    for (_, component) in components.iter_mut() {
        let source = root().join(component["source"].as_str().context("no source")?);
        component["source"] = toml::Value::try_from(source)?;
    }
    Ok(std::fs::write(path, toml::to_string(&manifest)?)?)
}

#[test]
fn the_components_for_spin_4_0_serve_requests() {
    run(async |app| {
        let folder = tempfile::tempdir()?;
        let manifest = folder.path().join("spin.toml");
        write_manifest_without_service(&manifest)?;
        app.with_manifest(&manifest, assert_serves).await
    });
}

#[test]
fn the_components_for_later_versions_serve_the_same_requests() {
    run(assert_serves);
}

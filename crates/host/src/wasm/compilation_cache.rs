//! The compilation cache: compiled components on disk. A component is compiled once for its content
//! and for this version and configuration of Wasmtime, and every later start maps the result into
//! memory. Its imports are linked in `linker`.

use std::fmt::Write as _;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use super::release_candidate;

/// A folder of compiled components.
#[derive(Debug, Clone)]
pub(crate) struct CompilationCache {
    folder: PathBuf,
}

impl CompilationCache {
    /// Uses the folder, which is created if it does not exist.
    pub(crate) fn new(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot create the cache folder {}", folder.display()))?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// Loads the component in the Wasm file `source`, and compiles it if that has not been done.
    pub(crate) fn load(&self, engine: &Engine, source: &Path) -> Result<Component> {
        let mut wasm = std::fs::read(source).with_context(|| {
            format!(
                "cannot read the Wasm file {}: has it been built?",
                source.display()
            )
        })?;
        release_candidate::finalize(&mut wasm);
        let path = self.folder.join(file_name(engine, &wasm));
        if path.exists() {
            match load_compiled(engine, &path) {
                Ok(component) => return Ok(component),
                Err(error) => tracing::warn!("compiling the component again: {error:#}"),
            }
        }
        let compiled = engine
            .precompile_component(&wasm)
            .map_err(anyhow::Error::from)
            .with_context(|| format!("{} is not a usable component", source.display()))?;
        write_atomically(&path, &compiled)?;
        load_compiled(engine, &path)
    }
}

/// The name of a compiled component, from everything that the compilation depends on.
fn file_name(engine: &Engine, wasm: &[u8]) -> String {
    let mut digest = Sha256::new();
    let mut hasher = Sha256Hasher(&mut digest);
    engine.precompile_compatibility_hash().hash(&mut hasher);
    digest.update(wasm);
    let mut name = String::new();
    for byte in digest.finalize() {
        // Writing to a string cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name.push_str(".cwasm");
    name
}

/// Writes to a temporary file and renames it, so that no process maps an incomplete file, and one
/// that has mapped the old file keeps it.
///
/// Each writer has a temporary file of its own, because two threads may compile the same component
/// at the same time.
fn write_atomically(path: &Path, content: &[u8]) -> Result<()> {
    static WRITERS: AtomicU64 = AtomicU64::new(0);
    let writer = WRITERS.fetch_add(1, Ordering::Relaxed);
    let temporary = path.with_extension(format!("{}-{writer}.part", std::process::id()));
    std::fs::write(&temporary, content)
        .and_then(|()| std::fs::rename(&temporary, path))
        .with_context(|| format!("cannot write the compiled component {}", path.display()))
}

#[allow(unsafe_code)]
fn load_compiled(engine: &Engine, path: &Path) -> Result<Component> {
    // SAFETY: the file was completely written by `write_atomically` from the output of
    // `Engine::precompile_component`, under a name that holds the hash of the Wasm file and of the
    // engine's configuration; it is never written to in place. Wasmtime checks its version and
    // settings once more. The folder is as trusted as this program's own executable.
    let component = unsafe { Component::deserialize_file(engine, path) };
    component
        .map_err(anyhow::Error::from)
        .with_context(|| format!("cannot use the compiled component {}", path.display()))
}

/// Adds values that implement `Hash` to a SHA-256 digest, which is stable between processes.
struct Sha256Hasher<'a>(&'a mut Sha256);

impl Hasher for Sha256Hasher<'_> {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

//! Compiled components on disk. A component is compiled once for its content and this version and
//! configuration of Wasmtime; every later start maps the result into memory.

use std::fmt::Write as _;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

/// The folder of compiled components.
#[derive(Debug, Clone)]
pub(crate) struct CompiledComponents {
    folder: PathBuf,
}

impl CompiledComponents {
    /// Uses, and makes if need be, the given folder.
    pub(crate) fn new(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the cache folder {}", folder.display()))?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// The component in the Wasm file `source`, compiled now or earlier.
    pub(crate) fn load(&self, engine: &Engine, source: &Path) -> Result<Component> {
        let wasm = std::fs::read(source).with_context(|| {
            format!(
                "cannot read the Wasm file {}: has it been built?",
                source.display()
            )
        })?;
        let path = self.folder.join(file_name(engine, &wasm));
        if path.exists() {
            match map(engine, &path) {
                Ok(component) => return Ok(component),
                Err(error) => tracing::warn!("compiling anew: {error:#}"),
            }
        }
        let compiled = engine
            .precompile_component(&wasm)
            .map_err(anyhow::Error::from)
            .with_context(|| format!("{} is not a usable component", source.display()))?;
        write_whole(&path, &compiled)?;
        map(engine, &path)
    }
}

/// Names a compiled component by all that decides what it looks like.
fn file_name(engine: &Engine, wasm: &[u8]) -> String {
    let mut digest = Sha256::new();
    let mut compatibility = Sha256Hasher(&mut digest);
    engine
        .precompile_compatibility_hash()
        .hash(&mut compatibility);
    digest.update(wasm);
    let mut name = String::new();
    for byte in digest.finalize() {
        // Writing into a string cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name.push_str(".cwasm");
    name
}

/// Writes beside the target and renames, so that nobody ever maps half a file and a process that
/// has the old one mapped keeps it.
///
/// Each writer has a file of its own: two of one process may compile the same component at once.
fn write_whole(path: &Path, content: &[u8]) -> Result<()> {
    static WRITERS: AtomicU64 = AtomicU64::new(0);
    let writer = WRITERS.fetch_add(1, Ordering::Relaxed);
    let unfinished = path.with_extension(format!("{}-{writer}.part", std::process::id()));
    std::fs::write(&unfinished, content)
        .and_then(|()| std::fs::rename(&unfinished, path))
        .with_context(|| format!("cannot write the compiled component {}", path.display()))
}

#[allow(unsafe_code)]
fn map(engine: &Engine, path: &Path) -> Result<Component> {
    // SAFETY: the file was written whole by `write_whole` from the output of
    // `Engine::precompile_component`, under a name that holds the hash of the Wasm file and of the
    // engine's configuration; it is never written to in place. Wasmtime checks its version and
    // settings once more. The folder is as trusted as this program's own executable.
    let component = unsafe { Component::deserialize_file(engine, path) };
    component
        .map_err(anyhow::Error::from)
        .with_context(|| format!("cannot use the compiled component {}", path.display()))
}

/// Lets a value that can be hashed in the standard way go into a stable hash.
struct Sha256Hasher<'a>(&'a mut Sha256);

impl Hasher for Sha256Hasher<'_> {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

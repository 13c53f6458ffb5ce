//! Packs the files that the component serves: the reference page, Swagger UI from the registry
//! package `utoipa-swagger-ui-vendored`, the OpenAPI document, and the pages of problem types. The
//! pages are rendered in `problems`.
//!
//! Every file is stored once, compressed, with the entity tags of both its forms.

mod problems;

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::{Cursor, Read, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
use zip::ZipArchive;

/// URL, media type and the file below this folder.
const OWN: &[(&str, &str, &str)] = &[
    (
        "/v1/openapi.json",
        "application/json",
        "../../openapi/openapi.json",
    ),
    ("/docs", "text/html; charset=utf-8", "page/index.html"),
    ("/docs/", "text/html; charset=utf-8", "page/index.html"),
    (
        "/docs/start.js",
        "text/javascript; charset=utf-8",
        "page/start.js",
    ),
    (
        "/problems/style.css",
        "text/css; charset=utf-8",
        "page/problems.css",
    ),
];

/// URL, media type and the file inside Swagger UI's archive.
const SWAGGER_UI: &[(&str, &str, &str)] = &[
    (
        "/docs/swagger-ui-bundle.js",
        "text/javascript; charset=utf-8",
        "dist/swagger-ui-bundle.js",
    ),
    (
        "/docs/swagger-ui.css",
        "text/css; charset=utf-8",
        "dist/swagger-ui.css",
    ),
    (
        "/docs/index.css",
        "text/css; charset=utf-8",
        "dist/index.css",
    ),
    (
        "/docs/favicon-32x32.png",
        "image/png",
        "dist/favicon-32x32.png",
    ),
    ("/docs/license.txt", "text/plain; charset=utf-8", "LICENSE"),
    ("/docs/notice.txt", "text/plain; charset=utf-8", "NOTICE"),
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut table = String::from("&[\n");

    for (url, media_type, file) in OWN {
        println!("cargo::rerun-if-changed={file}");
        let content = fs::read(file).map_err(|error| format!("{file}: {error}"))?;
        pack(&mut table, &out, url, media_type, &content)?;
    }

    for (url, page) in problems::pages()? {
        pack(
            &mut table,
            &out,
            &url,
            "text/html; charset=utf-8",
            page.as_bytes(),
        )?;
    }

    let mut archive = ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED))?;
    // The archive has one folder, named after the version.
    let folder = archive
        .file_names()
        .next()
        .ok_or("Swagger UI's archive is empty")??
        .split('/')
        .next()
        .map(str::to_owned)
        .ok_or("Swagger UI's archive has no folder")?;
    for (url, media_type, file) in SWAGGER_UI {
        let mut content = Vec::new();
        archive
            .by_name(&format!("{folder}/{file}"))?
            .read_to_end(&mut content)?;
        pack(&mut table, &out, url, media_type, &content)?;
    }

    table.push(']');
    fs::write(out.join("assets.rs"), table)?;
    Ok(())
}

/// Writes the compressed file and its row of the table.
fn pack(
    table: &mut String,
    out: &Path,
    url: &str,
    media_type: &str,
    content: &[u8],
) -> Result<(), Box<dyn Error>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    let compressed = encoder.finish()?;
    let file = out.join(format!("{:x}.gz", Sha256::digest(content)));
    fs::write(&file, &compressed)?;
    writeln!(
        table,
        "Asset {{ path: {url:?}, media_type: {media_type:?}, length: {}, \
         etag: {:?}, gzip_etag: {:?}, gzip: include_bytes!({file:?}) }},",
        content.len(),
        etag(content),
        etag(&compressed),
    )?;
    Ok(())
}

/// Returns a strong entity tag: the SHA-256 of the bytes that are sent.
fn etag(content: &[u8]) -> String {
    format!("\"{:x}\"", Sha256::digest(content))
}

//! The files that the build script (`build/main.rs`) packed: one table, searched by path. Headers
//! and methods are in `service`.

use std::io::Read;

use flate2::read::GzDecoder;

/// One file, stored compressed.
#[derive(Debug)]
pub(crate) struct Asset {
    /// The path it is served at.
    pub(crate) path: &'static str,
    /// Its `Content-Type`.
    pub(crate) media_type: &'static str,
    /// Its length before compression.
    pub(crate) length: usize,
    /// The validator of the plain form.
    pub(crate) etag: &'static str,
    /// The validator of the compressed form.
    pub(crate) gzip_etag: &'static str,
    /// The compressed bytes.
    pub(crate) gzip: &'static [u8],
}

static ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Returns the file served at `path`.
pub(crate) fn find(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path == path)
}

impl Asset {
    /// Returns the plain form, for a client that does not accept gzip.
    pub(crate) fn inflate(&self) -> std::io::Result<Vec<u8>> {
        let mut content = Vec::with_capacity(self.length);
        GzDecoder::new(self.gzip).read_to_end(&mut content)?;
        Ok(content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_inflates_to_its_length() {
        for asset in ASSETS {
            let content = asset.inflate().unwrap_or_default();
            assert_eq!(content.len(), asset.length, "{}", asset.path);
            assert!(!content.is_empty(), "{}", asset.path);
        }
    }

    #[test]
    fn the_document_is_the_golden_file() {
        let golden = include_str!("../../../openapi/openapi.json");
        let served = find("/v1/openapi.json").and_then(|asset| asset.inflate().ok());
        assert_eq!(served.as_deref(), Some(golden.as_bytes()));
    }

    #[test]
    fn whatever_the_page_names_is_served() {
        let page = find("/docs")
            .and_then(|asset| asset.inflate().ok())
            .unwrap_or_default();
        let page = String::from_utf8_lossy(&page).into_owned();
        let named: Vec<&str> = page
            .split(['"'])
            .filter(|part| part.starts_with('/'))
            .collect();
        assert!(named.len() >= 5, "{named:?}");
        for path in named {
            assert!(find(path).is_some(), "{path}");
        }
        assert!(!page.contains("://"), "the page names another origin");
    }
}

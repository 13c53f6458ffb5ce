//! What a component is told by its variables (`spin.toml`, section `[variables]`).

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use crate::token::Keys;

/// The settings of a cell, as every component of it has them.
#[derive(Clone)]
pub struct Settings {
    /// `eu`, `au` or `us`.
    pub region: String,
    /// The base URL of each region, for tokens that come to the wrong one.
    pub base_urls: BTreeMap<String, String>,
    /// Keys that sign and verify access tokens.
    pub keys: Keys,
    /// Origins that a browser may call from; none by default.
    pub allowed_origins: Vec<String>,
    /// How to reach the database; a secret.
    pub database_url: String,
}

impl Settings {
    /// Reads the settings through `get`, which gives a variable's text or says why it can't.
    ///
    /// # Errors
    ///
    /// One line that names the variable and what is wrong with it, never its value.
    pub fn read(get: impl Fn(&str) -> Result<String, String>) -> Result<Settings, String> {
        let region = get("region")?;
        if !["eu", "au", "us"].contains(&region.as_str()) {
            return Err("variable region must be eu, au or us".to_owned());
        }
        let base_urls = serde_json::from_str(&get("base_urls")?)
            .map_err(|_| "variable base_urls must be a JSON object of region to URL".to_owned())?;
        let keys = Keys::parse(&get("signing_keys")?)?;
        let database_url = get("database_url")?;
        // An address given aside of the host name would pass by the list of allowed hosts.
        let decoded = percent_decode_str(&database_url).decode_utf8_lossy();
        if decoded.contains("hostaddr") {
            return Err("variable database_url must name its host, not hostaddr".to_owned());
        }
        let allowed_origins = get("allowed_origins")?
            .split([',', ' '])
            .filter(|origin| !origin.is_empty())
            .map(str::to_owned)
            .collect();
        Ok(Settings {
            region,
            base_urls,
            keys,
            allowed_origins,
            database_url,
        })
    }
}

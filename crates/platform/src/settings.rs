//! The settings of a component, parsed from its variables (`spin.toml`, section `[variables]`). The
//! variables are read in `spin::variables`.

use std::collections::BTreeMap;
use std::time::Duration;

use percent_encoding::percent_decode_str;

use crate::auth::token::Keys;
use crate::http::client_address::TrustedProxies;
use crate::http::outbound_url::Networks;

/// The time limit of a long-running statement, such as an import's. It is longer than the
/// database's own `statement_timeout` and shorter than the host's time limit of a request.
pub const LONG_RUNNING_TIMEOUT: Duration = Duration::from_secs(50);

/// The settings of a cell, which all of its components share.
#[derive(Clone)]
pub struct Settings {
    /// The cell's name, which begins with its region: `eu-standard`.
    pub cell: String,
    /// The region of the cell.
    pub region: String,
    /// The base URL of each region, for tokens that are sent to the wrong one.
    pub base_urls: BTreeMap<String, String>,
    /// The keys that sign and verify access tokens.
    pub keys: Keys,
    /// The origins from which a browser may call; none by default.
    pub allowed_origins: Vec<String>,
    /// The networks in which webhooks may be although they are not public; none by default.
    pub webhook_networks: Networks,
    /// The proxies that are trusted to name the client of a request; none by default.
    pub trusted_proxies: TrustedProxies,
    /// The address of the database; a secret.
    pub database_url: String,
    /// The certificate of the authority that signed the database server's, as PEM; none to trust
    /// the system's authorities.
    pub database_ca: Option<String>,
}

impl Settings {
    /// Reads the settings of a cell in one of the regions through `get`, which returns the text of
    /// a variable or an error.
    ///
    /// # Errors
    ///
    /// One line that names the variable and its error, and never its value.
    pub fn read(
        regions: &[&str],
        get: impl Fn(&str) -> Result<String, String>,
    ) -> Result<Settings, String> {
        let region = get("region")?;
        if !regions.contains(&region.as_str()) {
            return Err(format!(
                "variable region must be one of: {}",
                regions.join(", ")
            ));
        }
        let cell = get("cell")?;
        if !cell
            .strip_prefix(&region)
            .is_some_and(|rest| rest.starts_with('-'))
        {
            return Err("variable cell must be the name of a cell in the region".to_owned());
        }
        let base_urls = serde_json::from_str(&get("base_urls")?)
            .map_err(|_| "variable base_urls must be a JSON object of region to URL".to_owned())?;
        let keys = Keys::parse(&get("signing_keys")?)?;
        let database_url = get("database_url")?;
        // An address that is given separately from the host name would bypass the list of allowed
        // hosts.
        let decoded = percent_decode_str(&database_url).decode_utf8_lossy();
        if decoded.contains("hostaddr") {
            return Err("variable database_url must name its host, not hostaddr".to_owned());
        }
        let database_ca = Some(get("database_ca")?).filter(|text| !text.trim().is_empty());
        let allowed_origins = origins(&get("allowed_origins")?);
        let webhook_networks = Networks::parse(&get("webhook_networks")?).map_err(|_| {
            "variable webhook_networks must be networks such as 10.0.0.0/8".to_owned()
        })?;
        let trusted_proxies =
            TrustedProxies::parse(&get("trusted_proxies")?, &get("client_address_header")?)?;
        Ok(Settings {
            cell,
            region,
            base_urls,
            keys,
            allowed_origins,
            webhook_networks,
            trusted_proxies,
            database_url,
            database_ca,
        })
    }

    /// Returns the address of the database for a long-running statement. The limit is set when a
    /// connection is opened, because a statement cannot change its own. Options that the address
    /// already has are kept.
    pub fn long_running_database_url(&self) -> String {
        let address = &self.database_url;
        if address.contains("options=") {
            return address.clone();
        }
        let seconds = LONG_RUNNING_TIMEOUT.as_secs();
        if !address.contains("://") {
            return format!("{address} options='-c statement_timeout={seconds}s'");
        }
        let separator = if address.contains('?') { '&' } else { '?' };
        format!("{address}{separator}options=-c%20statement_timeout%3D{seconds}s")
    }
}

/// Parses the origins of the variable `allowed_origins`.
pub fn origins(text: &str) -> Vec<String> {
    text.split([',', ' '])
        .filter(|origin| !origin.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{COMPONENT, settings_with, variables};

    fn refused(name: &str, value: &str) -> String {
        Settings::read(COMPONENT.application.regions, |variable| {
            Ok(if variable == name {
                value
            } else {
                variables()[variable]
            }
            .to_owned())
        })
        .err()
        .expect("the settings should be refused")
    }

    #[test]
    fn the_variables_are_read() {
        let settings =
            settings_with(&[("allowed_origins", "https://a.example, https://b.example,")]);
        assert_eq!(settings.region, "eu");
        assert_eq!(settings.base_urls["au"], "https://au.example.org");
        assert_eq!(
            settings.allowed_origins,
            ["https://a.example", "https://b.example"]
        );
        assert!(settings_with(&[]).allowed_origins.is_empty());
    }

    #[test]
    fn an_invalid_variable_is_named_and_its_value_never_shown() {
        for (name, value) in [
            ("region", "mars"),
            ("cell", "au-standard"),
            ("base_urls", "[secret]"),
            ("base_urls", "{\"eu\": 1}"),
            ("signing_keys", "id:secret"),
            ("webhook_networks", "10.0.0.1/33"),
            ("trusted_proxies", "10.0.0.1/33"),
            // Each of the two is given without the other.
            ("trusted_proxies", "10.0.0.0/8"),
            ("client_address_header", "x-forwarded-for"),
            ("database_url", "postgres://x:secret@h/d?hostaddr=10.0.0.1"),
            (
                "database_url",
                "postgres://x:secret@h/d?host%61ddr=10.0.0.1",
            ),
        ] {
            let line = refused(name, value);
            assert!(line.contains(name) || name == "signing_keys", "{line}");
            assert!(
                !line.contains("secret") && !line.contains("10.0.0.1"),
                "{line}"
            );
        }
    }

    #[test]
    fn a_lengthy_statement_gets_more_time_in_both_forms_of_an_address() {
        for (address, expected) in [
            (
                "postgres://u:p@h/d",
                "postgres://u:p@h/d?options=-c%20statement_timeout%3D50s",
            ),
            (
                "postgres://u:p@h/d?sslmode=disable",
                "postgres://u:p@h/d?sslmode=disable&options=-c%20statement_timeout%3D50s",
            ),
            (
                "host=h user=u",
                "host=h user=u options='-c statement_timeout=50s'",
            ),
            ("postgres://h/d?options=-cx", "postgres://h/d?options=-cx"),
        ] {
            let settings = settings_with(&[("database_url", address)]);
            assert_eq!(settings.long_running_database_url(), expected);
        }
    }

    #[test]
    fn a_missing_variable_is_passed_on() {
        for missing in variables().into_keys() {
            let result = Settings::read(COMPONENT.application.regions, |name| {
                if name == missing {
                    Err(format!("variable {name} is not set"))
                } else {
                    Ok(variables()[name].to_owned())
                }
            });
            assert_eq!(result.err(), Some(format!("variable {missing} is not set")));
        }
    }
}

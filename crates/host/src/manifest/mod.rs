//! The manifest `spin.toml`, version 2: its format, and the checks that need nothing but the file.
//! Loading the components that it names is the task of `application`.
//!
//! The parser rejects keys that this host would have to ignore, so that an application never runs
//! with less than it asked for.

pub(crate) mod allowed_hosts;
mod template;
pub(crate) mod variables;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    spin_manifest_version: u32,
    #[serde(rename = "application")]
    _application: ApplicationDetails,
    #[serde(default)]
    pub(crate) variables: BTreeMap<String, Variable>,
    trigger: Triggers,
    #[serde(default, rename = "component")]
    pub(crate) components: BTreeMap<String, Component>,
}

/// The table `[application]`. Nothing in it changes how the application runs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ApplicationDetails {
    #[serde(rename = "name")]
    _name: String,
    #[serde(default, rename = "version")]
    _version: String,
    #[serde(default, rename = "description")]
    _description: String,
    #[serde(default, rename = "authors")]
    _authors: Vec<String>,
    #[serde(default, rename = "targets")]
    _targets: Vec<toml::Value>,
    #[serde(default, rename = "tool")]
    _tool: toml::Table,
}

/// One entry of `[variables]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Variable {
    #[serde(default, rename = "description")]
    pub(crate) _description: Option<String>,
    #[serde(default)]
    pub(crate) required: bool,
    #[serde(default)]
    pub(crate) default: Option<String>,
    #[serde(default, rename = "secret")]
    pub(crate) _secret: bool,
}

/// The tables `[[trigger.*]]`. Only HTTP is supported.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Triggers {
    #[serde(default)]
    http: Vec<Trigger>,
}

/// One `[[trigger.http]]`: a route and the component that serves it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trigger {
    #[serde(default, rename = "id")]
    _id: Option<String>,
    pub(crate) route: Route,
    pub(crate) component: String,
}

/// The requests that a component serves.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "a route is a path, or { private = true }"
)]
pub(crate) enum Route {
    /// Requests of clients to this path, or to all paths below it.
    Path(String),
    /// Requests of other components (Spin's service chaining).
    Private {
        /// Always `true`: Spin accepts no other value.
        #[serde(rename = "private", deserialize_with = "is_true")]
        _private: (),
    },
}

impl std::fmt::Display for Route {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Path(path) => write!(formatter, "route {path:?}"),
            Self::Private { .. } => formatter.write_str("a private route"),
        }
    }
}

fn is_true<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    if bool::deserialize(deserializer)? {
        Ok(())
    } else {
        Err(serde::de::Error::custom("private must be true"))
    }
}

/// One table `[component.<id>]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Component {
    pub(crate) source: String,
    #[serde(default, rename = "description")]
    _description: String,
    #[serde(default)]
    pub(crate) allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    pub(crate) variables: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, String>,
    /// The command of `spin build`, which the host does not run.
    #[serde(default, rename = "build")]
    _build: toml::Table,
    #[serde(default, rename = "tool")]
    _tool: toml::Table,
}

impl Manifest {
    /// Reads and checks the manifest at `path`.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the manifest {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} is not usable", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let manifest: Self = toml::from_str(text)?;
        if manifest.spin_manifest_version != 2 {
            bail!(
                "spin_manifest_version is {}; only 2 is supported",
                manifest.spin_manifest_version
            );
        }
        for (name, variable) in &manifest.variables {
            if variable.required == variable.default.is_some() {
                bail!("variable {name:?} must be either required or have a default");
            }
        }
        for trigger in manifest.triggers() {
            if !manifest.components.contains_key(&trigger.component) {
                bail!(
                    "{} names the component {:?}, but there is no [component.{}]",
                    trigger.route,
                    trigger.component,
                    trigger.component
                );
            }
        }
        Ok(manifest)
    }

    /// Returns true if only other components of the application may send requests to this one.
    pub(crate) fn is_service(&self, id: &str) -> bool {
        let mut routes = self
            .triggers()
            .iter()
            .filter(|trigger| trigger.component == id);
        routes.any(|trigger| matches!(trigger.route, Route::Private { .. }))
    }

    /// The HTTP triggers, in the order of the file.
    pub(crate) fn triggers(&self) -> &[Trigger] {
        &self.trigger.http
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str = r#"
        spin_manifest_version = 2

        [application]
        name = "lms"
        version = "0.1.0"

        [variables]
        region = { required = true }
        port = { default = "5432", secret = true }

        [[trigger.http]]
        route = "/v1/users/..."
        component = "users"

        [[trigger.http]]
        route = "/v1/me/..."
        component = "me"

        [[trigger.http]]
        route = { private = true }
        component = "hashes"

        [component.hashes]
        source = "hashes.wasm"

        [component.users]
        source = "users.wasm"
        allowed_outbound_hosts = ["postgres://{{ host }}:5432"]
        variables = { region = "{{ region }}" }
        environment = { LANG = "C" }
        [component.users.build]
        command = "cargo build"
        watch = ["src/**/*.rs"]

        [component.me]
        source = "users.wasm"
    "#;

    fn error_of(text: &str) -> String {
        match Manifest::parse(text) {
            Ok(_) => "accepted".to_owned(),
            Err(error) => format!("{error:#}"),
        }
    }

    #[test]
    fn two_components_may_share_one_wasm_file() -> Result<()> {
        let manifest = Manifest::parse(MINIMAL)?;
        assert_eq!(manifest.triggers().len(), 3);
        assert_eq!(manifest.components["me"].source, "users.wasm");
        assert_eq!(manifest.components["users"].source, "users.wasm");
        assert_eq!(manifest.components["users"].environment["LANG"], "C");
        Ok(())
    }

    #[test]
    fn a_route_to_an_unknown_component_is_rejected() {
        let text = MINIMAL.replace("component = \"me\"", "component = \"nobody\"");
        assert_eq!(
            error_of(&text),
            "route \"/v1/me/...\" names the component \"nobody\", \
             but there is no [component.nobody]"
        );
    }

    #[test]
    fn a_component_with_a_private_route_is_a_service() -> Result<()> {
        let manifest = Manifest::parse(MINIMAL)?;
        assert!(manifest.is_service("hashes"));
        assert!(!manifest.is_service("users"));
        let text = MINIMAL.replace("private = true", "private = false");
        assert!(Manifest::parse(&text).is_err());
        Ok(())
    }

    #[test]
    fn a_variable_is_required_or_has_a_default() {
        let both = MINIMAL.replace("required = true", "required = true, default = \"eu\"");
        let neither = MINIMAL.replace("{ required = true }", "{ }");
        let expected = "variable \"region\" must be either required or have a default";
        assert_eq!(error_of(&both), expected);
        assert_eq!(error_of(&neither), expected);
    }

    #[test]
    fn unsupported_features_are_rejected() {
        let stores = format!("{MINIMAL}\nkey_value_stores = [\"default\"]\n");
        assert!(
            error_of(&stores).contains("key_value_stores"),
            "{}",
            error_of(&stores)
        );
        let redis = format!("{MINIMAL}\n[[trigger.redis]]\nchannel = \"a\"\n");
        assert!(error_of(&redis).contains("redis"), "{}", error_of(&redis));
    }

    #[test]
    fn other_manifest_versions_are_rejected() {
        let text = MINIMAL.replace("spin_manifest_version = 2", "spin_manifest_version = 1");
        assert_eq!(
            error_of(&text),
            "spin_manifest_version is 1; only 2 is supported"
        );
    }
}

//! The check of a connection string against a component's `allowed_outbound_hosts`. The syntax of
//! those rules lives in `manifest::allowed_hosts`.

use tokio_postgres::Config;
use tokio_postgres::config::Host;

use super::types::Error;
use crate::manifest::allowed_hosts::AllowedHosts;

/// Parses a connection string.
///
/// # Errors
///
/// The connection string is invalid, or names a host that is not allowed.
pub(crate) fn check(connection_string: &str, allowed: &AllowedHosts) -> Result<Config, Error> {
    let rejected = |message: String| Err(Error::ConnectionFailed(message));
    let config: Config = connection_string
        .parse()
        .map_err(|error| Error::ConnectionFailed(format!("{error}")))?;
    // The driver would connect to `hostaddr` and ignore `host`, to which the rules apply.
    if !config.get_hostaddrs().is_empty() {
        return rejected("hostaddr is not supported: name the server by host".to_owned());
    }
    if config.get_hosts().is_empty() {
        return rejected("the connection string names no host".to_owned());
    }
    for (index, host) in config.get_hosts().iter().enumerate() {
        let port = match config.get_ports() {
            [port] => Some(*port),
            ports => ports.get(index).copied(),
        };
        match host {
            Host::Tcp(name) => {
                if !allowed.allows("postgres", name, port) {
                    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
                    return rejected(format!("address postgres://{name}{port} is not permitted"));
                }
            }
            Host::Unix(_) => {
                return rejected("Unix sockets are not supported on WebAssembly".to_owned());
            }
        }
    }
    Ok(config)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn outcome(connection_string: &str) -> Result<(), String> {
        let rules = [
            "postgres://db.example:6432".to_owned(),
            "postgres://localhost".to_owned(),
        ];
        let allowed = AllowedHosts::new(&rules, &BTreeMap::new()).unwrap_or_default();
        match check(connection_string, &allowed) {
            Ok(_) => Ok(()),
            Err(Error::ConnectionFailed(message)) => Err(message),
            Err(other) => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn both_formats_of_a_connection_string_are_accepted() {
        assert_eq!(
            outcome("postgres://user:p%40ss@db.example:6432/lms"),
            Ok(())
        );
        assert_eq!(outcome("host=db.example port=6432 user=lms"), Ok(()));
        assert_eq!(outcome("host=localhost user=lms"), Ok(()));
    }

    #[test]
    fn every_host_must_be_allowed() {
        let not_permitted =
            |address: &str| Err(format!("address postgres://{address} is not permitted"));
        assert_eq!(
            outcome("host=db.example user=lms"),
            not_permitted("db.example")
        );
        assert_eq!(
            outcome("postgres://db.example:5432/lms"),
            not_permitted("db.example:5432")
        );
        assert_eq!(
            outcome("host=db.example,other.example port=6432 user=lms"),
            not_permitted("other.example:6432")
        );
        assert_eq!(
            outcome("host=db.example,localhost port=6432,1 user=lms"),
            not_permitted("localhost:1")
        );
    }

    #[test]
    fn hosts_to_which_no_rule_can_apply_are_rejected() {
        let message = outcome("host=db.example hostaddr=10.0.0.1 port=6432 user=lms");
        assert_eq!(
            message,
            Err("hostaddr is not supported: name the server by host".to_owned())
        );
        assert_eq!(
            outcome("host=/var/run/postgresql user=lms"),
            Err("Unix sockets are not supported on WebAssembly".to_owned())
        );
        assert_eq!(
            outcome("user=lms"),
            Err("the connection string names no host".to_owned())
        );
        assert!(outcome("not a connection string").is_err());
    }
}

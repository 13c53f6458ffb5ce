//! The router: finds the component for a path. An exact route takes precedence over a wildcard, and
//! a longer wildcard over a shorter one, whatever their order in the manifest. The format of routes
//! in the manifest is defined in `manifest`.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use http::HeaderValue;

use crate::manifest::{self, Trigger};

/// The end of a route that also matches everything below it.
const WILDCARD: &str = "/...";

/// All routes of an application.
#[derive(Debug, Default)]
pub(crate) struct Router {
    exact: HashMap<String, Route>,
    /// Longest first.
    wildcards: Vec<Route>,
}

/// One route, and the index of its component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) component: usize,
    /// The route as it is written in the manifest, for metrics: a copy of it allocates nothing.
    pub(crate) name: Arc<str>,
    /// The same as a header.
    pub(crate) raw: HeaderValue,
    /// The header without the wildcard.
    pub(crate) raw_prefix: HeaderValue,
    /// The prefix of the paths that match, without a slash at its end.
    prefix: String,
}

/// The route that a path matched.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Match<'a> {
    pub(crate) route: &'a Route,
    /// The part of the path that the wildcard stands for: empty for an exact route.
    pub(crate) path_info: &'a str,
}

impl Router {
    /// Builds the router. `component_of` returns the index of a component by its id.
    pub(crate) fn new(
        triggers: &[Trigger],
        component_of: impl Fn(&str) -> Option<usize>,
    ) -> Result<Self> {
        let mut router = Self::default();
        for trigger in triggers {
            let manifest::Route::Path(path) = &trigger.route else {
                continue;
            };
            let Some(component) = component_of(&trigger.component) else {
                bail!(
                    "{} names a component that also has a private route: \
                     a component may have one kind of route",
                    trigger.route
                );
            };
            router.add(path, component)?;
        }
        router
            .wildcards
            .sort_by_key(|route| std::cmp::Reverse(route.prefix.len()));
        Ok(router)
    }

    /// Adds a route. The caller sorts the wildcards afterwards.
    pub(crate) fn add(&mut self, raw: &str, component: usize) -> Result<()> {
        if !raw.starts_with('/') {
            bail!("route {raw:?} must begin with a slash");
        }
        let (prefix, wildcard) = match raw.strip_suffix(WILDCARD) {
            Some(prefix) => (prefix, true),
            None => (raw, false),
        };
        if prefix
            .split('/')
            .any(|segment| segment.starts_with(':') || segment.contains('*'))
        {
            bail!("route {raw:?} has a named segment; only \"/...\" at the end is supported");
        }
        let header = |text| {
            HeaderValue::from_str(text).with_context(|| format!("route {raw:?} is not a path"))
        };
        let route = Route {
            component,
            name: raw.into(),
            raw: header(raw)?,
            raw_prefix: header(prefix)?,
            prefix: prefix.trim_end_matches('/').to_owned(),
        };
        let taken = if wildcard {
            let taken = self
                .wildcards
                .iter()
                .any(|other| other.prefix == route.prefix);
            self.wildcards.push(route);
            taken
        } else {
            self.exact.insert(route.prefix.clone(), route).is_some()
        };
        if taken {
            bail!("route {raw:?} is declared twice");
        }
        Ok(())
    }

    /// Finds the route for `path`.
    pub(crate) fn find<'a>(&'a self, path: &'a str) -> Option<Match<'a>> {
        if let Some(route) = self.exact.get(path.trim_end_matches('/')) {
            return Some(Match {
                route,
                path_info: "",
            });
        }
        self.wildcards.iter().find_map(|route| {
            let path_info = path.strip_prefix(route.prefix.as_str())?;
            let below = path_info.is_empty() || path_info.starts_with('/');
            below.then_some(Match { route, path_info })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: [&str; 6] = [
        "/...",
        "/v1/...",
        "/v1/users/...",
        "/v1/users/me",
        "/docs",
        "/v1",
    ];

    fn router() -> Result<Router> {
        let mut router = Router::default();
        for (index, route) in ROUTES.iter().enumerate() {
            router.add(route, index)?;
        }
        router
            .wildcards
            .sort_by_key(|route| std::cmp::Reverse(route.prefix.len()));
        Ok(router)
    }

    #[test]
    fn exact_routes_and_longer_wildcards_take_precedence() -> Result<()> {
        let router = router()?;
        let expected = [
            ("/v1/users/me", "/v1/users/me", ""),
            ("/v1/users/me/", "/v1/users/me", ""),
            ("/v1/users/other", "/v1/users/...", "/other"),
            ("/v1/users", "/v1/users/...", ""),
            ("/v1/users/", "/v1/users/...", "/"),
            ("/v1/usersx", "/v1/...", "/usersx"),
            ("/v1", "/v1", ""),
            ("/docs", "/docs", ""),
            ("/docs/x", "/...", "/docs/x"),
            ("/", "/...", "/"),
        ];
        for (path, raw, path_info) in expected {
            let found = router
                .find(path)
                .map(|found| (&found.route.raw, found.path_info));
            assert_eq!(
                found,
                Some((&HeaderValue::from_static(raw), path_info)),
                "{path}"
            );
        }
        Ok(())
    }

    #[test]
    fn without_a_catch_all_some_paths_match_nothing() -> Result<()> {
        let mut router = Router::default();
        router.add("/v1/...", 0)?;
        assert_eq!(router.find("/v2"), None);
        assert_eq!(router.find("/v10"), None);
        Ok(())
    }

    #[test]
    fn invalid_routes_are_rejected() {
        for bad in ["v1", "/v1/:id", "/v1/*", ""] {
            assert!(Router::default().add(bad, 0).is_err(), "{bad}");
        }
        let mut router = Router::default();
        assert!(router.add("/v1/...", 0).is_ok());
        assert!(router.add("/v1/...", 1).is_err());
    }
}

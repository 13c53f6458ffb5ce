//! The table of a component: its resources, its actions and its access table. Requests are matched
//! with it in `pipeline::router`.

use http::Method;

use crate::auth::policy::{Access, Grant, Policy, Verb};
use crate::auth::role::Role;
use crate::declare::action::Action;
use crate::declare::endpoint::{Endpoint, Operation, route};
use crate::declare::resource::Resource;

/// The declaration of a component.
pub struct Component {
    /// The component's name in `spin.toml`.
    pub name: &'static str,
    /// The resources with their plain verbs.
    pub resources: &'static [Resource],
    /// The actions.
    pub actions: &'static [Action],
    /// The access table.
    pub policies: &'static [Policy],
    /// The application to which the component belongs.
    pub application: &'static Application,
}

/// The declarations that all components of an application share.
pub struct Application {
    /// The title of the reference.
    pub title: &'static str,
    /// The roles, in the order of the access table.
    pub roles: &'static [Role],
    /// The regions.
    pub regions: &'static [&'static str],
    /// The descriptions of the groups of actions that belong to no resource, by the first part of
    /// their operation ids.
    pub groups: &'static [(&'static str, &'static str)],
}

impl Component {
    /// Returns the component, once every endpoint is found in the access table.
    ///
    /// It is called in a constant, so that an endpoint without a row in the access table does not
    /// compile.
    ///
    /// # Panics
    ///
    /// At compile time, for a resource's verb or an action that no role has, and for a segment that
    /// is not in its path or cannot be written in one.
    pub const fn checked(self) -> Component {
        let mut resource = 0;
        while resource < self.resources.len() {
            let declared = &self.resources[resource];
            let mut verb = 0;
            while verb < declared.verbs.len() {
                assert!(
                    is_mentioned(self.policies, declared.name, declared.verbs[verb]),
                    "a verb of a resource has no row in the access table"
                );
                verb += 1;
            }
            resource += 1;
        }
        let mut action = 0;
        while action < self.actions.len() {
            if let Access::Granted { resource, verb } = self.actions[action].access {
                assert!(
                    is_mentioned(self.policies, resource, verb),
                    "an action has no row in the access table"
                );
            }
            assert!(
                self.actions[action].is_whole(),
                "an action lacks its id, its summary, its response or its statement"
            );
            if self.actions[action].depends_on_grant() {
                assert!(
                    matches!(self.actions[action].access, Access::Granted { .. }),
                    "an action depends on a grant that its callers need not have"
                );
            }
            check_segments(&self.actions[action]);
            action += 1;
        }
        self
    }

    /// Returns all endpoints, actions first, because a fixed path wins over one with a parameter.
    pub fn endpoints(&self) -> impl Iterator<Item = Endpoint> + use<> {
        let actions = self.actions.iter().map(|action| Endpoint {
            method: action.method.clone(),
            path: (action.path, ""),
            resource_segment: "",
            operation: Operation::Action(action),
        });
        let verbs = self.resources.iter().flat_map(|resource| {
            resource.verbs.iter().filter_map(move |verb| {
                let (method, path) = route(*verb)?;
                Some(Endpoint {
                    method,
                    path: ("/v1/", path),
                    resource_segment: resource.name,
                    operation: Operation::Verb(resource, *verb),
                })
            })
        });
        actions.chain(verbs)
    }

    /// Returns true if the endpoint writes to a resource whose writes need `Idempotency-Key`, be it
    /// by a plain verb or an action.
    pub fn requires_key(&self, endpoint: &Endpoint) -> bool {
        let Access::Granted { resource, .. } = endpoint.access() else {
            return false;
        };
        endpoint.method == Method::POST
            && self
                .resources
                .iter()
                .any(|known| known.name == resource && known.requires_key)
    }

    /// Returns the role of this name.
    pub fn role(&self, name: &str) -> Option<Role> {
        self.application
            .roles
            .iter()
            .copied()
            .find(|role| role.name() == name)
    }

    /// Returns the grant of the role with the verb on the resource.
    pub fn grant(&self, resource: &str, role: Role, verb: Verb) -> Option<&'static Grant> {
        self.policies
            .iter()
            .find(|policy| policy.resource == resource)?
            .grant(role, verb)
    }
}

const fn is_mentioned(policies: &[Policy], resource: &str, verb: Verb) -> bool {
    let mut index = 0;
    while index < policies.len() {
        if crate::auth::policy::text_equals(policies[index].resource, resource)
            && policies[index].mentions(verb)
        {
            return true;
        }
        index += 1;
    }
    false
}

const fn check_segments(action: &Action) {
    let mut index = 0;
    while index < action.segments.len() {
        let segment = &action.segments[index];
        assert!(
            has_parameter(action.path, segment.name),
            "a segment is declared that is not in its path"
        );
        assert!(
            !segment.kind.is_json(),
            "a segment is declared that can't be written in a path"
        );
        index += 1;
    }
}

/// Returns true if the path contains `{name}`.
const fn has_parameter(path: &str, name: &str) -> bool {
    let (path, name) = (path.as_bytes(), name.as_bytes());
    let mut start = 0;
    while start + name.len() + 2 <= path.len() {
        let mut matched = 0;
        while matched < name.len() && path[start + 1 + matched] == name[matched] {
            matched += 1;
        }
        if path[start] == b'{' && matched == name.len() && path[start + 1 + matched] == b'}' {
            return true;
        }
        start += 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{COMPONENT, HOUSE, LAMPS, role};

    const NOBODY: Policy = Policy {
        resource: "lamps",
        grants: &[],
    };

    #[test]
    fn every_endpoint_is_there_once() {
        let mut lines: Vec<String> = COMPONENT
            .endpoints()
            .map(|endpoint| {
                format!(
                    "{} {} {}",
                    endpoint.method,
                    endpoint.template(),
                    endpoint.operation_id()
                )
            })
            .collect();
        assert_eq!(
            lines[0], "POST /v1/lamps/{id}/switch lamps.switch",
            "actions come first"
        );
        lines.sort();
        assert_eq!(
            lines,
            [
                "DELETE /v1/lamps/{id} lamps.delete",
                "GET /ping ping",
                "GET /v1/bills bills.list",
                "GET /v1/lamps lamps.list",
                "GET /v1/lamps/report lamps.report",
                "GET /v1/lamps/{id} lamps.get",
                "PATCH /v1/bills/{id} bills.update",
                "PATCH /v1/lamps/{id} lamps.update",
                "POST /v1/ask oracle.ask",
                "POST /v1/bills bills.create",
                "POST /v1/bills/{id}/settle bills.settle",
                "POST /v1/lamps lamps.create",
                "POST /v1/lamps/import lamps.import",
                "POST /v1/lamps/{id}/restore lamps.restore",
                "POST /v1/lamps/{id}/switch lamps.switch",
                "PUT /v1/lamps/{id}/nights/{start}/{phase} lamps.plan",
            ]
        );
    }

    #[test]
    fn a_grant_is_found_by_resource_role_and_verb() {
        assert!(
            COMPONENT
                .grant("lamps", role::ADMIN, Verb::Export)
                .is_some()
        );
        assert!(
            COMPONENT
                .grant("lamps", role::KEEPER, Verb::Export)
                .is_none()
        );
        assert!(COMPONENT.grant("bills", role::KEEPER, Verb::List).is_none());
        assert!(
            COMPONENT
                .grant("nothing", role::ADMIN, Verb::List)
                .is_none()
        );
    }

    #[test]
    fn a_key_is_needed_for_every_post_to_a_resource_that_needs_one() {
        let needing: Vec<String> = COMPONENT
            .endpoints()
            .filter(|endpoint| COMPONENT.requires_key(endpoint))
            .map(|endpoint| endpoint.operation_id())
            .collect();
        assert_eq!(needing, ["bills.settle", "bills.create"]);
    }

    #[test]
    #[should_panic(expected = "a verb of a resource has no row in the access table")]
    fn a_verb_without_a_row_in_the_access_table_is_no_component() {
        // In a constant, as components do it, the same is a compile error.
        let _ = Component {
            name: "dark",
            resources: &[LAMPS],
            actions: &[],
            policies: &[NOBODY],
            application: &HOUSE,
        }
        .checked();
    }

    #[test]
    #[should_panic(expected = "an action has no row in the access table")]
    fn an_action_without_a_row_in_the_access_table_is_no_component() {
        let _ = Component {
            name: "dark",
            resources: &[],
            actions: COMPONENT.actions,
            policies: &[NOBODY],
            application: &HOUSE,
        }
        .checked();
    }

    #[test]
    fn names_of_parameters_are_found_whole() {
        let path = "/v1/lamps/{id}/nights/{start}";
        assert!(has_parameter(path, "id") && has_parameter(path, "start"));
        for name in ["i", "d", "star", "tart", "nights", "", "start}", "other"] {
            assert!(!has_parameter(path, name), "{name}");
        }
    }

    #[test]
    #[should_panic(expected = "a segment is declared that is not in its path")]
    fn a_segment_that_is_not_in_the_path_is_no_component() {
        let other = Action::get("/v1/lamps")
            .id("lamps.other")
            .segments(crate::fixture::PLAN.segments);
        check_segments(&other);
    }

    #[test]
    fn public_actions_need_no_row() {
        const PUBLIC: Component = Component {
            name: "light",
            resources: &[],
            actions: &[],
            policies: &[],
            application: &HOUSE,
        }
        .checked();
        assert_eq!(PUBLIC.endpoints().count(), 0);
    }
}

//! The types of the access table, and the queries on it. The access tables themselves are in the
//! components.
//!
//! A grant lists the operations of a role on a resource, and the fields that it reads and writes.
//! The rows that a role can access are decided by row-level security in the database, so that no
//! query can forget them.

use crate::auth::role::Role;

/// An operation on a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Reads a list.
    List,
    /// Reads one row.
    Get,
    /// Creates one row.
    Create,
    /// Changes one row.
    Update,
    /// Deletes one row softly.
    Delete,
    /// Restores one deleted row.
    Restore,
    /// Creates many rows from a CSV file.
    Import,
    /// Reads all rows as a CSV file.
    Export,
    /// Performs an action of this name, which a component declares.
    Action(&'static str),
}

impl Verb {
    /// Returns the name as operation ids and the access table write it.
    pub const fn name(self) -> &'static str {
        match self {
            Verb::List => "list",
            Verb::Get => "get",
            Verb::Create => "create",
            Verb::Update => "update",
            Verb::Delete => "delete",
            Verb::Restore => "restore",
            Verb::Import => "import",
            Verb::Export => "export",
            Verb::Action(name) => name,
        }
    }

    const fn equals(self, other: Verb) -> bool {
        text_equals(self.name(), other.name())
    }
}

/// The fields of a resource that a grant covers.
#[derive(Debug, Clone, Copy)]
pub enum Fields {
    /// No fields.
    None,
    /// The named fields. `id` can always be read.
    Only(&'static [&'static str]),
    /// All fields.
    All,
}

impl Fields {
    /// Returns true if the field is covered.
    pub fn covers(self, name: &str) -> bool {
        match self {
            Fields::None => false,
            Fields::Only(names) => name == "id" || names.contains(&name),
            Fields::All => true,
        }
    }
}

/// The permissions of one role on one resource.
#[derive(Debug, Clone, Copy)]
pub struct Grant {
    /// The role.
    pub role: Role,
    /// The operations that the role may perform.
    pub verbs: &'static [Verb],
    /// Additional operations that the role may perform, such as actions.
    pub additional_verbs: &'static [Verb],
    /// The fields that the role can read.
    pub reads: Fields,
    /// The fields that the role can read in rows that are not its own, if those are fewer.
    pub shared_fields: Option<&'static [&'static str]>,
    /// The condition on the row `r`, as SQL, that makes a row the role's own. It is given where the
    /// resource names no owner, or where the role has more rows than the owner's.
    pub own_rows: Option<&'static str>,
    /// The fields that the role can set.
    pub writes: Fields,
    /// The condition of row security for the role, as SQL on the row `r` for which an index can be
    /// used. Lists repeat it.
    pub index_condition: Option<&'static str>,
}

impl Grant {
    /// Creates a grant by which the role may perform the verbs, and reads and writes all fields.
    pub const fn new(role: Role, verbs: &'static [Verb]) -> Self {
        Self {
            role,
            verbs,
            additional_verbs: &[],
            reads: Fields::All,
            shared_fields: None,
            own_rows: None,
            writes: Fields::All,
            index_condition: None,
        }
    }

    /// Adds verbs to the grant.
    pub const fn with_verbs(mut self, verbs: &'static [Verb]) -> Self {
        self.additional_verbs = verbs;
        self
    }

    /// Returns true if the role may perform the verb.
    pub fn has(&self, verb: Verb) -> bool {
        self.verbs.contains(&verb) || self.additional_verbs.contains(&verb)
    }

    /// Restricts the fields that can be read to these.
    pub const fn reading(mut self, names: &'static [&'static str]) -> Self {
        self.reads = Fields::Only(names);
        self
    }

    /// Restricts the fields that can be read in the rows of others to these.
    pub const fn shared_fields(mut self, names: &'static [&'static str]) -> Self {
        self.shared_fields = Some(names);
        self
    }

    /// Sets the condition that makes a row the caller's own, in place of the resource's owner
    /// column.
    pub const fn own_rows(mut self, condition: &'static str) -> Self {
        self.own_rows = Some(condition);
        self
    }

    /// Sets a condition on the role's rows for which an index can be used. Row security decides
    /// which rows the role can access, and this condition decides which index finds them.
    pub const fn index_condition(mut self, condition: &'static str) -> Self {
        self.index_condition = Some(condition);
        self
    }

    /// Restricts the fields that can be set to these.
    pub const fn writing(mut self, names: &'static [&'static str]) -> Self {
        self.writes = Fields::Only(names);
        self
    }
}

/// The grants on one resource.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// The plural noun of the resource.
    pub resource: &'static str,
    /// The grants, at most one for each role. A role without a grant is refused.
    pub grants: &'static [Grant],
}

impl Policy {
    /// Returns the grant of the role, if it includes the verb.
    pub fn grant(&self, role: Role, verb: Verb) -> Option<&'static Grant> {
        self.grants
            .iter()
            .find(|grant| grant.role == role && grant.has(verb))
    }

    /// Returns true if any role has the verb. It is evaluated at compile time.
    pub const fn mentions(&self, verb: Verb) -> bool {
        let mut grant = 0;
        while grant < self.grants.len() {
            if contains(self.grants[grant].verbs, verb)
                || contains(self.grants[grant].additional_verbs, verb)
            {
                return true;
            }
            grant += 1;
        }
        false
    }
}

const fn contains(verbs: &[Verb], verb: Verb) -> bool {
    let mut index = 0;
    while index < verbs.len() {
        if verbs[index].equals(verb) {
            return true;
        }
        index += 1;
    }
    false
}

/// The callers that an endpoint admits.
#[derive(Debug, Clone, Copy)]
pub enum Access {
    /// Everybody, without a token.
    Public,
    /// Every signed-in user, for data of their own.
    SignedIn,
    /// The roles that have the verb on the resource in the access table.
    Granted {
        /// The plural noun of the resource.
        resource: &'static str,
        /// The verb.
        verb: Verb,
    },
}

/// Compares two texts at compile time, where `==` on `str` is not available.
pub(crate) const fn text_equals(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    if left.len() != right.len() {
        return false;
    }
    let mut index = 0;
    while index < left.len() {
        if left[index] != right[index] {
            return false;
        }
        index += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::role;

    const GRANTS: &[Grant] = &[
        Grant::new(role::KEEPER, &[Verb::List])
            .with_verbs(&[Verb::Action("switch")])
            .writing(&["name"]),
        Grant::new(role::KEEPER, &[Verb::Get]).reading(&["name"]),
    ];
    const POLICY: Policy = Policy {
        resource: "lamps",
        grants: GRANTS,
    };

    #[test]
    fn a_role_has_the_verbs_that_are_granted_and_no_others() {
        assert!(POLICY.grant(role::KEEPER, Verb::List).is_some());
        assert!(POLICY.grant(role::KEEPER, Verb::Action("switch")).is_some());
        assert!(POLICY.grant(role::KEEPER, Verb::Action("break")).is_none());
        assert!(POLICY.grant(role::KEEPER, Verb::Create).is_none());
        assert!(POLICY.grant(role::ADMIN, Verb::List).is_none());
    }

    #[test]
    fn each_verb_may_show_other_fields() {
        let reads = |verb| POLICY.grant(role::KEEPER, verb).unwrap().reads;
        assert!(reads(Verb::List).covers("watts"));
        assert!(reads(Verb::Get).covers("name") && !reads(Verb::Get).covers("watts"));
    }

    #[test]
    fn the_id_is_always_among_named_fields() {
        assert!(Fields::Only(&[]).covers("id") && !Fields::Only(&[]).covers("name"));
        assert!(Fields::All.covers("anything") && !Fields::None.covers("id"));
    }

    #[test]
    fn mentioned_verbs_are_known_at_compile_time() {
        const {
            assert!(POLICY.mentions(Verb::Get));
            assert!(POLICY.mentions(Verb::Action("switch")));
            assert!(!POLICY.mentions(Verb::Action("switc")));
            assert!(!POLICY.mentions(Verb::Delete));
            assert!(text_equals("", "") && !text_equals("a", "b") && !text_equals("a", "aa"));
        }
    }
}

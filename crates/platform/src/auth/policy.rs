//! Who may do what: the access table's types and the questions asked of it.
//!
//! A grant says which operations a role has on a resource and which fields it reads and writes. Which
//! rows it reaches is the database's business (row-level security), so that no query can forget it.

use crate::auth::role::Role;

/// A thing that is done to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Read many.
    List,
    /// Read one.
    Get,
    /// Make one.
    Create,
    /// Change one.
    Update,
    /// Delete one softly.
    Delete,
    /// Bring one back.
    Restore,
    /// Make many from a CSV file.
    Import,
    /// Read all as a CSV file.
    Export,
    /// An action that a component writes by hand, by its name.
    Action(&'static str),
}

impl Verb {
    /// The name, as operation ids and the access table write it.
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

/// Which fields of a resource a grant covers.
#[derive(Debug, Clone, Copy)]
pub enum Fields {
    /// None of them.
    None,
    /// Those named; `id` is always among those that can be read.
    Only(&'static [&'static str]),
    /// All of them.
    All,
}

impl Fields {
    /// Whether the field is covered.
    pub fn covers(self, name: &str) -> bool {
        match self {
            Fields::None => false,
            Fields::Only(names) => name == "id" || names.contains(&name),
            Fields::All => true,
        }
    }
}

/// What one role may do to one resource.
#[derive(Debug, Clone, Copy)]
pub struct Grant {
    /// The role.
    pub role: Role,
    /// The operations it has.
    pub verbs: &'static [Verb],
    /// Further operations that it has, such as actions.
    pub further: &'static [Verb],
    /// The fields it can read.
    pub reads: Fields,
    /// The fields it can read in rows that are not its own, where those are fewer.
    pub reads_of_others: Option<&'static [&'static str]>,
    /// Which rows are its own, as SQL on the row `r`, where the resource names no owner or the role has more than the owner's rows.
    pub own: Option<&'static str>,
    /// The fields it can set.
    pub writes: Fields,
    /// What row security says of the role's rows, as SQL on the row `r` that an index can answer: lists say it again.
    pub index_condition: Option<&'static str>,
}

impl Grant {
    /// The role may do the verbs, reading and writing all fields.
    pub const fn new(role: Role, verbs: &'static [Verb]) -> Self {
        Self {
            role,
            verbs,
            further: &[],
            reads: Fields::All,
            reads_of_others: None,
            own: None,
            writes: Fields::All,
            index_condition: None,
        }
    }

    /// The role may do these too.
    pub const fn and(mut self, verbs: &'static [Verb]) -> Self {
        self.further = verbs;
        self
    }

    /// Returns whether the role may do the verb.
    pub fn has(&self, verb: Verb) -> bool {
        self.verbs.contains(&verb) || self.further.contains(&verb)
    }

    /// Only these fields can be read.
    pub const fn reading(mut self, names: &'static [&'static str]) -> Self {
        self.reads = Fields::Only(names);
        self
    }

    /// All fields of the caller's own rows can be read, and only these of others' rows.
    pub const fn reading_of_others(mut self, names: &'static [&'static str]) -> Self {
        self.reads_of_others = Some(names);
        self
    }

    /// The caller's own rows are those for which this holds, and not those that the resource's owner column says.
    pub const fn owning(mut self, condition: &'static str) -> Self {
        self.own = Some(condition);
        self
    }

    /// The role's rows are those for which this holds, by row security: it decides which rows are there, and this by which
    /// index they are found.
    pub const fn index_condition(mut self, condition: &'static str) -> Self {
        self.index_condition = Some(condition);
        self
    }

    /// Only these fields can be set.
    pub const fn writing(mut self, names: &'static [&'static str]) -> Self {
        self.writes = Fields::Only(names);
        self
    }
}

/// All grants on one resource.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// The resource, by its plural noun.
    pub resource: &'static str,
    /// One grant at most for each role; a role without one is refused.
    pub grants: &'static [Grant],
}

impl Policy {
    /// The grant of the role, if it has the verb.
    pub fn grant(&self, role: Role, verb: Verb) -> Option<&'static Grant> {
        self.grants
            .iter()
            .find(|grant| grant.role == role && grant.has(verb))
    }

    /// Whether any role has the verb; asked while the program is compiled.
    pub const fn mentions(&self, verb: Verb) -> bool {
        let mut grant = 0;
        while grant < self.grants.len() {
            if contains(self.grants[grant].verbs, verb)
                || contains(self.grants[grant].further, verb)
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

/// Who may call an endpoint.
#[derive(Debug, Clone, Copy)]
pub enum Access {
    /// Anybody, without a token.
    Public,
    /// Whoever is signed in, for what is the caller's own.
    SignedIn,
    /// The roles that have the verb on the resource in the access table.
    Granted {
        /// The resource, by its plural noun.
        resource: &'static str,
        /// The verb.
        verb: Verb,
    },
}

/// Compares two texts while the program is compiled, which `==` on `str` can't.
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
            .and(&[Verb::Action("switch")])
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
    fn what_is_mentioned_is_known_while_compiling() {
        const {
            assert!(POLICY.mentions(Verb::Get));
            assert!(POLICY.mentions(Verb::Action("switch")));
            assert!(!POLICY.mentions(Verb::Action("switc")));
            assert!(!POLICY.mentions(Verb::Delete));
            assert!(text_equals("", "") && !text_equals("a", "b") && !text_equals("a", "aa"));
        }
    }
}

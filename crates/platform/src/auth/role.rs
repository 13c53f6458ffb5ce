//! A role, which is a name to this crate and nothing more.
//!
//! The roles that there are stand in the component's table (`declare::component`), and what each may do in its
//! policies (`auth::policy`).

use serde::{Serialize, Serializer};

/// A user's role in its tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Role {
    name: &'static str,
    reads_history: bool,
}

impl Role {
    /// The role of this name.
    pub const fn new(name: &'static str) -> Role {
        Role {
            name,
            reads_history: false,
        }
    }

    /// The role sees deleted rows, and rows as they were at an earlier time.
    pub const fn reading_history(self) -> Role {
        Role {
            reads_history: true,
            ..self
        }
    }

    /// The name as the database and the interface write it.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// Returns whether the role sees deleted rows and earlier states.
    pub const fn reads_history(self) -> bool {
        self.reads_history
    }
}

impl Serialize for Role {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_written_by_its_name() {
        let role = Role::new("keeper");
        assert_eq!(serde_json::to_string(&role).unwrap(), "\"keeper\"");
        assert!(!role.reads_history() && role.reading_history().reads_history());
    }
}

//! A role, which is only a name to this crate. The roles of an application are listed in `domain`,
//! and their grants are types of `auth::policy`.

use serde::{Serialize, Serializer};

/// The role of a user in a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Role {
    name: &'static str,
    reads_history: bool,
}

impl Role {
    /// Creates the role of this name.
    pub const fn new(name: &'static str) -> Role {
        Role {
            name,
            reads_history: false,
        }
    }

    /// Lets the role see deleted rows, and rows as they were at an earlier time.
    pub const fn reading_history(self) -> Role {
        Role {
            reads_history: true,
            ..self
        }
    }

    /// Returns the name as the database and the API write it.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// Returns true if the role sees deleted rows and earlier states.
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

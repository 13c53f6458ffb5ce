//! The eight roles of a user (document 4, section 3.1).

use serde::{Deserialize, Serialize};

/// What a user is in its tenant; each user has exactly one role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Attends lessons; sees what is its own.
    Student,
    /// Parent or guardian; sees what belongs to the children it is linked to.
    Parent,
    /// Gives lessons; sees the students assigned to it.
    Tutor,
    /// Assesses the students of one centre.
    Assessor,
    /// Runs one centre.
    Supervisor,
    /// Helps users and keeps the stock.
    Support,
    /// Keeps the books.
    Finance,
    /// Runs the tenant.
    Admin,
}

impl Role {
    /// Every role, in the order of the access table.
    pub const ALL: [Role; 8] = [
        Role::Student,
        Role::Parent,
        Role::Tutor,
        Role::Assessor,
        Role::Supervisor,
        Role::Support,
        Role::Finance,
        Role::Admin,
    ];

    /// The names of the roles as the database and the interface write them.
    pub const NAMES: [&'static str; 8] = [
        "student",
        "parent",
        "tutor",
        "assessor",
        "supervisor",
        "support",
        "finance",
        "admin",
    ];

    /// The name as the database and the interface write it.
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_written_by_their_names() {
        for (role, name) in Role::ALL.into_iter().zip(Role::NAMES) {
            assert_eq!(role.name(), name);
            assert_eq!(serde_json::to_string(&role).unwrap(), format!("\"{name}\""));
            assert_eq!(
                serde_json::from_str::<Role>(&format!("\"{name}\"")).unwrap(),
                role
            );
        }
        assert!(serde_json::from_str::<Role>("\"Admin\"").is_err());
    }
}

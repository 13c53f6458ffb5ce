//! The eight roles of users; each user has exactly one. The permissions of a role are in the access
//! tables of the components.

use platform::auth::role::Role;

/// Attends lessons, and sees its own records.
pub const STUDENT: Role = Role::new("student");
/// A parent or guardian, who sees the records of the children it is linked to.
pub const PARENT: Role = Role::new("parent");
/// Gives lessons, and sees the students assigned to it.
pub const TUTOR: Role = Role::new("tutor");
/// Assesses the students of one centre.
pub const ASSESSOR: Role = Role::new("assessor");
/// Runs one centre.
pub const SUPERVISOR: Role = Role::new("supervisor");
/// Helps users and keeps the stock.
pub const SUPPORT: Role = Role::new("support");
/// Keeps the books.
pub const FINANCE: Role = Role::new("finance");
/// Runs the tenant, and sees deleted rows and earlier states too.
pub const ADMIN: Role = Role::new("admin").reading_history();

/// All roles, in the order of the access table.
pub const ALL: [Role; 8] = [
    STUDENT, PARENT, TUTOR, ASSESSOR, SUPERVISOR, SUPPORT, FINANCE, ADMIN,
];

/// The names of the roles as the database and the interface write them, in the same order.
pub const NAMES: [&str; 8] = {
    let mut names = [""; 8];
    let mut index = 0;
    while index < ALL.len() {
        names[index] = ALL[index].name();
        index += 1;
    }
    names
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_written_by_their_names() {
        assert_eq!(
            NAMES,
            [
                "student",
                "parent",
                "tutor",
                "assessor",
                "supervisor",
                "support",
                "finance",
                "admin"
            ]
        );
    }

    #[test]
    fn only_an_admin_reads_history() {
        let readers: Vec<Role> = ALL
            .into_iter()
            .filter(|role| role.reads_history())
            .collect();
        assert_eq!(readers, [ADMIN]);
    }
}

//! A cache of the statements that were built in this instance. Their text is the same each time,
//! and building it with its SHA-256 costs more than the routing. Prepared statements on the server
//! are managed by `lms.run`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::convert::Infallible;
use std::rc::Rc;

use crate::auth::policy::Grant;
use crate::sql::statement::Statement;

/// The key of a statement: everything on which its text depends. It consists of declarations only,
/// so the number of keys is bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// The resource or the action.
    operation: &'static str,
    /// The verb; empty for an action.
    verb: &'static str,
    /// The position of the grant in the access table, if one is needed.
    grant: Option<usize>,
    /// The form of a list: the field by which it is filtered, and whether it continues after a
    /// cursor.
    list_form: Option<(&'static str, bool)>,
}

impl Key {
    /// Creates the key of a verb's statement, or of an action's, which has no verb.
    pub(crate) fn new(
        operation: &'static str,
        verb: &'static str,
        grant: Option<&'static Grant>,
    ) -> Key {
        Key {
            operation,
            verb,
            grant: grant.map(|grant| std::ptr::from_ref(grant).addr()),
            list_form: None,
        }
    }

    /// Returns the key of a list of this form.
    pub(crate) fn with_list_form(self, list_form: (&'static str, bool)) -> Key {
        Key {
            list_form: Some(list_form),
            ..self
        }
    }
}

thread_local! {
    static STATEMENTS: RefCell<HashMap<Key, Rc<Statement>>> = RefCell::default();
}

/// Returns the statement of the key, and builds it on the first use.
pub(crate) fn get(key: Key, build: impl FnOnce() -> Statement) -> Rc<Statement> {
    let Ok(statement) = get_or_try(key, || Ok::<_, Infallible>(build()));
    statement
}

/// Returns the statement of the key, and builds it on the first use.
///
/// # Errors
///
/// When it cannot be built.
pub(crate) fn get_or_try<E>(
    key: Key,
    build: impl FnOnce() -> Result<Statement, E>,
) -> Result<Rc<Statement>, E> {
    if let Some(kept) = STATEMENTS.with_borrow(|statements| statements.get(&key).cloned()) {
        return Ok(kept);
    }
    let statement = Rc::new(build()?);
    STATEMENTS.with_borrow_mut(|statements| statements.insert(key, statement.clone()));
    Ok(statement)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{ADMIN, GUEST};
    use crate::sql::statement::Sql;

    fn statement(text: &'static str) -> Statement {
        Sql::from(text).unprepared()
    }

    #[test]
    fn a_statement_is_built_once_for_each_key() {
        let key = Key::new("lamps", "list", Some(&ADMIN));
        let first = get(key, || statement("first"));
        let again = get(key, || panic!("built again"));
        assert!(Rc::ptr_eq(&first, &again));
        for (other, text) in [
            (Key::new("lamps", "get", Some(&ADMIN)), "verb"),
            (Key::new("bills", "list", Some(&ADMIN)), "operation"),
            (Key::new("lamps", "list", Some(&GUEST)), "grant"),
            (key.with_list_form(("", false)), "form"),
            (key.with_list_form(("", true)), "cursor"),
            (key.with_list_form(("kind", true)), "field"),
        ] {
            assert_eq!(get(other, || statement(text)).text, text);
        }
    }

    #[test]
    fn building_may_ask_for_another_statement() {
        let outer = get(Key::new("lamps", "outer", Some(&ADMIN)), || {
            get(Key::new("lamps", "inner", Some(&ADMIN)), || {
                statement("inner")
            })
            .as_ref()
            .clone()
        });
        assert_eq!(outer.text, "inner");
    }
}

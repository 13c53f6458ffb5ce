//! Statements that were built once in this instance: their text is the same each time, and making it and
//! its SHA-256 costs more than a route.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::policy::Grant;
use crate::sql::Statement;

/// What the text of a statement depends on. Declarations alone stand in it, so there is a bounded number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// The resource or the action.
    operation: &'static str,
    /// The verb; empty for an action.
    verb: &'static str,
    /// Where the grant stands in the access table.
    grant: usize,
    /// A list's shape: the field that it is filtered by, and whether it goes on behind a cursor.
    shape: Option<(&'static str, bool)>,
}

impl Key {
    /// The statement of a verb, or of an action without one.
    pub(crate) fn new(operation: &'static str, verb: &'static str, grant: &'static Grant) -> Key {
        Key {
            operation,
            verb,
            grant: std::ptr::from_ref(grant).addr(),
            shape: None,
        }
    }

    /// The statement of a list of the shape.
    pub(crate) fn shaped(self, shape: (&'static str, bool)) -> Key {
        Key {
            shape: Some(shape),
            ..self
        }
    }
}

thread_local! {
    static STATEMENTS: RefCell<HashMap<Key, Rc<Statement>>> = RefCell::default();
}

/// The statement of the key, built when it is asked for the first time.
pub(crate) fn get(key: Key, build: impl FnOnce() -> Statement) -> Rc<Statement> {
    let kept = STATEMENTS.with_borrow(|statements| statements.get(&key).cloned());
    kept.unwrap_or_else(|| {
        let statement = Rc::new(build());
        STATEMENTS.with_borrow_mut(|statements| statements.insert(key, statement.clone()));
        statement
    })
}

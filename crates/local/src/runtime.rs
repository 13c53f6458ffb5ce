//! The embedded host as all commands that serve the application set it up.

use std::path::Path;

use anyhow::Result;
use platform::sql::database::CALL;

/// The statements of the components. All that `lms.run` changes is local to its transaction, except
/// for prepared statements, which every reset keeps.
const STATELESS_STATEMENTS: &[&str] = &[CALL];

/// Creates the runtime, whose compiled components are kept in the folder `cache`.
///
/// # Errors
///
/// The folder cannot be created, or the machine does not provide enough address space.
pub fn new(cache: &Path) -> Result<host::Runtime> {
    Ok(host::Runtime::new(cache)?.with_stateless_statements(STATELESS_STATEMENTS))
}

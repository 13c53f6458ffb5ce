//! The state that all handlers share.
//! It is created in `main`.

use deadpool_postgres::Pool;
use platform::auth::token::Keys;

use crate::statements::Statements;

/// The state that all handlers share.
pub(crate) struct Service {
    /// Connections of the application's role.
    pub(crate) pool: Pool,
    /// Keys that sign and verify access tokens.
    pub(crate) keys: Keys,
    /// The region that tokens must be issued for.
    pub(crate) region: String,
    /// The SQL of the handlers.
    pub(crate) statements: Statements,
}

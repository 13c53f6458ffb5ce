//! What every handler needs.

use deadpool_postgres::Pool;
use platform::auth::token::Keys;

use crate::statements::Statements;

/// What every handler needs.
pub(crate) struct Service {
    /// Connections as the application's role.
    pub(crate) pool: Pool,
    /// Keys that sign and verify access tokens.
    pub(crate) keys: Keys,
    /// The region that tokens must be for.
    pub(crate) region: String,
    /// The SQL of the handlers.
    pub(crate) statements: Statements,
}

//! The accounts that send the measured requests.
//! They sign in in `operation`.

use platform::auth::claims::Claims;
use uuid::Uuid;

/// An administrator with a password, and the ids of rows of the same tenant.
#[derive(Clone, Default)]
pub(super) struct ClientAccount {
    pub(super) slug: String,
    pub(super) email: String,
    pub(super) password: String,
    pub(super) users: Vec<Uuid>,
    pub(super) centres: Vec<Uuid>,
    pub(super) tutors: Vec<Uuid>,
    pub(super) students: Vec<Uuid>,
}

/// An account that has signed in.
pub(super) struct SignedIn {
    pub(super) account: ClientAccount,
    pub(super) token: String,
    /// The claims of the token.
    pub(super) claims: Claims,
}

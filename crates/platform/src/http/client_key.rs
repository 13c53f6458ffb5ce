//! The key of a client in the fair queue of another component. The request itself is sent by
//! `spin::service`.

use crate::values::random::digest;

/// The client on whose behalf a request is sent to another component. When many requests wait,
/// groups take turns, and so do the members of each group.
pub struct ClientKey {
    /// The group of clients, such as a network.
    pub group: String,
    /// The member of the group.
    pub member: String,
}

impl ClientKey {
    /// Returns the value of the header `fair-queue-key`: the hashes of both parts, which are short
    /// and have a fixed form.
    pub(crate) fn header(&self) -> String {
        format!("{} {}", digest(&self.group), digest(&self.member))
    }
}

//! The party on whose behalf one component asks another one.
//!
//! The question itself is sent by `spin::service`.

use crate::values::random::digest;

/// On whose behalf a question is asked. Where many are asked, groups take turns, and so do the members of each.
pub struct Asker {
    /// A group, such as a network.
    pub group: String,
    /// One of it.
    pub member: String,
}

impl Asker {
    /// The value of the header `fair-queue-key`: both by their hashes, which are short and of one form.
    pub(crate) fn header(&self) -> String {
        format!("{} {}", digest(&self.group), digest(&self.member))
    }
}

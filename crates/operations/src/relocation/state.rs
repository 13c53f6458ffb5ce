//! The states through which a relocation passes, and the words for them in the database.
//! Recording a state lives in `record`; the steps from one to the next live in `steps`.

use anyhow::{Result, bail};

/// The state of a relocation. Each is recorded in one of the two databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelocationState {
    /// The tenant is read-only in the source.
    SourceReadOnly,
    /// The target has all rows, and still redirects clients to the source.
    Copied,
    /// The target no longer redirects clients, because the tenant is about to live there.
    TargetReady,
    /// The source redirects clients to the target: the tenant lives there.
    Switched,
    /// The target serves the tenant.
    Active,
    /// The source has erased its rows.
    SourceErased,
}

impl RelocationState {
    /// The states of a relocation, in the order in which it passes through them.
    pub const STEPS: [Self; 5] = [
        Self::SourceReadOnly,
        Self::Copied,
        Self::TargetReady,
        Self::Switched,
        Self::Active,
    ];

    /// The state in `lms_private.tenant_relocations`.
    pub fn name(self) -> &'static str {
        match self {
            Self::SourceReadOnly => "leaving",
            Self::Copied => "arrived",
            Self::TargetReady => "awaited",
            Self::Switched => "left",
            Self::Active => "served",
            Self::SourceErased => "forgotten",
        }
    }

    /// The database in which it is recorded.
    pub fn direction(self) -> Direction {
        match self {
            Self::SourceReadOnly | Self::Switched | Self::SourceErased => Direction::Out,
            Self::Copied | Self::TargetReady | Self::Active => Direction::In,
        }
    }

    /// The state with a name.
    pub(super) fn parse(name: &str) -> Result<Self> {
        for state in Self::STEPS.into_iter().chain([Self::SourceErased]) {
            if state.name() == name {
                return Ok(state);
            }
        }
        bail!("lms_private.tenant_relocations has a relocation in the unknown state {name:?}")
    }
}

/// The direction of a relocation, as seen from the database that records it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Out of the source.
    Out,
    /// Into the target.
    In,
}

impl Direction {
    /// The direction in `lms_private.tenant_relocations`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::In => "in",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_name_of_its_own() {
        for state in RelocationState::STEPS {
            assert_eq!(RelocationState::parse(state.name()).unwrap(), state);
        }
        assert!(RelocationState::parse("lost").is_err());
    }
}

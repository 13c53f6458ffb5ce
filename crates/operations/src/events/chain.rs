//! The chain of a tenant's events: the canonical form of an event, its hashes, and the walk that finds the first break.
//! Events are read in `log`.

use std::fmt::{self, Display, Formatter};

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::timestamp::Timestamp;

/// The previous hash of the first event.
pub(super) const ZERO_HASH: [u8; 32] = [0; 32];

/// An event, with all columns of the log.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) tenant_id: Uuid,
    pub(super) position: i64,
    pub(super) id: Uuid,
    pub(super) entity: String,
    pub(super) entity_id: Uuid,
    pub(super) kind: String,
    pub(super) actor: Option<Uuid>,
    pub(super) request_id: Option<String>,
    pub(super) at: Timestamp,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) created_by: Option<Uuid>,
    pub(super) updated_by: Option<Uuid>,
    pub(super) deleted_at: Option<Timestamp>,
    pub(super) version: i64,
    /// The text of the `jsonb`, in PostgreSQL's form.
    pub(super) state: String,
    pub(super) salt: Uuid,
    pub(super) state_hash: Vec<u8>,
    pub(super) previous_hash: Vec<u8>,
    pub(super) hash: Vec<u8>,
    /// The hash of its redactions, if it is an erasure.
    pub(super) redactions_hash: Option<String>,
}

impl Event {
    /// The JSON array that is hashed together with the hash of the previous event.
    pub(super) fn canonical(&self) -> String {
        let parts = [
            self.tenant_id.to_string().into(),
            self.position.into(),
            self.id.to_string().into(),
            self.entity.as_str().into(),
            self.entity_id.to_string().into(),
            self.kind.as_str().into(),
            self.actor.map(|actor| actor.to_string()).into(),
            self.request_id.clone().into(),
            self.at.to_string().into(),
            self.created_at.to_string().into(),
            hex::encode(&self.state_hash).into(),
        ];
        let parts: Vec<String> = parts.iter().map(Value::to_string).collect();
        format!("[{}]", parts.join(", "))
    }

    fn computed_hash(&self, previous: &[u8]) -> [u8; 32] {
        Sha256::new()
            .chain_update(previous)
            .chain_update(self.canonical())
            .finalize()
            .into()
    }

    fn computed_state_hash(&self) -> [u8; 32] {
        Sha256::new()
            .chain_update(self.salt.as_bytes())
            .chain_update(&self.state)
            .finalize()
            .into()
    }

    /// The audit column that disagrees with the event, if there is one.
    fn inconsistent_column(&self) -> Option<&'static str> {
        [
            ("updated_at", self.updated_at == self.created_at),
            ("created_by", self.created_by == self.actor),
            ("updated_by", self.updated_by == self.actor),
            ("deleted_at", self.deleted_at.is_none()),
            ("version", self.version == 1),
        ]
        .into_iter()
        .find_map(|(column, is_consistent)| (!is_consistent).then_some(column))
    }
}

/// The first break of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// The first broken position.
    pub position: i64,
    /// The fault at that position.
    pub fault: Fault,
}

/// A fault at a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The event is missing.
    Missing,
    /// An event is where none can be: before position 1, twice, or after the end in `event_heads`.
    Surplus,
    /// The event has another previous hash than that of the previous event.
    Previous,
    /// The event differs from the one that was hashed.
    Hash,
    /// The state or its salt is neither the hashed one nor that of an erasure.
    State,
    /// An audit column disagrees with the event.
    Column(&'static str),
    /// The redactions of an erasure differ from those of its event.
    Redactions,
    /// `event_heads` has another hash for the last event.
    Head,
    /// The signed heads have another hash for this position.
    SignedHead,
}

impl Display for Break {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "position {}: {}", self.position, self.fault)
    }
}

impl Serialize for Break {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_struct("Break", 3)?;
        members.serialize_field("position", &self.position)?;
        members.serialize_field("fault", self.fault.code())?;
        members.serialize_field("detail", &self.fault.to_string())?;
        members.end()
    }
}

impl Fault {
    /// A name for programs, which stays the same when the text for people is changed.
    pub fn code(&self) -> &'static str {
        match self {
            Fault::Missing => "missing",
            Fault::Surplus => "surplus",
            Fault::Previous => "previous_hash",
            Fault::Hash => "hash",
            Fault::State => "state",
            Fault::Column(_) => "column",
            Fault::Redactions => "redactions",
            Fault::Head => "head",
            Fault::SignedHead => "signed_head",
        }
    }
}

impl Display for Fault {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Missing => formatter.write_str("the event is missing"),
            Fault::Surplus => formatter.write_str("there is an event that does not belong there"),
            Fault::Previous => {
                formatter.write_str("previous_hash is not the hash of the previous event")
            }
            Fault::Hash => formatter.write_str("the event differs from the one that was hashed"),
            Fault::State => {
                formatter.write_str("the state is neither the hashed one nor that of an erasure")
            }
            Fault::Column(name) => write!(formatter, "{name} disagrees with the event"),
            Fault::Redactions => {
                formatter.write_str("the redactions of the erasure differ from those of its event")
            }
            Fault::Head => formatter.write_str("event_heads has another hash"),
            Fault::SignedHead => formatter.write_str(
                "the signed heads have another hash: the log was rewritten here or before",
            ),
        }
    }
}

/// A walk along the chain, event by event.
pub(super) struct Walk {
    next: i64,
    previous: Vec<u8>,
}

impl Walk {
    /// Begins after a position, whose event has this hash.
    pub(super) fn after(position: i64, hash: Vec<u8>) -> Self {
        Self {
            next: position + 1,
            previous: hash,
        }
    }

    /// The position up to which the chain is intact.
    pub(super) fn reached(&self) -> i64 {
        self.next - 1
    }

    /// The hash of the event at that position.
    pub(super) fn hash(&self) -> &[u8] {
        &self.previous
    }

    /// Advances to the next event, which may have been redacted to a state with another hash.
    pub(super) fn step(&mut self, event: &Event, redacted: Option<&[u8]>) -> Result<(), Break> {
        let broken = |position, fault| Err(Break { position, fault });
        if event.position > self.next {
            return broken(self.next, Fault::Missing);
        }
        if event.position < self.next {
            return broken(event.position, Fault::Surplus);
        }
        let position = event.position;
        if event.previous_hash != self.previous {
            return broken(position, Fault::Previous);
        }
        if event.hash != event.computed_hash(&self.previous) {
            return broken(position, Fault::Hash);
        }
        let state = event.computed_state_hash();
        if event.state_hash != state && redacted != Some(&state[..]) {
            return broken(position, Fault::State);
        }
        if let Some(column) = event.inconsistent_column() {
            return broken(position, Fault::Column(column));
        }
        self.next += 1;
        self.previous.clone_from(&event.hash);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(position: i64, previous: &[u8]) -> Event {
        let at = Timestamp::from(chrono::DateTime::UNIX_EPOCH);
        let mut event = Event {
            tenant_id: Uuid::nil(),
            position,
            id: Uuid::max(),
            entity: "students".to_owned(),
            entity_id: Uuid::nil(),
            kind: "student.created".to_owned(),
            actor: None,
            request_id: Some("\"a\\\u{1}\n\u{7f}é".to_owned()),
            at,
            created_at: at,
            updated_at: at,
            created_by: None,
            updated_by: None,
            deleted_at: None,
            version: 1,
            state: r#"{"id": 1}"#.to_owned(),
            salt: Uuid::nil(),
            state_hash: Vec::new(),
            previous_hash: previous.to_vec(),
            hash: Vec::new(),
            redactions_hash: None,
        };
        event.state_hash = event.computed_state_hash().to_vec();
        event.hash = event.computed_hash(previous).to_vec();
        event
    }

    #[test]
    fn the_canonical_form_is_that_of_the_database() {
        let mut event = event(7, &ZERO_HASH);
        event.state_hash = vec![0, 255];
        assert_eq!(
            event.canonical(),
            "[\"00000000-0000-0000-0000-000000000000\", 7, \"ffffffff-ffff-ffff-ffff-ffffffffffff\", \"students\", \
             \"00000000-0000-0000-0000-000000000000\", \"student.created\", null, \"\\\"a\\\\\\u0001\\n\u{7f}é\", \
             \"1970-01-01T00:00:00.000000Z\", \"1970-01-01T00:00:00.000000Z\", \"00ff\"]"
        );
    }

    #[test]
    fn a_walk_stops_at_the_first_break() {
        let first = event(1, &ZERO_HASH);
        let second = event(2, &first.hash);
        let mut walk = Walk::after(0, ZERO_HASH.to_vec());
        assert_eq!(walk.step(&first, None), Ok(()));
        let at = |position, fault| Err(Break { position, fault });
        assert_eq!(
            walk.step(&event(3, &first.hash), None),
            at(2, Fault::Missing)
        );
        assert_eq!(walk.step(&first, None), at(1, Fault::Surplus));
        assert_eq!(
            walk.step(&event(2, &ZERO_HASH), None),
            at(2, Fault::Previous)
        );
        let mut other = second.clone();
        other.kind.push('!');
        assert_eq!(walk.step(&other, None), at(2, Fault::Hash));
        let mut other = second.clone();
        other.state.push(' ');
        assert_eq!(walk.step(&other, None), at(2, Fault::State));
        let redacted = other.computed_state_hash();
        let mut redone = Walk::after(1, first.hash.clone());
        assert_eq!(redone.step(&other, Some(&redacted)), Ok(()));
        let mut other = second.clone();
        other.version = 2;
        assert_eq!(walk.step(&other, None), at(2, Fault::Column("version")));
        assert_eq!(walk.step(&second, None), Ok(()));
        assert_eq!(walk.reached(), 2);
    }
}

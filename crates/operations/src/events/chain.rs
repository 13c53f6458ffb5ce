//! The chain of a tenant's events: its canonical form, its hashes, and the walk along it that finds the first break.

use std::fmt::{self, Display, Formatter};

use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::moment::Moment;

/// What stands where there is no event before.
pub(super) const BEGINNING: [u8; 32] = [0; 32];

/// An event as the log has it, all columns.
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
    pub(super) at: Moment,
    pub(super) created_at: Moment,
    pub(super) updated_at: Moment,
    pub(super) created_by: Option<Uuid>,
    pub(super) updated_by: Option<Uuid>,
    pub(super) deleted_at: Option<Moment>,
    pub(super) version: i64,
    /// The text of the `jsonb`, as PostgreSQL prints it.
    pub(super) state: String,
    pub(super) salt: Uuid,
    pub(super) state_hash: Vec<u8>,
    pub(super) previous_hash: Vec<u8>,
    pub(super) hash: Vec<u8>,
    /// Of an erasure: what its redactions come to.
    pub(super) redactions_hash: Option<String>,
}

impl Event {
    /// The JSON array that is hashed behind the hash of the event before.
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
            hex(&self.state_hash).into(),
        ];
        let parts: Vec<String> = parts.iter().map(Value::to_string).collect();
        format!("[{}]", parts.join(", "))
    }

    fn hashed_behind(&self, previous: &[u8]) -> [u8; 32] {
        Sha256::new()
            .chain_update(previous)
            .chain_update(self.canonical())
            .finalize()
            .into()
    }

    fn hashed_state(&self) -> [u8; 32] {
        Sha256::new()
            .chain_update(self.salt.as_bytes())
            .chain_update(&self.state)
            .finalize()
            .into()
    }

    /// The audit column that says something else than the event does.
    fn inconsistent_column(&self) -> Option<&'static str> {
        [
            ("updated_at", self.updated_at == self.created_at),
            ("created_by", self.created_by == self.actor),
            ("updated_by", self.updated_by == self.actor),
            ("deleted_at", self.deleted_at.is_none()),
            ("version", self.version == 1),
        ]
        .into_iter()
        .find_map(|(column, sound)| (!sound).then_some(column))
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(u32::from(digit), 16))
        .collect()
}

/// Where a chain is not what it has to be, for the first time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// The first broken position.
    pub position: i64,
    /// What is wrong there.
    pub fault: Fault,
}

/// What can be wrong at a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is no event.
    Missing,
    /// There is an event where none can be: before 1, twice, or behind the end that `event_heads` has.
    Surplus,
    /// The event does not name the hash of the one before.
    Previous,
    /// The event is not the one that was hashed.
    Hash,
    /// The state or its salt is neither what was hashed nor what an erasure has put there.
    State,
    /// A column that says who and when disagrees with the event.
    Column(&'static str),
    /// The erasure did not redact what its event says.
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

impl Display for Fault {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Missing => formatter.write_str("the event is missing"),
            Fault::Surplus => formatter.write_str("an event that does not belong there"),
            Fault::Previous => {
                formatter.write_str("previous_hash is not the hash of the event before")
            }
            Fault::Hash => formatter.write_str("the event is not the one that was hashed"),
            Fault::State => formatter.write_str(
                "the state is neither the one that was hashed nor what an erasure left there",
            ),
            Fault::Column(name) => write!(formatter, "{name} disagrees with the event"),
            Fault::Redactions => {
                formatter.write_str("the redactions of the erasure are not those of its event")
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
    /// Begins behind a position, whose event has this hash.
    pub(super) fn behind(position: i64, hash: Vec<u8>) -> Self {
        Self {
            next: position + 1,
            previous: hash,
        }
    }

    /// The position up to which all is sound.
    pub(super) fn reached(&self) -> i64 {
        self.next - 1
    }

    /// The hash of the event there.
    pub(super) fn hash(&self) -> &[u8] {
        &self.previous
    }

    /// Goes on to the next event, which may have been redacted to a state of another hash.
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
        if event.hash != event.hashed_behind(&self.previous) {
            return broken(position, Fault::Hash);
        }
        let state = event.hashed_state();
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
        let at = Moment::from(chrono::DateTime::UNIX_EPOCH);
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
        event.state_hash = event.hashed_state().to_vec();
        event.hash = event.hashed_behind(previous).to_vec();
        event
    }

    #[test]
    fn the_canonical_form_is_the_one_of_the_database() {
        let mut event = event(7, &BEGINNING);
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
        let first = event(1, &BEGINNING);
        let second = event(2, &first.hash);
        let mut walk = Walk::behind(0, BEGINNING.to_vec());
        assert_eq!(walk.step(&first, None), Ok(()));
        let at = |position, fault| Err(Break { position, fault });
        assert_eq!(
            walk.step(&event(3, &first.hash), None),
            at(2, Fault::Missing)
        );
        assert_eq!(walk.step(&first, None), at(1, Fault::Surplus));
        assert_eq!(
            walk.step(&event(2, &BEGINNING), None),
            at(2, Fault::Previous)
        );
        let mut other = second.clone();
        other.kind.push('!');
        assert_eq!(walk.step(&other, None), at(2, Fault::Hash));
        let mut other = second.clone();
        other.state.push(' ');
        assert_eq!(walk.step(&other, None), at(2, Fault::State));
        let redacted = other.hashed_state();
        let mut redone = Walk::behind(1, first.hash.clone());
        assert_eq!(redone.step(&other, Some(&redacted)), Ok(()));
        let mut other = second.clone();
        other.version = 2;
        assert_eq!(walk.step(&other, None), at(2, Fault::Column("version")));
        assert_eq!(walk.step(&second, None), Ok(()));
        assert_eq!(walk.reached(), 2);
    }
}

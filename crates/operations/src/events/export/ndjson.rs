//! Events as newline-delimited JSON. The state is written byte by byte as it was hashed.
//! The other formats live in `parquet` and `xapi`.

use std::fs::File;
use std::io::{BufWriter, Write};

use anyhow::Result;
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::events::chain::Event;

#[derive(Serialize)]
struct Line<'a> {
    tenant_id: Uuid,
    position: i64,
    id: Uuid,
    entity: &'a str,
    entity_id: Uuid,
    kind: &'a str,
    actor: Option<Uuid>,
    request_id: Option<&'a str>,
    at: String,
    created_at: String,
    state: &'a RawValue,
    salt: Uuid,
    state_hash: String,
    previous_hash: String,
    hash: String,
}

/// A file with an event on each line.
pub(super) struct Lines(BufWriter<File>);

impl Lines {
    pub(super) fn new(file: File) -> Self {
        Self(BufWriter::new(file))
    }

    pub(super) fn write(&mut self, event: &Event) -> Result<()> {
        let line = Line {
            tenant_id: event.tenant_id,
            position: event.position,
            id: event.id,
            entity: &event.entity,
            entity_id: event.entity_id,
            kind: &event.kind,
            actor: event.actor,
            request_id: event.request_id.as_deref(),
            at: event.at.to_string(),
            created_at: event.created_at.to_string(),
            state: serde_json::from_str(&event.state)?,
            salt: event.salt,
            state_hash: hex::encode(&event.state_hash),
            previous_hash: hex::encode(&event.previous_hash),
            hash: hex::encode(&event.hash),
        };
        serde_json::to_writer(&mut self.0, &line)?;
        self.0.write_all(b"\n")?;
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<()> {
        Ok(self.0.flush()?)
    }
}

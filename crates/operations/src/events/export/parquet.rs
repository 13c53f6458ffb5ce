//! Events as Apache Parquet: a row group for each window, ids as UUIDs, times in microseconds of UTC, and the state as JSON. The columns are
//! written directly, without Arrow, because nothing is computed.
//! The other formats live in `ndjson` and `xapi`.

use std::fs::File;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use parquet::basic::Compression;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use uuid::Uuid;

use crate::events::chain::Event;

const SCHEMA: &str = "
    message event {
      required fixed_len_byte_array(16) tenant_id (UUID);
      required int64 position;
      required fixed_len_byte_array(16) id (UUID);
      required binary entity (STRING);
      required fixed_len_byte_array(16) entity_id (UUID);
      required binary kind (STRING);
      optional fixed_len_byte_array(16) actor (UUID);
      optional binary request_id (STRING);
      required int64 at (TIMESTAMP(MICROS,true));
      required int64 created_at (TIMESTAMP(MICROS,true));
      required binary state (JSON);
      required fixed_len_byte_array(16) salt (UUID);
      required binary state_hash;
      required binary previous_hash;
      required binary hash;
    }";

/// A column of the window in memory. A definition level is 1 for a value and 0 for null.
enum Column {
    Numbers(Vec<i64>),
    Ids(Vec<FixedLenByteArray>, Vec<i16>),
    Bytes(Vec<ByteArray>, Vec<i16>),
}

/// A file of columns.
pub(super) struct Columns {
    writer: SerializedFileWriter<File>,
    columns: Vec<Column>,
}

impl Columns {
    pub(super) fn new(file: File) -> Result<Self> {
        let schema = Arc::new(parse_message_type(SCHEMA)?);
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .build();
        Ok(Self {
            writer: SerializedFileWriter::new(file, schema, Arc::new(properties))?,
            columns: Vec::new(),
        })
    }

    pub(super) fn write(&mut self, event: &Event) -> Result<()> {
        let request = event.request_id.as_deref().map(str::as_bytes);
        let row = [
            id(Some(event.tenant_id)),
            Column::Numbers(vec![event.position]),
            id(Some(event.id)),
            bytes(Some(event.entity.as_bytes())),
            id(Some(event.entity_id)),
            bytes(Some(event.kind.as_bytes())),
            id(event.actor),
            bytes(request),
            Column::Numbers(vec![event.at.unix_microseconds()]),
            Column::Numbers(vec![event.created_at.unix_microseconds()]),
            bytes(Some(event.state.as_bytes())),
            id(Some(event.salt)),
            bytes(Some(&event.state_hash)),
            bytes(Some(&event.previous_hash)),
            bytes(Some(&event.hash)),
        ];
        if self.columns.is_empty() {
            self.columns.extend(row);
            return Ok(());
        }
        for (column, value) in self.columns.iter_mut().zip(row) {
            column.append(value)?;
        }
        Ok(())
    }

    /// Writes the window as a row group.
    pub(super) fn flush(&mut self) -> Result<()> {
        if self.columns.is_empty() {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for column in self.columns.drain(..) {
            let mut writer = group
                .next_column()?
                .context("there are more columns than in the schema")?;
            match (writer.untyped(), &column) {
                (ColumnWriter::Int64ColumnWriter(writer), Column::Numbers(values)) => {
                    writer.write_batch(values, None, None)?
                }
                (
                    ColumnWriter::FixedLenByteArrayColumnWriter(writer),
                    Column::Ids(values, levels),
                ) => writer.write_batch(values, Some(levels), None)?,
                (ColumnWriter::ByteArrayColumnWriter(writer), Column::Bytes(values, levels)) => {
                    writer.write_batch(values, Some(levels), None)?
                }
                _ => bail!("a column has another type than in the schema"),
            };
            writer.close()?;
        }
        group.close()?;
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<()> {
        self.flush()?;
        self.writer.close()?;
        Ok(())
    }
}

impl Column {
    fn append(&mut self, value: Column) -> Result<()> {
        match (self, value) {
            (Column::Numbers(column), Column::Numbers(value)) => column.extend(value),
            (Column::Ids(column, levels), Column::Ids(value, level)) => {
                column.extend(value);
                levels.extend(level);
            }
            (Column::Bytes(column, levels), Column::Bytes(value, level)) => {
                column.extend(value);
                levels.extend(level);
            }
            _ => bail!("a value has another type than its column"),
        }
        Ok(())
    }
}

fn id(value: Option<Uuid>) -> Column {
    let value = value.map(|id| ByteArray::from(id.as_bytes().to_vec()).into());
    let level = i16::from(value.is_some());
    Column::Ids(value.into_iter().collect(), vec![level])
}

fn bytes(value: Option<&[u8]>) -> Column {
    let level = i16::from(value.is_some());
    let value = value.map(|bytes| ByteArray::from(bytes.to_vec()));
    Column::Bytes(value.into_iter().collect(), vec![level])
}

//! Conversion of the driver's rows to the values of `spin:postgres`. A guest's parameters are
//! converted in `parameters`.

use std::error::Error as StdError;

use bytes::{Buf, BytesMut};
use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use postgres_range::{BoundSided, BoundType, Normalizable, Range, RangeBound};
use rust_decimal::Decimal;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

use super::types::{Bounds, Column, DbDataType, DbValue, Interval, RangeBoundKind, Row};

type FromSqlError = Box<dyn StdError + Sync + Send>;

/// The columns of a row.
pub(crate) fn columns(row: &tokio_postgres::Row) -> Vec<Column> {
    row.columns()
        .iter()
        .map(|column| Column {
            name: column.name().to_owned(),
            data_type: data_type(column.type_()),
        })
        .collect()
}

/// Converts the values of a row.
///
/// # Errors
///
/// The reason for which a value cannot be converted.
pub(crate) fn convert(row: &tokio_postgres::Row) -> Result<Row, String> {
    (0..row.len())
        .map(|index| value(row, index).map_err(|error| format!("{error:?}")))
        .collect()
}

/// The approximate memory that a row takes in the guest.
pub(crate) fn size(row: &Row) -> usize {
    let owned = |value: &DbValue| match value {
        DbValue::Str(text) | DbValue::Uuid(text) | DbValue::Decimal(text) => text.len(),
        DbValue::Binary(bytes) | DbValue::Jsonb(bytes) | DbValue::Unsupported(bytes) => bytes.len(),
        DbValue::ArrayInt32(values) => values.len() * size_of::<Option<i32>>(),
        DbValue::ArrayInt64(values) => values.len() * size_of::<Option<i64>>(),
        DbValue::ArrayDecimal(values) | DbValue::ArrayStr(values) => values
            .iter()
            .map(|value| size_of::<Option<String>>() + value.as_ref().map_or(0, String::len))
            .sum(),
        _ => 0,
    };
    row.iter()
        .map(|value| size_of::<DbValue>() + owned(value))
        .sum()
}

fn data_type(of: &Type) -> DbDataType {
    match *of {
        Type::BOOL => DbDataType::Boolean,
        Type::BYTEA => DbDataType::Binary,
        Type::FLOAT4 => DbDataType::Floating32,
        Type::FLOAT8 => DbDataType::Floating64,
        Type::INT2 => DbDataType::Int16,
        Type::INT4 => DbDataType::Int32,
        Type::INT8 => DbDataType::Int64,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR => DbDataType::Str,
        Type::TIMESTAMP | Type::TIMESTAMPTZ => DbDataType::Datetime,
        Type::DATE => DbDataType::Date,
        Type::TIME => DbDataType::Time,
        Type::UUID => DbDataType::Uuid,
        Type::JSONB => DbDataType::Jsonb,
        Type::NUMERIC => DbDataType::Decimal,
        Type::INT4_RANGE => DbDataType::RangeInt32,
        Type::INT8_RANGE => DbDataType::RangeInt64,
        Type::NUM_RANGE => DbDataType::RangeDecimal,
        Type::INT4_ARRAY => DbDataType::ArrayInt32,
        Type::INT8_ARRAY => DbDataType::ArrayInt64,
        Type::NUMERIC_ARRAY => DbDataType::ArrayDecimal,
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY | Type::BPCHAR_ARRAY => DbDataType::ArrayStr,
        Type::INTERVAL => DbDataType::Interval,
        _ => DbDataType::Other(of.name().to_owned()),
    }
}

fn value(row: &tokio_postgres::Row, index: usize) -> Result<DbValue, tokio_postgres::Error> {
    match *row.columns()[index].type_() {
        Type::BOOL => get(row, index, DbValue::Boolean),
        Type::BYTEA => get(row, index, DbValue::Binary),
        Type::FLOAT4 => get(row, index, DbValue::Floating32),
        Type::FLOAT8 => get(row, index, DbValue::Floating64),
        Type::INT2 => get(row, index, DbValue::Int16),
        Type::INT4 => get(row, index, DbValue::Int32),
        Type::INT8 => get(row, index, DbValue::Int64),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR => get(row, index, DbValue::Str),
        // The driver rejects a `timestamptz` as a `NaiveDateTime`, as in Spin.
        Type::TIMESTAMP | Type::TIMESTAMPTZ => get(row, index, datetime),
        Type::DATE => get(row, index, date),
        Type::TIME => get(row, index, time),
        Type::UUID => get(row, index, |value: Uuid| DbValue::Uuid(value.to_string())),
        Type::JSONB => get(row, index, |value: serde_json::Value| {
            DbValue::Jsonb(value.to_string().into_bytes())
        }),
        Type::NUMERIC => get(row, index, |value: Decimal| {
            DbValue::Decimal(value.to_string())
        }),
        Type::INT4_RANGE => get(row, index, |value| {
            DbValue::RangeInt32(bounds(&value, i32::clone))
        }),
        Type::INT8_RANGE => get(row, index, |value| {
            DbValue::RangeInt64(bounds(&value, i64::clone))
        }),
        Type::NUM_RANGE => get(row, index, |value| {
            DbValue::RangeDecimal(bounds(&value, |bound: &DecimalBound| bound.0.to_string()))
        }),
        Type::INT4_ARRAY => get(row, index, DbValue::ArrayInt32),
        Type::INT8_ARRAY => get(row, index, DbValue::ArrayInt64),
        Type::NUMERIC_ARRAY => get(row, index, |values: Vec<Option<Decimal>>| {
            let text = |value: Option<Decimal>| value.map(|value| value.to_string());
            DbValue::ArrayDecimal(values.into_iter().map(text).collect())
        }),
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY | Type::BPCHAR_ARRAY => {
            get(row, index, DbValue::ArrayStr)
        }
        Type::INTERVAL => get(row, index, DbValue::Interval),
        _ => get(row, index, |value: Raw| DbValue::Unsupported(value.0)),
    }
}

fn get<'a, T: FromSql<'a>>(
    row: &'a tokio_postgres::Row,
    index: usize,
    convert: impl Fn(T) -> DbValue,
) -> Result<DbValue, tokio_postgres::Error> {
    let value: Option<T> = row.try_get(index)?;
    Ok(value.map_or(DbValue::DbNull, convert))
}

/// Converts a part of a date or a time. All of them fit into a byte.
fn part(number: u32) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

fn date(value: NaiveDate) -> DbValue {
    DbValue::Date((value.year(), part(value.month()), part(value.day())))
}

fn time(value: NaiveTime) -> DbValue {
    let (hour, minute, second) = (
        part(value.hour()),
        part(value.minute()),
        part(value.second()),
    );
    DbValue::Time((hour, minute, second, value.nanosecond()))
}

fn datetime(value: NaiveDateTime) -> DbValue {
    DbValue::Datetime((
        value.year(),
        part(value.month()),
        part(value.day()),
        part(value.hour()),
        part(value.minute()),
        part(value.second()),
        value.nanosecond(),
    ))
}

fn bounds<T: Normalizable + PartialOrd, U>(
    range: &Range<T>,
    convert: impl Fn(&T) -> U,
) -> Bounds<U> {
    (
        range
            .lower()
            .map(|bound| (convert(&bound.value), kind(bound))),
        range
            .upper()
            .map(|bound| (convert(&bound.value), kind(bound))),
    )
}

fn kind<S: BoundSided, T>(bound: &RangeBound<S, T>) -> RangeBoundKind {
    match bound.type_ {
        BoundType::Inclusive => RangeBoundKind::Inclusive,
        BoundType::Exclusive => RangeBoundKind::Exclusive,
    }
}

impl<'a> FromSql<'a> for Interval {
    fn from_sql(_: &Type, mut raw: &'a [u8]) -> Result<Self, FromSqlError> {
        if raw.len() != 16 {
            return Err("an interval has 16 bytes".into());
        }
        Ok(Self {
            micros: raw.get_i64(),
            days: raw.get_i32(),
            months: raw.get_i32(),
        })
    }

    fn accepts(of: &Type) -> bool {
        *of == Type::INTERVAL
    }
}

/// The bytes of a value of a type for which the interface has no variant.
struct Raw(Vec<u8>);

impl<'a> FromSql<'a> for Raw {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, FromSqlError> {
        Ok(Self(raw.to_owned()))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// A decimal as the bound of a range, for which `postgres_range` has no implementation.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(crate) struct DecimalBound(pub(crate) Decimal);

impl Normalizable for DecimalBound {
    fn normalize<S: BoundSided>(bound: RangeBound<S, Self>) -> RangeBound<S, Self> {
        bound
    }
}

impl<'a> FromSql<'a> for DecimalBound {
    fn from_sql(of: &Type, raw: &'a [u8]) -> Result<Self, FromSqlError> {
        Decimal::from_sql(of, raw).map(Self)
    }

    fn accepts(of: &Type) -> bool {
        <Decimal as FromSql>::accepts(of)
    }
}

impl ToSql for DecimalBound {
    fn to_sql(&self, of: &Type, buffer: &mut BytesMut) -> Result<IsNull, FromSqlError> {
        self.0.to_sql(of, buffer)
    }

    fn accepts(of: &Type) -> bool {
        <Decimal as ToSql>::accepts(of)
    }

    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_keeps_its_bounds() {
        let range: Range<i64> = Range::new(Some(RangeBound::new(3, BoundType::Inclusive)), None);
        assert_eq!(
            bounds(&range, i64::clone),
            (Some((3, RangeBoundKind::Inclusive)), None)
        );
    }

    #[test]
    fn a_datetime_is_split_into_its_parts() {
        let day = NaiveDate::from_ymd_opt(2024, 2, 29).unwrap_or_default();
        let moment = day.and_hms_nano_opt(23, 59, 1, 5).unwrap_or_default();
        assert_eq!(
            datetime(moment),
            DbValue::Datetime((2024, 2, 29, 23, 59, 1, 5))
        );
    }

    #[test]
    fn text_counts_by_its_length() {
        let short = size(&vec![DbValue::Str("a".to_owned())]);
        let long = size(&vec![DbValue::Str("a".repeat(101))]);
        assert_eq!(long - short, 100);
    }
}

//! The types of `spin:postgres/postgres@4.2.0`, as Wasmtime lifts and lowers them between host and
//! guest. Names and order are the interface's. Conversions live in `parameters`, `values` and
//! `errors`.

use wasmtime::component::{ComponentType, Lift, Lower};

/// One row.
pub(crate) type Row = Vec<DbValue>;
/// Year, month, day.
pub(crate) type Date = (i32, u8, u8);
/// Hour, minute, second, nanosecond.
pub(crate) type Time = (u8, u8, u8, u32);
/// Year, month, day, hour, minute, second, nanosecond.
pub(crate) type Datetime = (i32, u8, u8, u8, u8, u8, u32);
/// Lower and upper bound; a bound that is absent is infinite.
pub(crate) type Bounds<T> = (Option<(T, RangeBoundKind)>, Option<(T, RangeBoundKind)>);

#[derive(ComponentType, Lift, Lower, Clone, Debug, PartialEq)]
#[component(variant)]
pub(crate) enum Error {
    #[component(name = "connection-failed")]
    ConnectionFailed(String),
    #[component(name = "bad-parameter")]
    BadParameter(String),
    #[component(name = "query-failed")]
    QueryFailed(QueryError),
    #[component(name = "value-conversion-failed")]
    ValueConversionFailed(String),
    #[component(name = "other")]
    Other(String),
}

#[derive(ComponentType, Lift, Lower, Clone, Debug, PartialEq)]
#[component(variant)]
pub(crate) enum QueryError {
    #[component(name = "text")]
    Text(String),
    #[component(name = "db-error")]
    DbError(DbError),
}

#[derive(ComponentType, Lift, Lower, Clone, Debug, PartialEq)]
#[component(record)]
pub(crate) struct DbError {
    #[component(name = "as-text")]
    pub(crate) as_text: String,
    pub(crate) severity: String,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) detail: Option<String>,
    pub(crate) extras: Vec<(String, String)>,
}

#[derive(ComponentType, Lift, Lower, Clone, Debug, PartialEq)]
#[component(variant)]
pub(crate) enum DbDataType {
    #[component(name = "boolean")]
    Boolean,
    #[component(name = "int8")]
    Int8,
    #[component(name = "int16")]
    Int16,
    #[component(name = "int32")]
    Int32,
    #[component(name = "int64")]
    Int64,
    #[component(name = "floating32")]
    Floating32,
    #[component(name = "floating64")]
    Floating64,
    #[component(name = "str")]
    Str,
    #[component(name = "binary")]
    Binary,
    #[component(name = "date")]
    Date,
    #[component(name = "time")]
    Time,
    #[component(name = "datetime")]
    Datetime,
    #[component(name = "timestamp")]
    Timestamp,
    #[component(name = "uuid")]
    Uuid,
    #[component(name = "jsonb")]
    Jsonb,
    #[component(name = "decimal")]
    Decimal,
    #[component(name = "range-int32")]
    RangeInt32,
    #[component(name = "range-int64")]
    RangeInt64,
    #[component(name = "range-decimal")]
    RangeDecimal,
    #[component(name = "array-int32")]
    ArrayInt32,
    #[component(name = "array-int64")]
    ArrayInt64,
    #[component(name = "array-decimal")]
    ArrayDecimal,
    #[component(name = "array-str")]
    ArrayStr,
    #[component(name = "interval")]
    Interval,
    #[component(name = "other")]
    Other(String),
}

#[derive(ComponentType, Lift, Lower, Clone, Debug, PartialEq)]
#[component(variant)]
pub(crate) enum DbValue {
    #[component(name = "boolean")]
    Boolean(bool),
    #[component(name = "int8")]
    Int8(i8),
    #[component(name = "int16")]
    Int16(i16),
    #[component(name = "int32")]
    Int32(i32),
    #[component(name = "int64")]
    Int64(i64),
    #[component(name = "floating32")]
    Floating32(f32),
    #[component(name = "floating64")]
    Floating64(f64),
    #[component(name = "str")]
    Str(String),
    #[component(name = "binary")]
    Binary(Vec<u8>),
    #[component(name = "date")]
    Date(Date),
    #[component(name = "time")]
    Time(Time),
    #[component(name = "datetime")]
    Datetime(Datetime),
    #[component(name = "timestamp")]
    Timestamp(i64),
    #[component(name = "uuid")]
    Uuid(String),
    #[component(name = "jsonb")]
    Jsonb(Vec<u8>),
    #[component(name = "decimal")]
    Decimal(String),
    #[component(name = "range-int32")]
    RangeInt32(Bounds<i32>),
    #[component(name = "range-int64")]
    RangeInt64(Bounds<i64>),
    #[component(name = "range-decimal")]
    RangeDecimal(Bounds<String>),
    #[component(name = "array-int32")]
    ArrayInt32(Vec<Option<i32>>),
    #[component(name = "array-int64")]
    ArrayInt64(Vec<Option<i64>>),
    #[component(name = "array-decimal")]
    ArrayDecimal(Vec<Option<String>>),
    #[component(name = "array-str")]
    ArrayStr(Vec<Option<String>>),
    #[component(name = "interval")]
    Interval(Interval),
    #[component(name = "db-null")]
    DbNull,
    #[component(name = "unsupported")]
    Unsupported(Vec<u8>),
}

#[derive(ComponentType, Lift, Lower, Clone, Debug, PartialEq)]
#[component(variant)]
pub(crate) enum ParameterValue {
    #[component(name = "boolean")]
    Boolean(bool),
    #[component(name = "int8")]
    Int8(i8),
    #[component(name = "int16")]
    Int16(i16),
    #[component(name = "int32")]
    Int32(i32),
    #[component(name = "int64")]
    Int64(i64),
    #[component(name = "floating32")]
    Floating32(f32),
    #[component(name = "floating64")]
    Floating64(f64),
    #[component(name = "str")]
    Str(String),
    #[component(name = "binary")]
    Binary(Vec<u8>),
    #[component(name = "date")]
    Date(Date),
    #[component(name = "time")]
    Time(Time),
    #[component(name = "datetime")]
    Datetime(Datetime),
    #[component(name = "timestamp")]
    Timestamp(i64),
    #[component(name = "uuid")]
    Uuid(String),
    #[component(name = "jsonb")]
    Jsonb(Vec<u8>),
    #[component(name = "decimal")]
    Decimal(String),
    #[component(name = "range-int32")]
    RangeInt32(Bounds<i32>),
    #[component(name = "range-int64")]
    RangeInt64(Bounds<i64>),
    #[component(name = "range-decimal")]
    RangeDecimal(Bounds<String>),
    #[component(name = "array-int32")]
    ArrayInt32(Vec<Option<i32>>),
    #[component(name = "array-int64")]
    ArrayInt64(Vec<Option<i64>>),
    #[component(name = "array-decimal")]
    ArrayDecimal(Vec<Option<String>>),
    #[component(name = "array-str")]
    ArrayStr(Vec<Option<String>>),
    #[component(name = "interval")]
    Interval(Interval),
    #[component(name = "db-null")]
    DbNull,
}

#[derive(ComponentType, Lift, Lower, Clone, Copy, Debug, PartialEq)]
#[component(record)]
pub(crate) struct Interval {
    pub(crate) micros: i64,
    pub(crate) days: i32,
    pub(crate) months: i32,
}

#[derive(ComponentType, Lift, Lower, Clone, Debug, PartialEq)]
#[component(record)]
pub(crate) struct Column {
    pub(crate) name: String,
    #[component(name = "data-type")]
    pub(crate) data_type: DbDataType,
}

#[derive(ComponentType, Lift, Lower, Clone, Debug, PartialEq)]
#[component(record)]
pub(crate) struct RowSet {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Row>,
}

#[derive(ComponentType, Lift, Lower, Clone, Copy, Debug, PartialEq, Eq)]
#[component(enum)]
#[repr(u8)]
pub(crate) enum RangeBoundKind {
    #[component(name = "inclusive")]
    Inclusive,
    #[component(name = "exclusive")]
    Exclusive,
}

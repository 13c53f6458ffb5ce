//! Conversion of a guest's parameters to those of the driver. The values of result rows are
//! converted in `values`.

use std::error::Error as StdError;

use bytes::{BufMut, BytesMut};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use postgres_range::{BoundSided, BoundType, Normalizable, Range, RangeBound};
use rust_decimal::Decimal;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

use super::types::{Bounds, Date, Datetime, Interval, ParameterValue, RangeBoundKind, Time};
use super::values::DecimalBound;

/// A parameter of the driver.
pub(crate) type Parameter = Box<dyn ToSql + Send + Sync>;

/// Converts all parameters.
///
/// # Errors
///
/// The reason for which a parameter is invalid.
pub(crate) fn convert(values: Vec<ParameterValue>) -> Result<Vec<Parameter>, String> {
    values.into_iter().map(parameter).collect()
}

fn parameter(value: ParameterValue) -> Result<Parameter, String> {
    Ok(match value {
        ParameterValue::Boolean(value) => Box::new(value),
        ParameterValue::Int8(value) => Box::new(value),
        ParameterValue::Int16(value) => Box::new(value),
        ParameterValue::Int32(value) => Box::new(value),
        ParameterValue::Int64(value) => Box::new(value),
        ParameterValue::Floating32(value) => Box::new(value),
        ParameterValue::Floating64(value) => Box::new(value),
        ParameterValue::Str(value) => Box::new(value),
        ParameterValue::Binary(value) => Box::new(value),
        ParameterValue::Date(value) => Box::new(date(value)?),
        ParameterValue::Time(value) => Box::new(time(value)?),
        ParameterValue::Datetime(value) => Box::new(datetime(value)?),
        ParameterValue::Timestamp(value) => Box::new(timestamp(value)?),
        ParameterValue::Uuid(value) => Box::new(
            Uuid::parse_str(&value).map_err(|error| format!("invalid UUID {value}: {error}"))?,
        ),
        ParameterValue::Jsonb(value) => Box::new(json(&value)?),
        ParameterValue::Decimal(value) => Box::new(decimal(&value)?),
        ParameterValue::RangeInt32(value) => Box::new(range(value)),
        ParameterValue::RangeInt64(value) => Box::new(range(value)),
        ParameterValue::RangeDecimal((lower, upper)) => {
            Box::new(range((decimal_bound(lower)?, decimal_bound(upper)?)))
        }
        ParameterValue::ArrayInt32(value) => Box::new(value),
        ParameterValue::ArrayInt64(value) => Box::new(value),
        ParameterValue::ArrayDecimal(values) => Box::new(
            values
                .into_iter()
                .map(|value| value.as_deref().map(decimal).transpose())
                .collect::<Result<Vec<_>, _>>()?,
        ),
        ParameterValue::ArrayStr(value) => Box::new(value),
        ParameterValue::Interval(value) => Box::new(value),
        ParameterValue::DbNull => Box::new(Null),
    })
}

fn date((year, month, day): Date) -> Result<NaiveDate, String> {
    NaiveDate::from_ymd_opt(year, month.into(), day.into())
        .ok_or_else(|| format!("invalid date {year}-{month}-{day}"))
}

fn time((hour, minute, second, nanosecond): Time) -> Result<NaiveTime, String> {
    NaiveTime::from_hms_nano_opt(hour.into(), minute.into(), second.into(), nanosecond)
        .ok_or_else(|| format!("invalid time {hour}:{minute}:{second}.{nanosecond}"))
}

fn datetime(value: Datetime) -> Result<NaiveDateTime, String> {
    let (year, month, day, hour, minute, second, nanosecond) = value;
    Ok(NaiveDateTime::new(
        date((year, month, day))?,
        time((hour, minute, second, nanosecond))?,
    ))
}

fn timestamp(seconds: i64) -> Result<DateTime<Utc>, String> {
    DateTime::from_timestamp(seconds, 0).ok_or_else(|| format!("invalid timestamp {seconds}"))
}

fn json(text: &[u8]) -> Result<serde_json::Value, String> {
    serde_json::from_slice(text)
        .map_err(|error| format!("invalid JSON {}: {error}", String::from_utf8_lossy(text)))
}

fn decimal(text: &str) -> Result<Decimal, String> {
    Decimal::from_str_exact(text).map_err(|error| format!("invalid decimal {text}: {error}"))
}

type Bound<T> = Option<(T, RangeBoundKind)>;

fn decimal_bound(bound: Bound<String>) -> Result<Bound<DecimalBound>, String> {
    bound
        .map(|(text, kind)| Ok((DecimalBound(decimal(&text)?), kind)))
        .transpose()
}

fn range<T: Normalizable + PartialOrd>((lower, upper): Bounds<T>) -> Range<T> {
    Range::new(lower.map(range_bound), upper.map(range_bound))
}

fn range_bound<S: BoundSided, T: PartialOrd>(
    (value, kind): (T, RangeBoundKind),
) -> RangeBound<S, T> {
    let kind = match kind {
        RangeBoundKind::Inclusive => BoundType::Inclusive,
        RangeBoundKind::Exclusive => BoundType::Exclusive,
    };
    RangeBound::new(value, kind)
}

/// NULL, for a parameter of any type.
#[derive(Debug)]
struct Null;

impl ToSql for Null {
    fn to_sql(
        &self,
        _: &Type,
        _: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        Ok(IsNull::Yes)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl ToSql for Interval {
    fn to_sql(
        &self,
        _: &Type,
        buffer: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        buffer.put_i64(self.micros);
        buffer.put_i32(self.days);
        buffer.put_i32(self.months);
        Ok(IsNull::No)
    }

    fn accepts(of: &Type) -> bool {
        *of == Type::INTERVAL
    }

    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(value: ParameterValue) -> Option<String> {
        parameter(value).err()
    }

    #[test]
    fn the_error_for_an_invalid_value_contains_it() {
        assert_eq!(
            error_of(ParameterValue::Date((2024, 2, 30))).as_deref(),
            Some("invalid date 2024-2-30")
        );
        assert_eq!(
            error_of(ParameterValue::Time((24, 0, 0, 0))).as_deref(),
            Some("invalid time 24:0:0.0")
        );
        assert!(error_of(ParameterValue::Uuid("x".to_owned())).is_some());
        assert!(error_of(ParameterValue::Decimal("1,5".to_owned())).is_some());
        assert!(error_of(ParameterValue::Jsonb(b"{".to_vec())).is_some());
        assert!(error_of(ParameterValue::Timestamp(i64::MAX)).is_some());
    }

    #[test]
    fn null_fits_any_type() {
        let mut buffer = BytesMut::new();
        for of in [Type::UUID, Type::TEXT, Type::JSONB] {
            let sent = Null.to_sql_checked(&of, &mut buffer);
            assert!(matches!(sent, Ok(IsNull::Yes)), "{of}");
        }
    }

    #[test]
    fn text_is_not_a_number() {
        let mut buffer = BytesMut::new();
        let text = "1".to_owned();
        assert!(text.to_sql_checked(&Type::INT4, &mut buffer).is_err());
    }
}

//! The filters of a list: `status=active`, `created_at.gte=...`, `id.in=a,b`, `name.like=ana*`,
//! `phone.null=true`, `needs.has=Autism` for a list, `age.reading.gte=7.5` for a member of an
//! object. The other parameters of a list are in `listing`.

#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::declare::field::{Field, Kind};
use crate::declare::validation;
use crate::sql::statement::Sql;
use crate::values::email;
use crate::values::field_error::ValueError;

/// The maximum number of values of `.in`.
const MAX_VALUES: usize = 200;

/// The comparison that a filter makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// Equal; the operator without a suffix.
    Eq,
    /// Not equal.
    Ne,
    /// Greater.
    Gt,
    /// Greater or equal.
    Gte,
    /// Less.
    Lt,
    /// Less or equal.
    Lte,
    /// One of several values.
    In,
    /// Text in which `*` stands for any characters, without regard to case.
    Like,
    /// The absence of a value.
    Null,
    /// A list that contains the value.
    Has,
}

impl Operator {
    /// All operators.
    pub const ALL: [Operator; 10] = [
        Operator::Eq,
        Operator::Ne,
        Operator::Gt,
        Operator::Gte,
        Operator::Lt,
        Operator::Lte,
        Operator::In,
        Operator::Like,
        Operator::Null,
        Operator::Has,
    ];

    /// Returns the suffix in a query.
    pub const fn name(self) -> &'static str {
        match self {
            Operator::Eq => "eq",
            Operator::Ne => "ne",
            Operator::Gt => "gt",
            Operator::Gte => "gte",
            Operator::Lt => "lt",
            Operator::Lte => "lte",
            Operator::In => "in",
            Operator::Like => "like",
            Operator::Null => "null",
            Operator::Has => "has",
        }
    }

    /// Returns true if the operator is valid for the field.
    pub fn fits(self, field: &Field) -> bool {
        if field.condition.is_some() {
            return self == Operator::Eq;
        }
        match self {
            Operator::Eq | Operator::Ne | Operator::In => !field.kind.is_json(),
            Operator::Gt | Operator::Gte | Operator::Lt | Operator::Lte => field.kind.is_ordered(),
            Operator::Like => field.kind.is_text(),
            Operator::Null => field.nullable,
            Operator::Has => field.filter_function.is_some(),
        }
    }
}

/// One filter, with its value as an argument of the statement.
#[derive(Debug, Clone)]
pub struct Filter {
    /// The field.
    pub field: &'static Field,
    /// The member of the field's object that is compared instead of the field itself.
    pub member: Option<&'static Field>,
    /// The comparison.
    pub operator: Operator,
    /// The value: text, or a list of texts for `in`.
    pub value: Value,
}

impl Filter {
    /// Parses a filter; none if the field does not have the operator.
    ///
    /// # Errors
    ///
    /// The code and the sentence for a value that is not of the field's kind.
    pub fn parse(
        field: &'static Field,
        member: Option<&'static Field>,
        operator: Operator,
        text: &str,
    ) -> Result<Filter, ValueError> {
        let kind = member.unwrap_or(field).kind;
        let mut operator = operator;
        let value = match operator {
            Operator::In => {
                if text.split(',').count() > MAX_VALUES {
                    return Err((
                        "too_many_items",
                        format!("Must have at most {MAX_VALUES} values."),
                    ));
                }
                let parts: Vec<Vec<String>> = text
                    .split(',')
                    .map(|part| scalar(kind, part).map(|text| spellings(kind, text)))
                    .collect::<Result<_, _>>()?;
                Value::from(parts.concat())
            }
            Operator::Like => Value::String(pattern(text)?),
            Operator::Null => Value::String(validation::scalar(Kind::Boolean, text)?),
            Operator::Eq => {
                let mut spellings = spellings(kind, scalar(kind, text)?);
                if spellings.len() > 1 {
                    operator = Operator::In;
                    Value::from(spellings)
                } else {
                    Value::String(spellings.pop().unwrap_or_default())
                }
            }
            _ => Value::String(scalar(kind, text)?),
        };
        Ok(Filter {
            field,
            member,
            operator,
            value,
        })
    }

    /// Returns the key of the value among the arguments of the statement.
    pub fn key(&self) -> String {
        let operator = self.operator.name();
        match self.member {
            Some(member) => format!("{}.{}.{operator}", self.field.name, member.name),
            None => format!("{}.{operator}", self.field.name),
        }
    }

    /// Adds the condition on the row `r`.
    pub fn condition(&self, sql: &mut Sql) {
        sql.push("\n    and ");
        if let Some(condition) = self.field.condition {
            // The condition is written into the text and not compared with an argument, so that an
            // index can be used for it.
            sql.push(if self.value == "true" { "(" } else { "not (" })
                .push(condition)
                .push(")");
            return;
        }
        match self.operator {
            Operator::In => {
                self.column(sql);
                sql.push(" = any (array(select jsonb_array_elements_text($1->'filters'->'");
                self.name(sql, ".");
                sql.push(".in'))::").push(self.sql_type()).push("[])");
            }
            Operator::Null => {
                sql.push("(");
                self.column(sql);
                sql.push(" is null) = ");
                self.argument(sql, "boolean");
            }
            Operator::Like => {
                self.column(sql);
                sql.push(" ilike ");
                self.argument(sql, "text");
            }
            Operator::Has => {
                sql.push("r.id = any (array(select lms.")
                    .push(self.field.filter_function.unwrap_or_default())
                    .push("(");
                self.argument(sql, "text");
                sql.push(")))");
            }
            _ => {
                self.column(sql);
                sql.push(match self.operator {
                    Operator::Ne => " is distinct from ",
                    Operator::Gt => " > ",
                    Operator::Gte => " >= ",
                    Operator::Lt => " < ",
                    Operator::Lte => " <= ",
                    _ => " = ",
                });
                self.argument(sql, self.sql_type());
            }
        }
    }

    /// Adds the name of the field, with its member after a separator.
    fn name(&self, sql: &mut Sql, separator: &'static str) {
        sql.push(self.field.name);
        if let Some(member) = self.member {
            sql.push(separator).push(member.name);
        }
    }

    /// Adds the column of the row `r`. A member of an object has a column of its own, so that it
    /// can be indexed.
    fn column(&self, sql: &mut Sql) {
        sql.push("r.");
        self.name(sql, "_");
    }

    /// Returns the type of the column. Comparisons of `numeric` are not leakproof, so row security
    /// would prevent the use of an index. For that reason members are stored in double precision.
    fn sql_type(&self) -> &'static str {
        match self.member.map(|member| member.kind) {
            Some(Kind::Decimal { .. }) => "double precision",
            Some(kind) => kind.sql_type(),
            None => self.field.kind.sql_type(),
        }
    }

    fn argument(&self, sql: &mut Sql, sql_type: &'static str) {
        sql.push("($1->'filters'->>'");
        self.name(sql, ".");
        sql.push(".")
            .push(self.operator.name())
            .push("')::")
            .push(sql_type);
    }
}

/// Parses a value to compare with: any text that the field could hold, whatever its minimum length.
fn scalar(kind: Kind, text: &str) -> Result<String, ValueError> {
    match kind {
        Kind::TextList { max, .. } | Kind::Text { max, .. } => {
            validation::scalar(Kind::Text { min: 1, max }, text)
        }
        Kind::Multiline { max, .. } => validation::scalar(Kind::Multiline { min: 1, max }, text),
        _ => validation::scalar(kind, text),
    }
}

/// Returns the value in every form in which a row may hold it.
fn spellings(kind: Kind, value: String) -> Vec<String> {
    match kind {
        Kind::Email => email::spellings(&value),
        _ => vec![value],
    }
}

/// Returns a pattern for `ilike`: `*` stands for any characters, and every other character for
/// itself.
fn pattern(text: &str) -> Result<String, ValueError> {
    let text = validation::scalar(Kind::Text { min: 1, max: 200 }, text)?;
    Ok(text
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_")
        .replace('*', "%"))
}

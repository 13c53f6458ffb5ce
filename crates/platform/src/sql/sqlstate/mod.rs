//! Converts the errors that PostgreSQL reports into problems for the client. The errors themselves
//! are in `sql::error`, and the kinds of problems are in `http::problem`.

#[cfg(test)]
mod tests;

use crate::http::problem::{Kind, Problem, misdirected};
use crate::http::response::Response;
use crate::sql::error::{DatabaseError, QueryError};
use crate::values::field_error::FieldError;

/// The seconds after which a client may try again when the database is unavailable.
const RETRY_AFTER: &str = "2";

/// The outcome of a failed statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A dry run, which was rolled back on purpose, with its result.
    DryRun(String),
    /// A problem for the client.
    Problem(Box<Problem>),
}

/// Converts an error into an outcome.
pub fn outcome(error: QueryError) -> Outcome {
    match error {
        QueryError::Unavailable(cause) => problem(unavailable(cause)),
        QueryError::Unexpected(cause) => problem(Problem::new(Kind::Internal).cause(cause)),
        QueryError::Refused(refusal) => refused(*refusal),
    }
}

fn problem(problem: Problem) -> Outcome {
    Outcome::Problem(Box::new(problem))
}

fn unavailable(cause: impl Into<String>) -> Problem {
    Problem::new(Kind::Unavailable)
        .detail("Try again in a moment.")
        .header("retry-after", RETRY_AFTER)
        .cause(cause)
}

/// Returns a message of the server without data, for the log. Data exceptions (class 22) quote the
/// value that could not be read, which may be personal data; the messages of all other classes name
/// only tables, columns and constraints. A DETAIL is never logged.
pub fn without_values(code: &str, message: &str) -> String {
    if !code.starts_with("22") {
        return message.to_owned();
    }
    match message.find('"') {
        Some(quoted) => format!("{} …", message[..quoted].trim_end()),
        None => message.to_owned(),
    }
}

fn refused(refusal: DatabaseError) -> Outcome {
    let line = format!(
        "{}: {}",
        refusal.code,
        without_values(&refusal.code, &refusal.message)
    );
    let result = match refusal.code.as_str() {
        "LM200" => match refusal.detail {
            Some(report) => return Outcome::DryRun(report),
            None => Problem::new(Kind::Internal).cause("a dry run without a report"),
        },
        "LM401" => Problem::new(Kind::Unauthenticated).detail(refusal.message),
        "LM403" => Problem::new(Kind::Forbidden).detail(refusal.message),
        "LM404" => Problem::new(Kind::NotFound),
        "LM409" => about_field(Kind::Conflict, "conflict", refusal),
        "LM412" => Problem::new(Kind::Stale)
            .detail("Get the resource again and repeat the change with its new ETag."),
        // The detail is the URL of the cell in which the tenant lives.
        "LM421" => match refusal.detail {
            Some(url) => misdirected(&url),
            None => Problem::new(Kind::Internal).cause(line),
        },
        "LM422" => match listed(&refusal) {
            Some(errors) => Problem::invalid(errors),
            None => about_field(Kind::Invalid, "invalid", refusal),
        },
        "LM424" => Problem::new(Kind::KeyReused).detail(
            "The idempotency key was used for another request. Use a new \
                `Idempotency-Key` for a new request.",
        ),
        "LM429" => Problem::new(Kind::TooManyRequests)
            .detail("Wait for the time in `Retry-After` before the next attempt.")
            .header("retry-after", refusal.message),
        "LM503" => unavailable(line),
        // Only the field of a unique key is named, because the caller may not be allowed to see the
        // existing row.
        "23505" => match field_of(&refusal, "_key") {
            Some(field) => Problem {
                errors: vec![not_unique(format!("/{field}"))],
                ..Problem::new(Kind::Conflict)
            },
            None => Problem::new(Kind::Conflict).detail("The resource already exists."),
        },
        // The schema's own functions name the field as the column.
        "23503" => match field_of(&refusal, "_fkey").or(refusal.column) {
            Some(field) if !field.is_empty() => {
                Problem::invalid(vec![not_found(format!("/{field}"))])
            }
            _ => Problem::new(Kind::Conflict)
                .detail("The resource is still in use by another resource."),
        },
        "23514" | "23502" => match field_of(&refusal, "_check").or(refusal.column.clone()) {
            Some(field) => Problem::invalid(vec![FieldError::new(
                format!("/{field}"),
                "invalid",
                "The value is not allowed.",
            )]),
            None => Problem::new(Kind::Invalid),
        }
        .cause(line),
        "23P01" => match field_of(&refusal, "_excl") {
            Some(field) => Problem {
                errors: vec![FieldError::new(
                    format!("/{field}"),
                    "conflict",
                    "The value overlaps an existing resource.",
                )],
                ..Problem::new(Kind::Conflict)
            },
            None => Problem::new(Kind::Conflict).detail("The value overlaps an existing resource."),
        },
        "42501" => Problem::new(Kind::Forbidden)
            .detail("The resource is outside your scope.")
            .cause(line),
        // The input is at fault: text that cannot be stored, numbers and times out of range, failed
        // casts.
        code if code.starts_with("22") => Problem::new(Kind::Invalid)
            .detail("A value is outside the range that can be stored.")
            .cause(line),
        // Another request was faster, and a retry helps: serialisation failure, deadlock, lock
        // timeout.
        // The tenant is read-only because it is being relocated, or the server is a standby that
        // will be promoted.
        "40001" | "40P01" | "55P03" | "25006" => unavailable(line),
        // Statement timeout, shutdown, start-up, out of connections, out of disk or memory, lost
        // connection, or a connection that was left inside a transaction.
        "57014" | "57P01" | "57P02" | "57P03" | "57P05" | "2D000" | "25P02" | "25P03" => {
            unavailable(line)
        }
        code if code.starts_with("53") || code.starts_with("08") || code.starts_with("28") => {
            unavailable(line)
        }
        _ => Problem::new(Kind::Internal).cause(line),
    };
    problem(result)
}

/// Returns the errors of the rows of an import, which a statement collected as JSON in the detail.
fn listed(refusal: &DatabaseError) -> Option<Vec<FieldError>> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Reason {
        NotFound,
        NotUnique,
    }
    #[derive(serde::Deserialize)]
    struct Listed {
        row: usize,
        field: String,
        code: Reason,
    }
    let listed: Vec<Listed> = serde_json::from_str(refusal.detail.as_deref()?).ok()?;
    Some(
        listed
            .into_iter()
            .map(|Listed { row, field, code }| {
                let pointer = format!("/{row}/{field}");
                match code {
                    Reason::NotFound => not_found(pointer),
                    Reason::NotUnique => not_unique(pointer),
                }
            })
            .collect(),
    )
}

/// Returns the problem of an error raised by the schema itself, whose message is meant for the
/// client and whose column is the field.
fn about_field(kind: Kind, code: &'static str, refusal: DatabaseError) -> Problem {
    match refusal.column {
        Some(field) if !field.is_empty() => Problem {
            errors: vec![FieldError::new(format!("/{field}"), code, refusal.message)],
            ..Problem::new(kind)
        },
        _ => Problem::new(kind).detail(refusal.message),
    }
}

/// Returns the error of a field whose value another resource has already.
fn not_unique(pointer: String) -> FieldError {
    FieldError::new(pointer, "not_unique", "The value is already in use.")
}

/// Returns the error of a field that refers to a resource that does not exist or that the caller
/// does not see: `No such centre.` for `/centre_id`.
fn not_found(pointer: String) -> FieldError {
    let name = pointer.rsplit('/').next().unwrap_or(&pointer);
    let name = name
        .strip_suffix("_ids")
        .or(name.strip_suffix("_id"))
        .unwrap_or(name);
    let noun = match name {
        "assigned_to" | "staff" => "staff member".to_owned(),
        "assigned_tutor" => "tutor".to_owned(),
        "inventory" => "inventory item".to_owned(),
        "reverses" => "finance record".to_owned(),
        _ => name.replace('_', " "),
    };
    FieldError::new(pointer, "not_found", format!("No such {noun}."))
}

/// Returns the field of a constraint. Constraints are named `<table>_<field><suffix>`, and unique
/// indexes are named `idx_<table>_<field>`.
fn field_of(refusal: &DatabaseError, suffix: &str) -> Option<String> {
    let table = refusal.table.as_deref()?;
    let constraint = refusal.constraint.as_deref()?;
    let (name, suffix) = match constraint.strip_prefix("idx_") {
        Some(rest) => (rest, ""),
        None => (constraint, suffix),
    };
    let field = name.strip_prefix(table)?.strip_prefix('_')?;
    field.strip_suffix(suffix).map(str::to_owned)
}

/// Returns the response to a failed statement.
///
/// # Errors
///
/// The problem, unless the statement was a dry run.
pub fn into_response(error: QueryError) -> Result<Response, Problem> {
    match outcome(error) {
        Outcome::DryRun(body) => Ok(Response::json(200, body)),
        Outcome::Problem(problem) => Err(*problem),
    }
}

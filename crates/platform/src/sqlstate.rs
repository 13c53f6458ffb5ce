//! The one table from what PostgreSQL refused to what the client is told.

use crate::database::{Failure, Refusal};
use crate::problem::{FieldError, Kind, Problem};

/// Seconds after which a client may try again when the database was away.
const RETRY_AFTER: &str = "2";

/// What becomes of a failed statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A dry run: everything was rolled back on purpose, and this is the answer.
    DryRun(String),
    /// A problem for the client.
    Problem(Box<Problem>),
}

/// Turns a failure into what is answered.
pub fn outcome(failure: Failure) -> Outcome {
    match failure {
        Failure::Unavailable(cause) => problem(unavailable(cause)),
        Failure::Unexpected(cause) => problem(Problem::new(Kind::Internal).cause(cause)),
        Failure::Refused(refusal) => refused(*refusal),
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

fn refused(refusal: Refusal) -> Outcome {
    let line = format!("{}: {}", refusal.code, refusal.message);
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
            .detail("Read it again and repeat the change with the new ETag."),
        "LM422" => match listed(&refusal) {
            Some(errors) => Problem::invalid(errors),
            None => about_field(Kind::Invalid, "invalid", refusal),
        },
        "LM424" => Problem::new(Kind::KeyReused)
            .detail("Use a new Idempotency-Key for a new request."),
        "LM429" => Problem::new(Kind::TooManyRequests)
            .detail("Wait before the next attempt.")
            .header("retry-after", refusal.message),
        "LM503" => unavailable(line),
        // A unique key: what is there may be out of the caller's sight, so only the field is named.
        "23505" => match field_of(&refusal, "_key") {
            Some(field) => Problem {
                errors: vec![FieldError::new(
                    format!("/{field}"),
                    "not_unique",
                    "This value is taken.",
                )],
                ..Problem::new(Kind::Conflict)
            },
            None => Problem::new(Kind::Conflict).detail("It is there already."),
        },
        "23503" => match field_of(&refusal, "_fkey") {
            Some(field) => Problem::invalid(vec![FieldError::new(
                format!("/{field}"),
                "not_found",
                "There is no such thing here.",
            )]),
            None => Problem::new(Kind::Conflict).detail("Something still refers to it."),
        },
        "23514" | "23502" => match field_of(&refusal, "_check").or(refusal.column.clone()) {
            Some(field) => Problem::invalid(vec![FieldError::new(
                format!("/{field}"),
                "invalid",
                "This value isn't allowed.",
            )]),
            None => Problem::new(Kind::Invalid),
        }
        .cause(line),
        "23P01" => Problem::new(Kind::Conflict).detail("It overlaps with what is there."),
        "42501" => Problem::new(Kind::Forbidden).detail("This is out of your reach.").cause(line),
        // Text that can't be stored, numbers and times out of range, bad casts: the input's fault.
        code if code.starts_with("22") => Problem::new(Kind::Invalid)
            .detail("A value is out of the range that can be stored.")
            .cause(line),
        // Serialisation, deadlock, lock time-out: another request was faster; repeating helps.
        "40001" | "40P01" | "55P03" => unavailable(line),
        // Statement time-out, shutdown, start-up, out of connections, out of disk or memory, lost connection,
        // a connection that was left inside a transaction.
        "57014" | "57P01" | "57P02" | "57P03" | "57P05" | "2D000" | "25P02" | "25P03" => unavailable(line),
        code if code.starts_with("53") || code.starts_with("08") || code.starts_with("28") => unavailable(line),
        _ => Problem::new(Kind::Internal).cause(line),
    };
    problem(result)
}

/// Errors of many rows that a statement collected by itself, as JSON in the refusal's detail.
fn listed(refusal: &Refusal) -> Option<Vec<FieldError>> {
    #[derive(serde::Deserialize)]
    struct Listed {
        pointer: String,
        detail: String,
    }
    let listed: Vec<Listed> = serde_json::from_str(refusal.detail.as_deref()?).ok()?;
    Some(
        listed
            .into_iter()
            .map(|error| FieldError::new(error.pointer, "invalid", error.detail))
            .collect(),
    )
}

/// One of our own refusals, whose message is meant for the client and whose column is the field.
fn about_field(kind: Kind, code: &'static str, refusal: Refusal) -> Problem {
    match refusal.column {
        Some(field) if !field.is_empty() => Problem {
            errors: vec![FieldError::new(format!("/{field}"), code, refusal.message)],
            ..Problem::new(kind)
        },
        _ => Problem::new(kind).detail(refusal.message),
    }
}

/// The field that a constraint is about; constraints are named `<table>_<field><suffix>`, and the unique
/// indexes that document 4 names are `idx_<table>_<field>`.
fn field_of(refusal: &Refusal, suffix: &str) -> Option<String> {
    let table = refusal.table.as_deref()?;
    let constraint = refusal.constraint.as_deref()?;
    let (name, suffix) = match constraint.strip_prefix("idx_") {
        Some(rest) => (rest, ""),
        None => (constraint, suffix),
    };
    let field = name.strip_prefix(table)?.strip_prefix('_')?;
    field.strip_suffix(suffix).map(str::to_owned)
}

//! Why a statement gave no answer, as the database said it.
//!
//! `sql::sqlstate` turns these errors into problems for the client.

/// Why a statement gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryError {
    /// The database can't be reached or can't take more work.
    Unavailable(String),
    /// PostgreSQL refused the statement.
    Refused(Box<DatabaseError>),
    /// The answer wasn't of the agreed shape: a fault of ours.
    Unexpected(String),
}

/// PostgreSQL's words on a refused statement.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
pub struct DatabaseError {
    /// SQLSTATE, five characters.
    pub code: String,
    /// The primary message.
    pub message: String,
    /// The detail.
    pub detail: Option<String>,
    /// The constraint's name.
    pub constraint: Option<String>,
    /// The table's name.
    pub table: Option<String>,
    /// The column's name; our own refusals put the field's name there.
    pub column: Option<String>,
}

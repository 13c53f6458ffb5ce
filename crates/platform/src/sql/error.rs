//! The errors of a statement, as the database reported them. They are converted to problems in
//! `sql::sqlstate`.

/// The reason why a statement gave no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryError {
    /// The database cannot be reached or cannot take more work.
    Unavailable(String),
    /// PostgreSQL refused the statement.
    Refused(Box<DatabaseError>),
    /// The result did not have the agreed form, which is an internal error.
    Unexpected(String),
}

/// The fields of an error that PostgreSQL reported.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
pub struct DatabaseError {
    /// The SQLSTATE, five characters.
    pub code: String,
    /// The primary message.
    pub message: String,
    /// The detail.
    pub detail: Option<String>,
    /// The constraint's name.
    pub constraint: Option<String>,
    /// The table's name.
    pub table: Option<String>,
    /// The column's name; errors raised by the schema itself put the field's name there.
    pub column: Option<String>,
}

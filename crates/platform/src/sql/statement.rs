//! Statements: SQL that is made of the program's own text only.
//!
//! The one way to add to a [`Sql`] takes `&'static str`, so nothing that a client sends can become SQL;
//! values travel in the one `jsonb` argument, `$1`.

use sha2::{Digest, Sha256};

use crate::values::random::hex;

/// A statement as text, with the name under which the server keeps it prepared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Empty when the statement is not worth keeping on the server.
    pub name: String,
    /// The text. It takes one parameter of type `jsonb` and answers at most one row `(body text, tag text)`.
    pub text: String,
}

impl Statement {
    /// The statement of an operation: a comment in front of it tells logs and plans who asked, and the server keeps it
    /// prepared under the operation's name.
    pub fn named(operation: &'static str, sql: impl Into<Sql>) -> Statement {
        let mut named = Sql::default();
        named
            .push("-- ")
            .push(operation)
            .push("\n")
            .append(&sql.into());
        named.prepared(operation)
    }
}

/// SQL under construction.
#[derive(Debug, Clone, Default)]
pub struct Sql(String);

impl Sql {
    /// Begins with a comment that names the function, so that logs and plans tell who asked.
    pub fn named(operation: &'static str, verb: &'static str) -> Sql {
        let mut sql = Sql(String::with_capacity(2048));
        sql.push("-- ")
            .push(operation)
            .push(".")
            .push(verb)
            .push("\n");
        sql
    }

    /// Adds text of the program's own.
    pub fn push(&mut self, text: &'static str) -> &mut Sql {
        self.0.push_str(text);
        self
    }

    /// Adds what was built apart.
    pub fn append(&mut self, other: &Sql) -> &mut Sql {
        self.0.push_str(&other.0);
        self
    }

    /// The text so far.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The statement, kept prepared by the server under its operation and the first 16 hex digits of its
    /// text's SHA-256, which `lms.run` verifies when it prepares it.
    pub fn prepared(self, operation: &str) -> Statement {
        self.kept(operation, '#')
    }

    /// The statement, kept prepared by the server as long as it is among those that are used most: for the many
    /// shapes of one operation, of which a connection keeps a few (`~` says so to `lms.run`).
    pub fn prepared_while_used(self, operation: &str) -> Statement {
        self.kept(operation, '~')
    }

    fn kept(self, operation: &str, mark: char) -> Statement {
        let digest = Sha256::digest(self.0.as_bytes());
        Statement {
            name: format!("{operation}{mark}{}", hex(&digest[..8])),
            text: self.0,
        }
    }

    /// The statement, planned for this call only: for shapes that clients compose freely, which would
    /// otherwise fill the server's memory.
    pub fn unprepared(self) -> Statement {
        Statement {
            name: String::new(),
            text: self.0,
        }
    }
}

impl From<&'static str> for Sql {
    fn from(text: &'static str) -> Sql {
        Sql(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prepared_statement_is_named_after_its_text() {
        let statement = Sql::named("lamps", "get").prepared("lamps");
        assert_eq!(statement.text, "-- lamps.get\n");
        let digest = hex(&Sha256::digest("-- lamps.get\n"));
        assert_eq!(statement.name, format!("lamps#{}", &digest[..16]));
        let statement = Sql::named("lamps", "get").prepared_while_used("lamps");
        assert_eq!(statement.name, format!("lamps~{}", &digest[..16]));
    }

    #[test]
    fn parts_are_put_together_in_order() {
        let mut sql = Sql::from("select ");
        let mut part = Sql::default();
        part.push("1").push(" + 2");
        sql.append(&part).push(" as sum");
        assert_eq!(sql.as_str(), "select 1 + 2 as sum");
        let statement = sql.unprepared();
        assert_eq!(
            (statement.name.as_str(), statement.text.as_str()),
            ("", "select 1 + 2 as sum")
        );
    }
}

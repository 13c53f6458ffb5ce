//! Statements: SQL that consists only of the program's own text. The SQL of the plain verbs is
//! composed in `declare::statements`.
//!
//! The only way to add to a [`Sql`] takes `&'static str`, so that nothing that a client sends can
//! become SQL. Values are passed in the one `jsonb` argument, `$1`.

use sha2::{Digest, Sha256};

/// A statement as text, with the name under which the server keeps it prepared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The name; empty if the server does not keep the statement prepared.
    pub name: String,
    /// The text. It takes one parameter of type `jsonb` and returns at most one row `(body text,
    /// tag text)`.
    pub text: String,
}

impl Statement {
    /// Creates the statement of an operation. A comment before it shows the operation in logs and
    /// plans, and the server keeps it prepared under the operation's name.
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
    /// Begins with a comment that names the operation, so that logs and plans show it.
    pub fn named(operation: &'static str, verb: &'static str) -> Sql {
        let mut sql = Sql(String::with_capacity(2048));
        sql.push("-- ")
            .push(operation)
            .push(".")
            .push(verb)
            .push("\n");
        sql
    }

    /// Adds text of the program.
    pub fn push(&mut self, text: &'static str) -> &mut Sql {
        self.0.push_str(text);
        self
    }

    /// Adds a part that was composed separately.
    pub fn append(&mut self, other: &Sql) -> &mut Sql {
        self.0.push_str(&other.0);
        self
    }

    /// Returns the text so far.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the statement, which the server keeps prepared under its operation and the first 16
    /// hex digits of its text's SHA-256. `lms.run` verifies the hash when it prepares the
    /// statement.
    pub fn prepared(self, operation: &str) -> Statement {
        self.kept(operation, '#')
    }

    /// Returns the statement, which the server keeps prepared as long as it is among the most used
    /// ones. It is for the many forms of one operation, of which a connection keeps a few (`~`
    /// tells that to `lms.run`).
    pub fn prepared_while_used(self, operation: &str) -> Statement {
        self.kept(operation, '~')
    }

    fn kept(self, operation: &str, mark: char) -> Statement {
        let digest = Sha256::digest(self.0.as_bytes());
        Statement {
            name: format!("{operation}{mark}{}", hex::encode(&digest[..8])),
            text: self.0,
        }
    }

    /// Returns the statement, which is planned for each call. It is for forms that clients compose
    /// freely, which would otherwise fill the server's memory.
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
        let digest = hex::encode(Sha256::digest("-- lamps.get\n"));
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

//! Statements: SQL that is made of the program's own text only.
//!
//! The one way to add to a [`Sql`] takes `&'static str`, so nothing that a client sends can become SQL;
//! values travel in the one `jsonb` argument, `$1`.

use sha2::{Digest, Sha256};

use crate::random::hex;

/// A statement as text, with the name under which the server keeps it prepared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Empty when the statement is not worth keeping on the server.
    pub name: String,
    /// The text. It takes one parameter of type `jsonb` and answers at most one row `(body text, tag text)`.
    pub text: String,
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
        let digest = Sha256::digest(self.0.as_bytes());
        Statement {
            name: format!("{operation}#{}", hex(&digest[..8])),
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

//! Whether a statement opens or ends a transaction.
//!
//! A guest may be stopped, or go away, between its `BEGIN` and its `COMMIT`. The pool must know,
//! so that the next borrower of the connection does not find itself inside that transaction. The
//! wire protocol takes one statement at a time, and procedures cannot leave a transaction open, so
//! that the first words of a statement decide.

/// What a statement does to the session's transaction, if it succeeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    None,
    Opens,
    Ends,
}

/// The effect of the statement `sql`.
pub(crate) fn effect(sql: &str) -> Effect {
    let sql = after_comments(sql);
    let first = word(sql);
    if is(first, &["begin", "start"]) {
        Effect::Opens
    } else if is(first, &["commit", "end", "rollback", "abort", "prepare"]) {
        ending(&sql[first.len()..])
    } else {
        Effect::None
    }
}

/// `rollback to savepoint` does not end a transaction, `commit and chain` opens the next one, and
/// `commit prepared` and `prepare name as` concern another. `prepare transaction` ends this one.
fn ending(mut rest: &str) -> Effect {
    let mut effect = Effect::Ends;
    let mut no = false;
    loop {
        rest = after_comments(rest);
        let next = word(rest);
        if next.is_empty() {
            return effect;
        }
        if is(next, &["to", "prepared", "as"]) {
            return Effect::None;
        }
        if is(next, &["chain"]) && !no {
            effect = Effect::Opens;
        }
        no = is(next, &["no"]);
        rest = &rest[next.len()..];
    }
}

fn is(word: &str, any_of: &[&str]) -> bool {
    any_of.iter().any(|other| word.eq_ignore_ascii_case(other))
}

fn word(text: &str) -> &str {
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    &text[..end]
}

/// The text after leading blanks and comments. Comments between slashes and stars nest.
fn after_comments(mut text: &str) -> &str {
    loop {
        text = text.trim_start();
        if let Some(comment) = text.strip_prefix("--") {
            text = comment.find('\n').map_or("", |end| &comment[end..]);
        } else if text.starts_with("/*") {
            text = after_block_comment(text);
        } else {
            return text;
        }
    }
}

fn after_block_comment(text: &str) -> &str {
    let mut depth = 0_usize;
    let mut rest = text;
    loop {
        if let Some(inner) = rest.strip_prefix("/*") {
            depth += 1;
            rest = inner;
        } else if let Some(outer) = rest.strip_prefix("*/") {
            depth -= 1;
            rest = outer;
            if depth == 0 {
                return rest;
            }
        } else {
            let mut characters = rest.chars();
            if characters.next().is_none() {
                return "";
            }
            rest = characters.as_str();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_that_open() {
        for sql in [
            "begin",
            "BEGIN ISOLATION LEVEL SERIALIZABLE",
            "  start transaction read only",
            "-- why\nbegin;",
            "/* a /* nested */ comment */ Begin",
            "commit and chain",
            "rollback work and chain",
        ] {
            assert_eq!(effect(sql), Effect::Opens, "{sql}");
        }
    }

    #[test]
    fn statements_that_end() {
        for sql in [
            "commit",
            "END;",
            "rollback work",
            "abort",
            "commit and no chain",
            "prepare transaction 'x'",
        ] {
            assert_eq!(effect(sql), Effect::Ends, "{sql}");
        }
    }

    #[test]
    fn statements_that_do_neither() {
        for sql in [
            "",
            "select 1",
            "call lms.run($1)",
            "rollback to savepoint a",
            "rollback to a",
            "commit prepared 'x'",
            "prepare name as select 1",
            "/* begin */ select 1",
            "-- begin",
            "/* never closed begin",
            "beginning",
        ] {
            assert_eq!(effect(sql), Effect::None, "{sql}");
        }
    }
}

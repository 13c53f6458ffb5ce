//! The effect of a statement on its session's transaction: it may begin or end one. The state of
//! the transaction is kept in `session`.
//!
//! A guest may be stopped between its `BEGIN` and its `COMMIT`. The pool must know, so that the
//! next user of the connection is not inside that transaction. The extended query protocol accepts
//! one statement at a time, and procedures cannot leave a transaction open, so that the first words
//! of a statement are enough to tell.

/// The effect of a successful statement on the session's transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    None,
    Begin,
    End,
}

/// Returns the effect of the statement `sql`.
pub(crate) fn effect(sql: &str) -> Effect {
    let sql = after_comments(sql);
    let first = word(sql);
    if is(first, &["begin", "start"]) {
        Effect::Begin
    } else if is(first, &["commit", "end", "rollback", "abort", "prepare"]) {
        effect_of_end(&sql[first.len()..])
    } else {
        Effect::None
    }
}

/// Returns the effect of a statement by the words after the first, which may end a transaction.
///
/// `rollback to savepoint` does not end a transaction, `commit and chain` begins the next one, and
/// `commit prepared` and `prepare name as` concern none of this session. `prepare transaction` ends
/// it.
fn effect_of_end(mut rest: &str) -> Effect {
    let mut effect = Effect::End;
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
            effect = Effect::Begin;
        }
        no = is(next, &["no"]);
        rest = &rest[next.len()..];
    }
}

fn is(word: &str, any_of: &[&str]) -> bool {
    any_of.iter().any(|other| word.eq_ignore_ascii_case(other))
}

/// Returns the word with which the text begins.
pub(super) fn word(text: &str) -> &str {
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    &text[..end]
}

/// Skips leading whitespace and comments. Block comments nest.
pub(super) fn after_comments(mut text: &str) -> &str {
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
    fn statements_that_begin_a_transaction() {
        for sql in [
            "begin",
            "BEGIN ISOLATION LEVEL SERIALIZABLE",
            "  start transaction read only",
            "-- why\nbegin;",
            "/* a /* nested */ comment */ Begin",
            "commit and chain",
            "rollback work and chain",
        ] {
            assert_eq!(effect(sql), Effect::Begin, "{sql}");
        }
    }

    #[test]
    fn statements_that_end_a_transaction() {
        for sql in [
            "commit",
            "END;",
            "rollback work",
            "abort",
            "commit and no chain",
            "prepare transaction 'x'",
        ] {
            assert_eq!(effect(sql), Effect::End, "{sql}");
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

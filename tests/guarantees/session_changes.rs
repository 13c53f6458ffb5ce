//! Tests that no SQL of the product changes its session beyond its transaction. The host does not
//! reset connections between the requests of components (`local::runtime`).

use anyhow::ensure;
use tests::run;

/// Statements that change the session.
const STATEMENTS: [&str; 5] = ["set", "reset", "listen", "discard", "load"];

/// The tokens after which a statement of PL/pgSQL may begin.
const BEFORE_STATEMENT: [&str; 6] = [";", "begin", "then", "else", "loop", "$"];

/// Returns the words and the other characters of a text without its comments, in lower case.
fn tokens(sql: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    for line in sql.lines() {
        let code = line.split("--").next().unwrap_or_default().to_lowercase();
        let mut word = String::new();
        for character in code.chars().chain([' ']) {
            if character.is_alphanumeric() || "_.".contains(character) {
                word.push(character);
                continue;
            }
            if !word.is_empty() {
                tokens.push(std::mem::take(&mut word));
            }
            if !character.is_whitespace() {
                tokens.push(character.to_string());
            }
        }
    }
    tokens
}

/// Returns true if the call whose parentheses begin the tokens has `true` as its last argument.
fn ends_with_true(call: &[String]) -> bool {
    let mut depth = 0_usize;
    for (index, token) in call.iter().enumerate() {
        match token.as_str() {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return matches!(&call[..index], [.., comma, last] if comma == "," && last == "true");
        }
    }
    false
}

/// Returns the changes in a text that outlive their transaction.
fn session_changes(sql: &str) -> Vec<String> {
    let tokens = tokens(sql);
    let word = |index: usize| tokens.get(index).map_or("", String::as_str);
    let mut changes = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let name = token.trim_start_matches("pg_catalog.");
        let before = index.checked_sub(1).map_or(";", word);
        // A dynamic statement is a string, perhaps the first argument of `format`.
        let is_dynamic =
            before == "'" && tokens[index.saturating_sub(5)..index].contains(&"execute".to_owned());
        let is_statement = STATEMENTS.contains(&name)
            && (BEFORE_STATEMENT.contains(&before) || is_dynamic)
            && !["local", "constraints"].contains(&word(index + 1));
        let is_change = is_statement
            || name.starts_with("pg_advisory_lock")
            || name.starts_with("pg_try_advisory_lock")
            || name == "setseed"
            || name == "set_config" && !ends_with_true(&tokens[index + 1..])
            || name == "create" && word(index + 1).starts_with("temp")
            || name == "with" && word(index + 1) == "hold";
        if is_change {
            changes.push(
                tokens[index..]
                    .iter()
                    .take(8)
                    .cloned()
                    .collect::<Vec<_>>()
                    .join(" "),
            );
        }
    }
    changes
}

#[test]
fn functions_and_statements_leave_the_session_as_it_was() {
    run(async |app| {
        let functions = app
            .superuser()
            .await?
            .query(
                "select p.oid::regprocedure::text, pg_get_functiondef(p.oid)
                from pg_proc as p
                where p.pronamespace in ('lms'::regnamespace, 'lms_private'::regnamespace)
                  and p.prokind in ('f', 'p')",
                &[],
            )
            .await?;
        let mut texts: Vec<(String, String)> = functions
            .iter()
            .map(|function| (function.get(0), function.get(1)))
            .collect();
        for file in std::fs::read_dir(tests::root().join("tests/golden/sql"))? {
            let path = file?.path();
            texts.push((path.display().to_string(), std::fs::read_to_string(&path)?));
        }
        ensure!(texts.len() > 200, "{} texts", texts.len());
        for (name, text) in texts {
            let changes = session_changes(&text);
            assert!(changes.is_empty(), "{name}: {changes:?}");
        }
        Ok(())
    });
}

#[test]
fn changes_of_the_session_are_recognised() {
    for sql in [
        "begin set work_mem = '5MB'; end",
        "if true then\n  listen news;\nend if",
        "begin perform 1; reset all; end",
        "select set_config('app.role', 'admin', false)",
        "select set_config('app.role', 'admin', is_local => false)",
        "select set_config('app.role', coalesce(x, 'admin'), 'f')",
        "select pg_catalog.set_config('search_path', 'x', not true)",
        "begin execute 'set role lms_owner'; end",
        "begin execute format('set role %I', name); end",
        "select pg_advisory_lock(7)",
        "select pg_try_advisory_lock_shared(7)",
        "create temporary table lamps ()",
        "declare lamps cursor with hold for select 1",
        "set app.role = 'admin'",
    ] {
        assert_eq!(
            session_changes(sql).len(),
            1,
            "{sql}: {:?}",
            session_changes(sql)
        );
    }
    for sql in [
        "begin set local work_mem = '5MB'; set constraints all immediate; end",
        "select set_config('app.role', coalesce(x, 'admin'), true)",
        "select pg_advisory_xact_lock(7)",
        "update lms.lamps as l\nset name = 'x' -- set by hand; listen",
        "create function f() returns void language sql set search_path = pg_catalog",
    ] {
        assert_eq!(session_changes(sql), Vec::<String>::new(), "{sql}");
    }
}

//! Tests of the conversion of database errors into problems. Their response in a whole request is
//! tested in `pipeline`.

use super::*;

fn refusal(code: &str) -> DatabaseError {
    DatabaseError {
        code: code.to_owned(),
        message: "said by the database".to_owned(),
        ..DatabaseError::default()
    }
}

fn about(code: &str, table: &str, constraint: &str) -> DatabaseError {
    DatabaseError {
        table: Some(table.to_owned()),
        constraint: Some(constraint.to_owned()),
        ..refusal(code)
    }
}

fn problem_of(refusal: DatabaseError) -> Problem {
    match outcome(QueryError::Refused(Box::new(refusal))) {
        Outcome::Problem(problem) => *problem,
        Outcome::DryRun(body) => panic!("a dry run: {body}"),
    }
}

/// Returns the pointer and the code of the only error.
fn error(problem: &Problem) -> (&str, &str) {
    assert_eq!(problem.errors.len(), 1, "{problem:?}");
    (&problem.errors[0].pointer, problem.errors[0].code)
}

#[test]
fn every_state_has_its_kind() {
    for (code, kind) in [
        ("LM401", Kind::Unauthenticated),
        ("LM403", Kind::Forbidden),
        ("LM404", Kind::NotFound),
        ("LM409", Kind::Conflict),
        ("LM412", Kind::Stale),
        ("LM422", Kind::Invalid),
        ("LM424", Kind::KeyReused),
        ("LM429", Kind::TooManyRequests),
        ("LM503", Kind::Unavailable),
        ("23505", Kind::Conflict),
        ("23503", Kind::Conflict),
        ("23514", Kind::Invalid),
        ("23502", Kind::Invalid),
        ("23P01", Kind::Conflict),
        ("42501", Kind::Forbidden),
        ("22001", Kind::Invalid),
        ("22003", Kind::Invalid),
        ("22008", Kind::Invalid),
        ("22021", Kind::Invalid),
        ("22P02", Kind::Invalid),
        ("22P05", Kind::Invalid),
        ("40001", Kind::Unavailable),
        ("40P01", Kind::Unavailable),
        ("25006", Kind::Unavailable),
        ("55P03", Kind::Unavailable),
        ("57014", Kind::Unavailable),
        ("57P01", Kind::Unavailable),
        ("57P02", Kind::Unavailable),
        ("57P03", Kind::Unavailable),
        ("57P05", Kind::Unavailable),
        ("2D000", Kind::Unavailable),
        ("25P02", Kind::Unavailable),
        ("25P03", Kind::Unavailable),
        ("53300", Kind::Unavailable),
        ("08006", Kind::Unavailable),
        ("28P01", Kind::Unavailable),
        ("42601", Kind::Internal),
        ("42P01", Kind::Internal),
        ("XX000", Kind::Internal),
        ("P0001", Kind::Internal),
        ("", Kind::Internal),
    ] {
        let problem = problem_of(refusal(code));
        assert_eq!(problem.kind, kind, "{code}");
        let is_later = problem
            .headers
            .iter()
            .any(|(name, _)| *name == "retry-after");
        let waits = [Kind::Unavailable, Kind::TooManyRequests].contains(&kind);
        assert_eq!(is_later, waits, "{code}");
    }
}

#[test]
fn only_words_of_our_own_are_shown() {
    for code in [
        "LM404", "LM412", "LM424", "LM503", "23505", "23503", "23514", "23502", "23P01", "42501",
        "22P02", "40001", "57014", "53300", "42601", "XX000",
    ] {
        let body = problem_of(refusal(code)).body("r");
        assert!(!body.contains("said by the database"), "{code}: {body}");
    }
    for code in ["LM401", "LM403", "LM409", "LM422"] {
        let body = problem_of(refusal(code)).body("r");
        assert!(body.contains("said by the database"), "{code}: {body}");
    }
}

#[test]
fn causes_for_the_operator_go_to_the_log() {
    for code in [
        "LM503", "23514", "42501", "22P02", "40001", "57014", "08006", "42601",
    ] {
        let cause = problem_of(refusal(code)).cause;
        assert_eq!(cause, Some(format!("{code}: said by the database")));
    }
}

#[test]
fn the_log_has_no_value_that_somebody_sent() {
    for (code, message, line) in [
        (
            "22P02",
            "invalid input syntax for type uuid: \"Ada Byron\"",
            "22P02: invalid input syntax for type uuid: …",
        ),
        (
            "22003",
            "value \"98765432109\" is out of range for type integer",
            "22003: value …",
        ),
        ("22012", "division by zero", "22012: division by zero"),
        (
            "42P01",
            "relation \"lms.lamps\" does not exist",
            "42P01: relation \"lms.lamps\" does not exist",
        ),
    ] {
        let problem = problem_of(DatabaseError {
            message: message.to_owned(),
            detail: Some("Failing row contains (Ada Byron).".to_owned()),
            ..refusal(code)
        });
        assert_eq!(problem.cause.as_deref(), Some(line));
    }
}

#[test]
fn our_own_refusals_name_their_field() {
    for (code, expected) in [("LM409", "conflict"), ("LM422", "invalid")] {
        let problem = problem_of(DatabaseError {
            column: Some("profile/parent_id".to_owned()),
            ..refusal(code)
        });
        assert_eq!(error(&problem), ("/profile/parent_id", expected));
        let bare = problem_of(DatabaseError {
            column: Some(String::new()),
            ..refusal(code)
        });
        assert!(bare.errors.is_empty());
        assert_eq!(bare.detail.as_deref(), Some("said by the database"));
    }
}

#[test]
fn constraints_name_their_field_and_never_themselves() {
    for (refusal, expected) in [
        (
            about("23505", "users", "users_email_key"),
            ("/email", "not_unique"),
        ),
        (
            about("23505", "users", "idx_users_email"),
            ("/email", "not_unique"),
        ),
        (
            about("23503", "staff", "staff_centre_id_fkey"),
            ("/centre_id", "not_found"),
        ),
        (
            about("23P01", "lamps", "lamps_place_excl"),
            ("/place", "conflict"),
        ),
        (
            about("23514", "classes", "classes_level_check"),
            ("/level", "invalid"),
        ),
    ] {
        let name = refusal.constraint.clone().unwrap();
        let problem = problem_of(refusal);
        assert_eq!(error(&problem), expected);
        assert!(!problem.body("r").contains(&name));
    }
    for (code, field, expected) in [
        ("23502", "name", ("/name", "invalid")),
        (
            "23503",
            "profile/parent_id",
            ("/profile/parent_id", "not_found"),
        ),
    ] {
        let named = DatabaseError {
            column: Some(field.to_owned()),
            ..refusal(code)
        };
        assert_eq!(error(&problem_of(named)), expected);
    }
    for other in [
        about("23505", "finance_records", "idx_finance_centre_id"),
        about("23505", "users", "users_pkey"),
        about("23505", "users", "staff_email_key"),
    ] {
        assert!(problem_of(other).errors.is_empty());
    }
}

#[test]
fn the_seconds_to_wait_come_from_the_database() {
    let problem = problem_of(DatabaseError {
        message: "37".to_owned(),
        ..refusal("LM429")
    });
    assert_eq!(problem.headers, [("retry-after", "37".to_owned())]);
}

#[test]
fn a_dry_run_is_an_answer() {
    let run = DatabaseError {
        detail: Some("{\"created\":2}".to_owned()),
        ..refusal("LM200")
    };
    assert_eq!(
        outcome(QueryError::Refused(Box::new(run))),
        Outcome::DryRun("{\"created\":2}".to_owned())
    );
    assert_eq!(problem_of(refusal("LM200")).kind, Kind::Internal);
}

#[test]
fn a_tenant_that_has_moved_is_found_at_its_url() {
    let moved = problem_of(DatabaseError {
        detail: Some("https://au.example.org".to_owned()),
        ..refusal("LM421")
    });
    assert_eq!(moved.kind, Kind::WrongRegion);
    assert_eq!(
        moved.headers,
        [("location", "https://au.example.org".to_owned())]
    );
    assert_eq!(problem_of(refusal("LM421")).kind, Kind::Internal);
}

#[test]
fn errors_of_rows_are_listed() {
    let listed = DatabaseError {
        detail: Some(
            r#"[{"row":2,"field":"email","code":"not_unique"},{"row":9,"field":"student_ids","code":"not_found"}]"#
                .to_owned(),
        ),
        ..refusal("LM422")
    };
    let problem = problem_of(listed);
    let errors: Vec<[&str; 3]> = problem
        .errors
        .iter()
        .map(|error| [error.pointer.as_str(), error.code, error.detail.as_str()])
        .collect();
    assert_eq!(
        errors,
        [
            ["/2/email", "not_unique", "The value is already in use."],
            ["/9/student_ids", "not_found", "No such student."],
        ]
    );
    let prose = DatabaseError {
        detail: Some("not JSON".to_owned()),
        ..refusal("LM422")
    };
    assert_eq!(
        problem_of(prose).detail.as_deref(),
        Some("said by the database")
    );
}

#[test]
fn without_a_database_the_client_comes_back_later() {
    let Outcome::Problem(away) = outcome(QueryError::Unavailable("refused".to_owned())) else {
        panic!("not a problem");
    };
    assert_eq!(away.kind, Kind::Unavailable);
    assert_eq!(away.headers, [("retry-after", "2".to_owned())]);
    assert_eq!(away.cause.as_deref(), Some("refused"));
    let Outcome::Problem(odd) = outcome(QueryError::Unexpected("odd".to_owned())) else {
        panic!("not a problem");
    };
    assert_eq!(
        (odd.kind, odd.cause.as_deref()),
        (Kind::Internal, Some("odd"))
    );
}

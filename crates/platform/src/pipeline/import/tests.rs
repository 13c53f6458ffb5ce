//! Tests of reading an imported file. The division into records is tested in `records`.

use proptest::prelude::*;

use super::*;
use crate::fixture::{ADMIN, KEEPER, LAMPS};
use crate::sql::error::DatabaseError;

/// Returns the rows of a file that arrives in pieces.
fn rows(grant: &'static Grant, file: &[u8]) -> Result<Vec<Value>, Problem> {
    let mut reader = Reader::new(&LAMPS, grant, false);
    for piece in file.chunks(64) {
        reader.take(piece)?;
    }
    let arguments: Value = serde_json::from_str(&reader.finish()?.arguments).unwrap();
    assert_eq!(arguments["dry_run"], false);
    Ok(arguments["rows"].as_array().unwrap().clone())
}

fn read(file: &str) -> Result<Vec<Value>, Problem> {
    rows(&ADMIN, file.as_bytes())
}

/// Returns the inputs of the rows, with their row numbers.
fn inputs(file: &str) -> Vec<(u64, Value)> {
    read(file)
        .unwrap()
        .into_iter()
        .map(|row| (row["row"].as_u64().unwrap(), row["input"].clone()))
        .collect()
}

fn refused(file: &str) -> (u16, Vec<(String, &'static str)>) {
    let problem = read(file).expect_err(file);
    let errors = problem.errors.iter();
    let mut errors: Vec<_> = errors
        .map(|error| (error.pointer.clone(), error.code))
        .collect();
    errors.sort();
    (problem.status(), errors)
}

#[test]
fn each_row_is_a_body_that_creates() {
    let file = "\u{feff}name, watts ,kind,tags,code\r\n\
        Desk,7,desk,\"[\"\"a\"\", \"\"b\"\"]\",\r\n\
        \" Floor lamp \",,,,\u{20}\r\n";
    assert_eq!(
        inputs(file),
        [
            (
                2,
                json!({"name": "Desk", "watts": 7, "kind": "desk", "tags": ["a", "b"]})
            ),
            (3, json!({"name": "Floor lamp", "code": " "})),
        ]
    );
}

#[test]
fn every_row_gets_an_id_of_its_own() {
    let rows = read("name\nA\nB\n").unwrap();
    assert_ne!(rows[0]["id"], rows[1]["id"]);
    assert!(validation::id(rows[0]["id"].as_str().unwrap()).is_some());
}

#[test]
fn the_apostrophe_that_an_export_put_before_a_formula_is_removed() {
    let names: Vec<Value> =
        inputs("name\n'=1+1\n'+1\n'-1\n'@x\n'＝1\n''=1\n't Hooft\n'quoted'\n''\n")
            .into_iter()
            .map(|(_, input)| input["name"].clone())
            .collect();
    let expected = [
        "=1+1", "+1", "-1", "@x", "＝1", "'=1", "'t Hooft", "'quoted'", "''",
    ];
    assert_eq!(names, expected);
}

#[test]
fn additions_of_spreadsheets_are_ignored() {
    let expected = [
        (2, json!({"name": "A", "watts": 7})),
        (3, json!({"name": "B", "watts": 8})),
    ];
    for file in [
        "Name, WATTS\nA,7\nB,8\n",
        "\u{feff}\"name\",\"watts\"\r\nA,7\r\nB,8",
        "name,watts,,\nA,7,,\nB,8,,\n,,,\n,,,\n",
        "name,watts\nA,7,\nB,8\n,\n\n",
    ] {
        assert_eq!(inputs(file), expected, "{file:?}");
    }
    assert_eq!(inputs("sep=,\nname\nA\n"), [(3, json!({"name": "A"}))]);
    // An empty row keeps its number.
    assert_eq!(
        inputs("name,watts\n,\nA,7\n"),
        [(3, json!({"name": "A", "watts": 7}))]
    );
}

#[test]
fn a_file_in_another_format_is_told_so() {
    for (file, what) in [
        (
            "name;watts\nA;7\n",
            "row 1 separates its cells with semicolons",
        ),
        (
            "sep=;\nname;watts\nA;7\n",
            "row 1 separates its cells with semicolons",
        ),
        ("name\twatts\nA\t7\n", "row 1 separates its cells with tabs"),
        (
            "n\0a\0m\0e\0\n",
            "row 1 is not text; save the file as CSV in UTF-8",
        ),
        (
            "PK\u{3}\u{4}\0\0",
            "row 1 is not text; save the file as CSV in UTF-8",
        ),
    ] {
        let problem = read(file).unwrap_err();
        assert_eq!(problem.status(), 400);
        assert!(problem.detail.unwrap().contains(what), "{file:?}");
    }
}

#[test]
fn a_cell_of_json_has_no_member_twice() {
    assert_eq!(
        refused("name,tags\nA,\"[{\"\"a\"\":1,\"\"a\"\":2}]\"\n"),
        (422, vec![("/2/tags".to_owned(), "wrong_type")])
    );
}

#[test]
fn columns_must_be_known_settable_and_named_once() {
    let unknown = |name: &str| (400, vec![(format!("/1/{name}"), "unknown_field")]);
    assert_eq!(refused("colour\nred\n"), unknown("colour"));
    assert_eq!(refused("name,is_on\nA,true\n"), unknown("is_on"));
    assert_eq!(refused("name,id\nA,7\n"), unknown("id"));
    assert_eq!(refused(",name\n7,A\n"), unknown(""));
    assert_eq!(refused("name,\nA,7\n"), (400, vec![]));
    assert_eq!(
        refused("name,name\nA,B\n"),
        (400, vec![("/1/name".to_owned(), "duplicate")])
    );
    let limited = rows(&KEEPER, b"name,watts\nA,7\n").unwrap_err();
    assert_eq!(limited.errors[0].pointer, "/1/watts");
    assert_eq!(
        limited.errors[0].detail,
        "Unknown column. The columns are: name, tags."
    );
}

#[test]
fn rows_keep_their_numbers_behind_blank_lines() {
    let numbers =
        |file: &str| -> Vec<u64> { inputs(file).into_iter().map(|(row, _)| row).collect() };
    assert_eq!(numbers("name\n\nA\n\n\nB\n"), [3, 6]);
    assert_eq!(numbers("\r\nname,code\r\nA,\"A\r\nA\"\r\nB,b"), [3, 4]);
    assert_eq!(
        refused("name,watts\n\nA,1\n\n,x\n").1,
        [("/5/name", "required"), ("/5/watts", "wrong_type")]
            .map(|(at, code)| (at.to_owned(), code))
    );
    assert_eq!(
        refused("\n\ncolour\n"),
        (400, vec![("/3/colour".to_owned(), "unknown_field")])
    );
    let ragged = read("name,watts\n\nA\n").unwrap_err();
    let detail = "The file is not valid CSV: row 3 has 1 cells, but the header has 2.";
    assert_eq!(ragged.detail.as_deref(), Some(detail));
}

#[test]
fn a_file_of_too_many_rows_is_too_large() {
    let file = |rows: usize| format!("name\n{}", "A\n".repeat(rows));
    assert_eq!(read(&file(MAX_IMPORT_ROWS)).unwrap().len(), MAX_IMPORT_ROWS);
    assert_eq!(refused(&file(MAX_IMPORT_ROWS + 1)).0, 413);
}

#[test]
fn errors_name_row_and_column() {
    let file = "name,watts,bought_on,tags,owner_id\n\
        A,1,2026-03-29,,\n\
        ,x,2026-02-30,[,7\n\
        B,101,,{},\n";
    assert_eq!(
        refused(file),
        (
            422,
            [
                ("/3/bought_on", "invalid_date"),
                ("/3/name", "required"),
                ("/3/owner_id", "invalid_id"),
                ("/3/tags", "wrong_type"),
                ("/3/watts", "wrong_type"),
                ("/4/tags", "wrong_type"),
                ("/4/watts", "out_of_range"),
            ]
            .map(|(at, code)| (at.to_owned(), code))
            .to_vec()
        )
    );
}

#[test]
fn a_file_that_is_not_csv_is_malformed() {
    for file in ["name,watts\nA\n", "name\nA,B\n"] {
        assert_eq!(refused(file), (400, vec![]));
    }
    assert_eq!(rows(&ADMIN, b"name\n\xff\n").unwrap_err().status(), 400);
    assert_eq!(rows(&ADMIN, b"na\xffme\nA\n").unwrap_err().status(), 400);
}

#[test]
fn a_file_without_rows_is_invalid() {
    for file in ["", "\n", "name\n", "name,watts\r\n"] {
        assert_eq!(refused(file), (422, vec![]), "{file:?}");
    }
}

#[test]
fn no_more_than_a_hundred_errors_are_answered() {
    let file = format!("name,watts\n{}", ",x\n".repeat(5_000));
    assert_eq!(refused(&file).1.len(), MAX_ERRORS);
    let wide = "colour,".repeat(5_000);
    assert_eq!(refused(&wide).1.len(), MAX_ERRORS);
}

#[test]
fn the_statement_makes_all_rows_or_none() {
    let statement = crate::declare::statements::import::statement(&LAMPS);
    assert_eq!(statement.name, "");
    for part in [
        "insert into lms.lamps (id, name, owner_id, kind, watts, bought_on, tags, code)",
        "coalesce((one->'input'->>'watts')::bigint, 10)",
        "coalesce(nullif(one->'input'->'tags', 'null'::jsonb), '[]'::jsonb)",
        "lms.check_import_rows($1->'rows', 'lamps', array['owner_id:users']::text[])",
        "case when ($1->>'dry_run')::boolean then 'dry_run' end as tag",
    ] {
        assert!(statement.text.contains(part), "{part}: {}", statement.text);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_crash(
        header in "(name|watts|tags|[a-z]{0,3})(,(name|kind|bought_on|tags)){0,3}",
        body in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b','), Just(b'"'), any::<u8>()], 0..80),
    ) {
        let file = [header.as_bytes(), b"\n", &body].concat();
        match rows(&ADMIN, &file) {
            Ok(rows) => prop_assert!(!rows.is_empty()),
            Err(problem) => prop_assert!([400, 422].contains(&problem.status())),
        }
    }
}

#[test]
fn a_row_that_the_database_refuses_is_named() {
    let mut reader = Reader::new(&LAMPS, &ADMIN, false);
    reader.take(b"name\nA\n\nB\n").unwrap();
    let batch = reader.finish().unwrap();
    let arguments: Value = serde_json::from_str(&batch.arguments).unwrap();
    let refusal = |detail: Option<&str>| {
        QueryError::Refused(Box::new(DatabaseError {
            code: "LM409".to_owned(),
            column: Some("watts".to_owned()),
            detail: detail.map(str::to_owned),
            ..DatabaseError::default()
        }))
    };
    let located = |detail: Option<&str>| match batch.row_numbers.locate(refusal(detail)) {
        QueryError::Refused(refusal) => refusal.column,
        other => panic!("{other:?}"),
    };
    let second = arguments["rows"][1]["id"].as_str();
    assert_eq!(located(second).as_deref(), Some("4/watts"));
    for unknown in [None, Some(""), Some("01a20a24-1a71-71cf-a98e-d3f624d40b7a")] {
        assert_eq!(located(unknown).as_deref(), Some("watts"));
    }
}

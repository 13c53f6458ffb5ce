//! Tests that balances equal a model after random records and reversals, with every filter.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use proptest::prelude::*;
use serde_json::{Value, json};
use tests::{
    Application, Session,
    finance_records::{create, journal_entries, reverse},
    fixtures, queries, random_samples, role, run,
};
use uuid::Uuid;

/// Currencies with the number of minor units in one unit.
const CURRENCIES: [(&str, i64); 3] = [("EUR", 100), ("JPY", 1), ("KWD", 1000)];
const TYPES: [&str; 4] = ["payment", "salary", "expense", "reimbursement"];
const METHODS: [&str; 3] = ["card", "cash", "transfer"];
const DAYS: [&str; 3] = ["2031-01-31", "2031-02-01", "2031-02-28"];

/// A step of the test, whose indexes refer to the constants above, to the students and tutors, and to the centres.
#[derive(Debug, Clone)]
enum Step {
    Record {
        centre: usize,
        kind: usize,
        person: usize,
        currency: usize,
        units: i64,
        method: usize,
        day: usize,
    },
    /// Reverses the record that is this many places before the last one.
    Reverse { back: usize, day: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let indices = (0..2_usize, 0..4_usize, 0..2_usize, 0..3_usize);
    prop_oneof![
        4 => (indices, 1..10_000_000_i64, 0..3_usize, 0..3_usize).prop_map(
            |((centre, kind, person, currency), units, method, day)| Step::Record {
                centre, kind, person, currency, units, method, day
            }
        ),
        2 => (0..6_usize, 0..3_usize).prop_map(|(back, day)| Step::Reverse { back, day }),
    ]
}

/// A record in the model.
#[derive(Clone)]
struct Entry {
    answer: Value,
    centre: Uuid,
    kind: usize,
    student: Option<Uuid>,
    tutor: Option<Uuid>,
    currency: usize,
    /// The amount in minor units, negative for a reversal.
    units: i64,
    day: usize,
    is_reversal: bool,
    is_reversed: bool,
}

/// Formats an amount in minor units as the API does.
fn amount(units: i64, currency: usize) -> String {
    let per_one = CURRENCIES[currency].1;
    let sign = if units < 0 { "-" } else { "" };
    let (whole, rest) = (units.abs() / per_one, units.abs() % per_one);
    match per_one {
        1 => format!("{sign}{whole}"),
        100 => format!("{sign}{whole}.{rest:02}"),
        _ => format!("{sign}{whole}.{rest:03}"),
    }
}

/// Computes the balance of entries as the API shows it.
fn figures<'a>(entries: impl Iterator<Item = &'a Entry>) -> Vec<Value> {
    let mut sums: BTreeMap<usize, ([i64; 4], i64)> = BTreeMap::new();
    for entry in entries {
        let (by_kind, records) = sums.entry(entry.currency).or_default();
        by_kind[entry.kind] += entry.units;
        *records += 1;
    }
    sums.iter()
        .map(|(currency, (by_kind, records))| {
            let text = |units: i64| amount(units, *currency);
            json!({
                "currency": CURRENCIES[*currency].0,
                "payments": text(by_kind[0]),
                "salaries": text(by_kind[1]),
                "expenses": text(by_kind[2]),
                "reimbursements": text(by_kind[3]),
                "net": text(by_kind[0] - by_kind[1] - by_kind[2] - by_kind[3]),
                "records": records,
            })
        })
        .collect()
}

/// New centres, whose balances include only the records of this test.
struct Fixture {
    centres: [Uuid; 2],
    students: [Uuid; 2],
    tutors: [Uuid; 2],
}

async fn set_up(app: &Application, admin: &Session) -> Result<Fixture> {
    let mut centres = Vec::new();
    for _ in 0..2 {
        let code = format!("c{}", Uuid::now_v7().simple());
        let body = json!({"name": "New", "code": code, "time_zone": "UTC", "currency": "EUR"});
        let created = app.post(admin, "/v1/centres", body).await?.expect(201);
        centres.push(fixtures::parse_id(&created.json())?);
    }
    let (first, second) = (centres[0], centres[1]);
    Ok(Fixture {
        centres: [first, second],
        students: [
            fixtures::create_student(app, admin, first).await?,
            fixtures::create_student(app, admin, second).await?,
        ],
        tutors: [
            fixtures::create_tutor(app, admin, first, 5).await?,
            fixtures::create_tutor(app, admin, second, 5).await?,
        ],
    })
}

/// Applies a step to the ledger and to the model.
async fn apply_step(
    app: &Application,
    finance: &Session,
    fixture: &Fixture,
    entries: &mut Vec<Entry>,
    step: &Step,
) -> Result<()> {
    match *step {
        Step::Record {
            centre,
            kind,
            person,
            currency,
            units,
            method,
            day,
        } => {
            let (student, tutor) = match (kind, person) {
                (0, _) | (3, 0) => (Some(fixture.students[person]), None),
                (1, _) | (3, _) => (None, Some(fixture.tutors[person])),
                _ => (None, None),
            };
            let body = json!({
                "centre_id": fixture.centres[centre],
                "type": TYPES[kind],
                "student_id": student,
                "tutor_id": tutor,
                "amount": amount(units, currency),
                "currency": CURRENCIES[currency].0,
                "method": METHODS[method],
                "effective_on": DAYS[day],
            });
            entries.push(Entry {
                answer: create(app, finance, &body).await?,
                centre: fixture.centres[centre],
                kind,
                student,
                tutor,
                currency,
                units,
                day,
                is_reversal: false,
                is_reversed: false,
            });
        }
        Step::Reverse { back, day } => {
            let Some(index) = entries.len().checked_sub(back + 1) else {
                return Ok(());
            };
            let of = entries[index].clone();
            let body = json!({"effective_on": DAYS[day]});
            let reply = reverse(app, finance, &of.answer["id"], &body).await?;
            if of.is_reversal || of.is_reversed {
                reply.expect(409);
            } else if day < of.day {
                assert_eq!(reply.expect(422).pointers(), ["/effective_on"]);
            } else {
                entries[index].is_reversed = true;
                entries.push(Entry {
                    answer: reply.expect(201).json(),
                    units: -of.units,
                    day,
                    is_reversal: true,
                    ..of
                });
            }
        }
    }
    Ok(())
}

/// A filter as a query string, with its predicate for entries.
type Filter = (String, Box<dyn Fn(&Entry) -> bool>);

fn filters(fixture: &Fixture) -> Vec<Filter> {
    let mut filters: Vec<Filter> = Vec::new();
    for centre in fixture.centres {
        let of_centre = move |entry: &Entry| entry.centre == centre;
        let query = format!("centre_id={centre}");
        filters.push((query.clone(), Box::new(of_centre)));
        for (index, kind) in TYPES.into_iter().enumerate() {
            let query = format!("{query}&type={kind}");
            filters.push((
                query,
                Box::new(move |entry| of_centre(entry) && entry.kind == index),
            ));
        }
        for (index, (currency, _)) in CURRENCIES.into_iter().enumerate() {
            let query = format!("{query}&currency={currency}");
            filters.push((
                query,
                Box::new(move |entry| of_centre(entry) && entry.currency == index),
            ));
        }
        for (from, to) in [(0, 0), (1, 2), (0, 2), (2, 1)] {
            let query = format!("{query}&from={}&to={}", DAYS[from], DAYS[to]);
            let is_in = move |entry: &Entry| of_centre(entry) && (from..=to).contains(&entry.day);
            filters.push((query, Box::new(is_in)));
        }
        for student in fixture.students {
            let query = format!("{query}&student_id={student}");
            let is_of = move |entry: &Entry| of_centre(entry) && entry.student == Some(student);
            filters.push((query, Box::new(is_of)));
        }
    }
    for student in fixture.students {
        let is_of = move |entry: &Entry| entry.student == Some(student);
        filters.push((format!("student_id={student}"), Box::new(is_of)));
        let query = format!("student_id={student}&from={}&type=payment", DAYS[1]);
        let is_in = move |entry: &Entry| is_of(entry) && entry.day >= 1 && entry.kind == 0;
        filters.push((query, Box::new(is_in)));
        let query = format!("student_id={student}&tutor_id={}", fixture.tutors[0]);
        filters.push((query, Box::new(|_| false)));
    }
    for tutor in fixture.tutors {
        let is_of = move |entry: &Entry| entry.tutor == Some(tutor);
        filters.push((format!("tutor_id={tutor}"), Box::new(is_of)));
        let query = format!("tutor_id={tutor}&to={}&currency=JPY", DAYS[1]);
        let is_in = move |entry: &Entry| is_of(entry) && entry.day <= 1 && entry.currency == 1;
        filters.push((query, Box::new(is_in)));
    }
    filters
}

/// Asserts that totals, records and entries of a centre equal the model.
async fn assert_reconciled(
    app: &Application,
    finance: &Session,
    centre: Uuid,
    entries: &[Entry],
) -> Result<()> {
    let path = format!("/v1/finance-records/reconciliation?centre_id={centre}");
    let proof = app.get(finance, &path).await?.expect(200).json();
    assert_eq!(
        (&proof["consistent"], &proof["missing_numbers"]),
        (&json!(true), &json!(0))
    );
    let expected = figures(entries.iter().filter(|entry| entry.centre == centre));
    let listed = proof["data"].as_array().context("data")?;
    assert_eq!(listed.len(), expected.len());
    for one in listed {
        assert_eq!(one["centre_id"], json!(centre));
        let figures = expected
            .iter()
            .find(|figures| figures["currency"] == one["currency"]);
        for name in ["by_totals", "by_records", "by_journal_entries"] {
            assert_eq!(Some(&one[name]), figures, "{name}");
        }
        let zero = one["sum_of_journal_entries"].as_str().context("a sum")?;
        assert!(zero.chars().all(|c| c == '0' || c == '.'), "{zero}");
        assert_eq!(
            (
                &one["wrong_journal_entries"],
                &one["missing_journal_entries"]
            ),
            (&json!(0), &json!(0))
        );
    }
    Ok(())
}

#[test]
fn balances_equal_a_model_after_random_records_and_reversals() {
    let sequences = random_samples::samples(3, &proptest::collection::vec(step(), 40));
    run(async move |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let finance = app.sign_in(role::FINANCE).await?;
        let mut reversals = 0;
        for steps in &sequences {
            let fixture = set_up(app, &admin).await?;
            let mut entries = Vec::new();
            for step in steps {
                apply_step(app, &finance, &fixture, &mut entries, step).await?;
            }
            reversals += entries.iter().filter(|entry| entry.is_reversal).count();
            for (query, is_in) in filters(&fixture) {
                let path = format!("/v1/finance-records/balance?{query}");
                let found = app.get(&finance, &path).await?.expect(200).json();
                let mut expected = figures(entries.iter().filter(|entry| is_in(entry)));
                expected.sort_by_key(|one| one["currency"].as_str().map(str::to_owned));
                assert_eq!(found, json!({"data": expected}), "{query}");
            }
            for centre in fixture.centres {
                assert_reconciled(app, &finance, centre, &entries).await?;
            }
            for entry in &entries {
                let entries_of_record = journal_entries(app, &finance, &entry.answer).await?;
                let debit = amount(entry.units.abs(), entry.currency);
                assert_eq!(
                    (
                        entries_of_record[0].1.as_str(),
                        entries_of_record[1].1.as_str()
                    ),
                    (debit.as_str(), format!("-{debit}").as_str())
                );
                // A payment is income and everything else is expenditure, and a reversal has the opposite sign.
                let is_in = (entry.kind == 0) != entry.is_reversal;
                let money = usize::from(!is_in);
                let accounts = ["card_clearing", "cash", "bank"];
                assert!(
                    accounts.contains(&entries_of_record[money].0.as_str()),
                    "{entries_of_record:?}"
                );
            }
        }
        assert!(reversals >= 10, "{reversals} reversals");
        Ok(())
    });
}

#[test]
fn the_balance_of_all_centres_is_the_sum_of_their_balances() {
    run(async |app| {
        let finance = app.sign_in(role::FINANCE).await?;
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        let mut records = Vec::new();
        for query in [
            String::new(),
            format!("?centre_id={own_centre}"),
            format!("?centre_id={other_centre}"),
        ] {
            let path = format!("/v1/finance-records/balance{query}");
            let body = app.get(&finance, &path).await?.expect(200).json();
            records.push(body["data"][0]["records"].as_i64().context("records")?);
        }
        assert_eq!(records[0], records[1] + records[2]);
        Ok(())
    });
}

#[test]
fn an_invalid_parameter_of_a_balance_is_rejected_with_the_field_name() {
    run(async |app| {
        let finance = app.sign_in(role::FINANCE).await?;
        for (query, pointer) in [
            ("centre_id=7", "?centre_id"),
            ("student_id=x", "?student_id"),
            ("tutor_id=", "?tutor_id"),
            ("type=gift", "?type"),
            ("currency=EUX", "?currency"),
            ("from=2026-02-30", "?from"),
            ("to=yesterday", "?to"),
            ("colour=red", "?colour"),
        ] {
            let path = format!("/v1/finance-records/balance?{query}");
            assert_eq!(
                app.get(&finance, &path).await?.expect(400).pointers(),
                [pointer]
            );
        }
        Ok(())
    });
}

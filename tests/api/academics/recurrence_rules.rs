//! Tests that random recurrence rules expand to the same lessons as with python-dateutil and zoneinfo.

use anyhow::{Context, Result, anyhow};
use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, TimeDelta, Utc};
use proptest::collection::btree_set;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::strategy::{Just, ValueTree};
use proptest::test_runner::TestRunner;
use recurrence::Schedule;
use serde_json::{Value, json};
use tests::{run, run_python};

/// The test compares `CASES` rules, each for up to `LESSONS` lessons within `SPAN` days.
const CASES: usize = 600;
const LESSONS: usize = 40;
const SPAN: u64 = 365 * 15;
const LOCAL_FORMAT: &str = "%Y-%m-%dT%H:%M:%S";

const ZONES: [&str; 6] = [
    "UTC",
    "Europe/London",
    "Europe/Dublin",
    "America/New_York",
    "Australia/Sydney",
    "Australia/Lord_Howe",
];
const DAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

/// Generates a rule part with up to five numbers, also negative ones if `is_signed`. The part is
/// present with the probability `likely`.
fn part(
    name: &'static str,
    most: i32,
    is_signed: bool,
    likely: f64,
) -> impl Strategy<Value = Option<String>> {
    let number = if is_signed {
        prop_oneof![1..=most, -most..=-1].boxed()
    } else {
        (1..=most).boxed()
    };
    weighted(likely, btree_set(number, 1..6)).prop_map(move |numbers| {
        let numbers: Vec<String> = numbers?.iter().map(ToString::to_string).collect();
        Some(format!("{name}={}", numbers.join(",")))
    })
}

/// Generates BYDAY with numbers on each day or on none, because dateutil treats days with and without numbers as conditions
/// that must both hold.
fn days(most: i32, likely: f64) -> impl Strategy<Value = Option<String>> {
    let names = btree_set(prop::sample::select(DAYS.to_vec()), 1..5);
    let plain = names.prop_map(|names| names.into_iter().map(str::to_owned).collect::<Vec<_>>());
    let days = if most == 0 {
        plain.boxed()
    } else {
        let place = prop_oneof![1..=most, -most..=-1];
        let numbered = btree_set((place, prop::sample::select(DAYS.to_vec())), 1..5);
        let numbered = numbered.prop_map(|days| {
            let days = days.into_iter();
            days.map(|(place, day)| format!("{place}{day}")).collect()
        });
        prop_oneof![plain, numbered].boxed()
    };
    weighted(likely, days).prop_map(|days| Some(format!("BYDAY={}", days?.join(","))))
}

/// The frequency of a generated rule, which decides the rule's other parts.
#[derive(Debug, Clone, Copy)]
enum Frequency {
    Daily,
    Weekly,
    Monthly,
    Yearly,
    /// A yearly rule with days of the year and numbered weekdays.
    YearlyByDay,
    /// A yearly rule with numbers of weeks.
    YearlyByWeek,
}

impl Frequency {
    fn name(self) -> &'static str {
        match self {
            Self::Daily => "DAILY",
            Self::Weekly => "WEEKLY",
            Self::Monthly => "MONTHLY",
            Self::Yearly | Self::YearlyByDay | Self::YearlyByWeek => "YEARLY",
        }
    }
}

fn parts_for_frequency(frequency: Frequency) -> BoxedStrategy<Vec<Option<String>>> {
    let months = part("BYMONTH", 12, false, 0.25);
    let month_days = || part("BYMONTHDAY", 31, true, 0.35);
    match frequency {
        Frequency::Daily => (months, month_days(), days(0, 0.4))
            .prop_map(|(a, b, c)| vec![a, b, c])
            .boxed(),
        Frequency::Weekly => (months, days(0, 0.7)).prop_map(|(a, b)| vec![a, b]).boxed(),
        Frequency::Monthly => (months, month_days(), days(5, 0.5))
            .prop_map(|(a, b, c)| vec![a, b, c])
            .boxed(),
        // Beyond the 51st weekday of a year, dateutil fails with an IndexError.
        Frequency::YearlyByDay => (part("BYYEARDAY", 366, true, 0.2), days(51, 0.9))
            .prop_map(|(a, b)| vec![a, b])
            .boxed(),
        Frequency::YearlyByWeek => (months, part("BYWEEKNO", 53, true, 0.99), days(0, 0.6))
            .prop_map(|(a, b, c)| vec![a, b, c])
            .boxed(),
        Frequency::Yearly => (
            part("BYMONTH", 12, false, 0.4),
            month_days(),
            part("BYYEARDAY", 366, true, 0.2),
            days(5, 0.35),
        )
            .prop_map(|(a, b, c, d)| vec![a, b, c, d])
            .boxed(),
    }
}

fn rules() -> impl Strategy<Value = String> {
    let frequency = prop::sample::select(vec![
        Frequency::Daily,
        Frequency::Weekly,
        Frequency::Monthly,
        Frequency::Yearly,
        Frequency::YearlyByDay,
        Frequency::YearlyByWeek,
        Frequency::YearlyByWeek,
    ]);
    frequency.prop_flat_map(|frequency| {
        (
            parts_for_frequency(frequency),
            weighted(0.4, 2..5u32),
            weighted(0.4, 0..DAYS.len()),
            part("BYSETPOS", 6, true, 0.35),
            weighted(0.3, 1..30u32),
        )
            .prop_map(move |(parts, interval, week_start, positions, count)| {
                let chooses = parts.iter().any(Option::is_some);
                let mut rule = vec![format!("FREQ={}", frequency.name())];
                rule.extend(parts.into_iter().flatten());
                rule.extend(interval.map(|interval| format!("INTERVAL={interval}")));
                rule.extend(week_start.map(|day| format!("WKST={}", DAYS[day])));
                rule.extend(positions.filter(|_| chooses));
                rule.extend(count.map(|count| format!("COUNT={count}")));
                rule.join(";")
            })
    })
}

prop_compose! {
    /// Generates a schedule that starts on a quarter of an hour and lasts up to a day.
    fn schedules()(
        rule in rules(),
        zone in 0..ZONES.len(),
        day in 0..3650u64,
        quarter in prop_oneof![Just(5u32), Just(6), Just(10), 0..96u32],
        quarters in 1..=96i64,
    ) -> Value {
        let date = NaiveDate::from_ymd_opt(2012, 1, 1).unwrap_or_default() + Days::new(day);
        let time = NaiveTime::MIN + TimeDelta::minutes(15) * i32::try_from(quarter).unwrap_or_default();
        let start = date.and_time(time);
        let length = TimeDelta::minutes(15 * quarters);
        json!({
            "start": start.format(LOCAL_FORMAT).to_string(),
            "end": (start + length).format(LOCAL_FORMAT).to_string(),
            "until": (start + Days::new(SPAN)).format(LOCAL_FORMAT).to_string(),
            "time_zone": ZONES[zone],
            "rule": rule,
            "most": LESSONS,
        })
    }
}

fn format_utc(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Returns the lessons of a case as the product plans them.
fn lessons(case: &Value) -> Result<Value> {
    let schedule = json!({
        "start": case["start"],
        "end": case["end"],
        "time_zone": case["time_zone"],
        "recurring": {"rule": case["rule"]},
    });
    let schedule = Schedule::read(&schedule).map_err(|errors| anyhow!("{case}: {errors:?}"))?;
    let until = case["until"].as_str().context("until")?;
    let until = NaiveDateTime::parse_from_str(until, LOCAL_FORMAT)?.and_utc() + TimeDelta::days(1);
    Ok(schedule
        .occurrences(DateTime::<Utc>::MIN_UTC, until)
        .take(LESSONS)
        .map(|span| json!([format_utc(span.start), format_utc(span.end)]))
        .collect())
}

#[test]
fn rules_expand_to_the_same_days_as_in_python_dateutil() {
    run(async |app| {
        let client = app.superuser().await?;
        let sql = "select lms.time_zones($1::text::jsonb)::text";
        let zones = client.query_one(sql, &[&json!(ZONES).to_string()]).await?;
        platform::values::zones::remember(zones.get(0));
        compare().await
    });
}

async fn compare() -> Result<()> {
    let mut runner = TestRunner::deterministic();
    let cases: Vec<Value> = (0..CASES)
        .map(|_| {
            let tree = schedules().new_tree(&mut runner);
            tree.map(|tree| tree.current())
                .map_err(|reason| anyhow!("{reason}"))
        })
        .collect::<Result<_>>()?;
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), serde_json::to_vec(&cases)?)?;
    let expected = run_python("recurrence_lessons.py", [file.path()]).await?;
    let expected: Vec<Value> = serde_json::from_str(&expected)?;
    assert_eq!(expected.len(), cases.len());
    let mut compared = 0;
    for (case, expected) in cases.iter().zip(expected) {
        let found = lessons(case)?;
        let (found, expected) = (list(&found), list(&expected));
        let count = expected.len().min(found.len());
        assert_eq!(&found[..count], expected, "{case}");
        // One list ends at a local date and the other at an instant.
        assert!(found.len() <= count + 2, "{case}: {:?}", &found[count..]);
        compared += count;
    }
    assert!(compared > CASES * 10, "compared only {compared} lessons");
    Ok(())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

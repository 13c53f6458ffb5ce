//! Tests that due times count working hours only, across clock changes.

use anyhow::Result;
use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveTime, Timelike, Utc, Weekday};
use chrono_tz::Tz;
use serde_json::{Value, json};
use tests::{Application, random_samples, run};

/// Returns the due time that the database computes.
async fn due(
    app: &Application,
    start: DateTime<Utc>,
    minutes: i32,
    hours: &Value,
    holidays: &Value,
    zone: &str,
) -> Result<DateTime<Utc>> {
    let row = app
        .superuser()
        .await?
        .query_one(
            "select lms_private.due_at($1, $2, $3, $4, $5)",
            &[&start, &minutes, hours, holidays, &zone],
        )
        .await?;
    Ok(row.get(0))
}

pub(crate) fn window(weekday: &str, start: &str, end: &str) -> Value {
    json!({"weekday": weekday, "start": start, "end": end})
}

fn time(text: &str) -> Result<DateTime<Utc>> {
    Ok(text.parse()?)
}

#[test]
fn the_clock_pauses_outside_working_hours_and_follows_local_time() {
    run(async |app| {
        let office: Vec<Value> = ["monday", "tuesday", "wednesday", "thursday", "friday"]
            .iter()
            .flat_map(|day| [window(day, "09:00", "12:00"), window(day, "13:00", "17:00")])
            .collect();
        let office = json!(office);
        let sunday = json!([window("sunday", "00:00", "24:00")]);
        let night = json!([window("sunday", "01:30", "02:30")]);
        let none = json!([]);
        let easter = json!([{"date": "2026-04-03", "name": "Good Friday"}, {"date": "2026-04-06", "name": "Easter Monday"}]);
        let (london, sydney) = ("Europe/London", "Australia/Sydney");
        for (zone, hours, holidays, start, minutes, expected) in [
            // The period crosses the lunch break, ends when the break begins, or begins during it.
            (
                london,
                &office,
                &none,
                "2026-01-05T11:30:00Z",
                60,
                "2026-01-05T13:30:00Z",
            ),
            (
                london,
                &office,
                &none,
                "2026-01-05T11:30:00Z",
                30,
                "2026-01-05T12:00:00Z",
            ),
            (
                london,
                &office,
                &none,
                "2026-01-05T12:30:00Z",
                1,
                "2026-01-05T13:01:00Z",
            ),
            // The period crosses a weekend with a clock change: local time determines when work starts.
            (
                london,
                &office,
                &none,
                "2026-03-27T16:30:00Z",
                60,
                "2026-03-30T08:30:00Z",
            ),
            (
                london,
                &office,
                &none,
                "2026-10-23T15:30:00Z",
                60,
                "2026-10-26T09:30:00Z",
            ),
            (
                sydney,
                &office,
                &none,
                "2026-04-03T05:30:00Z",
                60,
                "2026-04-05T23:30:00Z",
            ),
            (
                sydney,
                &office,
                &none,
                "2026-10-02T06:30:00Z",
                60,
                "2026-10-04T22:30:00Z",
            ),
            // The period is on the day of the change, which has 23 or 25 hours.
            (
                london,
                &sunday,
                &none,
                "2026-03-29T00:00:00Z",
                23 * 60,
                "2026-03-29T23:00:00Z",
            ),
            (
                london,
                &sunday,
                &none,
                "2026-03-29T00:00:00Z",
                23 * 60 + 1,
                "2026-04-04T23:01:00Z",
            ),
            (
                london,
                &sunday,
                &none,
                "2026-10-24T23:00:00Z",
                25 * 60,
                "2026-10-26T00:00:00Z",
            ),
            (
                sydney,
                &sunday,
                &none,
                "2026-04-04T13:00:00Z",
                25 * 60,
                "2026-04-05T14:00:00Z",
            ),
            // Skipped hours do not count, and repeated ones count twice.
            (
                london,
                &night,
                &none,
                "2026-03-29T00:00:00Z",
                30,
                "2026-03-29T01:30:00Z",
            ),
            (
                london,
                &night,
                &none,
                "2026-10-24T23:00:00Z",
                90,
                "2026-10-25T02:30:00Z",
            ),
            // The period includes Easter.
            (
                london,
                &office,
                &easter,
                "2026-04-02T15:30:00Z",
                60,
                "2026-04-07T08:30:00Z",
            ),
            // Without working hours every hour counts, even on holidays.
            (
                london,
                &none,
                &easter,
                "2026-04-03T00:00:00Z",
                90,
                "2026-04-03T01:30:00Z",
            ),
            // With too few working hours, a request is due after 366 days at the latest.
            (
                london,
                &night,
                &none,
                "2026-01-01T00:00:00Z",
                100_000,
                "2027-01-02T00:00:00Z",
            ),
        ] {
            let found = due(app, time(start)?, minutes, hours, holidays, zone).await?;
            assert_eq!(found, time(expected)?, "{zone} {start} {minutes}");
        }
        Ok(())
    });
}

/// A centre's working time, computed minute by minute from local time.
struct WorkingTime {
    zone: Tz,
    hours: Vec<(Weekday, u32, u32)>,
    holidays: Vec<NaiveDate>,
}

impl WorkingTime {
    fn is_working_time(&self, minute: DateTime<Utc>) -> bool {
        let local = minute.with_timezone(&self.zone);
        let clock = local.hour() * 60 + local.minute();
        !self.holidays.contains(&local.date_naive())
            && self.hours.iter().any(|(weekday, start, end)| {
                *weekday == local.weekday() && (*start..*end).contains(&clock)
            })
    }

    fn due(&self, start: DateTime<Utc>, minutes: i64) -> DateTime<Utc> {
        if self.hours.is_empty() {
            return start + Duration::minutes(minutes);
        }
        let latest = start + Duration::hours(8784);
        let (mut minute, mut left) = (start, minutes);
        while left > 0 && minute < latest {
            left -= i64::from(self.is_working_time(minute));
            minute += Duration::minutes(1);
        }
        minute
    }
}

const WEEK: [(&str, Weekday); 7] = [
    ("monday", Weekday::Mon),
    ("tuesday", Weekday::Tue),
    ("wednesday", Weekday::Wed),
    ("thursday", Weekday::Thu),
    ("friday", Weekday::Fri),
    ("saturday", Weekday::Sat),
    ("sunday", Weekday::Sun),
];

/// A time of day in steps of half an hour, where 48 is the end of the day.
fn clock(half_hours: u32) -> String {
    format!("{:02}:{:02}", half_hours / 2, half_hours % 2 * 30)
}

#[test]
fn due_times_equal_a_minute_by_minute_computation() {
    let zones = [
        chrono_tz::Europe::London,
        chrono_tz::America::New_York,
        chrono_tz::Australia::Sydney,
        // This zone has half an hour of summer time.
        chrono_tz::Australia::Lord_Howe,
        chrono_tz::Asia::Kathmandu,
        chrono_tz::UTC,
    ];
    // The days include clock changes of the zones and ordinary days.
    let days = [
        "2026-03-07",
        "2026-03-27",
        "2026-04-03",
        "2026-10-02",
        "2026-10-23",
        "2026-10-31",
        "2026-06-15",
    ];
    let windows = proptest::collection::vec((0..7_usize, 0..48_u32, 1..=48_u32), 0..6);
    let holidays = proptest::collection::vec(0..9_i64, 0..3);
    let start = (0..days.len(), 0..2880_i64);
    let strategy = (0..zones.len(), windows, holidays, start, 1..3000_i32);
    let drawn = random_samples::samples(150, &strategy);
    run(async |app| {
        for (zone, windows, holidays, (day, offset), minutes) in &drawn {
            let zone = zones[*zone];
            let first: NaiveDate = days[*day].parse()?;
            let start = first.and_time(NaiveTime::MIN).and_utc() + Duration::minutes(*offset);
            let windows: Vec<(usize, u32, u32)> = windows
                .iter()
                .map(|(weekday, one, other)| (*weekday, *one.min(other), *one.max(other)))
                .filter(|(_, from, to)| from < to)
                .collect();
            let holidays: Vec<NaiveDate> = holidays
                .iter()
                .map(|days| first + Duration::days(*days))
                .collect();
            let hours: Vec<Value> = windows
                .iter()
                .map(|(weekday, from, to)| window(WEEK[*weekday].0, &clock(*from), &clock(*to)))
                .collect();
            let days: Vec<Value> = holidays
                .iter()
                .map(|date| json!({"date": date, "name": "Holiday"}))
                .collect();
            let model = WorkingTime {
                zone,
                hours: windows
                    .iter()
                    .map(|(weekday, from, to)| (WEEK[*weekday].1, from * 30, to * 30))
                    .collect(),
                holidays,
            };
            let found = due(
                app,
                start,
                *minutes,
                &json!(hours),
                &json!(days),
                zone.name(),
            )
            .await?;
            let expected = model.due(start, i64::from(*minutes));
            assert_eq!(
                found, expected,
                "{zone} {start} {minutes} {hours:?} {days:?}"
            );
        }
        Ok(())
    });
}

//! Recurrence: lessons follow the clock on the wall, and schedules that mean nothing are refused.

use serde_json::{Value, json};
use tests::{
    classroom::{classroom, lessons, make, path, series, single, starts},
    role, rows, run,
};

#[test]
fn four_o_clock_stays_four_o_clock_across_a_change_of_clocks() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let room = classroom(app).await?;
        for (zone, first, expected) in [
            (
                "Europe/London",
                "2035-03-19T16:00:00",
                ["2035-03-19T16:00:00Z", "2035-03-26T15:00:00Z"],
            ),
            (
                "Australia/Sydney",
                "2035-03-26T16:00:00",
                ["2035-03-26T05:00:00Z", "2035-04-02T06:00:00Z"],
            ),
            (
                "America/New_York",
                "2035-03-05T16:00:00",
                ["2035-03-05T21:00:00Z", "2035-03-12T20:00:00Z"],
            ),
        ] {
            let end = first.replace("T16", "T17");
            let schedule = series(zone, first, &end, "FREQ=WEEKLY;COUNT=2");
            let class = make(app, &admin, room.class(schedule.clone())).await?;
            assert_eq!(class["schedule"], schedule);
            let found = lessons(app, &admin, &class).await?;
            assert_eq!(starts(&found), expected, "{zone}");
            for lesson in &found {
                assert_eq!(lesson["original_start"], lesson["starts_at"]);
                assert_eq!(lesson["status"], "scheduled");
                assert_eq!(lesson["class_id"], class["id"]);
            }
        }
        Ok(())
    });
}

#[test]
fn a_series_is_made_up_to_the_horizon_without_its_exceptions() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let room = classroom(app).await?;
        let mut schedule = series(
            "Europe/London",
            "2035-04-02T16:00:00",
            "2035-04-02T17:00:00",
            "FREQ=WEEKLY;BYDAY=MO",
        );
        schedule["recurring"]["except"] = json!(["2035-04-09T16:00:00", "2035-05-07T16:00:00"]);
        let class = make(app, &admin, room.class(schedule)).await?;
        let found = starts(&lessons(app, &admin, &class).await?);
        assert_eq!(found.len(), 51, "53 weeks but for two");
        assert_eq!(found[..2], ["2035-04-02T15:00:00Z", "2035-04-16T15:00:00Z"]);
        assert!(!found.contains(&"2035-05-07T15:00:00Z".to_owned()));
        assert_eq!(
            rows::count(
                app,
                "lms.classes where planned_until = '2036-04-07T15:00:00Z'",
                &[]
            )
            .await?,
            1
        );
        let query = format!(
            "{}/occurrences?from=2035-04-16T16:00:00Z&to=2035-04-30T15:00:00Z",
            path(&class)
        );
        let some = tests::classroom::data(app, &admin, &query).await?;
        assert_eq!(
            starts(&some),
            ["2035-04-23T15:00:00Z"],
            "what touches is outside"
        );
        Ok(())
    });
}

#[test]
fn a_schedule_that_means_nothing_is_refused_where_it_is_wrong() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let room = classroom(app).await?;
        let (start, end) = ("2035-04-02T16:00:00", "2035-04-02T17:00:00");
        let london = "Europe/London";
        let excepting = |time: &str| {
            let mut schedule = series(london, start, end, "FREQ=WEEKLY;COUNT=3");
            schedule["recurring"]["except"] = json!([time]);
            schedule
        };
        let mut unknown = single(london, start, end);
        unknown["repeats"] = json!(true);
        let bad: Vec<(Value, &str)> = vec![
            (single(london, end, start), "/schedule/end"),
            (single(london, start, start), "/schedule/end"),
            (
                single(london, start, "2035-04-04T17:00:00"),
                "/schedule/end",
            ),
            (single("Europe/Atlantis", start, end), "/schedule/time_zone"),
            // Skipped, doubled.
            (
                single(london, "2035-03-25T01:30:00", "2035-03-25T03:00:00"),
                "/schedule/start",
            ),
            (
                single(london, "2035-10-28T01:30:00", "2035-10-28T03:00:00"),
                "/schedule/start",
            ),
            (
                single(london, "2035-03-25T00:30:00", "2035-03-25T01:30:00"),
                "/schedule/end",
            ),
            (
                single(london, "2035-04-02T16:00:00Z", end),
                "/schedule/start",
            ),
            (
                single(london, "2035-04-31T16:00:00", end),
                "/schedule/start",
            ),
            (
                series(london, start, end, "FREQ=HOURLY"),
                "/schedule/recurring/rule",
            ),
            (
                series(london, start, end, "FREQ=WEEKLY;BYDAY=NO"),
                "/schedule/recurring/rule",
            ),
            (
                series(london, start, end, "FREQ=WEEKLY;BYDAY=7MO"),
                "/schedule/recurring/rule",
            ),
            (
                series(london, start, end, "FREQ=WEEKLY;BYDAY=TU"),
                "/schedule/recurring/rule",
            ),
            (
                series(london, start, end, "FREQ=WEEKLY;UNTIL=20350101T000000Z"),
                "/schedule/recurring/rule",
            ),
            (
                series(london, start, end, "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"),
                "/schedule/recurring/rule",
            ),
            (
                series(london, start, end, "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"),
                "/schedule/recurring/rule",
            ),
            (
                series(
                    london,
                    "2020-04-02T16:00:00",
                    "2020-04-02T17:00:00",
                    "FREQ=DAILY",
                ),
                "/schedule/recurring/rule",
            ),
            (series(london, start, end, ""), "/schedule/recurring/rule"),
            (
                excepting("2035-04-10T16:00:00"),
                "/schedule/recurring/except",
            ),
            (excepting("soon"), "/schedule/recurring/except/0"),
            (json!({"start": start, "end": end}), "/schedule/time_zone"),
            (json!({"end": end, "time_zone": london}), "/schedule/start"),
            (
                json!({"start": start, "end": end, "time_zone": london, "recurring": {}}),
                "/schedule/recurring/rule",
            ),
            (json!([]), "/schedule"),
            (json!(null), "/schedule"),
            (unknown, "/schedule/repeats"),
        ];
        let before = rows::written(app).await?;
        for (schedule, pointer) in bad {
            let reply = app
                .post(&admin, "/v1/classes", room.class(schedule.clone()))
                .await?
                .expect(422);
            assert_eq!(reply.pointers(), [pointer], "{schedule}: {}", reply.text);
        }
        assert_eq!(rows::written(app).await?, before);
        let class = make(app, &admin, room.class(single(london, start, end))).await?;
        for patch in [
            json!({"schedule": {"end": "2035-04-02T18:00:00"}}),
            json!({"schedule": null}),
            json!({"schedule": single(london, end, start)}),
        ] {
            app.patch(&admin, &path(&class), patch).await?.expect(422);
        }
        Ok(())
    });
}

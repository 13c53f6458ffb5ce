//! Tests recurring lessons in local time, and invalid schedules.

use serde_json::{Value, json};
use tests::{
    class_fixture::{
        class_fixture, class_path, create_class, get_lessons, recurring_schedule, single_schedule,
        start_times,
    },
    queries, role, run,
};

#[test]
fn lessons_keep_their_local_time_across_clock_changes() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = class_fixture(app).await?;
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
            let schedule = recurring_schedule(zone, first, &end, "FREQ=WEEKLY;COUNT=2");
            let class = create_class(app, &admin, fixture.class_body(schedule.clone())).await?;
            assert_eq!(class["schedule"], schedule);
            let listed = get_lessons(app, &admin, &class).await?;
            assert_eq!(start_times(&listed), expected, "{zone}");
            for lesson in &listed {
                assert_eq!(lesson["original_start"], lesson["starts_at"]);
                assert_eq!(lesson["status"], "scheduled");
                assert_eq!(lesson["class_id"], class["id"]);
            }
        }
        Ok(())
    });
}

#[test]
fn a_series_is_created_up_to_the_horizon_without_its_exceptions() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = class_fixture(app).await?;
        let mut schedule = recurring_schedule(
            "Europe/London",
            "2035-04-02T16:00:00",
            "2035-04-02T17:00:00",
            "FREQ=WEEKLY;BYDAY=MO",
        );
        schedule["recurring"]["except"] = json!(["2035-04-09T16:00:00", "2035-05-07T16:00:00"]);
        let class = create_class(app, &admin, fixture.class_body(schedule)).await?;
        let listed = start_times(&get_lessons(app, &admin, &class).await?);
        assert_eq!(listed.len(), 51, "53 weeks without the two exceptions");
        assert_eq!(
            listed[..2],
            ["2035-04-02T15:00:00Z", "2035-04-16T15:00:00Z"]
        );
        assert!(!listed.contains(&"2035-05-07T15:00:00Z".to_owned()));
        assert_eq!(
            queries::count(
                app,
                "lms.classes where planned_until = '2036-04-07T15:00:00Z'",
                &[]
            )
            .await?,
            1
        );
        let query = format!(
            "{}/occurrences?from=2035-04-16T16:00:00Z&to=2035-04-30T15:00:00Z",
            class_path(&class)
        );
        let some = tests::class_fixture::get_data(app, &admin, &query).await?;
        assert_eq!(
            start_times(&some),
            ["2035-04-23T15:00:00Z"],
            "a lesson that only touches the period is outside it"
        );
        Ok(())
    });
}

#[test]
fn an_invalid_schedule_is_rejected_with_a_pointer() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let fixture = class_fixture(app).await?;
        let (start, end) = ("2035-04-02T16:00:00", "2035-04-02T17:00:00");
        let london = "Europe/London";
        let excepting = |time: &str| {
            let mut schedule = recurring_schedule(london, start, end, "FREQ=WEEKLY;COUNT=3");
            schedule["recurring"]["except"] = json!([time]);
            schedule
        };
        let mut unknown = single_schedule(london, start, end);
        unknown["repeats"] = json!(true);
        let bad: Vec<(Value, &str)> = vec![
            (single_schedule(london, end, start), "/schedule/end"),
            (single_schedule(london, start, start), "/schedule/end"),
            (
                single_schedule(london, start, "2035-04-04T17:00:00"),
                "/schedule/end",
            ),
            (
                single_schedule("Europe/Atlantis", start, end),
                "/schedule/time_zone",
            ),
            // These local times are skipped or ambiguous.
            (
                single_schedule(london, "2035-03-25T01:30:00", "2035-03-25T03:00:00"),
                "/schedule/start",
            ),
            (
                single_schedule(london, "2035-10-28T01:30:00", "2035-10-28T03:00:00"),
                "/schedule/start",
            ),
            (
                single_schedule(london, "2035-03-25T00:30:00", "2035-03-25T01:30:00"),
                "/schedule/end",
            ),
            (
                single_schedule(london, "2035-04-02T16:00:00Z", end),
                "/schedule/start",
            ),
            (
                single_schedule(london, "2035-04-31T16:00:00", end),
                "/schedule/start",
            ),
            (
                recurring_schedule(london, start, end, "FREQ=HOURLY"),
                "/schedule/recurring/rule",
            ),
            (
                recurring_schedule(london, start, end, "FREQ=WEEKLY;BYDAY=NO"),
                "/schedule/recurring/rule",
            ),
            (
                recurring_schedule(london, start, end, "FREQ=WEEKLY;BYDAY=7MO"),
                "/schedule/recurring/rule",
            ),
            (
                recurring_schedule(london, start, end, "FREQ=WEEKLY;BYDAY=TU"),
                "/schedule/recurring/rule",
            ),
            (
                recurring_schedule(london, start, end, "FREQ=WEEKLY;UNTIL=20350101T000000Z"),
                "/schedule/recurring/rule",
            ),
            (
                recurring_schedule(london, start, end, "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"),
                "/schedule/recurring/rule",
            ),
            (
                recurring_schedule(london, start, end, "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"),
                "/schedule/recurring/rule",
            ),
            (
                recurring_schedule(
                    london,
                    "2020-04-02T16:00:00",
                    "2020-04-02T17:00:00",
                    "FREQ=DAILY",
                ),
                "/schedule/recurring/rule",
            ),
            (
                recurring_schedule(london, start, end, ""),
                "/schedule/recurring/rule",
            ),
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
        let before = queries::write_counters(app).await?;
        for (schedule, pointer) in bad {
            let reply = app
                .post(&admin, "/v1/classes", fixture.class_body(schedule.clone()))
                .await?
                .expect(422);
            assert_eq!(reply.pointers(), [pointer], "{schedule}: {}", reply.text);
        }
        assert_eq!(queries::write_counters(app).await?, before);
        let class = create_class(
            app,
            &admin,
            fixture.class_body(single_schedule(london, start, end)),
        )
        .await?;
        for patch in [
            json!({"schedule": {"end": "2035-04-02T18:00:00"}}),
            json!({"schedule": null}),
            json!({"schedule": single_schedule(london, end, start)}),
        ] {
            app.patch(&admin, &class_path(&class), patch)
                .await?
                .expect(422);
        }
        Ok(())
    });
}

//! Tests the import of classes from CSV.

use http::Method;
use serde_json::{Value, json};
use tests::{
    class_fixture::{class_fixture, get_data, get_lessons, recurring_schedule},
    csv::import,
    queries, role, run,
};

use crate::academics::classes::enrolled;

#[test]
fn an_import_of_classes_creates_all_or_none() {
    run(async |app| {
        let supervisor = app.sign_in(role::SUPERVISOR).await?;
        let fixture = class_fixture(app).await?;
        let quoted = |value: Value| format!("\"{}\"", value.to_string().replace('"', "\"\""));
        let row = |day: u32, students: Value| {
            let day = format!("2035-04-{day:02}");
            let schedule = recurring_schedule(
                "UTC",
                &format!("{day}T16:00:00"),
                &format!("{day}T17:00:00"),
                "FREQ=WEEKLY;COUNT=3",
            );
            format!(
                "{},{},{},{},Reading\n",
                fixture.centre,
                fixture.tutor,
                quoted(students),
                quoted(schedule)
            )
        };
        let header = "centre_id,tutor_id,student_ids,schedule,subject\n";
        let file = format!(
            "{header}{}{}",
            row(2, json!([fixture.students[0]])),
            row(3, json!(fixture.students[..2]))
        );
        let before = queries::write_counters(app).await?;
        let dry = import(
            app,
            &supervisor,
            "/v1/classes/import?dry_run=true",
            file.clone(),
        )
        .await?
        .expect(200)
        .json();
        assert_eq!(
            (&dry["created"], &dry["dry_run"]),
            (&json!(2), &json!(true))
        );
        // The second Monday of the first class is the first one of the third class.
        let clash = format!("{file}{}", row(9, json!([])));
        for query in ["?dry_run=true", ""] {
            let reply = import(
                app,
                &supervisor,
                &format!("/v1/classes/import{query}"),
                clash.clone(),
            )
            .await?
            .expect(409);
            assert_eq!(reply.pointers(), ["/4/tutor_id"], "{}", reply.text);
            let named = "The tutor is booked for two of these classes, which overlap from 2035-04-09T16:00:00Z.";
            assert_eq!(reply.json()["errors"][0]["detail"], named);
        }
        let other_centre_student = queries::fetch_id(
            app,
            "select id from lms.students where tenant_id = $1 and centre_id = $2",
            &[&supervisor.tenant, &fixture.other_centre],
        )
        .await?;
        let bad = format!(
            "{header}{}{},{},[],\"{{\"\"start\"\":1}}\",Reading\n",
            row(2, json!([other_centre_student])),
            fixture.centre,
            fixture.tutor
        );
        let reply = import(app, &supervisor, "/v1/classes/import", bad)
            .await?
            .expect(422);
        assert_eq!(
            reply.pointers(),
            [
                "/3/schedule/start",
                "/3/schedule/end",
                "/3/schedule/time_zone"
            ],
            "{}",
            reply.text
        );
        let reply = import(
            app,
            &supervisor,
            "/v1/classes/import",
            format!("{header}{}", row(2, json!([other_centre_student]))),
        )
        .await?
        .expect(422);
        assert_eq!(reply.pointers(), ["/2/student_ids"]);
        assert_eq!(queries::write_counters(app).await?, before);
        let done = import(app, &supervisor, "/v1/classes/import", file)
            .await?
            .expect(201)
            .json();
        let first = json!({"id": done["rows"][0]["id"]});
        assert_eq!(get_lessons(app, &supervisor, &first).await?.len(), 3);
        assert_eq!(
            enrolled(app, &first).await?,
            [fixture.students[0].to_string()]
        );
        let tutor = app.sign_in(role::TUTOR).await?;
        import(app, &tutor, "/v1/classes/import", header)
            .await?
            .expect(403);
        let request = app
            .request(Method::GET, "/v1/classes")
            .bearer_auth(&supervisor.token)
            .header("accept", "text/csv");
        let sheet = tests::send(request).await?.expect(200);
        assert!(
            sheet
                .text
                .starts_with("id,centre_id,tutor_id,student_ids,schedule,status,subject,"),
            "{}",
            sheet.text
        );
        let mut columns = sheet.text.lines().next().unwrap_or_default().split(',');
        assert!(columns.all(|column| column != "planned"));
        assert!(!get_data(app, &tutor, "/v1/classes").await?.is_empty());
        Ok(())
    });
}

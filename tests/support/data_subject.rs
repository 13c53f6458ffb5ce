//! Creates a data subject with personal data in every table, and searches a dump of the database for traces of the person.
//! The tests of export and erasure are in `tests/api/users/personal_data_export.rs` and `tests/api/users/erasure*.rs`.

use std::process::Command;

use crate::{
    Application, Reply, Session, calendar_feed,
    class_fixture::{class_fixture, create_class, lesson_path, single_schedule},
    finance_records, fixtures, help_desk, notifications, queries, role, send,
};
use anyhow::{Context, Result};
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

/// The former and the present name of the person.
pub const NAMES: [&str; 2] = ["Orsolya Quillfeather", "Orsolya \"Osh\" Brightwater-Ünal"];
/// The former and the present e-mail address.
pub const EMAILS: [&str; 2] = [
    "o.quillfeather@mail.example",
    "osh+home@brightwater.example",
];
/// The former and the present telephone number.
pub const PHONES: [&str; 2] = ["+441632960111", "+441632960222"];
const PASSWORD: &str = "the lamp is on table 3";

/// A student with a parent and rows in every table that refers to people.
pub struct DataSubject {
    /// The user.
    pub user: Uuid,
    /// The row in `students`.
    pub student: Uuid,
    /// The user of the parent.
    pub parent: Uuid,
    /// The user of another person with the same first name.
    pub namesake: Uuid,
    /// The person's session.
    pub session: Session,
}

/// Returns a text with the person's former and present name, e-mail address and telephone number.
pub fn text_naming_subject(about: &str) -> String {
    let [former, name] = NAMES;
    let [old, email] = EMAILS;
    format!(
        "{about}: {former}, now {name} (also {}, ask Orsolya Marchetti), {old} or <{email}>, +44 1632 960-111, {}.",
        former.to_uppercase(),
        PHONES[1],
    )
}

async fn create_user(app: &Application, admin: &Session, body: Value) -> Result<Uuid> {
    let created = app.post(admin, "/v1/users", body).await?.expect(201);
    fixtures::parse_id(&created.json())
}

/// Creates the person with rows in every table.
pub async fn create_data_subject(app: &Application, admin: &Session) -> Result<DataSubject> {
    let (centre, _) = queries::demo_centres(app).await?;
    let parent = create_user(
        app,
        admin,
        json!({"name": "Balint Karcsi", "email": "balint@mail.example", "role": "parent", "centre_id": centre}),
    )
    .await?;
    let namesake = create_user(
        app,
        admin,
        json!({"name": "Orsolya Marchetti", "email": "orsolya@mail.example", "role": "student", "centre_id": centre}),
    )
    .await?;
    let user = create_user(
        app,
        admin,
        json!({
            "name": NAMES[0], "email": EMAILS[0], "phone": PHONES[0], "role": "student", "centre_id": centre,
            "password": PASSWORD,
            "profile": {"dob": "2012-05-06", "special_needs": ["Dyspraxia"], "parent_id": parent},
        }),
    )
    .await?;
    let guardian = json!({"user_id": parent, "student_id": student_of_user(app, user).await?, "relationship": "parent"});
    app.post(admin, "/v1/guardians", guardian)
        .await?
        .expect(201);
    let path = format!("/v1/users/{user}");
    let body = json!({"name": NAMES[1], "email": EMAILS[1], "phone": PHONES[1]});
    app.patch(admin, &path, body).await?.expect(200);
    let subject = DataSubject {
        user,
        student: student_of_user(app, user).await?,
        parent,
        namesake,
        session: app.sign_in_as("aurora", EMAILS[1], PASSWORD).await?,
    };
    for email in EMAILS {
        anyhow::ensure!(
            app.sign_in_as("aurora", email, "not the password")
                .await
                .is_err()
        );
    }
    add_lessons_and_results(app, admin, &subject).await?;
    add_finance_records(app, admin, &subject, centre).await?;
    add_requests_and_loans(app, admin, &subject, centre).await?;
    add_messages(app, admin, &subject).await?;
    Ok(subject)
}

/// Returns the student row of a user.
pub async fn student_of_user(app: &Application, user: Uuid) -> Result<Uuid> {
    queries::fetch_id(
        app,
        "select id from lms.students where user_id = $1",
        &[&user],
    )
    .await
}

/// Adds lessons, assessments and awards.
async fn add_lessons_and_results(
    app: &Application,
    admin: &Session,
    subject: &DataSubject,
) -> Result<()> {
    let fixture = class_fixture(app).await?;
    let assigned = json!({"tutor_id": fixture.tutor});
    let path = format!("/v1/students/{}/assign-tutor", subject.student);
    app.post(admin, &path, assigned).await?.expect(200);
    let body = json!({"student_id": subject.student, "tutor_id": fixture.tutor, "type": "reading", "score": 61, "notes": text_naming_subject("Reads well")});
    app.post(admin, "/v1/assessments", body).await?.expect(201);
    let other = json!({"student_id": fixture.students[0], "type": "reading", "score": 62, "notes": text_naming_subject("Better than")});
    app.post(admin, "/v1/assessments", other).await?.expect(201);
    let reward = json!({"student_id": subject.student, "points": 7, "badge": "Helped Orsolya Marchetti", "metadata": {"by": text_naming_subject("x")}});
    app.post(admin, "/v1/gamification", reward)
        .await?
        .expect(201);

    let mut class = fixture.class_body(single_schedule(
        "UTC",
        "2026-02-03T05:00:00",
        "2026-02-03T06:00:00",
    ));
    class["student_ids"] = json!([fixture.students[0], subject.student]);
    class["subject"] = json!(format!("Reading with {}", NAMES[1]));
    let class = create_class(app, admin, class).await?;
    let at = lesson_path(&class, "2026-02-03T05:00:00Z");
    let record = json!({"students": [
        {"student_id": subject.student, "status": "late", "note": text_naming_subject("Ten minutes")},
        {"student_id": fixture.students[0], "status": "present", "note": text_naming_subject("Beside")},
    ]});
    app.call(
        Some(admin),
        Method::PUT,
        &format!("{at}/attendance"),
        Some(record),
    )
    .await?
    .expect(200);
    let mut class = fixture.class_body(single_schedule(
        "UTC",
        "2035-02-03T05:00:00",
        "2035-02-03T06:00:00",
    ));
    class["student_ids"] = json!([fixture.students[0], subject.student]);
    let class = create_class(app, admin, class).await?;
    // Everyone in the lesson gets a notification that contains the reason.
    let path = format!("{}/cancel", lesson_path(&class, "2035-02-03T05:00:00Z"));
    app.post(admin, &path, json!({"reason": text_naming_subject("Ill")}))
        .await?
        .expect(200);
    calendar_feed::subscribe(app, &subject.session).await?;
    Ok(())
}

/// Adds finance records.
async fn add_finance_records(
    app: &Application,
    admin: &Session,
    subject: &DataSubject,
    centre: Uuid,
) -> Result<()> {
    let reference = format!("{} {}", NAMES[0], EMAILS[0]);
    let payment = json!({
        "centre_id": centre, "type": "payment", "student_id": subject.student, "amount": "125.50", "method": "card",
        "reference": reference,
    });
    let payment = finance_records::create(app, admin, &payment).await?;
    finance_records::reverse(app, admin, &payment["id"], &json!({}))
        .await?
        .expect(201);
    let expense = json!({
        "centre_id": centre, "type": "expense", "amount": "9.99", "method": "cash",
        "reference": format!("Cake for {}", NAMES[1]),
    });
    finance_records::create(app, admin, &expense).await?;
    Ok(())
}

/// Adds help-desk requests by the person and about the person, and a loan.
async fn add_requests_and_loans(
    app: &Application,
    admin: &Session,
    subject: &DataSubject,
    centre: Uuid,
) -> Result<()> {
    let body =
        |details: String| json!({"centre_id": centre, "type": "complaint", "details": details});
    let own =
        help_desk::create_request_from(app, &subject.session, body(text_naming_subject("I am")))
            .await?;
    let comment = format!("{}/comments", help_desk::request_path(&own));
    for (session, words) in [(&subject.session, "My words"), (admin, "Our words")] {
        app.post(
            session,
            &comment,
            json!({"body": text_naming_subject(words)}),
        )
        .await?
        .expect(201);
    }
    let closed =
        help_desk::create_request_from(app, admin, body(text_naming_subject("About"))).await?;
    for name in ["start", "resolve", "close"] {
        let path = format!("{}/{name}", help_desk::request_path(&closed));
        let body =
            (name == "resolve").then(|| json!({"resolution": text_naming_subject("Settled with")}));
        app.call(Some(admin), Method::POST, &path, body)
            .await?
            .expect(200);
    }
    let item = json!({
        "centre_id": centre, "item_name": format!("Laptop of {}", NAMES[1]), "category": "laptop", "quantity": 3,
        "metadata": {"owner": {"e-mail": EMAILS[0], "phone": [PHONES[0]]}},
    });
    let item = app
        .post(admin, "/v1/inventory", item)
        .await?
        .expect(201)
        .json();
    let adjusted = json!({"change": 1, "reason": format!("Given by {}", NAMES[0])});
    let path = format!("{}/adjust", help_desk::item_path(&item));
    app.post(admin, &path, adjusted).await?.expect(200);
    help_desk::lend_item(app, admin, &item, subject.user, 1)
        .await?
        .expect(201);
    Ok(())
}

/// Adds notifications to the person and to others, and the stored response of an idempotent request.
async fn add_messages(app: &Application, admin: &Session, subject: &DataSubject) -> Result<()> {
    for user in [subject.user, app.user(0, role::PARENT).id] {
        let body = json!({"user_id": user, "type": "email", "subject": text_naming_subject("News"), "message": text_naming_subject("News")});
        app.post(admin, "/v1/notifications", body)
            .await?
            .expect(201);
    }
    let words = json!({"email": true, "sms": true, "push": false});
    app.call(
        Some(&subject.session),
        Method::PUT,
        "/v1/notifications/preferences",
        Some(words),
    )
    .await?
    .expect(200);
    let reset = json!({"tenant": "aurora", "email": EMAILS[1]});
    app.call(None, Method::POST, "/v1/auth/password-reset", Some(reset))
        .await?
        .expect(202);
    notifications::send_reset_codes(app).await?;
    // The response to this request is stored with its idempotency key.
    let (centre, _) = queries::demo_centres(app).await?;
    let body = json!({"centre_id": centre, "type": "it", "details": text_naming_subject("Kept")});
    send(finance_records::request_with_key(
        app,
        admin,
        "/v1/requests",
        "kept-answer",
        &body,
    ))
    .await?
    .expect(201);
    let centre = format!("/v1/centres/{centre}");
    let body = json!({"email": EMAILS[1], "phone": PHONES[1], "address": {"line1": format!("c/o {}", NAMES[1])}});
    app.patch(admin, &centre, body).await?.expect(200);
    let hold = json!({"user_id": subject.user, "reason": text_naming_subject("Dispute")});
    let hold = app
        .post(admin, "/v1/legal-holds", hold)
        .await?
        .expect(201)
        .json();
    let path = format!(
        "/v1/legal-holds/{}",
        hold["id"].as_str().unwrap_or_default()
    );
    app.delete(admin, &path).await?.expect(204);
    Ok(())
}

/// Erases a person.
pub async fn erase(app: &Application, session: &Session, user: Uuid) -> Result<Reply> {
    let path = format!("/v1/privacy/subjects/{user}/erase");
    app.post(session, &path, json!({"reason": "Asked for it by letter."}))
        .await
}

/// Dumps the whole database as text.
pub fn dump_database(app: &Application) -> Result<String> {
    let output = Command::new("pg_dump")
        .arg("--no-password")
        .arg(&app.superuser_url)
        .output()
        .context("pg_dump")?;
    let problem = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "pg_dump: {problem}");
    Ok(String::from_utf8(output.stdout)?)
}

/// Returns the lines of a dump that name the person in any spelling or encoding.
pub fn lines_naming_subject(dump: &str) -> Vec<String> {
    let forms: Vec<String> = NAMES
        .iter()
        .chain(&EMAILS)
        .chain(&PHONES)
        .flat_map(|text| {
            let quoted = text.replace('"', "\\\"");
            // COPY escapes backslashes.
            let copied = quoted.replace('\\', "\\\\");
            let hex = text.bytes().map(|byte| format!("{byte:02x}")).collect();
            [(*text).to_owned(), quoted, copied, hex]
        })
        .chain([
            "1632 960-111".to_owned(),
            "Quillfeather".to_owned(),
            "Brightwater".to_owned(),
        ])
        .map(|form| form.to_lowercase())
        .collect();
    dump.lines()
        .filter(|line| {
            let line = line.to_lowercase();
            forms.iter().any(|form| line.contains(form))
        })
        .map(|line| line.chars().take(400).collect())
        .collect()
}

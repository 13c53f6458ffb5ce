//! A person of whom a tenant holds something in every table, and what the whole database says of the person. No test stands here.

use std::process::Command;

use crate::{
    Application, Reply, Session, book, calendar_feed,
    classroom::{classroom, lesson, make, single},
    desk, outbox, people, role, rows, send,
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

/// A student with a parent and all that comes about in a year.
pub struct Subject {
    /// The account.
    pub user: Uuid,
    /// The row in students.
    pub student: Uuid,
    /// The account of the parent.
    pub parent: Uuid,
    /// Somebody else of the same first name.
    pub namesake: Uuid,
    /// The person's session.
    pub session: Session,
}

/// Text that names the person in each way, former and present.
pub fn gossip(about: &str) -> String {
    let [former, name] = NAMES;
    let [old, email] = EMAILS;
    format!(
        "{about}: {former}, now {name} (also {}, ask Orsolya Marchetti), {old} or <{email}>, +44 1632 960-111, {}.",
        former.to_uppercase(),
        PHONES[1],
    )
}

async fn account(app: &Application, admin: &Session, body: Value) -> Result<Uuid> {
    let made = app.post(admin, "/v1/users", body).await?.expect(201);
    people::id(&made.json())
}

/// Makes the person with everything.
pub async fn subject(app: &Application, admin: &Session) -> Result<Subject> {
    let (centre, _) = rows::centres(app).await?;
    let parent = account(
        app,
        admin,
        json!({"name": "Balint Karcsi", "email": "balint@mail.example", "role": "parent", "centre_id": centre}),
    )
    .await?;
    let namesake = account(
        app,
        admin,
        json!({"name": "Orsolya Marchetti", "email": "orsolya@mail.example", "role": "student", "centre_id": centre}),
    )
    .await?;
    let user = account(
        app,
        admin,
        json!({
            "name": NAMES[0], "email": EMAILS[0], "phone": PHONES[0], "role": "student", "centre_id": centre,
            "password": PASSWORD,
            "profile": {"dob": "2012-05-06", "special_needs": ["Dyspraxia"], "parent_id": parent},
        }),
    )
    .await?;
    let guardian = json!({"user_id": parent, "student_id": student_of(app, user).await?, "relationship": "parent"});
    app.post(admin, "/v1/guardians", guardian)
        .await?
        .expect(201);
    let path = format!("/v1/users/{user}");
    let body = json!({"name": NAMES[1], "email": EMAILS[1], "phone": PHONES[1]});
    app.patch(admin, &path, body).await?.expect(200);
    let subject = Subject {
        user,
        student: student_of(app, user).await?,
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
    learn(app, admin, &subject).await?;
    pay(app, admin, &subject, centre).await?;
    ask(app, admin, &subject, centre).await?;
    tell(app, admin, &subject).await?;
    Ok(subject)
}

/// The student of an account.
pub async fn student_of(app: &Application, user: Uuid) -> Result<Uuid> {
    rows::id(
        app,
        "select id from lms.students where user_id = $1",
        &[&user],
    )
    .await
}

/// Lessons, results and rewards.
async fn learn(app: &Application, admin: &Session, subject: &Subject) -> Result<()> {
    let room = classroom(app).await?;
    let assigned = json!({"tutor_id": room.tutor});
    let path = format!("/v1/students/{}/assign-tutor", subject.student);
    app.post(admin, &path, assigned).await?.expect(200);
    let body = json!({"student_id": subject.student, "tutor_id": room.tutor, "type": "reading", "score": 61, "notes": gossip("Reads well")});
    app.post(admin, "/v1/assessments", body).await?.expect(201);
    let other = json!({"student_id": room.students[0], "type": "reading", "score": 62, "notes": gossip("Better than")});
    app.post(admin, "/v1/assessments", other).await?.expect(201);
    let reward = json!({"student_id": subject.student, "points": 7, "badge": "Helped Orsolya Marchetti", "metadata": {"by": gossip("x")}});
    app.post(admin, "/v1/gamification", reward)
        .await?
        .expect(201);

    let mut class = room.class(single("UTC", "2026-02-03T05:00:00", "2026-02-03T06:00:00"));
    class["student_ids"] = json!([room.students[0], subject.student]);
    class["subject"] = json!(format!("Reading with {}", NAMES[1]));
    let class = make(app, admin, class).await?;
    let at = lesson(&class, "2026-02-03T05:00:00Z");
    let record = json!({"students": [
        {"student_id": subject.student, "status": "late", "note": gossip("Ten minutes")},
        {"student_id": room.students[0], "status": "present", "note": gossip("Beside")},
    ]});
    app.call(
        Some(admin),
        Method::PUT,
        &format!("{at}/attendance"),
        Some(record),
    )
    .await?
    .expect(200);
    let mut class = room.class(single("UTC", "2035-02-03T05:00:00", "2035-02-03T06:00:00"));
    class["student_ids"] = json!([room.students[0], subject.student]);
    let class = make(app, admin, class).await?;
    // Everybody in it is told, with the reason.
    let path = format!("{}/cancel", lesson(&class, "2035-02-03T05:00:00Z"));
    app.post(admin, &path, json!({"reason": gossip("Ill")}))
        .await?
        .expect(200);
    calendar_feed::subscribe(app, &subject.session).await?;
    Ok(())
}

/// Money.
async fn pay(app: &Application, admin: &Session, subject: &Subject, centre: Uuid) -> Result<()> {
    let reference = format!("{} {}", NAMES[0], EMAILS[0]);
    let payment = json!({
        "centre_id": centre, "type": "payment", "student_id": subject.student, "amount": "125.50", "method": "card",
        "reference": reference,
    });
    let payment = book::record(app, admin, &payment).await?;
    book::reverse(app, admin, &payment["id"], &json!({}))
        .await?
        .expect(201);
    let expense = json!({
        "centre_id": centre, "type": "expense", "amount": "9.99", "method": "cash",
        "reference": format!("Cake for {}", NAMES[1]),
    });
    book::record(app, admin, &expense).await?;
    Ok(())
}

/// Requests by the person and about the person, and what was lent.
async fn ask(app: &Application, admin: &Session, subject: &Subject, centre: Uuid) -> Result<()> {
    let body =
        |details: String| json!({"centre_id": centre, "type": "complaint", "details": details});
    let own = desk::make(app, &subject.session, body(gossip("I am"))).await?;
    let comment = format!("{}/comments", desk::path(&own));
    for (session, words) in [(&subject.session, "My words"), (admin, "Our words")] {
        app.post(session, &comment, json!({"body": gossip(words)}))
            .await?
            .expect(201);
    }
    let closed = desk::make(app, admin, body(gossip("About"))).await?;
    for name in ["start", "resolve", "close"] {
        let path = format!("{}/{name}", desk::path(&closed));
        let body = (name == "resolve").then(|| json!({"resolution": gossip("Settled with")}));
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
    let path = format!("{}/adjust", desk::item_path(&item));
    app.post(admin, &path, adjusted).await?.expect(200);
    desk::lend(app, admin, &item, subject.user, 1)
        .await?
        .expect(201);
    Ok(())
}

/// Messages to the person and to others, and what is kept of requests.
async fn tell(app: &Application, admin: &Session, subject: &Subject) -> Result<()> {
    for user in [subject.user, app.user(0, role::PARENT).id] {
        let body = json!({"user_id": user, "type": "email", "subject": gossip("News"), "message": gossip("News")});
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
    outbox::answer_resets(app).await?;
    // An answer that is kept for its key.
    let (centre, _) = rows::centres(app).await?;
    let body = json!({"centre_id": centre, "type": "it", "details": gossip("Kept")});
    send(book::keyed(
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
    let hold = json!({"user_id": subject.user, "reason": gossip("Dispute")});
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

/// Erases somebody.
pub async fn erase(app: &Application, session: &Session, user: Uuid) -> Result<Reply> {
    let path = format!("/v1/privacy/subjects/{user}/erase");
    app.post(session, &path, json!({"reason": "Asked for it by letter."}))
        .await
}

/// Everything that the database holds, as text.
pub fn dump(app: &Application) -> Result<String> {
    let output = Command::new("pg_dump")
        .arg("--no-password")
        .arg(&app.superuser_url)
        .output()
        .context("pg_dump")?;
    let problem = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "pg_dump: {problem}");
    Ok(String::from_utf8(output.stdout)?)
}

/// Lines of a dump that hold the person, in any of the forms in which that can be written.
pub fn traces(dump: &str) -> Vec<String> {
    let forms: Vec<String> = NAMES
        .iter()
        .chain(&EMAILS)
        .chain(&PHONES)
        .flat_map(|text| {
            let quoted = text.replace('"', "\\\"");
            // COPY doubles backslashes.
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

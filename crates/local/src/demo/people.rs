//! Writes the centres and people of a demo tenant: users, tutors, students, staff and guardians.
//! The activity of the people is written in `activity`.

use anyhow::{Context, Result};
use database::{explain, tenant};
use fake::Fake;
use fake::faker::name::en::{FirstName, LastName};
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tokio_postgres::Transaction;
use tokio_postgres::types::Json;
use uuid::Uuid;

use super::insert::{act_as, insert};
use super::{Centre, ROLES, email};

/// The number of people in each centre in addition to the demo users.
const TUTORS: usize = 2;
const PARENTS: usize = 5;
const STUDENTS: usize = 10;

const SUBJECTS: [&str; 5] = ["mathematics", "english", "science", "reading", "spelling"];
const LANGUAGES: [&str; 6] = ["en", "hi", "de", "es", "zh", "ar"];
const NEEDS: [&str; 4] = ["ADHD", "Autism", "Dyslexia", "Dyscalculia"];

/// The definition of a demo tenant.
pub(super) struct TenantDefinition<'a> {
    pub(super) slug: &'a str,
    pub(super) name: &'a str,
    pub(super) centres: &'a [Centre],
    pub(super) region: &'a str,
}

impl TenantDefinition<'_> {
    /// Returns a random generator whose seed is the slug, so that a tenant has the same rows in every database.
    pub(super) fn generator(&self) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(
            self.slug
                .bytes()
                .fold(0, |seed, byte| seed * 31 + u64::from(byte)),
        )
    }

    pub(super) fn currency(&self) -> &'static str {
        match self.region {
            "au" => "AUD",
            "us" => "USD",
            _ => "EUR",
        }
    }

    pub(super) fn time_zones(&self) -> [&'static str; 3] {
        match self.region {
            "au" => ["Australia/Sydney", "Australia/Perth", "Australia/Brisbane"],
            "us" => ["America/New_York", "America/Chicago", "America/Los_Angeles"],
            _ => ["Europe/Dublin", "Europe/Berlin", "Europe/Madrid"],
        }
    }
}

/// The ids of a tenant's people.
pub(super) struct People {
    pub(super) centres: Vec<Uuid>,
    /// The demo users, by role.
    pub(super) users: Vec<(&'static str, Uuid)>,
    pub(super) tutors: Vec<Tutor>,
    pub(super) students: Vec<Student>,
    /// The members of staff to whom help-desk requests can be assigned.
    pub(super) staff: Vec<Uuid>,
}

pub(super) struct Tutor {
    pub(super) id: Uuid,
    pub(super) user: Uuid,
    pub(super) centre: Uuid,
}

pub(super) struct Student {
    pub(super) id: Uuid,
    pub(super) user: Uuid,
    pub(super) parent: Uuid,
    pub(super) centre: Uuid,
    /// The index of the assigned tutor.
    pub(super) tutor: usize,
}

impl People {
    /// Returns the demo user of a role.
    pub(super) fn user(&self, role: &str) -> Option<Uuid> {
        self.users
            .iter()
            .find(|(name, _)| *name == role)
            .map(|(_, id)| *id)
    }

    /// Adds the tutors of a centre, and returns their rows.
    fn add_tutors(&mut self, users: &CentreUsers, generator: &mut ChaCha8Rng) -> Vec<Value> {
        let mut rows = Vec::new();
        for user in &users.tutors {
            let tutor = Tutor {
                id: Uuid::now_v7(),
                user: *user,
                centre: users.centre,
            };
            rows.push(tutor_row(&tutor, generator));
            self.tutors.push(tutor);
        }
        rows
    }

    /// Adds the students of a centre, whose tutors were added last, and returns their rows.
    fn add_students(&mut self, users: &CentreUsers, generator: &mut ChaCha8Rng) -> Vec<Value> {
        let first_tutor = self.tutors.len() - users.tutors.len();
        let mut rows = Vec::new();
        for (number, (user, parent)) in users
            .students
            .iter()
            .zip(users.parents.iter().cycle())
            .enumerate()
        {
            let tutor = first_tutor + number % users.tutors.len();
            let student = Student {
                id: Uuid::now_v7(),
                user: *user,
                parent: *parent,
                centre: users.centre,
                tutor,
            };
            rows.push(student_row(&student, self.tutors[tutor].id, generator));
            self.students.push(student);
        }
        rows
    }
}

/// The users of a centre, by role.
struct CentreUsers {
    centre: Uuid,
    tutors: Vec<Uuid>,
    parents: Vec<Uuid>,
    students: Vec<Uuid>,
}

/// Collects users, which are written in one statement.
struct Accounts<'a> {
    definition: &'a TenantDefinition<'a>,
    generator: ChaCha8Rng,
    rows: Vec<Value>,
}

impl Accounts<'_> {
    fn add(&mut self, role: &str, centre: Option<Uuid>, address: Option<String>) -> Uuid {
        let id = Uuid::now_v7();
        let first: String = FirstName().fake_with_rng(&mut self.generator);
        let last: String = LastName().fake_with_rng(&mut self.generator);
        // Telephone numbers with 555 are never assigned.
        let phone = format!("+1212555{:04}", self.generator.random_range(0..10_000));
        let address = address.unwrap_or_else(|| {
            // The number makes the address of two people with the same name unique.
            format!(
                "{first}.{last}.{}@{}.example",
                self.rows.len(),
                self.definition.slug
            )
            .to_lowercase()
        });
        let language = LANGUAGES
            .choose(&mut self.generator)
            .copied()
            .unwrap_or("en");
        self.rows.push(json!({
            "id": id,
            "centre_id": centre,
            "name": format!("{first} {last}"),
            "email": address,
            "phone": phone,
            "role": role,
            "language_preferences": if language == "en" { json!(["en"]) } else { json!([language, "en"]) },
            "accessibility_settings": {"high_contrast": self.generator.random_bool(0.1)},
        }));
        id
    }

    /// Adds one user of each role; those of a centre belong to the first one.
    fn add_demo_users(&mut self, home: Option<Uuid>) -> Vec<(&'static str, Uuid)> {
        let mut users = Vec::new();
        for role in ROLES {
            // These roles work for the whole tenant.
            let centre = if matches!(role, "admin" | "finance" | "support") {
                None
            } else {
                home
            };
            let address = email(role, self.definition.slug);
            users.push((role, self.add(role, centre, Some(address))));
        }
        users
    }

    /// Adds the tutors, parents and students of a centre to its demo users.
    fn add_centre(&mut self, centre: Uuid, demo_users: &[(&'static str, Uuid)]) -> CentreUsers {
        let mut add_users = |role: &'static str, count: usize| -> Vec<Uuid> {
            let demo = demo_users.iter().find(|(name, _)| *name == role);
            let mut ids: Vec<Uuid> = demo.map(|(_, id)| *id).into_iter().collect();
            ids.extend((0..count).map(|_| self.add(role, Some(centre), None)));
            ids
        };
        CentreUsers {
            centre,
            tutors: add_users("tutor", TUTORS),
            parents: add_users("parent", PARENTS),
            students: add_users("student", STUDENTS),
        }
    }
}

/// Writes the tenant, its centres and its people.
pub(super) async fn create(
    transaction: &Transaction<'_>,
    id: Uuid,
    definition: &TenantDefinition<'_>,
) -> Result<People> {
    let new = tenant::New {
        slug: definition.slug.to_owned(),
        name: definition.name.to_owned(),
    };
    tenant::insert(transaction, id, &new).await?;
    let centres = create_centres(transaction, definition).await?;
    let home = centres.first().copied();
    let mut accounts = Accounts {
        definition,
        generator: definition.generator(),
        rows: Vec::new(),
    };
    let mut people = People {
        users: accounts.add_demo_users(home),
        centres,
        tutors: Vec::new(),
        students: Vec::new(),
        staff: Vec::new(),
    };
    let (mut tutors, mut students) = (Vec::new(), Vec::new());
    for centre in people.centres.clone() {
        // The demo users belong to the first centre.
        let demo_users: &[_] = if Some(centre) == home {
            &people.users
        } else {
            &[]
        };
        let users = accounts.add_centre(centre, demo_users);
        tutors.extend(people.add_tutors(&users, &mut accounts.generator));
        students.extend(people.add_students(&users, &mut accounts.generator));
    }
    insert(transaction, "users", &accounts.rows).await?;
    if let Some(admin) = people.user("admin") {
        act_as(transaction, admin).await?;
    }
    insert(transaction, "tutors", &tutors).await?;
    insert(transaction, "students", &students).await?;
    people.staff = create_staff(transaction, &people, home).await?;
    create_guardians(transaction, &people).await?;
    Ok(people)
}

async fn create_centres(
    transaction: &Transaction<'_>,
    definition: &TenantDefinition<'_>,
) -> Result<Vec<Uuid>> {
    let mut ids = Vec::new();
    let mut rows = Vec::new();
    for ((name, code), time_zone) in definition.centres.iter().zip(definition.time_zones()) {
        let id = Uuid::now_v7();
        ids.push(id);
        rows.push(json!({
            "id": id,
            "name": name,
            "code": code,
            "time_zone": time_zone,
            "currency": definition.currency(),
            "address": {"line1": format!("{name} Street {}", rows.len() + 7), "city": name},
            "email": format!("{}@{}.example", code.to_lowercase(), definition.slug),
        }));
    }
    insert(transaction, "centres", &rows).await?;
    Ok(ids)
}

fn tutor_row(tutor: &Tutor, generator: &mut ChaCha8Rng) -> Value {
    let subjects: Vec<Value> = SUBJECTS
        .sample(generator, 2)
        .map(|subject| json!({"subject": subject, "level": null}))
        .collect();
    json!({
        "id": tutor.id,
        "user_id": tutor.user,
        "centre_id": tutor.centre,
        "subjects": subjects,
        "max_students": 12,
        "availability": {"weekly": [
            {"weekday": "monday", "start": "14:00", "end": "19:00"},
            {"weekday": "wednesday", "start": "14:00", "end": "19:00"},
            {"weekday": "friday", "start": "13:00", "end": "18:00"},
        ]},
    })
}

fn student_row(student: &Student, tutor: Uuid, generator: &mut ChaCha8Rng) -> Value {
    let age = generator.random_range(7..=16);
    let level = |generator: &mut ChaCha8Rng| age + generator.random_range(-2..=2);
    let needs: Vec<&str> = if generator.random_bool(0.25) {
        NEEDS.sample(generator, 1).copied().collect()
    } else {
        Vec::new()
    };
    json!({
        "id": student.id,
        "user_id": student.user,
        "centre_id": student.centre,
        "dob": format!("{}-{:02}-{:02}", 2025 - age, generator.random_range(1..=12), generator.random_range(1..=28)),
        "academic_age": {"reading": level(generator), "spelling": level(generator), "numeracy": level(generator)},
        "special_needs": needs,
        "assigned_tutor_id": tutor,
        "parent_id": student.parent,
        "languages": ["en"],
    })
}

async fn create_staff(
    transaction: &Transaction<'_>,
    people: &People,
    home: Option<Uuid>,
) -> Result<Vec<Uuid>> {
    let mut ids = Vec::new();
    let mut rows = Vec::new();
    for (role, title, department, local) in [
        ("admin", "Managing director", "Management", false),
        ("supervisor", "Centre manager", "Centre", true),
        ("finance", "Accountant", "Finance", false),
        ("assessor", "Assessor", "Academics", true),
        ("support", "Support engineer", "Support", false),
    ] {
        let id = Uuid::now_v7();
        ids.push(id);
        rows.push(json!({
            "id": id,
            "user_id": people.user(role),
            "centre_id": if local { home } else { None },
            "title": title,
            "department": department,
            "hired_on": format!("2024-{:02}-01", rows.len() + 3),
        }));
    }
    insert(transaction, "staff", &rows).await?;
    Ok(ids)
}

/// Writes the guardians: the first contacts that the database has not linked itself, and some second guardians.
async fn create_guardians(transaction: &Transaction<'_>, people: &People) -> Result<()> {
    let mut rows = Vec::new();
    for (number, student) in people.students.iter().enumerate() {
        rows.push(
            json!({"user_id": student.parent, "student_id": student.id, "relationship": "parent"}),
        );
        // Some students have the parent of the next student as a second guardian.
        let next = people
            .students
            .get(number + 1)
            .filter(|other| number % 4 == 3 && other.parent != student.parent);
        if let Some(next) = next {
            rows.push(json!({"user_id": next.parent, "student_id": student.id, "relationship": "guardian"}));
        }
    }
    transaction
        .execute(
            "insert into lms.guardians (user_id, student_id, relationship)
            select r.user_id, r.student_id, r.relationship
            from jsonb_populate_recordset(null::lms.guardians, $1) as r
            where not exists (
              select from lms.guardians as g
              where g.user_id = r.user_id
                and g.student_id = r.student_id
                and g.deleted_at is null
            )",
            &[&Json(rows)],
        )
        .await
        .map_err(explain)
        .context("cannot insert demo rows into guardians")?;
    Ok(())
}

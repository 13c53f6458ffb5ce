//! Random values for `random_requests`: one for each kind of field, and those that the rules of an operation require.
//! The requests themselves are built in `random_requests`.

use chrono::{DateTime, Duration, SecondsFormat, Utc};
use platform::declare::field::Kind;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Characters that encoders get wrong: two-byte, three-byte and four-byte ones, quotes and escapes.
const LETTERS: [char; 16] = [
    'a', 'b', 'Z', '7', ' ', 'é', 'ß', 'Ж', '中', '😀', '"', '\\', '/', '\'', '{', '\n',
];

/// Returns a value of a kind that refers to no row.
pub fn random_scalar(kind: Kind, random: &mut ChaCha8Rng) -> Value {
    match kind {
        Kind::Text { min, max } => json!(random_text(min, max, random).replace('\n', "\u{a0}")),
        Kind::Multiline { min, max } => json!(random_text(min, max, random)),
        Kind::Secret { min, .. } | Kind::Password { min, .. } => {
            json!(format!("{}-{}", Uuid::now_v7(), "x".repeat(min)))
        }
        Kind::Email => json!(format!("{}@work.example", Uuid::now_v7().simple())),
        Kind::Phone => json!(format!("+44163296{:04}", random.random_range(0..10_000))),
        Kind::Slug => json!(format!("w-{}", Uuid::now_v7().simple())),
        Kind::OneOf(words) => json!(words[random.random_range(0..words.len())]),
        Kind::Date => json!(random_date(random)),
        Kind::Time => json!(format!(
            "{}T{}:00Z",
            random_date(random),
            random_time(random, 0)
        )),
        Kind::LocalTime => json!(format!(
            "{}T{}:00",
            random_date(random),
            random_time(random, 0)
        )),
        Kind::TimeOfDay => json!(random_time(random, 0)),
        Kind::Integer { min, max } => json!(random.random_range(min..=max.min(min + 90))),
        Kind::Decimal { min, places, .. } => {
            let whole = i64::from(min) + random.random_range(0..10);
            let places = usize::from(places.min(2));
            let part = random.random_range(0..10_i64.pow(u32::try_from(places).unwrap_or(0)));
            let number = format!("{whole}.{part:0places$}");
            serde_json::from_str(&number).unwrap_or(json!(whole))
        }
        Kind::Money | Kind::SignedMoney => json!(format!(
            "{}.{:02}",
            random.random_range(1..500),
            random.random_range(0..100)
        )),
        Kind::Boolean => json!(random.random_bool(0.5)),
        Kind::TimeZone => {
            json!(["UTC", "Europe/London", "Australia/Lord_Howe"][random.random_range(0..3)])
        }
        Kind::Currency => json!(["EUR", "GBP", "USD"][random.random_range(0..3)]),
        Kind::TextList { .. } => match random.random_bool(0.5) {
            true => json!([format!("dyslexia {}", random.random_range(0..5))]),
            false => json!([]),
        },
        Kind::Language => json!("pt-BR"),
        Kind::Languages => json!(["en", "hi"]),
        Kind::Json { .. } => json!({
            "é😀": "\u{1}\u{7f}", "b": 1.50, "aa": [1e3, 0.1, -0.0, null, true], "": {}
        }),
        Kind::Id => json!(Uuid::now_v7()),
        Kind::Reference(_) | Kind::References { .. } | Kind::Object(_) | Kind::Rows(_) => {
            Value::Null
        }
    }
}

fn random_text(min: usize, max: usize, random: &mut ChaCha8Rng) -> String {
    let length = random.random_range(min.max(1)..=max.min(min + 20));
    let inner: String = (0..length)
        .map(|_| LETTERS[random.random_range(0..LETTERS.len())])
        .collect();
    // A space at either end would be trimmed.
    format!("w{inner}w").chars().take(max).collect()
}

fn random_date(random: &mut ChaCha8Rng) -> String {
    format!(
        "{}-{:02}-{:02}",
        2026 + 4 * random.random_range(0..3),
        random.random_range(1..=10),
        random.random_range(1..=28)
    )
}

fn random_time(random: &mut ChaCha8Rng, later: u32) -> String {
    let minute = random.random_range(0..60);
    format!("{:02}:{minute:02}", random.random_range(6..10) + later)
}

/// Returns the value that a rule requires of a field, if there is such a rule.
pub fn required_value(operation: &str, field: &str, random: &mut ChaCha8Rng) -> Option<Value> {
    Some(match (operation, field) {
        ("webhooks.create", "url") => {
            json!(format!(
                "https://hooks.example.com/{}",
                random.random::<u32>()
            ))
        }
        ("webhooks.create" | "webhooks.update", "kinds") => json!([]),
        ("webhooks.replay", "after") => json!(0),
        (_, "schedule") => {
            let day = random_date(random);
            let mut schedule = json!({
                "start": format!("{day}T{}:00", random_time(random, 0)),
                "end": format!("{day}T{}:00", random_time(random, 5)),
                "time_zone": "Europe/London",
            });
            if random.random_bool(0.4) {
                schedule["recurring"] = json!({"rule": "FREQ=WEEKLY;COUNT=4"});
            }
            schedule
        }
        (_, "meeting_url") => json!("https://meet.example/é"),
        ("payroll-runs.create", "month") => {
            json!(format!("2026-{:02}-01", random.random_range(1..=10)))
        }
        ("payroll-runs.post", "effective_on") => json!("2026-11-01"),
        ("inventory.adjust", "change") => json!(random.random_range(1..5)),
        ("inventory-loans.lend", "quantity") => json!(1),
        ("inventory-loans.lend", "due_on") => json!("2036-05-01"),
        ("users.create", "role") => {
            json!(
                ["student", "student", "tutor", "tutor", "parent", "assessor"]
                    [random.random_range(0..6)]
            )
        }
        ("finance-records.create", "type") => json!("expense"),
        ("requests.create", "type") => {
            json!(["it", "complaint", "maintenance"][random.random_range(0..3)])
        }
        ("notifications.create", "type") => json!("email"),
        _ => return None,
    })
}

/// Returns the query for the rows that a field may refer to, where not every row is allowed.
pub fn reference_query(operation: &str, field: &str) -> Option<&'static str> {
    Some(match (operation, field) {
        ("students.create", "user_id") => {
            "select u.id from lms.users as u
            where u.tenant_id = $1 and u.role = 'student' and u.deleted_at is null and u.status = 'active'
              and not exists (select from lms.students as s where s.user_id = u.id)
            order by random() limit 1"
        }
        ("tutors.create", "user_id") => {
            "select u.id from lms.users as u
            where u.tenant_id = $1 and u.role = 'tutor' and u.deleted_at is null
              and not exists (select from lms.tutors as t where t.user_id = u.id)
            order by random() limit 1"
        }
        ("staff.create", "user_id") => {
            "select u.id from lms.users as u
            where u.tenant_id = $1 and u.role in ('admin', 'supervisor', 'finance', 'support', 'assessor') and u.deleted_at is null
              and not exists (select from lms.staff as s where s.user_id = u.id)
            order by random() limit 1"
        }
        ("guardians.create", "user_id") | (_, "parent_id") => {
            "select u.id from lms.users as u
            where u.tenant_id = $1 and u.role = 'parent' and u.deleted_at is null
            order by random() limit 1"
        }
        ("inventory-loans.lend", "user_id") => {
            "select u.id from lms.users as u
            where u.tenant_id = $1 and u.deleted_at is null and u.status = 'active' order by random() limit 1"
        }
        ("requests.assign", "staff_id") => {
            "select s.id from lms.staff as s where s.tenant_id = $1 and s.deleted_at is null order by random() limit 1"
        }
        ("students.assign-tutor", "tutor_id") => {
            "select t.id from lms.tutors as t
            where t.tenant_id = $1 and t.deleted_at is null and t.current_students < t.max_students order by random() limit 1"
        }
        _ => return None,
    })
}

/// Returns the query for the rows that an operation accepts, with the start of a lesson, where not every row is allowed.
pub fn row_query(operation: &str) -> Option<&'static str> {
    Some(match operation {
        "privacy.export" => "select id, null from lms.users where tenant_id = $1 order by random() limit 1",
        "tenants.update" => "select id, null from lms.tenants where tenant_id = $1",
        // The demo users send the requests, so they are not changed.
        "users.update" | "users.delete" | "users.deactivate" => {
            "select id, null from lms.users
            where tenant_id = $1 and deleted_at is null and status = 'active' and email not like '%@aurora.example'
            order by random() limit 1"
        }
        "users.activate" => {
            "select id, null from lms.users
            where tenant_id = $1 and deleted_at is null order by status = 'active', random() limit 1"
        }
        "classes.occurrences.cancel" | "classes.occurrences.move" | "classes.occurrences.split" => {
            "select o.class_id, lms.utc(o.original_start) from lms.occurrences as o
            where o.tenant_id = $1 and o.status = 'scheduled' and o.starts_at > now() and o.deleted_at is null
            order by random() limit 1"
        }
        "classes.attendance.record" => {
            "select o.class_id, lms.utc(o.original_start) from lms.occurrences as o
            where o.tenant_id = $1 and o.status <> 'cancelled' and o.starts_at < now() and o.deleted_at is null
            order by random() limit 1"
        }
        "classes.complete" => {
            "select c.id, null from lms.classes as c
            where c.tenant_id = $1 and c.status = 'scheduled' and c.deleted_at is null
            order by not exists (
              select from lms.occurrences as o
              where o.class_id = c.id and o.starts_at <= now() and o.status <> 'cancelled' and o.deleted_at is null
            ), random()
            limit 1"
        }
        "classes.cancel" => {
            "select c.id, null from lms.classes as c
            where c.tenant_id = $1 and c.status = 'scheduled' and c.deleted_at is null order by random() limit 1"
        }
        "requests.start" | "requests.assign" => {
            "select r.id, null from lms.requests as r
            where r.tenant_id = $1 and r.status = 'open' and r.deleted_at is null order by random() limit 1"
        }
        "requests.resolve" => {
            "select r.id, null from lms.requests as r
            where r.tenant_id = $1 and r.status = 'in_progress' and r.deleted_at is null order by random() limit 1"
        }
        "requests.close" | "requests.reopen" => {
            "select r.id, null from lms.requests as r
            where r.tenant_id = $1 and r.status = 'resolved' and r.deleted_at is null order by random() limit 1"
        }
        "inventory-loans.return" => {
            "select l.id, null from lms.inventory_loans as l
            where l.tenant_id = $1 and l.returned_at is null and l.deleted_at is null order by random() limit 1"
        }
        "inventory-loans.lend" => {
            "select i.id, null from lms.inventory as i
            where i.tenant_id = $1 and i.available > 0 and i.deleted_at is null order by random() limit 1"
        }
        "notifications.retry" => {
            "select n.id, null from lms.notifications as n
            where n.tenant_id = $1 and n.deleted_at is null order by n.status = 'failed' desc nulls last, random() limit 1"
        }
        "payroll-runs.post" => {
            "select p.id, null from lms.payroll_runs as p
            where p.tenant_id = $1 and p.status = 'draft' order by random() limit 1"
        }
        _ => return None,
    })
}

/// Removes fields that conflict with other fields of the body.
pub fn remove_conflicts(operation: &str, body: &mut Map<String, Value>) {
    let mut drop = |names: &[&str]| body.retain(|name, _| !names.contains(&name.as_str()));
    match operation {
        "requests.create" => drop(&["class_id", "occurrence_start", "inventory_id"]),
        "requests.resolve" => drop(&["move"]),
        "finance-records.create" => drop(&["student_id", "tutor_id", "reverses_id"]),
        "users.create" => drop(&["profile"]),
        "tutors.create" | "tutors.update" => drop(&["availability"]),
        _ => {}
    }
    // The end must be later than the start.
    let begins = body.get("starts_at").and_then(Value::as_str);
    let begins: Option<DateTime<Utc>> = begins.and_then(|start| start.parse().ok());
    if let Some(begins) = begins
        && body.contains_key("ends_at")
    {
        let ends = begins + Duration::hours(1);
        body.insert(
            "ends_at".to_owned(),
            json!(ends.to_rfc3339_opts(SecondsFormat::Secs, true)),
        );
    }
}

/// Returns a value as a quoted CSV field.
pub fn csv_field(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    format!("\"{}\"", text.replace('"', "\"\""))
}

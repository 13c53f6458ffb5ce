//! Events as statements of the Experience API (xAPI 1.0.3): a student attended a lesson, a tutor completed one, a student's assessment was
//! scored. An actor is an account: the id of a user at the service's address, without name and e-mail address.
//! The other formats live in `ndjson` and `parquet`.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write};

use anyhow::Result;
use database::explain;
use serde_json::{Value, json};
use tokio_postgres::Transaction;
use url::Url;
use uuid::Uuid;

use crate::events::chain::Event;

const VERBS: &str = "http://adlnet.gov/expapi/verbs";
const ACTIVITIES: &str = "http://adlnet.gov/expapi/activities";

/// A file with a statement on each line.
pub(super) struct Statements {
    file: BufWriter<File>,
    home_page: Url,
    /// The statements of the window, whose actors are not known yet.
    pending: Vec<Pending>,
}

/// A statement without its actor.
struct Pending {
    /// The id of the student or tutor.
    person: Uuid,
    statement: Value,
}

impl Statements {
    pub(super) fn new(file: File, home_page: Url) -> Self {
        Self {
            file: BufWriter::new(file),
            home_page,
            pending: Vec::new(),
        }
    }

    pub(super) fn write(&mut self, event: &Event) -> Result<()> {
        if !matches!(
            event.entity.as_str(),
            "attendances" | "occurrences" | "assessments"
        ) || !(event.kind.ends_with(".created") || event.kind.ends_with(".updated"))
        {
            return Ok(());
        }
        let state: Value = serde_json::from_str(&event.state)?;
        let statement = match event.entity.as_str() {
            "attendances" => self.attended(&state),
            "occurrences" => self.completed(&state),
            _ => self.scored(event, &state),
        };
        if let Some((person, mut statement)) = statement {
            // The same event has the same statement id in every export.
            statement["id"] = json!(Uuid::new_v5(&event.id, b"xapi"));
            statement["timestamp"] = json!(event.at.to_string());
            statement["version"] = json!("1.0.3");
            self.pending.push(Pending { person, statement });
        }
        Ok(())
    }

    /// The statement that a student attended a lesson.
    fn attended(&self, state: &Value) -> Option<(Uuid, Value)> {
        let status = state["status"].as_str()?;
        if !matches!(status, "present" | "late") {
            return None;
        }
        let lesson = self.lesson(&state["occurrence_id"], &state["class_id"])?;
        Some((id(&state["student_id"])?, statement("attended", lesson)))
    }

    /// The statement that a tutor completed a lesson.
    fn completed(&self, state: &Value) -> Option<(Uuid, Value)> {
        if state["status"] != "completed" {
            return None;
        }
        let lesson = self.lesson(&state["id"], &state["class_id"])?;
        let mut statement = statement("completed", lesson);
        statement["result"] = json!({"completion": true});
        Some((id(&state["tutor_id"])?, statement))
    }

    fn scored(&self, event: &Event, state: &Value) -> Option<(Uuid, Value)> {
        let kind = state["type"].as_str()?;
        let score = state["score"].as_i64()?;
        let max = if kind == "custom" { 1000 } else { 100 };
        let mut statement = statement(
            "scored",
            json!({
                "object": {
                    "objectType": "Activity",
                    "id": self.address(&format!("v1/assessments/{}", event.entity_id)),
                    "definition": {"type": format!("{ACTIVITIES}/assessment"), "name": {"en": kind}},
                },
            }),
        );
        #[allow(clippy::cast_precision_loss)] // Scores have four digits.
        let scaled = score as f64 / f64::from(max);
        // An old score may exceed the limit that its type has now. Such a score has no scaled form in xAPI.
        statement["result"] = match (0..=i64::from(max)).contains(&score) {
            true => json!({"score": {"scaled": scaled, "raw": score, "min": 0, "max": max}}),
            false => json!({"score": {"raw": score}}),
        };
        Some((id(&state["student_id"])?, statement))
    }

    /// A lesson as the object of a statement, with its class as context.
    fn lesson(&self, occurrence: &Value, class: &Value) -> Option<Value> {
        let (occurrence, class) = (id(occurrence)?, id(class)?);
        let class = self.address(&format!("v1/classes/{class}"));
        Some(json!({
            "object": {
                "objectType": "Activity",
                "id": format!("{class}/occurrences/{occurrence}"),
                "definition": {"type": format!("{ACTIVITIES}/lesson")},
            },
            "context": {
                "contextActivities": {"grouping": [{
                    "objectType": "Activity",
                    "id": class,
                    "definition": {"type": format!("{ACTIVITIES}/course")},
                }]},
            },
        }))
    }

    fn address(&self, path: &str) -> String {
        format!("{}/{path}", self.home())
    }

    fn home(&self) -> &str {
        self.home_page.as_str().trim_end_matches('/')
    }

    /// Writes the statements of the window. A person who has been removed for good cannot be an actor, and has no statements.
    pub(super) async fn flush(
        &mut self,
        transaction: &Transaction<'_>,
        tenant: Uuid,
    ) -> Result<()> {
        let people: Vec<Uuid> = self.pending.iter().map(|pending| pending.person).collect();
        let users = users(transaction, tenant, &people).await?;
        for Pending {
            person,
            mut statement,
        } in std::mem::take(&mut self.pending)
        {
            let Some(user) = users.get(&person) else {
                continue;
            };
            statement["actor"] = json!({
                "objectType": "Agent",
                "account": {"homePage": self.home(), "name": user},
            });
            serde_json::to_writer(&mut self.file, &statement)?;
            self.file.write_all(b"\n")?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<()> {
        Ok(self.file.flush()?)
    }
}

/// A statement with a verb and an object, without actor and time.
fn statement(verb: &str, object: Value) -> Value {
    let mut statement = object;
    statement["verb"] = json!({"id": format!("{VERBS}/{verb}"), "display": {"en": verb}});
    statement
}

fn id(value: &Value) -> Option<Uuid> {
    value.as_str()?.parse().ok()
}

/// The user ids of students and tutors.
async fn users(
    transaction: &Transaction<'_>,
    tenant: Uuid,
    people: &[Uuid],
) -> Result<HashMap<Uuid, Uuid>> {
    if people.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = transaction
        .query(
            "-- events.users_of_people
            select s.id, s.user_id
            from lms.students as s
            where s.tenant_id = $1
              and s.id = any ($2)
            union all
            select t.id, t.user_id
            from lms.tutors as t
            where t.tenant_id = $1
              and t.id = any ($2)",
            &[&tenant, &people],
        )
        .await
        .map_err(explain)?;
    Ok(rows
        .iter()
        .filter_map(|row| Some((row.get(0), row.get::<_, Option<Uuid>>(1)?)))
        .collect())
}

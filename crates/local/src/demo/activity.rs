//! Writes the activity of a demo tenant: assessments, awards and finance records.
//! Lessons, payroll, help-desk requests, notifications and webhooks have modules of their own.

use anyhow::Result;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;
use serde_json::{Value, json};
use tokio_postgres::Transaction;
use uuid::Uuid;

use super::insert::{act_as, insert};
use super::people::{People, TenantDefinition};
use super::{help_desk, lessons, notifications, payroll, webhooks};

/// Writes the activity of all kinds.
pub(super) async fn create(
    transaction: &Transaction<'_>,
    definition: &TenantDefinition<'_>,
    people: &People,
) -> Result<()> {
    let mut generator = definition.generator();
    lessons::create(transaction, definition, people).await?;
    let by_tutor = |tutor: usize| {
        people
            .students
            .iter()
            .filter(move |student| student.tutor == tutor)
    };
    for (index, tutor) in people.tutors.iter().enumerate() {
        act_as(transaction, tutor.user).await?;
        let assigned: Vec<Uuid> = by_tutor(index).map(|student| student.id).collect();
        insert(
            transaction,
            "assessments",
            &assessments(&assigned, tutor.id, &mut generator),
        )
        .await?;
        insert(
            transaction,
            "gamification",
            &awards(&assigned, &mut generator),
        )
        .await?;
    }
    if let Some(finance) = people.user("finance") {
        act_as(transaction, finance).await?;
        insert(
            transaction,
            "finance_records",
            &finance_records(definition, people, &mut generator),
        )
        .await?;
        payroll::create(transaction, definition, people).await?;
    }
    help_desk::create(transaction, people, &mut generator).await?;
    notifications::create(transaction, people).await?;
    webhooks::create(transaction, people).await
}

fn assessments(students: &[Uuid], tutor: Uuid, generator: &mut ChaCha8Rng) -> Vec<Value> {
    let mut rows = Vec::new();
    for student in students {
        for kind in ["reading", "spelling", "numeracy"] {
            let score = generator.random_range(35..=98);
            let notes = if score < 50 {
                "Needs more practice."
            } else {
                "Good progress."
            };
            rows.push(json!({"student_id": student, "tutor_id": tutor, "type": kind, "score": score, "notes": notes}));
        }
    }
    rows
}

fn awards(students: &[Uuid], generator: &mut ChaCha8Rng) -> Vec<Value> {
    let badges = ["Bookworm", "Number cruncher", "Never late", "Helping hand"];
    let mut rows = Vec::new();
    for student in students {
        for _ in 0..2 {
            let badge = badges
                .choose(generator)
                .filter(|_| generator.random_bool(0.4));
            rows.push(json!({
                "student_id": student,
                "points": generator.random_range(1..=20) * 5,
                "badge": badge,
                "metadata": {"reason": "lesson"},
            }));
        }
    }
    rows
}

fn finance_records(
    definition: &TenantDefinition<'_>,
    people: &People,
    generator: &mut ChaCha8Rng,
) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut add = |kind: &str,
                   centre: Uuid,
                   student: Option<Uuid>,
                   tutor: Option<Uuid>,
                   amount: String,
                   method: &str| {
        rows.push(json!({
            "centre_id": centre,
            "student_id": student,
            "tutor_id": tutor,
            "amount": amount,
            "currency": definition.currency(),
            "type": kind,
            "method": method,
            "reference": format!("{}-{:05}", kind.to_uppercase(), rows.len() + 1),
        }));
    };
    for student in &people.students {
        let method = ["card", "cash", "transfer"]
            .choose(generator)
            .copied()
            .unwrap_or("card");
        add(
            "payment",
            student.centre,
            Some(student.id),
            None,
            format!("{}.50", generator.random_range(80..=240)),
            method,
        );
    }
    for tutor in &people.tutors {
        add(
            "salary",
            tutor.centre,
            None,
            Some(tutor.id),
            format!("{}.00", generator.random_range(1800..=3200)),
            "transfer",
        );
        add(
            "reimbursement",
            tutor.centre,
            None,
            Some(tutor.id),
            "24.80".to_owned(),
            "transfer",
        );
    }
    for centre in &people.centres {
        add(
            "expense",
            *centre,
            None,
            None,
            "1250.00".to_owned(),
            "transfer",
        );
        add(
            "expense",
            *centre,
            None,
            None,
            format!("{}.95", generator.random_range(20..=90)),
            "card",
        );
    }
    rows
}

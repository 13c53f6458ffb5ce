//! Tests that payroll equals a model in exact decimals for random lessons and rates.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tests::{Application, fixtures, queries, random_samples, role, run};
use uuid::Uuid;

use crate::finance::payroll::{Payroll, payroll};

/// A rate: unit, amount in minor units, currency, and the day of March from which it applies.
type Rate = (&'static str, i64, &'static str, u32);
/// A lesson: day of March and minutes.
type Lesson = (u32, u32);
/// A payroll item: lessons, minutes, and the amount if there is a rate.
type Figures = (u32, u32, Option<Decimal>);

const DIGITS: [(&str, u32); 3] = [("EUR", 2), ("JPY", 0), ("KWD", 3)];

fn month() -> impl Strategy<Value = (Vec<Rate>, Vec<Lesson>)> {
    let currency = prop_oneof![Just("EUR"), Just("EUR"), Just("JPY"), Just("KWD")];
    let amount = prop_oneof![0_i64..100, 0_i64..10_000, 0_i64..10_000_000_000];
    let rate = (
        prop_oneof![Just("hour"), Just("lesson")],
        amount,
        currency,
        1_u32..=31,
    );
    (
        proptest::collection::vec(rate, 0..4),
        proptest::collection::vec((1_u32..=31, 1_u32..=1000), 1..20),
    )
}

fn digits(currency: &str) -> u32 {
    DIGITS
        .iter()
        .find(|(code, _)| *code == currency)
        .map_or(0, |(_, digits)| *digits)
}

/// Sums lessons, minutes and amount by currency, with no currency for lessons without a rate.
fn model(
    rates: &BTreeMap<u32, Rate>,
    lessons: &BTreeMap<u32, u32>,
) -> BTreeMap<Option<&'static str>, Figures> {
    let mut sums: BTreeMap<Option<&'static str>, (u32, u32, Decimal)> = BTreeMap::new();
    for (day, minutes) in lessons {
        let rate = rates.range(..=day).next_back().map(|(_, rate)| rate);
        let (count, total, sixtyfold) = sums.entry(rate.map(|rate| rate.2)).or_default();
        *count += 1;
        *total += minutes;
        if let Some((unit, coins, currency, _)) = rate {
            let parts = if *unit == "hour" { *minutes } else { 60 };
            *sixtyfold += Decimal::new(*coins, digits(currency)) * Decimal::from(parts);
        }
    }
    sums.into_iter()
        .map(|(currency, (count, total, sixtyfold))| {
            let amount = currency.map(|currency| {
                let coins = sixtyfold * Decimal::from(10_u32.pow(digits(currency)));
                // The amount is rounded half up in integers.
                let whole =
                    ((coins * Decimal::TWO + Decimal::from(60)) / Decimal::from(120)).floor();
                let mut amount = whole / Decimal::from(10_u32.pow(digits(currency)));
                amount.rescale(digits(currency));
                amount
            });
            (currency, (count, total, amount))
        })
        .collect()
}

/// Inserts rates and lessons as the superuser, which is faster than two hundred requests.
async fn write(
    app: &Application,
    fixture: &Payroll,
    rates: &BTreeMap<u32, Rate>,
    lessons: &BTreeMap<u32, u32>,
) -> Result<()> {
    let tenant = app.demo.tenants[0].id;
    for (unit, coins, currency, day) in rates.values() {
        let amount = Decimal::new(*coins, digits(currency));
        queries::execute(
            app,
            "insert into lms.tutor_rates (tenant_id, tutor_id, unit, amount, currency, effective_from)
            values ($1, $2, $3, $4, $5, $6::text::date)",
            &[&tenant, &fixture.tutor, unit, &amount, currency, &format!("2026-03-{day:02}")],
        )
        .await?;
    }
    for (day, minutes) in lessons {
        queries::execute(
            app,
            "insert into lms.occurrences (tenant_id, class_id, centre_id, tutor_id, original_start, starts_at, ends_at, status)
            select $1, $2, $3, $4, t.start, t.start, t.start + $6::integer * interval '1 minute', 'completed'
            from (select $5::text::timestamptz as start) as t",
            &[&tenant, &fixture.class, &fixture.centre, &fixture.tutor, &format!("2026-03-{day:02}T05:00:00Z"), &i32::try_from(*minutes)?],
        )
        .await?;
    }
    Ok(())
}

fn item_figures(item: &Value) -> Result<(Option<&str>, Figures)> {
    let number = |name: &str| {
        item[name]
            .as_u64()
            .and_then(|number| u32::try_from(number).ok())
            .context("a number")
    };
    let amount = item["amount"].as_str().map(str::parse).transpose()?;
    Ok((
        item["currency"].as_str(),
        (number("lessons")?, number("minutes")?, amount),
    ))
}

#[test]
fn items_and_totals_equal_a_model_in_exact_decimals() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let shared = payroll(app, &admin, "UTC", "EUR").await?;
        let mut models: BTreeMap<Uuid, BTreeMap<_, _>> = BTreeMap::new();
        for (rates, lessons) in random_samples::samples(24, &month()) {
            let rates: BTreeMap<u32, Rate> = rates.into_iter().map(|rate| (rate.3, rate)).collect();
            let lessons: BTreeMap<u32, u32> = lessons.into_iter().collect();
            let tutor = fixtures::create_tutor(app, &admin, shared.centre, 5).await?;
            let class = fixtures::insert_class(app, tutor).await?;
            let fixture = Payroll {
                centre: shared.centre,
                tutor,
                class,
            };
            write(app, &fixture, &rates, &lessons).await?;
            models.insert(tutor, model(&rates, &lessons));
        }
        let draft = shared
            .draft(app, &admin, "2026-03-01")
            .await?
            .expect(200)
            .json();
        let mut seen: BTreeMap<Uuid, BTreeMap<_, _>> = BTreeMap::new();
        let mut totals: BTreeMap<&str, Decimal> = BTreeMap::new();
        for item in draft["items"].as_array().context("items")? {
            let (currency, figures) = item_figures(item)?;
            if let (Some(currency), Some(amount)) = (currency, figures.2) {
                *totals.entry(currency).or_default() += amount;
            }
            let tutor = item["tutor_id"].as_str().context("a tutor")?.parse()?;
            seen.entry(tutor).or_default().insert(currency, figures);
        }
        assert_eq!(seen, models);
        let expected: Vec<Value> = totals
            .iter()
            .map(|(currency, amount)| json!({"currency": currency, "amount": amount.to_string()}))
            .collect();
        assert_eq!(draft["totals"], json!(expected));
        assert!(totals.len() == DIGITS.len(), "{totals:?}");
        Ok(())
    });
}

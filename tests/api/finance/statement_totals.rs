//! Tests that statements equal the ledger's balance and that consecutive ones match, for random records.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tests::{
    Application, Session,
    finance_records::{create, reverse},
    queries, random_samples, role, run,
};
use uuid::Uuid;

use crate::finance::statement_of_account::{Family, entry, family, statement};

/// An entry: whether it belongs to the second child, whether it is a reimbursement, minor units,
/// currency, the number of days after the end of February, and those until its reversal, if any.
type RandomEntry = (bool, bool, i64, &'static str, u32, Option<u32>);

fn entry_strategy() -> impl Strategy<Value = RandomEntry> {
    (
        any::<bool>(),
        proptest::bool::weighted(0.3),
        1_i64..10_000_000,
        prop_oneof![Just("EUR"), Just("JPY"), Just("KWD")],
        1_u32..=50,
        proptest::option::weighted(0.3, 0_u32..10),
    )
}

/// Returns the date this many days after the end of February.
fn day(number: u32) -> String {
    if number <= 31 {
        format!("2026-03-{number:02}")
    } else {
        format!("2026-04-{:02}", number - 31)
    }
}

async fn create_entry(
    app: &Application,
    finance: &Session,
    family: &Family,
    one: RandomEntry,
) -> Result<()> {
    let (is_second, is_back, coins, currency, on, reversed) = one;
    let digits = match currency {
        "JPY" => 0,
        "KWD" => 3,
        _ => 2,
    };
    let (centre, student) = if is_second {
        (family.other_centre, family.sibling)
    } else {
        (family.own_centre, family.child)
    };
    let kind = if is_back { "reimbursement" } else { "payment" };
    let amount = Decimal::new(coins, digits).to_string();
    let mut body = entry(centre, student, kind, &amount, &day(on));
    body["currency"] = json!(currency);
    let created = create(app, finance, &body).await?;
    if let Some(later) = reversed {
        let reversal_body = json!({"effective_on": day(on + later)});
        reverse(app, finance, &created["id"], &reversal_body)
            .await?
            .expect(201);
    }
    Ok(())
}

fn parse_amount(value: &Value) -> Result<Decimal> {
    Ok(value.as_str().context("an amount")?.parse()?)
}

/// Returns opening and closing balance by currency, after checking that each account adds up.
async fn accounts(
    app: &Application,
    session: &Session,
    query: &str,
) -> Result<BTreeMap<String, (Decimal, Decimal)>> {
    let found = statement(app, session, query, "application/json")
        .await?
        .expect(200)
        .json();
    let mut all = BTreeMap::new();
    for account in found["accounts"].as_array().context("accounts")? {
        let brought = parse_amount(&account["brought_forward"])?;
        let (mut balance, mut paid_in, mut paid_out) = (brought, Decimal::ZERO, Decimal::ZERO);
        for entry in account["entries"].as_array().context("entries")? {
            let amount = parse_amount(&entry["amount"])?;
            balance += amount;
            paid_in += amount.max(Decimal::ZERO);
            paid_out -= amount.min(Decimal::ZERO);
            assert_eq!(parse_amount(&entry["balance"])?, balance, "{entry}");
        }
        let stated = [
            &account["paid_in"],
            &account["paid_out"],
            &account["carried_forward"],
        ];
        for (stated, expected) in stated.into_iter().zip([paid_in, paid_out, balance]) {
            assert_eq!(parse_amount(stated)?, expected, "{account}");
        }
        let currency = account["currency"].as_str().context("a currency")?;
        all.insert(currency.to_owned(), (brought, balance));
    }
    Ok(all)
}

/// Returns the ledger's net balance of a student up to a date, by currency.
async fn net(
    app: &Application,
    session: &Session,
    student: Uuid,
    to: &str,
) -> Result<BTreeMap<String, Decimal>> {
    let path = format!("/v1/finance-records/balance?student_id={student}&to={to}");
    let found = app.get(session, &path).await?.expect(200).json();
    let figures = found["data"].as_array().context("figures")?;
    figures
        .iter()
        .map(|figure| {
            let currency = figure["currency"].as_str().context("a currency")?;
            Ok((currency.to_owned(), parse_amount(&figure["net"])?))
        })
        .collect()
}

fn without_zeros(sums: BTreeMap<String, Decimal>) -> BTreeMap<String, Decimal> {
    sums.into_iter().filter(|(_, sum)| !sum.is_zero()).collect()
}

#[test]
fn statements_equal_the_ledgers_balance_and_consecutive_ones_match() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let finance = app.sign_in(role::FINANCE).await?;
        let family = family(app, &admin).await?;
        for one in random_samples::samples(80, &entry_strategy()) {
            create_entry(app, &finance, &family, one).await?;
        }
        for split in [1, 9, 17, 31, 32, 50, 59] {
            let (last, next) = (day(split), day(split + 1));
            let mut family_net: BTreeMap<String, Decimal> = BTreeMap::new();
            for student in [family.child, family.sibling] {
                let of = format!("?student_id={student}&from=2026-03-01&to={last}");
                let carried: BTreeMap<String, Decimal> = accounts(app, &finance, &of)
                    .await?
                    .into_iter()
                    .map(|(currency, (_, carried))| (currency, carried))
                    .collect();
                let booked = without_zeros(net(app, &finance, student, &last).await?);
                assert_eq!(without_zeros(carried), booked, "{student} up to {last}");
                for (currency, sum) in booked {
                    *family_net.entry(currency).or_default() += sum;
                }
            }
            let earlier = format!("?user_id={}&from=2026-03-01&to={last}", family.parent);
            let later = format!("?user_id={}&from={next}&to=2026-12-31", family.parent);
            let (earlier, later) = (
                accounts(app, &finance, &earlier).await?,
                accounts(app, &finance, &later).await?,
            );
            let carried: BTreeMap<_, _> = earlier
                .into_iter()
                .map(|(currency, sums)| (currency, sums.1))
                .collect();
            let brought: BTreeMap<_, _> = later
                .into_iter()
                .map(|(currency, sums)| (currency, sums.0))
                .collect();
            assert_eq!(without_zeros(carried), without_zeros(family_net.clone()));
            assert_eq!(without_zeros(brought), without_zeros(family_net));
        }
        let unbalanced_count = queries::count(
            app,
            "(select from lms.journal_entries as l
              join lms.finance_records as r on r.id = l.record_id
              where r.student_id = any (array[$1, $2]::uuid[])
              group by l.currency having sum(l.amount) <> 0) as unbalanced",
            &[&family.child, &family.sibling],
        )
        .await?;
        assert_eq!(unbalanced_count, 0);
        Ok(())
    });
}

#[test]
fn a_period_with_too_many_entries_is_rejected_and_a_shorter_one_is_not() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let family = family(app, &admin).await?;
        let client = app.superuser().await?;
        let tenant = app.demo.tenants[0].id;
        client
            .execute(
                "select set_config('app.tenant_id', $1, false)",
                &[&tenant.to_string()],
            )
            .await?;
        client
            .execute(
                "insert into lms.finance_records (tenant_id, centre_id, student_id, amount, type, method, effective_on)
                select $1, $2, $3, 1, 'payment', 'cash', '2026-03-01'::date + n / 10000
                from generate_series(0, 10000) as n",
                &[&tenant, &family.own_centre, &family.child],
            )
            .await?;
        let query = format!("?student_id={}&from=2026-03-01", family.child);
        for media in ["application/json", "text/csv", "text/html"] {
            let reply = statement(app, &admin, &format!("{query}&to=2026-03-02"), media).await?;
            assert!(reply.expect(422).text.contains("10000 entries"));
        }
        let file = statement(app, &admin, &format!("{query}&to=2026-03-01"), "text/csv").await?;
        assert_eq!(file.expect(200).text.lines().count(), 10_003);
        Ok(())
    });
}

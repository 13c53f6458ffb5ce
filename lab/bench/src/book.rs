//! A tenant with a full book: what the balance of a centre and a new finance record are measured on.

use anyhow::{Context, Result};
use database::explain;
use serde_json::{Value, json};
use tokio_postgres::Client;
use uuid::Uuid;

use super::person::Person;
use super::{data, own_tenant};

/// Finance records that the book has.
const RECORDS: i32 = 1_000_000;
/// Students who pay.
const STUDENTS: i32 = 1_000;

/// A payment of today.
pub(super) fn new_record(person: &Person, pick: usize) -> Value {
    let one = |ids: &[Uuid]| ids.get(pick % ids.len().max(1)).copied();
    json!({
        "centre_id": person.centres.first(),
        "student_id": one(&person.students),
        "amount": format!("{}.50", 20 + pick % 200),
        "currency": "GBP",
        "type": "payment",
        "method": "card",
        "reference": "Bench"
    })
}

/// Writes the students and a book of three years.
pub(super) async fn fill(client: &mut Client, tenant: Uuid) -> Result<()> {
    let transaction = own_tenant::begin(client, tenant).await?;
    for (statement, count) in [
        (USERS, STUDENTS),
        (PAYING_STUDENTS, STUDENTS),
        (FINANCE_RECORDS, RECORDS),
        (SEQUENCE, RECORDS),
    ] {
        transaction
            .execute(statement, &[&count])
            .await
            .map_err(explain)
            .context("cannot write the book")?;
    }
    // What triggers make of records.
    transaction
        .execute("call lms_private.rebuild_ledger()", &[])
        .await
        .map_err(explain)
        .context("cannot write beneath the book")?;
    transaction.commit().await.map_err(explain)?;
    data::settle(client).await
}

const USERS: &str = "
insert into lms.users (id, centre_id, name, email, role)
select
  md5('payer' || number)::uuid,
  (select c.id from lms.centres as c where c.tenant_id = current_setting('app.tenant_id')::uuid),
  'Student ' || number,
  'student' || number || '@bench.example',
  'student'
from generate_series(1, $1::integer) as number";

const PAYING_STUDENTS: &str = "
insert into lms.students (id, user_id, centre_id)
select
  md5('the payer' || number)::uuid,
  u.id,
  u.centre_id
from generate_series(1, $1::integer) as number
join lms.users as u
  on u.tenant_id = current_setting('app.tenant_id')::uuid
  and u.id = md5('payer' || number)::uuid";

/// Nine payments to each expense.
const FINANCE_RECORDS: &str = "
insert into lms.finance_records (number, effective_on, centre_id, student_id, amount, currency, type, method)
select
  number,
  date '2024-01-01' + number % 1000,
  c.id,
  case when number % 10 > 0 then md5('the payer' || number % 1000 + 1)::uuid end,
  round(1 + (number % 20000) / 100.0, 2),
  'GBP',
  case when number % 10 > 0 then 'payment' else 'expense' end,
  'card'
from generate_series(1, $1::integer) as number
cross join lms.centres as c
where c.tenant_id = current_setting('app.tenant_id')::uuid";

const SEQUENCE: &str = "
insert into lms.tenant_sequences (name, next_value)
values ('finance_records', $1::integer + 1)";

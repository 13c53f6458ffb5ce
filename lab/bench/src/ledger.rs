//! Fills the ledger of a tenant, for measuring the balance of a centre and the creation of a finance record.
//! The tenant itself is created in `bench_tenant`.

use anyhow::{Context, Result};
use database::explain;
use serde_json::{Value, json};
use tokio_postgres::Client;
use uuid::Uuid;

use super::client_account::ClientAccount;
use super::{bench_tenant, database_copy};

/// The number of finance records.
const RECORDS: i32 = 1_000_000;
/// The number of students who pay.
const STUDENTS: i32 = 1_000;

/// Returns the body of a payment of today.
pub(super) fn new_record(account: &ClientAccount, pick: usize) -> Value {
    let one = |ids: &[Uuid]| ids.get(pick % ids.len().max(1)).copied();
    json!({
        "centre_id": account.centres.first(),
        "student_id": one(&account.students),
        "amount": format!("{}.50", 20 + pick % 200),
        "currency": "GBP",
        "type": "payment",
        "method": "card",
        "reference": "Bench"
    })
}

/// Writes the students and the finance records of three years.
pub(super) async fn fill(client: &mut Client, tenant: Uuid) -> Result<()> {
    let transaction = bench_tenant::begin(client, tenant).await?;
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
            .context("cannot write the ledger")?;
    }
    // The journal entries and totals that triggers derive are computed at once.
    transaction
        .execute("call lms_private.rebuild_ledger()", &[])
        .await
        .map_err(explain)
        .context("cannot derive the journal entries")?;
    transaction.commit().await.map_err(explain)?;
    database_copy::vacuum_and_checkpoint(client).await
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

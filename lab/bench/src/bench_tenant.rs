//! Creates tenants for one measurement, with a centre and administrators, and writes rows to them without triggers.
//! The seeded tenants are written in `seed`.

use anyhow::Result;
use database::{explain, tenant};
use operations::password;
use tokio_postgres::{Client, Transaction};
use uuid::Uuid;

use super::client_account::ClientAccount;

/// The number of administrators that send requests, one for each connection.
const ACCOUNTS: i32 = 32;
/// The password of the accounts, in a database that only this machine reaches.
const PASSWORD: &str = "only for measuring";

/// Creates a tenant with a centre in London and administrators.
pub(super) async fn create(client: &mut Client, slug: &str) -> Result<Uuid> {
    let hash = password::hash(PASSWORD)?;
    let id = Uuid::now_v7();
    let transaction = tenant::begin(client, id, "bench").await?;
    let new = tenant::New {
        slug: slug.to_owned(),
        name: "Bench".to_owned(),
    };
    tenant::insert(&transaction, id, &new).await?;
    transaction
        .execute(
            "insert into lms.centres (name, code, time_zone, currency)
            values ('Lakeside', 'lake', 'Europe/London', 'GBP')",
            &[],
        )
        .await
        .map_err(explain)?;
    transaction
        .execute(
            "insert into lms.users (name, email, role, password_hash)
            select 'Bench', format('admin%s@bench.example', number), 'admin', $1
            from generate_series(1, $2::integer) as number",
            &[&hash, &ACCOUNTS],
        )
        .await
        .map_err(explain)?;
    transaction.commit().await.map_err(explain)?;
    Ok(id)
}

/// Begins a transaction in the tenant's context that runs no triggers, so that its rows cause no events.
pub(super) async fn begin(client: &mut Client, tenant: Uuid) -> Result<Transaction<'_>> {
    let transaction = client.transaction().await.map_err(explain)?;
    transaction
        .execute(
            "select
              set_config('app.tenant_id', $1, true),
              set_config('session_replication_role', 'replica', true)",
            &[&tenant.to_string()],
        )
        .await
        .map_err(explain)?;
    Ok(transaction)
}

/// Returns the administrators with the ids of the tenant's centres, tutors and students.
pub(super) async fn accounts(client: &Client, tenant: Uuid) -> Result<Vec<ClientAccount>> {
    let ids = async |table: &str| -> Result<Vec<Uuid>> {
        let sql = format!("select id from lms.{table} where tenant_id = $1 order by id");
        let rows = client.query(&sql, &[&tenant]).await.map_err(explain)?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    };
    let (centres, tutors, students) = (
        ids("centres").await?,
        ids("tutors").await?,
        ids("students").await?,
    );
    let row = client
        .query_one(
            "select slug from lms.tenants where tenant_id = $1",
            &[&tenant],
        )
        .await
        .map_err(explain)?;
    let slug: String = row.get(0);
    Ok((1..=ACCOUNTS)
        .map(|number| ClientAccount {
            slug: slug.clone(),
            email: format!("admin{number}@bench.example"),
            password: PASSWORD.to_owned(),
            centres: centres.clone(),
            tutors: tutors.clone(),
            students: students.clone(),
            ..ClientAccount::default()
        })
        .collect())
}

//! The tenants of a cell for its operator: listing, suspending and resuming them. They are created in `database::tenant`, and relocated
//! in `relocation`.

use std::fmt::{self, Display, Formatter};

use anyhow::{Result, bail};
use chrono::{DateTime, Utc};
use database::{explain, tenant};
use serde::Serialize;
use tokio_postgres::{Client, Transaction};
use uuid::Uuid;

use crate::time;

/// The status of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Its users can sign in.
    Active,
    /// Its users cannot sign in, their sessions are refused, and nothing is delivered to them.
    Inactive,
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
        }
    }
}

/// A tenant, with the size of it.
#[derive(Clone, Debug, Serialize)]
pub struct Tenant {
    /// The id, which the event log has as well.
    pub id: Uuid,
    /// The short name that people type to sign in.
    pub slug: String,
    /// The organisation's name.
    pub name: String,
    /// `active` or `inactive`.
    pub status: String,
    /// The time at which it was created.
    pub created_at: DateTime<Utc>,
    /// The number of centres.
    pub centres: i64,
    /// The number of accounts.
    pub users: i64,
    /// The number of students.
    pub students: i64,
}

impl Display for Tenant {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}: {}, {}, created {}, centres: {}, users: {}, students: {}, id {}",
            self.slug,
            self.name,
            self.status,
            time::text(self.created_at),
            self.centres,
            self.users,
            self.students,
            self.id
        )
    }
}

/// Lists the tenants that live in the cell, in the order of their slugs.
///
/// # Errors
///
/// When the database fails.
pub async fn list(client: &mut Client) -> Result<Vec<Tenant>> {
    let mut tenants = Vec::new();
    for (id, _) in tenant::all(client).await? {
        tenants.push(read(client, id).await?);
    }
    Ok(tenants)
}

/// Finds a tenant by its slug.
///
/// # Errors
///
/// When there is none, or the database fails.
pub async fn find(client: &mut Client, slug: &str) -> Result<Tenant> {
    let id = find_id(client, slug).await?;
    read(client, id).await
}

/// Suspends or resumes a tenant, and returns it.
///
/// # Errors
///
/// When there is no such tenant, it has this status already, or the database fails.
pub async fn set_status(client: &mut Client, slug: &str, status: Status) -> Result<Tenant> {
    let id = find_id(client, slug).await?;
    let transaction = tenant::begin(client, id, "tenant-status").await?;
    let changed = transaction
        .execute(
            "-- tenants.set_status
            update lms.tenants
            set status = $1
            where status <> $1",
            &[&status.as_str()],
        )
        .await
        .map_err(explain)?;
    if changed == 0 {
        bail!("the tenant {slug} is {} already", status.as_str());
    }
    let tenant = select(&transaction, id).await?;
    transaction.commit().await.map_err(explain)?;
    Ok(tenant)
}

async fn find_id(client: &Client, slug: &str) -> Result<Uuid> {
    match tenant::find(client, slug).await? {
        Some(id) => Ok(id),
        None => bail!("there is no tenant {slug}: `lms tenant list` prints all of them"),
    }
}

async fn read(client: &mut Client, id: Uuid) -> Result<Tenant> {
    select(&tenant::begin(client, id, "tenant-show").await?, id).await
}

/// Reads the tenant in whose context the transaction is.
async fn select(transaction: &Transaction<'_>, id: Uuid) -> Result<Tenant> {
    let row = transaction
        .query_one(
            "-- tenants.read
            select
              t.slug,
              t.name,
              t.status,
              t.created_at,
              (select count(*) from lms.centres as c where c.deleted_at is null),
              (select count(*) from lms.users as u where u.deleted_at is null),
              (select count(*) from lms.students as s where s.deleted_at is null)
            from lms.tenants as t",
            &[],
        )
        .await
        .map_err(explain)?;
    Ok(Tenant {
        id,
        slug: row.get(0),
        name: row.get(1),
        status: row.get(2),
        created_at: row.get(3),
        centres: row.get(4),
        users: row.get(5),
        students: row.get(6),
    })
}

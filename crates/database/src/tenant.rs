//! Tenants for native programs: creating one, finding one, and acting in its context.
//! Tenants are relocated and restored in `operations`.

use anyhow::{Context, Result, anyhow, bail};
use platform::declare::field::Kind;
use platform::declare::validation::scalar;
use tokio_postgres::{Client, Transaction};
use uuid::Uuid;

use crate::connection::explain;

/// The type of a tenant's name, the same as in the component in which an admin changes it.
const TENANT_NAME: Kind = Kind::Text { min: 1, max: 200 };

/// The properties of a new tenant. Its region and retention class are those of the cell.
#[derive(Clone, Debug)]
pub struct New {
    /// The short name that people type to sign in.
    pub slug: String,
    /// The organisation's name.
    pub name: String,
}

/// Creates a tenant and returns its id.
///
/// # Errors
///
/// When the slug or name is invalid, the slug is taken, or the database fails.
pub async fn create(client: &mut Client, tenant: &New) -> Result<Uuid> {
    if !is_slug(&tenant.slug) {
        bail!(
            "{:?} is not a slug: it takes 1 to 63 lower-case letters, digits and inner hyphens",
            tenant.slug
        );
    }
    if find(client, &tenant.slug).await?.is_some() {
        bail!(
            "the tenant {} already exists: choose another slug",
            tenant.slug
        );
    }
    let name = scalar(TENANT_NAME, &tenant.name)
        .map_err(|(_, detail)| anyhow!("{:?} is not a name: {detail}", tenant.name))?;
    let tenant = New {
        name,
        ..tenant.clone()
    };
    let id = Uuid::now_v7();
    let transaction = begin_new(client, id, "tenant-create").await?;
    insert(&transaction, id, &tenant).await?;
    transaction.commit().await.map_err(explain)?;
    Ok(id)
}

/// The schema has the same rule; checking it here gives a readable message.
fn is_slug(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text
            .chars()
            .all(|character| matches!(character, 'a'..='z' | '0'..='9' | '-'))
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Inserts the row of a new tenant, in a transaction that is in its context already.
///
/// # Errors
///
/// When the database is not a cell yet, or fails.
pub async fn insert(transaction: &Transaction<'_>, id: Uuid, tenant: &New) -> Result<()> {
    let count = transaction
        .execute(
            "insert into lms.tenants (tenant_id, id, slug, name, region, retention_class)
            select $1, $1, $2, $3, c.region, c.retention_class
            from lms_private.cell as c",
            &[&id, &tenant.slug, &tenant.name],
        )
        .await
        .map_err(explain)
        .with_context(|| format!("cannot create the tenant {}", tenant.slug))?;
    if count == 0 {
        bail!("the database is not a cell yet: run `lms migrate` with --cell");
    }
    Ok(())
}

/// Finds a tenant by its slug.
///
/// # Errors
///
/// When the database lacks the schema.
pub async fn find(client: &Client, slug: &str) -> Result<Option<Uuid>> {
    let row = client
        .query_opt(
            "select tenant_id from lms_private.tenant_slugs where slug = $1",
            &[&slug],
        )
        .await
        .map_err(explain)
        .context("the database lacks the schema: run `lms migrate`")?;
    Ok(row.map(|row| row.get(0)))
}

/// Every tenant that lives in this cell and is not being relocated, with its slug, in the order of slugs.
///
/// # Errors
///
/// When the database fails.
pub async fn all(client: &Client) -> Result<Vec<(Uuid, String)>> {
    let rows = client
        .query(
            "-- tenants.all
            select s.tenant_id, s.slug
            from lms_private.tenant_slugs as s
            where not exists (
              select from lms_private.relocated_tenants as a
              where a.tenant_id = s.tenant_id
            )
            order by s.slug",
            &[],
        )
        .await
        .map_err(explain)?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Begins a transaction of the schema's owner in a tenant's context. Row security applies to it as to any other.
///
/// # Errors
///
/// When the login may not act as the owner, the tenant lives in another cell, or the database fails.
pub async fn begin<'a>(
    client: &'a mut Client,
    tenant: Uuid,
    request: &str,
) -> Result<Transaction<'a>> {
    let transaction = client.transaction().await.map_err(explain)?;
    enter(&transaction, tenant, request).await?;
    Ok(transaction)
}

/// Begins a transaction as `begin` does, for a tenant that is being created and so cannot be in relocation.
///
/// # Errors
///
/// When the login may not act as the owner, or the database fails.
pub async fn begin_new<'a>(
    client: &'a mut Client,
    tenant: Uuid,
    request: &str,
) -> Result<Transaction<'a>> {
    let transaction = client.transaction().await.map_err(explain)?;
    set_context(&transaction, tenant, request).await?;
    Ok(transaction)
}

/// Turns a transaction that has just begun into one of the schema's owner in a tenant's context.
///
/// # Errors
///
/// When the login may not act as the owner, the tenant lives in another cell, or the database fails.
pub async fn enter(transaction: &Transaction<'_>, tenant: Uuid, request: &str) -> Result<()> {
    set_context(transaction, tenant, request).await?;
    // A tenant that is being relocated must not change, and rows left behind in its former cell must not be read.
    transaction
        .execute("select lms_private.check_current_tenant_location()", &[])
        .await
        .map_err(explain)?;
    Ok(())
}

/// Sets the owner's role and a tenant's context, wherever the tenant lives, for creating, relocating or restoring one.
///
/// # Errors
///
/// When the login may not act as the owner, or the database fails.
pub async fn set_context(transaction: &Transaction<'_>, tenant: Uuid, request: &str) -> Result<()> {
    transaction
        .batch_execute("set local role lms_owner")
        .await
        .map_err(explain)
        .context("this database login may not act as the owner of the schema")?;
    transaction
        .execute(
            "select
              set_config('app.tenant_id', $1, true),
              set_config('app.role', 'admin', true),
              set_config('app.request_id', $2, true)",
            &[&tenant.to_string(), &request],
        )
        .await
        .map_err(explain)?;
    Ok(())
}

/// Takes the lock that serializes the writers of a tenant, until the transaction ends. Every statement on a table with rules across rows
/// takes it first; a transaction that locked rows of the tenant before it could deadlock.
///
/// # Errors
///
/// When the database fails.
pub async fn serialize_writers(transaction: &Transaction<'_>, tenant: Uuid) -> Result<()> {
    transaction
        .execute("select lms_private.acquire_write_lock($1)", &[&tenant])
        .await
        .map_err(explain)?;
    Ok(())
}

/// Gives all committed events of a tenant their places in its chain, so that the next read sees them.
///
/// # Errors
///
/// When the database fails.
pub async fn seal_events(client: &mut Client, tenant: Uuid) -> Result<()> {
    let transaction = begin(client, tenant, "seal").await?;
    seal(transaction).await
}

/// Seals the events of the tenant in whose context a transaction is, and commits it.
///
/// # Errors
///
/// When the database fails.
pub async fn seal(transaction: Transaction<'_>) -> Result<()> {
    transaction
        .execute("select lms.seal_events()", &[])
        .await
        .map_err(explain)
        .context("cannot seal the events")?;
    transaction.commit().await.map_err(explain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_follow_the_rule_of_the_schema() {
        for good in ["a", "acme-2", &"a".repeat(63)] {
            assert!(is_slug(good), "{good}");
        }
        for bad in ["", "Acme", "-a", "a-", "a b", "ä", &"a".repeat(64)] {
            assert!(!is_slug(bad), "{bad}");
        }
    }
}

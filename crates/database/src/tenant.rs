//! Tenants, as the operator's tool handles them: making one, finding one, and acting in its context.

use anyhow::{Context, Result, anyhow, bail};
use platform::declare::field::Kind;
use platform::declare::validation::scalar;
use tokio_postgres::{Client, Transaction};
use uuid::Uuid;

use crate::connection::explain;

/// The kind of a tenant's name, the same as where its admin changes it.
const NAME: Kind = Kind::Text { min: 1, max: 200 };

/// What a new tenant is made from. Region and retention class are the cell's.
#[derive(Clone, Debug)]
pub struct New {
    /// What people type to sign in to it.
    pub slug: String,
    /// What it is called.
    pub name: String,
}

/// Makes a tenant and returns its id.
pub async fn create(client: &mut Client, tenant: &New) -> Result<Uuid> {
    if !is_slug(&tenant.slug) {
        bail!(
            "{:?} is no slug: it takes 1 to 63 lower-case letters, digits and inner hyphens",
            tenant.slug
        );
    }
    if find(client, &tenant.slug).await?.is_some() {
        bail!(
            "the tenant {} exists already: choose another slug",
            tenant.slug
        );
    }
    let name = scalar(NAME, &tenant.name)
        .map_err(|(_, detail)| anyhow!("{:?} is no name: {detail}", tenant.name))?;
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

/// The schema's rule, here for a message that a person can follow.
fn is_slug(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text
            .chars()
            .all(|character| matches!(character, 'a'..='z' | '0'..='9' | '-'))
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Writes the row of a new tenant, in a transaction that is in its context already.
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
        .with_context(|| format!("cannot make the tenant {}", tenant.slug))?;
    if count == 0 {
        bail!("the database is not a cell yet: run `lms migrate` with --cell");
    }
    Ok(())
}

/// The tenant with a slug.
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

/// Every tenant that lives in this cell, and is not about to leave it, with its slug and in the order of slugs.
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

/// A transaction of the schema's owner in a tenant's context: row security holds it as it holds everybody.
pub async fn begin<'a>(
    client: &'a mut Client,
    tenant: Uuid,
    request: &str,
) -> Result<Transaction<'a>> {
    let transaction = client.transaction().await.map_err(explain)?;
    enter(&transaction, tenant, request).await?;
    Ok(transaction)
}

/// As `begin`, for a tenant that is being made, and so cannot be on its way to another cell.
pub async fn begin_new<'a>(
    client: &'a mut Client,
    tenant: Uuid,
    request: &str,
) -> Result<Transaction<'a>> {
    let transaction = client.transaction().await.map_err(explain)?;
    take_context(&transaction, tenant, request).await?;
    Ok(transaction)
}

/// Turns a transaction that has just begun into one of the schema's owner in a tenant's context.
pub async fn enter(transaction: &Transaction<'_>, tenant: Uuid, request: &str) -> Result<()> {
    take_context(transaction, tenant, request).await?;
    // Nothing may change of a tenant that is on its way to another cell, and nothing be read that is left behind.
    transaction
        .execute("select lms_private.check_current_tenant_location()", &[])
        .await
        .map_err(explain)?;
    Ok(())
}

/// The owner's role and a tenant's context, wherever the tenant lives: for those who make, move or restore one.
pub async fn take_context(
    transaction: &Transaction<'_>,
    tenant: Uuid,
    request: &str,
) -> Result<()> {
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

/// Takes the tenant's turn until the transaction ends. That is what every statement on a table with rules across rows begins with: whoever
/// locks rows of the tenant first waits for somebody who waits for him.
pub async fn take_turn(transaction: &Transaction<'_>, tenant: Uuid) -> Result<()> {
    transaction
        .execute("select lms_private.acquire_write_lock($1)", &[&tenant])
        .await
        .map_err(explain)?;
    Ok(())
}

/// Gives all events of a tenant that are committed their places in its chain, so that what is read next has them.
pub async fn seal_events(client: &mut Client, tenant: Uuid) -> Result<()> {
    let transaction = begin(client, tenant, "seal").await?;
    seal(transaction).await
}

/// Seals the events of the tenant whose context a transaction is in, and commits it.
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

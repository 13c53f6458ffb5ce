//! Users, as the operator's tool handles them: the first administrator of a tenant.

use anyhow::{Result, bail};
use database::{explain, tenant};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::password;

/// What a new administrator is made from.
#[derive(Clone)]
pub struct New {
    /// The slug of the tenant.
    pub tenant: String,
    /// What the person is called.
    pub name: String,
    /// What the person signs in with.
    pub email: String,
    /// What the person signs in with; only its hash is stored.
    pub password: String,
}

/// Makes an administrator and returns the user's id.
pub async fn create_admin(client: &mut Client, user: &New) -> Result<Uuid> {
    password::check(&user.password)?;
    let Some(tenant) = tenant::find(client, &user.tenant).await? else {
        bail!(
            "there is no tenant {}: make it with `lms tenant create`",
            user.tenant
        );
    };
    let hash = password::hash(&user.password)?;
    let id = Uuid::now_v7();
    let transaction = tenant::begin(client, tenant, "user-create-admin").await?;
    let count = transaction
        .execute(
            "insert into lms.users (id, name, email, role, password_hash)
            values ($1, $2, lower($3), 'admin', $4)
            on conflict do nothing",
            &[&id, &user.name, &user.email, &hash],
        )
        .await
        .map_err(explain)?;
    if count == 0 {
        bail!(
            "the tenant {} has a user {} already",
            user.tenant,
            user.email
        );
    }
    transaction.commit().await.map_err(explain)?;
    Ok(id)
}

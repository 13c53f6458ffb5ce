//! Creating the first administrator of a tenant.
//! Other users are created through the API, in the component `users`.

use anyhow::{Result, bail};
use database::{explain, tenant};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::password;

/// The properties of a new administrator.
#[derive(Clone)]
pub struct New {
    /// The slug of the tenant.
    pub tenant: String,
    /// The person's name.
    pub name: String,
    /// The e-mail address with which the person signs in.
    pub email: String,
    /// The password, of which only the hash is stored.
    pub password: String,
}

/// Creates an administrator and returns the user's id.
///
/// # Errors
///
/// When there is no such tenant, the password is too short or too long, or the e-mail address is taken.
pub async fn create_admin(client: &mut Client, user: &New) -> Result<Uuid> {
    password::check(&user.password)?;
    let Some(tenant) = tenant::find(client, &user.tenant).await? else {
        bail!(
            "there is no tenant {}: create it with `lms tenant create`",
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
            "the tenant {} already has a user {}",
            user.tenant,
            user.email
        );
    }
    transaction.commit().await.map_err(explain)?;
    Ok(id)
}

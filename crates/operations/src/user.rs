//! Creating the first administrator of a tenant.
//! Other users are created through the API, in the component `users`.

use anyhow::{Result, anyhow, bail};
use database::{explain, tenant};
use platform::declare::field::Kind;
use platform::declare::validation::scalar;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::password;

/// The type of a user's name, the same as in the component in which users are changed.
const NAME: Kind = Kind::Text { min: 1, max: 200 };

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
/// When there is no such tenant, a property is invalid, or the e-mail address is taken.
pub async fn create_admin(client: &mut Client, user: &New) -> Result<Uuid> {
    let name = scalar(NAME, &user.name)
        .map_err(|(_, detail)| anyhow!("{:?} is not a name: {detail}", user.name))?;
    let email = scalar(Kind::Email, &user.email)
        .map_err(|(_, detail)| anyhow!("{:?} is not an e-mail address: {detail}", user.email))?;
    let password = password::normalize(&user.password)?;
    let Some(tenant) = tenant::find(client, &user.tenant).await? else {
        bail!(
            "there is no tenant {}: create it with `lms tenant create`",
            user.tenant
        );
    };
    let hash = password::hash(&password)?;
    let id = Uuid::now_v7();
    let transaction = tenant::begin(client, tenant, "user-create-admin").await?;
    let count = transaction
        .execute(
            "insert into lms.users (id, name, email, role, password_hash)
            values ($1, $2, $3, 'admin', $4)
            on conflict do nothing",
            &[&id, &name, &email, &hash],
        )
        .await
        .map_err(explain)?;
    if count == 0 {
        bail!("the tenant {} already has a user {}", user.tenant, email);
    }
    transaction.commit().await.map_err(explain)?;
    Ok(id)
}

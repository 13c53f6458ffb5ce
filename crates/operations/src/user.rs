//! The users of a tenant for its operator: listing them, creating the first administrator, and resetting a password.
//! Other users are created through the API, in the component `users`.

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use chrono::{DateTime, Utc};
use database::{explain, tenant};
use platform::declare::field::Kind;
use platform::declare::validation::scalar;
use platform::values::{email, random};
use serde::Serialize;
use tokio_postgres::{Client, Row, Transaction};
use uuid::Uuid;

use crate::password;

/// The type of a user's name, the same as in the component in which users are changed.
const NAME: Kind = Kind::Text { min: 1, max: 200 };

/// A user, without the columns that only the API shows.
#[derive(Clone, Debug, Serialize)]
pub struct User {
    /// The id.
    pub id: Uuid,
    /// The person's name.
    pub name: String,
    /// The e-mail address with which the person signs in.
    pub email: String,
    /// One of `domain::role::NAMES`.
    pub role: String,
    /// `active` or `inactive`.
    pub status: String,
    /// The home centre, if the user belongs to one.
    pub centre_id: Option<Uuid>,
    /// The time at which the account was created.
    pub created_at: DateTime<Utc>,
}

/// The properties by which users are selected.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The role.
    pub role: Option<String>,
    /// The status.
    pub status: Option<String>,
}

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

/// The user whose password is reset.
#[derive(Clone)]
pub enum Account {
    /// The user with this id.
    Id(Uuid),
    /// The user who signs in with this e-mail address, in any of its spellings.
    Email(String),
}

/// A password that was reset, with the token by which the user sets a new one.
#[derive(Serialize)]
pub struct PasswordReset {
    /// The user.
    pub user_id: Uuid,
    /// The secret token, which works once.
    pub token: String,
    /// The time from which the token no longer works.
    pub expires_at: DateTime<Utc>,
}

/// Lists the users of a tenant that are not deleted, in the order of their names.
///
/// # Errors
///
/// When there is no such tenant, or the database fails.
pub async fn list(client: &mut Client, slug: &str, filter: &Filter) -> Result<Vec<User>> {
    let tenant = find_tenant(client, slug).await?;
    let transaction = tenant::begin(client, tenant, "user-list").await?;
    let rows = transaction
        .query(
            "-- users.list
            select u.id, u.name, u.email, u.role, u.status, u.centre_id, u.created_at
            from lms.users as u
            where u.deleted_at is null
              and ($1::text is null or u.role = $1)
              and ($2::text is null or u.status = $2)
            order by u.name collate \"und-x-icu\", u.id",
            &[&filter.role, &filter.status],
        )
        .await
        .map_err(explain)?;
    Ok(rows.iter().map(user).collect())
}

/// Creates an administrator.
///
/// # Errors
///
/// When there is no such tenant, a property is invalid, or the e-mail address is taken.
pub async fn create_admin(client: &mut Client, user: &New) -> Result<User> {
    let name = scalar(NAME, &user.name)
        .map_err(|(_, detail)| anyhow!("{:?} is not a name: {detail}", user.name))?;
    let email = scalar(Kind::Email, &user.email)
        .map_err(|(_, detail)| anyhow!("{:?} is not an e-mail address: {detail}", user.email))?;
    let password = password::normalize(&user.password)?;
    let tenant = find_tenant(client, &user.tenant).await?;
    let hash = password::hash(&password)?;
    let id = Uuid::now_v7();
    let transaction = tenant::begin(client, tenant, "user-create-admin").await?;
    let count = transaction
        .execute(
            "-- users.create_admin
            insert into lms.users (id, name, email, role, password_hash)
            values ($1, $2, $3, 'admin', $4)
            on conflict do nothing",
            &[&id, &name, &email, &hash],
        )
        .await
        .map_err(explain)?;
    if count == 0 {
        bail!("the tenant {} already has a user {}", user.tenant, email);
    }
    let created = find(&transaction, id)
        .await?
        .context("the new user is not in the database")?;
    transaction.commit().await.map_err(explain)?;
    Ok(created)
}

/// Makes the password of a user invalid, ends all sessions of the user, and issues the token with which the user sets a new password
/// at `/v1/auth/password-reset/confirm`. Earlier tokens end.
///
/// # Errors
///
/// When there is no such tenant or user, one of them is not active, so that the token could not be used, or the database fails.
pub async fn reset_password(
    client: &mut Client,
    slug: &str,
    account: &Account,
) -> Result<PasswordReset> {
    let tenant = find_tenant(client, slug).await?;
    let transaction = tenant::begin(client, tenant, "user-reset-password").await?;
    check_tenant_is_active(&transaction, slug).await?;
    let user = find_account(&transaction, tenant, slug, account).await?;
    ensure!(
        user.status == "active",
        "the user {} is not active: an administrator of the tenant must activate the account first",
        user.id
    );
    // Triggers end the sessions of the user, and record the change without the hash.
    transaction
        .execute(
            "-- users.clear_password
            update lms.users as u
            set password_hash = null
            where u.id = $1",
            &[&user.id],
        )
        .await
        .map_err(explain)?;
    // The triggers end no token of a user who has not set a password yet.
    transaction
        .execute(
            "-- users.end_codes
            select lms_private.end_codes($1, $2)",
            &[&tenant, &user.id],
        )
        .await
        .map_err(explain)?;
    let token =
        random::token().map_err(|error| anyhow!("the system has no random numbers: {error}"))?;
    let row = transaction
        .query_one(
            "-- users.issue_reset_token
            insert into lms.one_use_tokens (tenant_id, user_id, purpose, token_hash, expires_at)
            values ($1, $2, 'password_reset', decode($3, 'hex'), now() + interval '30 minutes')
            returning expires_at",
            &[&tenant, &user.id, &random::digest(&token)],
        )
        .await
        .map_err(explain)?;
    let expires_at = row.get(0);
    transaction.commit().await.map_err(explain)?;
    Ok(PasswordReset {
        user_id: user.id,
        token,
        expires_at,
    })
}

async fn find_tenant(client: &Client, slug: &str) -> Result<Uuid> {
    match tenant::find(client, slug).await? {
        Some(id) => Ok(id),
        None => bail!("there is no tenant {slug}: create it with `lms tenant create`"),
    }
}

async fn check_tenant_is_active(transaction: &Transaction<'_>, slug: &str) -> Result<()> {
    let row = transaction
        .query_one(
            "-- users.tenant_is_active
            select t.status = 'active' and t.deleted_at is null
            from lms.tenants as t",
            &[],
        )
        .await
        .map_err(explain)?;
    ensure!(
        row.get::<_, bool>(0),
        "the tenant {slug} is suspended, so that its users cannot sign in: resume it with `lms tenant resume`"
    );
    Ok(())
}

async fn find_account(
    transaction: &Transaction<'_>,
    tenant: Uuid,
    slug: &str,
    account: &Account,
) -> Result<User> {
    let id = match account {
        Account::Id(id) => Some(*id),
        Account::Email(address) => transaction
            .query_one(
                "-- users.find_account
                select lms_private.find_account($1, $2)",
                &[&tenant, &email::lookup(address)],
            )
            .await
            .map_err(explain)?
            .get(0),
    };
    let found = match id {
        Some(id) => find(transaction, id).await?,
        None => None,
    };
    found.with_context(|| match account {
        Account::Id(id) => format!("the tenant {slug} has no user {id}"),
        Account::Email(_) => format!("the tenant {slug} has no user with this e-mail address"),
    })
}

async fn find(transaction: &Transaction<'_>, id: Uuid) -> Result<Option<User>> {
    let row = transaction
        .query_opt(
            "-- users.find
            select u.id, u.name, u.email, u.role, u.status, u.centre_id, u.created_at
            from lms.users as u
            where u.id = $1
              and u.deleted_at is null",
            &[&id],
        )
        .await
        .map_err(explain)?;
    Ok(row.as_ref().map(user))
}

fn user(row: &Row) -> User {
    User {
        id: row.get(0),
        name: row.get(1),
        email: row.get(2),
        role: row.get(3),
        status: row.get(4),
        centre_id: row.get(5),
        created_at: row.get(6),
    }
}

//! Creates the demo data: two tenants with one user of each role and plausible rows in every table.
//! Existing tenants stay unchanged, except that every demo user can sign in again.

mod activity;
mod former_users;
mod help_desk;
mod insert;
mod lessons;
mod notifications;
mod payroll;
mod people;
mod webhooks;

use std::path::Path;

use anyhow::{Context, Result, bail};
use database::{explain, tenant};
use operations::password;
use operations::private_file::write_private;
use serde::{Deserialize, Serialize};
use tokio_postgres::Client;
use uuid::Uuid;

/// The name of the file in the state directory that describes the demo data to programs.
pub const DEMO_FILE_NAME: &str = "demo.json";

/// The roles, each of which has one demo user in each tenant.
pub const ROLES: [&str; 8] = [
    "admin",
    "supervisor",
    "tutor",
    "assessor",
    "student",
    "parent",
    "finance",
    "support",
];

/// The request id in the events of the demo data.
const REQUEST_ID: &str = "demo";

/// The name and the code of a centre.
type Centre = (&'static str, &'static str);

/// The slug, the name and the centres of each tenant.
const TENANTS: [(&str, &str, &[Centre]); 2] = [
    (
        "aurora",
        "Aurora Learning",
        &[("Riverside", "riv"), ("Hillcrest", "hil")],
    ),
    (
        "harbour",
        "Harbour Tutors",
        &[
            ("Old Town", "old"),
            ("Quayside", "qua"),
            ("Northgate", "nor"),
        ],
    ),
];

/// The options of the demo data.
#[derive(Clone, Debug)]
pub struct Options {
    /// The base URL of the service.
    pub base_url: String,
    /// The database URL of the owner.
    pub owner_url: String,
    /// The database URL of the components.
    pub application_url: String,
    /// The password of every demo user.
    pub password: String,
}

/// The demo data as described to programs, in the format of `.lms/demo.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Demo {
    /// The base URL of the service.
    pub base_url: String,
    /// The name of the cell.
    pub cell: String,
    /// The URLs of its database.
    pub database: Database,
    /// The tenants with the users that can sign in.
    pub tenants: Vec<Tenant>,
}

/// The URLs of the database for each of its roles.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Database {
    /// The URL of the superuser.
    pub superuser_url: String,
    /// The URL of the schema's owner.
    pub owner_url: String,
    /// The URL of the components.
    pub application_url: String,
}

/// A demo tenant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tenant {
    /// Its id.
    pub id: Uuid,
    /// The slug with which users sign in.
    pub slug: String,
    /// Its region.
    pub region: String,
    /// One user of each role.
    pub users: Vec<User>,
}

/// A demo user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct User {
    /// Its id.
    pub id: Uuid,
    /// Its role.
    pub role: String,
    /// Its e-mail address.
    pub email: String,
    /// Its password.
    pub password: String,
}

impl Demo {
    /// Reads the file of a state directory.
    ///
    /// # Errors
    ///
    /// When the file does not exist or has another format.
    pub fn read(state: &Path) -> Result<Self> {
        let path = state.join(DEMO_FILE_NAME);
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is not valid", path.display()))
    }

    /// Writes the file, readable by its owner alone.
    pub fn write(&self, state: &Path) -> Result<()> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        write_private(&state.join(DEMO_FILE_NAME), &text)
    }
}

/// Creates the demo tenants that don't exist yet in the database at `database_url`, and describes all of them.
pub async fn create(database_url: &str, options: &Options) -> Result<Demo> {
    let mut client = database::connect(database_url).await?;
    let cell = client
        .query_opt("select name, region from lms_private.cell", &[])
        .await
        .map_err(explain)?
        .context("the database belongs to no cell yet: run `lms migrate` with --cell")?;
    let (cell_name, region): (String, String) = (cell.get(0), cell.get(1));
    let mut tenants = Vec::new();
    for (slug, name, centres) in TENANTS {
        let id = match tenant::find(&client, slug).await? {
            Some(id) => id,
            None => {
                let definition = people::TenantDefinition {
                    slug,
                    name,
                    centres,
                    region: &region,
                };
                create_tenant(&mut client, &definition)
                    .await
                    .with_context(|| format!("cannot create the demo tenant {slug}"))?
            }
        };
        let users = restore_sign_ins(&mut client, id, slug, &options.password).await?;
        tenants.push(Tenant {
            id,
            slug: slug.to_owned(),
            region: region.clone(),
            users,
        });
    }
    Ok(Demo {
        base_url: options.base_url.clone(),
        cell: cell_name,
        database: Database {
            superuser_url: database_url.to_owned(),
            owner_url: options.owner_url.clone(),
            application_url: options.application_url.clone(),
        },
        tenants,
    })
}

async fn create_tenant(
    client: &mut Client,
    definition: &people::TenantDefinition<'_>,
) -> Result<Uuid> {
    let id = Uuid::now_v7();
    let transaction = tenant::begin_new(client, id, REQUEST_ID).await?;
    let people = people::create(&transaction, id, definition).await?;
    activity::create(&transaction, definition, &people).await?;
    former_users::create(&transaction, definition, &people).await?;
    transaction.commit().await.map_err(explain)?;
    Ok(id)
}

/// Returns the demo users of a tenant, and restores those that can no longer sign in (password changed, deactivated, deleted).
async fn restore_sign_ins(
    client: &mut Client,
    tenant: Uuid,
    slug: &str,
    password: &str,
) -> Result<Vec<User>> {
    let emails = ROLES.map(|role| email(role, slug));
    let transaction = tenant::begin_new(client, tenant, REQUEST_ID).await?;
    let rows = transaction
        .query(
            "select distinct on (email) id, role, email, password_hash, status = 'active' and deleted_at is null
            from lms.users
            where email = any($1)
            order by email, deleted_at desc nulls first",
            &[&emails.as_slice()],
        )
        .await
        .map_err(explain)?;
    let mut users = Vec::new();
    for role in ROLES {
        let Some(row) = rows
            .iter()
            .find(|row| row.get::<_, &str>(2) == email(role, slug))
        else {
            bail!(
                "the demo user {} no longer exists: remove the tenant {slug}, or use another database",
                email(role, slug)
            );
        };
        users.push(User {
            id: row.get(0),
            role: row.get(1),
            email: row.get(2),
            password: password.to_owned(),
        });
        let (stored, usable): (Option<&str>, bool) = (row.get(3), row.get(4));
        if usable && stored.is_some_and(|stored| password::matches(password, stored)) {
            continue;
        }
        transaction
            .execute(
                "update lms.users
                set password_hash = $2, status = 'active', deleted_at = null
                where id = $1",
                &[&row.get::<_, Uuid>(0), &password::hash(password)?],
            )
            .await
            .map_err(explain)?;
    }
    transaction.commit().await.map_err(explain)?;
    Ok(users)
}

/// Returns the e-mail address of a tenant's demo user of a role.
fn email(role: &str, slug: &str) -> String {
    format!("{role}@{slug}.example")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_the_documented_format() {
        let demo = Demo {
            base_url: "http://127.0.0.1:3000".to_owned(),
            cell: "eu-standard".to_owned(),
            database: Database {
                superuser_url: "a".to_owned(),
                owner_url: "b".to_owned(),
                application_url: "c".to_owned(),
            },
            tenants: vec![Tenant {
                id: Uuid::nil(),
                slug: "aurora".to_owned(),
                region: "eu".to_owned(),
                users: vec![User {
                    id: Uuid::nil(),
                    role: "admin".to_owned(),
                    email: "d".to_owned(),
                    password: "e".to_owned(),
                }],
            }],
        };
        let nil = "00000000-0000-0000-0000-000000000000";
        assert_eq!(
            serde_json::to_value(&demo).unwrap(),
            serde_json::json!({
                "base_url": "http://127.0.0.1:3000",
                "cell": "eu-standard",
                "database": {"superuser_url": "a", "owner_url": "b", "application_url": "c"},
                "tenants": [{
                    "id": nil,
                    "slug": "aurora",
                    "region": "eu",
                    "users": [{"id": nil, "role": "admin", "email": "d", "password": "e"}]
                }]
            })
        );
    }
}

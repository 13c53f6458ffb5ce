//! Revoking the privileges on temporary and large objects that PostgreSQL grants to everybody in a new database. Both would bypass the
//! rules of the schema. This is not a migration, because a copy of a database has privileges of its own, and only a superuser can revoke
//! those on large objects.
//! The grants of the schema live in `migrations/`.

use anyhow::{Result, bail};
use tokio_postgres::Client;

use crate::connection::explain;

/// Selects whether the role of the components may create temporary objects, and whether it may call a function on large objects.
const SELECT_EXCESS: &str = "select
  has_database_privilege(r.oid, current_database(), 'temporary'),
  exists (
    select from pg_proc as p
    where p.pronamespace = 'pg_catalog'::regnamespace
      and (p.proname like 'lo\\_%' or p.proname in ('loread', 'lowrite'))
      and has_function_privilege(r.oid, p.oid, 'execute')
  )
from pg_roles as r
where r.rolname = 'lms_application'";

const REVOKE_TEMPORARY: &str = "do $$
begin
  execute format('revoke temporary on database %I from public, lms_application', current_database());
  -- Seeding and relocating a tenant stage rows as a member of the owner; refreshing a view concurrently uses a temporary table.
  execute format('grant temporary on database %I to lms_owner, lms_refresher', current_database());
end
$$";

const REVOKE_LARGE_OBJECTS: &str = "do $$
declare
  routine regprocedure;
begin
  for routine in
    select p.oid::regprocedure
    from pg_proc as p
    where p.pronamespace = 'pg_catalog'::regnamespace
      and (p.proname like 'lo\\_%' or p.proname in ('loread', 'lowrite'))
  loop
    execute format('revoke execute on function %s from public, lms_application', routine);
  end loop;
end
$$";

/// The privileges that the application has and does not need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExcessPrivileges {
    /// It may create temporary tables and functions.
    pub(crate) temporary: bool,
    /// It may create, read or write large objects.
    pub(crate) large_objects: bool,
}

/// Finds the privileges that the application has and does not need.
///
/// # Errors
///
/// When the database fails.
pub async fn excess_privileges(client: &Client) -> Result<ExcessPrivileges> {
    let row = client
        .query_opt(SELECT_EXCESS, &[])
        .await
        .map_err(explain)?;
    Ok(
        row.map_or_else(ExcessPrivileges::default, |row| ExcessPrivileges {
            temporary: row.get(0),
            large_objects: row.get(1),
        }),
    )
}

/// Revokes the excess privileges that this login can revoke: those on temporary objects as the database's owner, all as a superuser.
/// `lms doctor` reports the rest.
///
/// # Errors
///
/// When the database fails, or another role has granted one of them.
pub async fn revoke_excess_privileges(client: &Client) -> Result<()> {
    let found = excess_privileges(client).await?;
    if found == ExcessPrivileges::default() {
        return Ok(());
    }
    let row = client
        .query_one(
            "select
              (select rolsuper from pg_roles where rolname = current_user),
              pg_has_role(datdba, 'usage')
            from pg_database
            where datname = current_database()",
            &[],
        )
        .await
        .map_err(explain)?;
    let (is_superuser, is_owner): (bool, bool) = (row.get(0), row.get(1));
    if found.temporary && (is_superuser || is_owner) {
        client
            .batch_execute(REVOKE_TEMPORARY)
            .await
            .map_err(explain)?;
    }
    if found.large_objects && is_superuser {
        client
            .batch_execute(REVOKE_LARGE_OBJECTS)
            .await
            .map_err(explain)?;
    }
    if is_superuser && excess_privileges(client).await? != ExcessPrivileges::default() {
        bail!("lms_application may create temporary or large objects by a grant of another role");
    }
    Ok(())
}

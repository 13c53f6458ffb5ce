//! Privileges that PostgreSQL gives everybody in a new database and nobody needs: to make temporary objects and large
//! objects. Both would get past the rules of the schema. That is no migration: a copy of a database has privileges of
//! its own, and only a superuser can take away those on large objects.

use anyhow::{Result, bail};
use tokio_postgres::Client;

use crate::connection::explain;

/// Selects whether the role of the components may make temporary objects, and whether it may call a function on large
/// objects.
const HELD: &str = "select
  has_database_privilege(r.oid, current_database(), 'temporary'),
  exists (
    select from pg_proc as p
    where p.pronamespace = 'pg_catalog'::regnamespace
      and (p.proname like 'lo\\_%' or p.proname in ('loread', 'lowrite'))
      and has_function_privilege(r.oid, p.oid, 'execute')
  )
from pg_roles as r
where r.rolname = 'lms_application'";

const WITHHOLD_TEMPORARY: &str = "do $$
begin
  execute format('revoke temporary on database %I from public, lms_application', current_database());
  -- Seeding and moving a tenant stage rows, as a member of the owner; refreshing a view beside its readers compares by a temporary table.
  execute format('grant temporary on database %I to lms_owner, lms_refresher', current_database());
end
$$";

const WITHHOLD_LARGE_OBJECTS: &str = "do $$
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

/// Privileges that the application has although it does not need them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Excess {
    /// Make temporary tables and functions.
    pub(crate) temporary: bool,
    /// Make, read or write large objects.
    pub(crate) large_objects: bool,
}

/// Looks what the application may do although it need not.
pub async fn excess(client: &Client) -> Result<Excess> {
    let row = client.query_opt(HELD, &[]).await.map_err(explain)?;
    Ok(row.map_or_else(Excess::default, |row| Excess {
        temporary: row.get(0),
        large_objects: row.get(1),
    }))
}

/// Takes it away, as far as this login can: temporary objects as the database's owner, large objects as a superuser. What is left is
/// told by `lms doctor`.
///
/// # Errors
///
/// When the database refuses.
pub async fn withhold(client: &Client) -> Result<()> {
    let found = excess(client).await?;
    if found == Excess::default() {
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
            .batch_execute(WITHHOLD_TEMPORARY)
            .await
            .map_err(explain)?;
    }
    if found.large_objects && is_superuser {
        client
            .batch_execute(WITHHOLD_LARGE_OBJECTS)
            .await
            .map_err(explain)?;
    }
    if is_superuser && excess(client).await? != Excess::default() {
        bail!("lms_application may make temporary or large objects by a grant of somebody else");
    }
    Ok(())
}

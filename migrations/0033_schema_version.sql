-- How far the schema is, for /readyz.
set local role lms_owner;

create function lms.schema_version() returns bigint
language plpgsql
stable
as $$
declare
  version bigint;
begin
  -- The ledger is the migrating program's; a database that was migrated by hand has none.
  if to_regclass('lms_private.migrations') is null then
    return 0;
  end if;
  execute 'select max(m.version) from lms_private.migrations as m' into version;
  return coalesce(version, 0);
end
$$;

comment on function lms.schema_version is 'Number of the last migration in the ledger; 0 when there is no ledger.';

grant execute on function lms.schema_version to lms_application;

-- Everything that a table needs to be part of the schema: audit columns, row security, serialized
-- writers, events and the indexes that all tables have. Functions that write where the application
-- may not are security definer and owned by lms_definer.

create function lms_private.set_audit_columns() returns trigger
language plpgsql
as $$
declare
  caller constant uuid := nullif(
    nullif(current_setting('app.user_id', true), ''),
    '00000000-0000-0000-0000-000000000000'
  )::uuid;
begin
  if tg_op = 'INSERT' then
    new.created_at := now();
    new.created_by := caller;
    new.version := 1;
  else
    if (new.tenant_id, new.id) is distinct from (old.tenant_id, old.id) then
      raise exception using errcode = 'LM422', message = 'The id of a resource cannot be changed.', column = 'id';
    end if;
    new.created_at := old.created_at;
    new.created_by := old.created_by;
    new.version := old.version + 1;
  end if;
  new.updated_at := now();
  new.updated_by := caller;
  return new;
end
$$;

comment on function lms_private.set_audit_columns is
  'Sets the audit columns and the version, whatever the statement tried to write. Replay and restore switch the trigger off with session_replication_role.';

create function lms_private.forbid_change() returns trigger
language plpgsql
as $$
begin
  -- Row security applies to the owner too, so only rows of the context's tenant can be deleted
  -- here.
  if tg_op = 'DELETE'
    and current_user = 'lms_owner'
    and lms_private.is_erasing_tenant(nullif(current_setting('app.tenant_id', true), '')::uuid)
  then
    return null;
  end if;
  raise exception using errcode = '42501', message = format('%I is append-only.', tg_table_name);
end
$$;

comment on function lms_private.forbid_change is
  'Refuses to change or delete rows of an append-only table for every role. The exception is the erasure of a whole tenant that has been relocated.';

create function lms_private.record_changes() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
declare
  noun constant text := tg_argv[0];
  secrets constant text[] := tg_argv[1:];
  actor constant uuid := nullif(
    nullif(current_setting('app.user_id', true), ''),
    '00000000-0000-0000-0000-000000000000'
  )::uuid;
  request constant text := nullif(current_setting('app.request_id', true), '');
  at constant timestamptz := clock_timestamp();
begin
  -- A branch is planned when it is first taken, so a branch may name a transition table that this
  -- trigger does not have.
  if tg_op = 'INSERT' then
    insert into lms_private.unsealed_events (tenant_id, entity, entity_id, kind, actor, request_id, at, state)
    select n.tenant_id, tg_table_name, n.id, noun || '.created', actor, request, at, to_jsonb(n) - secrets
    from new_rows as n;
  elsif tg_op = 'UPDATE' then
    insert into lms_private.unsealed_events (tenant_id, entity, entity_id, kind, actor, request_id, at, state)
    select
      n.tenant_id,
      tg_table_name,
      n.id,
      noun || case
        when o.deleted_at is null and n.deleted_at is not null then '.deleted'
        when o.deleted_at is not null and n.deleted_at is null then '.restored'
        else '.updated'
      end,
      actor,
      request,
      at,
      to_jsonb(n) - secrets
    from new_rows as n
    join old_rows as o
      on o.tenant_id = n.tenant_id
      and o.id = n.id;
  else
    insert into lms_private.unsealed_events (tenant_id, entity, entity_id, kind, actor, request_id, at, state)
    select o.tenant_id, tg_table_name, o.id, noun || '.purged', actor, request, at, '{}'
    from old_rows as o;
  end if;
  return null;
end
$$;

comment on function lms_private.record_changes is
  'After each writing statement: writes one event for each changed row. The first argument is the singular noun of the kind, the others are the secret columns.';

alter function lms_private.record_changes owner to lms_definer;

create procedure lms_private.register_table(
  table_name text,
  entity text default null,
  secrets text[] default '{}',
  listed boolean default true
)
language plpgsql
as $$
declare
  arguments constant text := (
    select string_agg(quote_literal(argument), ', ')
    from unnest(array[entity] || secrets) as argument
  );
begin
  execute format('alter table lms.%I enable row level security', table_name);
  execute format('alter table lms.%I force row level security', table_name);
  execute format(
    $policy$
      create policy tenant on lms.%I
      as permissive
      for all
      to lms_application, lms_owner
      using (tenant_id = (select current_setting('app.tenant_id')::uuid))
      with check (tenant_id = (select current_setting('app.tenant_id')::uuid))
    $policy$,
    table_name
  );

  if table_name not in ('event_log', 'event_heads') then
    execute format(
      'create trigger set_audit_columns before insert or update on lms.%I for each row execute function lms_private.set_audit_columns()',
      table_name
    );
  end if;

  if listed then
    execute format(
      'create index %I on lms.%I (tenant_id, created_at, id) where deleted_at is null',
      'idx_' || table_name || '_keyset', table_name
    );
  end if;

  if entity is not null then
    execute format(
      'create trigger record_insert after insert on lms.%I referencing new table as new_rows
      for each statement execute function lms_private.record_changes(%s)',
      table_name, arguments
    );
    execute format(
      'create trigger record_update after update on lms.%I referencing old table as old_rows new table as new_rows
      for each statement execute function lms_private.record_changes(%s)',
      table_name, arguments
    );
    execute format(
      'create trigger record_delete after delete on lms.%I referencing old table as old_rows
      for each statement execute function lms_private.record_changes(%s)',
      table_name, arguments
    );
  end if;
end
$$;

comment on procedure lms_private.register_table is
  'Sets up a table when it is created: row security, audit columns and, if it has an entity, events without the secret columns. With listed it gets the index by which lists are paged. A table whose rules span several rows needs serialize_writers as well.';

create function lms.schema_version() returns bigint
language plpgsql
stable
as $$
declare
  version bigint;
begin
  -- The table of migrations belongs to the migrating program; a database that was migrated by hand
  -- has none.
  if to_regclass('lms_private.migrations') is null then
    return 0;
  end if;
  execute 'select max(m.version) from lms_private.migrations as m' into version;
  return coalesce(version, 0);
end
$$;

comment on function lms.schema_version is
  'Number of the last migration that was applied; 0 when the database has no table of migrations.';

grant execute on function lms.schema_version to lms_application;

create function lms_private.acquire_write_lock(tenant uuid) returns void
language sql
volatile
begin atomic
  -- Two tenants whose hashes collide wait for each other, which is harmless.
  select pg_advisory_xact_lock(hashtextextended(tenant::text, 0));
end;

comment on function lms_private.acquire_write_lock(uuid) is
  'Takes the write lock of the tenant, an advisory lock, and holds it until commit.';

grant execute on function lms_private.acquire_write_lock(uuid) to lms_definer;

create function lms_private.serialize_writers() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform lms_private.acquire_write_lock(nullif(current_setting('app.tenant_id', true), '')::uuid);
  return null;
end
$$;

comment on function lms_private.serialize_writers() is
  'Before each writing statement: takes the write lock of the context''s tenant.';

alter function lms_private.serialize_writers() owner to lms_definer;

create procedure lms_private.serialize_writers(table_name text)
language plpgsql
as $$
begin
  execute format(
    'create trigger serialize_writers before insert or update or delete on lms.%I
    for each statement execute function lms_private.serialize_writers()',
    table_name
  );
end
$$;

comment on procedure lms_private.serialize_writers is
  'Serializes the writers of a table within each tenant. It is called when a table is created whose rules span several rows.';

create procedure lms_private.create_retention_index(table_name text)
language plpgsql
as $$
begin
  execute format(
    'create index %I on lms.%I (tenant_id, deleted_at) where deleted_at is not null',
    'idx_' || table_name || '_deleted', table_name
  );
end
$$;

comment on procedure lms_private.create_retention_index is
  'Creates the index by which retention finds deleted rows. It is called when a table of lms_private.retained_tables is created, and does not contain live rows.';

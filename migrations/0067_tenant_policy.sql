-- The tenant's policy with its cast inside the init-plan. Beside a restrictive policy a condition reaches an index only when it is
-- leakproof, and one that casts the init-plan's text outside it is not taken to be: every look-up by key would read the index of
-- all tenants. lms_private.adopt as in 0008, but for that.
set local role lms_owner;

do $$
declare
  tenant_policy record;
begin
  for tenant_policy in
    select p.tablename
    from pg_policies as p
    where p.schemaname = 'lms'
      and p.policyname = 'tenant'
  loop
    execute format(
      $policy$
        alter policy tenant on lms.%I
        using (tenant_id = (select current_setting('app.tenant_id')::uuid))
        with check (tenant_id = (select current_setting('app.tenant_id')::uuid))
      $policy$,
      tenant_policy.tablename
    );
  end loop;
end
$$;

create or replace procedure lms_private.adopt(
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
      'create trigger stamp before insert or update on lms.%I for each row execute function lms_private.stamp()',
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
      'create trigger lock_event_head before insert or update or delete on lms.%I
      for each statement execute function lms_private.lock_event_head()',
      table_name
    );
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

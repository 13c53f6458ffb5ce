-- What a table needs to belong to the LMS, in one place: row security, audit trigger, events, keyset index.
set local role lms_owner;

create procedure lms_private.adopt(
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
      using (tenant_id = (select current_setting('app.tenant_id'))::uuid)
      with check (tenant_id = (select current_setting('app.tenant_id'))::uuid)
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

comment on procedure lms_private.adopt is
  'Called once by the migration that creates a table. An entity makes its changes events, without the secret columns; listed adds the index that lists page by.';

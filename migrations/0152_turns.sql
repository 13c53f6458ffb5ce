-- Who has to take turns with the other writers of the tenant: tables with rules across rows that no constraint and no lock on a row keeps.
-- Until now all did, at the end of the chain of events. Whoever writes several of these tables in one transaction takes the turn once;
-- taken before the statement locks anything, so that two of them cannot wait for each other's rows.
set local role lms_owner;

create function lms_private.take_turn(tenant uuid) returns void
language sql
volatile
begin atomic
  -- Two tenants whose keys are equal by chance wait for each other, and that is all.
  select pg_advisory_xact_lock(hashtextextended(tenant::text, 0));
end;

comment on function lms_private.take_turn is 'Waits until no other transaction has the turn of the tenant, and keeps it until commit.';

create function lms_private.take_turn() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform lms_private.take_turn(nullif(current_setting('app.tenant_id', true), '')::uuid);
  return null;
end
$$;

comment on function lms_private.take_turn() is 'Before each writing statement: takes the turn of the context''s tenant.';

alter function lms_private.take_turn() owner to lms_definer;

grant execute on function lms_private.take_turn(uuid) to lms_definer;

do $$
declare
  watched record;
begin
  for watched in
    select c.relname
    from pg_trigger as t
    join pg_class as c
      on c.oid = t.tgrelid
    where t.tgname = 'lock_event_head'
  loop
    execute format('drop trigger lock_event_head on lms.%I', watched.relname);
  end loop;
end
$$;

drop function lms_private.lock_event_head();

create procedure lms_private.take_turns(table_name text)
language plpgsql
as $$
begin
  execute format(
    'create trigger take_turn before insert or update or delete on lms.%I
    for each statement execute function lms_private.take_turn()',
    table_name
  );
end
$$;

comment on procedure lms_private.take_turns is
  'Called by the migration that creates a table with rules across rows: its writers take turns in each tenant.';

-- Lessons and whom they are for: no tutor, student or room twice at a time, and what their changes set off.
call lms_private.take_turns('classes');
call lms_private.take_turns('occurrences');
call lms_private.take_turns('enrolments');
call lms_private.take_turns('attendances');
-- Badges for a sum of points, once each.
call lms_private.take_turns('gamification');
-- Gapless numbers, a draft that is what is due, an item that asks for more once.
call lms_private.take_turns('finance_records');
call lms_private.take_turns('tutor_rates');
call lms_private.take_turns('payroll_runs');
call lms_private.take_turns('payroll_items');
call lms_private.take_turns('requests');
call lms_private.take_turns('inventory');
call lms_private.take_turns('inventory_adjustments');
call lms_private.take_turns('inventory_loans');

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
  'Called once by the migration that creates a table. An entity makes its changes events, without the secret columns; listed adds the index that lists page by. Tables with rules across rows need take_turns as well.';

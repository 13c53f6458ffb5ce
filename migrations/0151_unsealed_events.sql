-- Events are written without a place in the chain, which sealing (0153) gives them. Writers of a tenant held the end of its chain until
-- they had committed, and so waited for each other: that took half of the writes and more from a busy tenant.
set local role lms_owner;

create table lms_private.unsealed_events (
  sequence bigint generated always as identity,
  tenant_id uuid not null,
  id uuid not null default lms.new_id(),
  entity text not null,
  entity_id uuid not null,
  kind text not null,
  actor uuid,
  request_id text,
  at timestamptz not null,
  state jsonb not null,
  salt uuid not null default gen_random_uuid()
);

create index unsealed_events_sequence_idx
on lms_private.unsealed_events (tenant_id, sequence);

comment on table lms_private.unsealed_events is
  'What happened and has no place in its tenant''s chain yet. Written by the transaction that made the change, emptied by lms_private.seal_events.';
comment on column lms_private.unsealed_events.sequence is
  'In the order of writing. Two events of one row are in the order of their changes, because the later writer waited for the row.';
comment on column lms_private.unsealed_events.salt is '122 random bits: without them nobody can guess an erased state from its hash.';

grant select, insert, delete on lms_private.unsealed_events to lms_definer;

create or replace function lms_private.record_changes() returns trigger
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
  -- A branch is planned when it is first taken, so one that names a transition table the trigger lacks does no harm.
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
  'After each writing statement: writes one event for each changed row. First argument the singular noun of kinds, then the columns that are secret.';

create or replace function lms_private.record_revocation() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
begin
  if old.revoked_at is null and new.revoked_at is not null then
    insert into lms_private.unsealed_events (tenant_id, entity, entity_id, kind, actor, request_id, at, state)
    values (
      new.tenant_id,
      tg_table_name,
      new.id,
      'session.revoked',
      nullif(nullif(current_setting('app.user_id', true), ''), '00000000-0000-0000-0000-000000000000')::uuid,
      nullif(current_setting('app.request_id', true), ''),
      clock_timestamp(),
      to_jsonb(new)
    );
  end if;
  return null;
end
$$;

comment on function lms_private.record_revocation is 'Writes session.revoked.';

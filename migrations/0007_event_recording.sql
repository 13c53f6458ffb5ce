-- The triggers' functions that append to the event log. They are security definer, owned by lms_definer, because the
-- application has no right to write there. lms_private.adopt (0008) attaches them.
set local role lms_owner;

create function lms_private.lock_event_head() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Before the statement locks any other row: two writers of a tenant then wait for each other here and nowhere else,
  -- and cannot deadlock by holding each other's rows.
  perform
  from lms.event_heads as h
  where h.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
  for update;
  return null;
end
$$;

comment on function lms_private.lock_event_head is 'Before each writing statement: takes the lock on the end of the tenant''s chain.';

create function lms_private.record_changes() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
declare
  entity constant text := tg_argv[0];
  secrets constant text[] := tg_argv[1:];
  actor constant uuid := nullif(
    nullif(current_setting('app.user_id', true), ''),
    '00000000-0000-0000-0000-000000000000'
  )::uuid;
  request constant text := nullif(current_setting('app.request_id', true), '');
  at constant timestamptz := clock_timestamp();
  changes refcursor;
  change record;
  more boolean;
  tenant uuid;
  head_position bigint;
  head_hash bytea;
  previous bytea;
begin
  -- A branch is planned when it is first taken, so one that names a transition table the trigger lacks does no harm.
  if tg_op = 'INSERT' then
    open changes for
      select n.tenant_id, n.id, entity || '.created' as kind, to_jsonb(n) - secrets as state
      from new_rows as n;
  elsif tg_op = 'UPDATE' then
    open changes for
      select
        n.tenant_id,
        n.id,
        entity || case
          when o.deleted_at is null and n.deleted_at is not null then '.deleted'
          when o.deleted_at is not null and n.deleted_at is null then '.restored'
          else '.updated'
        end as kind,
        to_jsonb(n) - secrets as state
      from new_rows as n
      join old_rows as o
        on o.tenant_id = n.tenant_id
        and o.id = n.id;
  else
    open changes for
      select o.tenant_id, o.id, entity || '.purged' as kind, '{}'::jsonb as state
      from old_rows as o;
  end if;

  loop
    fetch changes into change;
    more := found;

    -- Behind the last row of a tenant its chain's end moves: once for each statement, however many rows it wrote.
    if tenant is not null and (not more or tenant <> change.tenant_id) then
      update lms.event_heads as h
      set
        position = head_position,
        hash = head_hash,
        updated_at = at,
        version = h.version + 1
      where h.tenant_id = tenant;
    end if;
    exit when not more;

    if tenant is distinct from change.tenant_id then
      tenant := change.tenant_id;
      select h.position, h.hash
      into head_position, head_hash
      from lms.event_heads as h
      where h.tenant_id = tenant
      for update;
      if not found then
        -- A new tenant's first event.
        insert into lms.event_heads as h (tenant_id)
        values (tenant)
        returning h.position, h.hash
        into head_position, head_hash;
      end if;
    end if;

    previous := head_hash;
    head_position := head_position + 1;
    head_hash := lms.event_hash(
      previous, tenant, head_position, entity, change.id, change.kind, actor, request, at, change.state
    );
    insert into lms.event_log (
      tenant_id, position, entity, entity_id, kind, actor, request_id, at, state, previous_hash, hash, created_by, updated_by
    )
    values (
      tenant, head_position, entity, change.id, change.kind, actor, request, at, change.state, previous, head_hash, actor, actor
    );
  end loop;
  close changes;
  return null;
end
$$;

comment on function lms_private.record_changes is
  'After each writing statement: appends one event for each changed row. First argument the entity, then the columns that are secret.';

alter function lms_private.lock_event_head owner to lms_definer;
alter function lms_private.record_changes owner to lms_definer;

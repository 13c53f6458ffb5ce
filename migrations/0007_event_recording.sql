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

create function lms_private.read_event_head(
  in tenant uuid, out "position" bigint, out hash bytea
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  select h.position, h.hash
  into read_event_head.position, read_event_head.hash
  from lms.event_heads as h
  where h.tenant_id = tenant
  for update;
  if found then
    return;
  end if;

  -- The first event of a tenant. Two at once: the second waits for the first on the key, and then reads its row.
  insert into lms.event_heads (tenant_id)
  values (tenant)
  on conflict do nothing;
  select h.position, h.hash
  into strict read_event_head.position, read_event_head.hash
  from lms.event_heads as h
  where h.tenant_id = tenant
  for update;
end
$$;

comment on function lms_private.read_event_head is 'Locks the end of a tenant''s chain and returns it; starts the chain if there is none.';

create function lms_private.write_event_head(
  tenant uuid, "position" bigint, hash bytea
) returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update lms.event_heads as h
  set
    position = write_event_head.position,
    hash = write_event_head.hash,
    updated_at = now(),
    version = h.version + 1
  where h.tenant_id = tenant;
end
$$;

comment on function lms_private.write_event_head is 'Moves the end of a tenant''s chain, once for each statement and tenant.';

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
  tenant uuid;
  head record;
  digest bytea;
begin
  -- A branch is planned when it is first taken, so one that names a transition table the trigger lacks does no harm.
  if tg_op = 'INSERT' then
    open changes for
      select n.tenant_id, n.id, 'created' as verb, to_jsonb(n) - secrets as state
      from new_rows as n;
  elsif tg_op = 'UPDATE' then
    open changes for
      select
        n.tenant_id,
        n.id,
        case
          when o.deleted_at is null and n.deleted_at is not null then 'deleted'
          when o.deleted_at is not null and n.deleted_at is null then 'restored'
          else 'updated'
        end as verb,
        to_jsonb(n) - secrets as state
      from new_rows as n
      join old_rows as o
        on o.tenant_id = n.tenant_id
        and o.id = n.id;
  else
    open changes for
      select o.tenant_id, o.id, 'purged' as verb, '{}'::jsonb as state
      from old_rows as o;
  end if;

  loop
    fetch changes into change;
    exit when not found;
    if tenant is distinct from change.tenant_id then
      if tenant is not null then
        perform lms_private.write_event_head(tenant, head.position, head.hash);
      end if;
      tenant := change.tenant_id;
      select * into head from lms_private.read_event_head(tenant);
    end if;
    digest := lms.event_hash(
      head.hash, tenant, head.position + 1, entity, change.id,
      entity || '.' || change.verb, actor, request, at, change.state
    );
    insert into lms.event_log (
      tenant_id, position, entity, entity_id, kind, actor, request_id, at, state, previous_hash, hash, created_by, updated_by
    )
    values (
      tenant, head.position + 1, entity, change.id, entity || '.' || change.verb,
      actor, request, at, change.state, head.hash, digest, actor, actor
    );
    head.position := head.position + 1;
    head.hash := digest;
  end loop;
  close changes;

  if tenant is not null then
    perform lms_private.write_event_head(tenant, head.position, head.hash);
  end if;
  return null;
end
$$;

comment on function lms_private.record_changes is
  'After each writing statement: appends one event for each changed row. First argument the entity, then the columns that are secret.';

alter function lms_private.lock_event_head owner to lms_definer;
alter function lms_private.read_event_head owner to lms_definer;
alter function lms_private.write_event_head owner to lms_definer;
alter function lms_private.record_changes owner to lms_definer;

-- Sealing: what a snapshot shows of a tenant's unsealed events gets the next places in its chain. Whatever a transaction saw when it
-- wrote is in every snapshot that shows the transaction, so a cause is never behind its effect; whoever commits late gets a later place,
-- so nothing is ever added before a position that has been read.
set local role lms_owner;

create function lms_private.event_text(event lms.event_log) returns text
language sql
stable
parallel safe
return json_build_array(
  event.tenant_id,
  event.position,
  event.id,
  event.entity,
  event.entity_id,
  event.kind,
  event.actor,
  event.request_id,
  lms.utc(event.at),
  lms.utc(event.created_at),
  encode(event.state_hash, 'hex')
)::text;

comment on function lms_private.event_text is 'The canonical form of an event, which is hashed behind the hash of the one before.';

create function lms_private.chain(hash bytea, head bytea, event text) returns bytea
language sql
immutable
parallel safe
return sha256(coalesce(hash, head) || convert_to(event, 'UTF8'));

create aggregate lms_private.chain(head bytea, event text) (
  sfunc = lms_private.chain,
  stype = bytea
);

comment on function lms_private.chain(bytea, bytea, text) is 'The hash behind one more event.';
comment on aggregate lms_private.chain(bytea, text) is 'The hash behind these events, in a window that is ordered: that behind each of them.';

create function lms_private.seal_events(tenant uuid) returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
declare
  head lms.event_heads;
  last record;
  sealed_at constant timestamptz := now();
begin
  -- One at a time. What follows are statements of their own, so they see what was committed while this one waited.
  insert into lms.event_heads (tenant_id)
  values (tenant)
  on conflict (tenant_id) do nothing;
  select h.*
  into head
  from lms.event_heads as h
  where h.tenant_id = tenant
  for update;

  -- All that one snapshot shows, in one statement: part of it now and part by a later snapshot could turn cause and effect around.
  with taken as (
    delete from lms_private.unsealed_events as u
    where u.tenant_id = tenant
    returning u.*
  ),
  placed as (
    select
      u.sequence,
      (
        u.tenant_id, u.id, sealed_at, sealed_at, u.actor, u.actor, null, 1,
        head.position + row_number() over (order by u.sequence),
        u.entity, u.entity_id, u.kind, u.actor, u.request_id, u.at, u.state, u.salt,
        lms_private.state_hash(u.salt, u.state), '', ''
      )::lms.event_log as event
    from taken as u
  ),
  hashed as (
    select
      p.event,
      lms_private.chain(head.hash, lms_private.event_text(p.event)) over in_order as hash,
      p.sequence
    from placed as p
    window in_order as (order by p.sequence rows between unbounded preceding and current row)
  ),
  sealed as (
    insert into lms.event_log (
      tenant_id, id, created_at, updated_at, created_by, updated_by,
      position, entity, entity_id, kind, actor, request_id, at, state, salt, state_hash, previous_hash, hash
    )
    select
      (h.event).tenant_id, (h.event).id, sealed_at, sealed_at, (h.event).actor, (h.event).actor,
      (h.event).position, (h.event).entity, (h.event).entity_id, (h.event).kind, (h.event).actor, (h.event).request_id,
      (h.event).at, (h.event).state, (h.event).salt, (h.event).state_hash,
      lag(h.hash, 1, head.hash) over (order by h.sequence),
      h.hash
    from hashed as h
    order by h.sequence
    returning position, hash
  )
  select s.position, s.hash
  into last
  from sealed as s
  order by s.position desc
  limit 1;
  if not found then
    return head.position;
  end if;

  update lms.event_heads as h
  set
    position = last.position,
    hash = last.hash,
    updated_at = sealed_at,
    version = h.version + 1
  where h.tenant_id = tenant;
  return last.position;
end
$$;

comment on function lms_private.seal_events is
  'Gives places in the tenant''s chain to all its events that are committed, and returns the position of the last. For the worker.';

create function lms.seal_events() returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (
    select from lms_private.unsealed_events as u
    where u.tenant_id = current_setting('app.tenant_id')::uuid
  )
  then
    perform lms_private.seal_events(current_setting('app.tenant_id')::uuid);
  end if;
end
$$;

comment on function lms.seal_events is
  'Seals what is committed of the context''s tenant, so that whoever reads the log next finds it there, his own writes included.';

alter function lms_private.seal_events owner to lms_definer;
alter function lms.seal_events owner to lms_definer;

grant execute on function lms_private.event_text, lms_private.chain(bytea, bytea, text), lms_private.chain(bytea, text) to lms_definer, lms_application;
grant execute on function lms.seal_events to lms_application;

comment on table lms.event_heads is
  'Where each tenant''s chain ends. Sealing locks its row, so that one at a time gives places.';

grant execute on function lms_private.state_hash to lms_application;

-- Who was logged until now.
do $$
declare
  logged record;
begin
  for logged in
    select distinct u.tenant_id
    from lms_private.unsealed_events as u
    order by u.tenant_id
  loop
    perform lms_private.seal_events(logged.tenant_id);
  end loop;
end
$$;

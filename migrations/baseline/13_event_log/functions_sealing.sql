-- Sealing: what a snapshot shows of a tenant's unsealed events gets the next places in its chain. Whatever a transaction saw
-- when it wrote is in every snapshot that shows the transaction, so a cause is never behind its effect; whoever commits late
-- gets a later place, so nothing is ever added before a position that has been read. Nothing may be done to a sealed event, but
-- for the erasure of a person, which replaces state and salt and says so beside it.

create function lms_private.protect_event() returns trigger
language plpgsql
as $$
declare
  as_it_was lms.event_log;
begin
  if tg_op = 'UPDATE' then
    as_it_was := new;
    as_it_was.state := old.state;
    as_it_was.salt := old.salt;
    if as_it_was = old
      and exists (
        select from lms.event_redactions as r
        where r.tenant_id = old.tenant_id
          and r.position = old.position
          and r.state_hash = lms_private.state_hash(new.salt, new.state)
          and r.created_at = now()
      )
    then
      return new;
    end if;
  elsif lms_private.is_erasing_tenant(old.tenant_id) then
    return old;
  end if;
  raise exception using errcode = '42501', message = 'The event log is append-only.';
end
$$;

comment on function lms_private.protect_event is
  'Refuses to change or delete an event, whoever asks. What a redaction that was made in the same transaction announces may replace its state and salt; a tenant that lives elsewhere may be erased whole.';

-- The triggers run as whoever tries: all of them are refused.
grant execute on function lms_private.protect_event to public;

create function lms_private.state_hash(salt uuid, state jsonb) returns bytea
language sql
immutable
parallel safe
return sha256(uuid_send(salt) || convert_to(state::text, 'UTF8'));

comment on function lms_private.state_hash is 'SHA-256 over the 16 bytes of the salt and the UTF-8 text of the state.';

grant execute on function lms_private.state_hash to lms_application, lms_definer;

create function lms_private.protect_unsealed_events() returns trigger
language plpgsql
as $$
begin
  if current_user <> 'lms_definer' then
    raise exception using errcode = '42501', message = 'What has not been sealed is removed by sealing alone.';
  end if;
  return null;
end
$$;

comment on function lms_private.protect_unsealed_events is 'Refuses to delete what is not in the chain yet, but to lms_private.seal_events.';

grant execute on function lms_private.protect_unsealed_events to public;

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

grant execute on function lms_private.event_text to lms_application, lms_definer;

create function lms_private.chain(hash bytea, head bytea, event text) returns bytea
language sql
immutable
parallel safe
return sha256(coalesce(hash, head) || convert_to(event, 'UTF8'));

comment on function lms_private.chain(bytea, bytea, text) is 'The hash behind one more event.';

grant execute on function lms_private.chain(bytea, bytea, text) to lms_application, lms_definer;

create aggregate lms_private.chain(head bytea, event text) (
  sfunc = lms_private.chain,
  stype = bytea
);

comment on aggregate lms_private.chain(bytea, text) is 'The hash behind these events, in a window that is ordered: that behind each of them.';

grant execute on function lms_private.chain(bytea, text) to lms_application, lms_definer;

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

alter function lms_private.seal_events owner to lms_definer;

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
  'Seals what is committed of the context''s tenant, so that whoever reads the log next finds it there, the reader''s own writes included.';

alter function lms.seal_events owner to lms_definer;
grant execute on function lms.seal_events to lms_application;

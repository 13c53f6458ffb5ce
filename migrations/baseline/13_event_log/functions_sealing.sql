-- Sealing: all events of a tenant that one snapshot shows are appended to its chain. Whatever a
-- transaction saw when it wrote is in every snapshot that shows the transaction, so a cause never
-- comes after its effect. A transaction that commits late gets a later position, so nothing is
-- inserted before a position that has been read. A sealed event never changes, except that the
-- erasure of a person replaces state and salt and records a redaction.

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
  'Refuses to change or delete an event for every role. State and salt may be replaced as announced by a redaction of the same transaction, and all events of a relocated tenant may be erased.';

-- Triggers run as the role that writes, and every role has to be refused.
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

comment on function lms_private.protect_unsealed_events is 'Only lms_private.seal_events may delete events that are not sealed.';

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

comment on function lms_private.event_text is
  'The canonical text of an event, which is hashed after the hash of the previous event.';

grant execute on function lms_private.event_text to lms_application, lms_definer;

create function lms_private.chain(hash bytea, head bytea, event text) returns bytea
language sql
immutable
parallel safe
return sha256(coalesce(hash, head) || convert_to(event, 'UTF8'));

comment on function lms_private.chain(bytea, bytea, text) is 'The hash of the chain after one more event.';

grant execute on function lms_private.chain(bytea, bytea, text) to lms_application, lms_definer;

create aggregate lms_private.chain(head bytea, event text) (
  sfunc = lms_private.chain,
  stype = bytea
);

comment on aggregate lms_private.chain(bytea, text) is
  'The hash of the chain after several events; in an ordered window, the hash after each of them.';

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
  -- Sealing is serialized. The following are separate statements, so they see what was committed
  -- while this one waited.
  insert into lms.event_heads (tenant_id)
  values (tenant)
  on conflict (tenant_id) do nothing;
  select h.*
  into head
  from lms.event_heads as h
  where h.tenant_id = tenant
  for update;

  -- A single statement seals all that one snapshot shows. Two snapshots could reverse cause and
  -- effect.
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
  'Appends all committed events of a tenant to its chain and returns the last position. For the worker.';

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
  'Seals the committed events of the context''s tenant, so that its readers see them, including their own writes.';

alter function lms.seal_events owner to lms_definer;
grant execute on function lms.seal_events to lms_application;

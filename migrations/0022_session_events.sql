-- Sessions are events when they open and when they are revoked; a refresh is not one.
set local role lms_owner;

create function lms_private.record_revocation() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
declare
  actor constant uuid := nullif(
    nullif(current_setting('app.user_id', true), ''),
    '00000000-0000-0000-0000-000000000000'
  )::uuid;
  request constant text := nullif(current_setting('app.request_id', true), '');
  at constant timestamptz := clock_timestamp();
  state constant jsonb := to_jsonb(new);
  head record;
  digest bytea;
begin
  if old.revoked_at is not null or new.revoked_at is null then
    return null;
  end if;

  select h.position + 1 as position, h.hash
  into strict head
  from lms.event_heads as h
  where h.tenant_id = new.tenant_id
  for update;
  digest := lms.event_hash(
    head.hash, new.tenant_id, head.position, 'session', new.id, 'session.revoked', actor, request, at, state
  );
  insert into lms.event_log (
    tenant_id, position, entity, entity_id, kind, actor, request_id, at, state, previous_hash, hash, created_by, updated_by
  )
  values (
    new.tenant_id, head.position, 'session', new.id, 'session.revoked', actor, request, at, state, head.hash, digest, actor, actor
  );
  update lms.event_heads as h
  set
    position = head.position,
    hash = digest,
    updated_at = at,
    version = h.version + 1
  where h.tenant_id = new.tenant_id;
  return null;
end
$$;

comment on function lms_private.record_revocation is 'Appends session.revoked.';

alter function lms_private.record_revocation owner to lms_definer;

create trigger lock_event_head
before insert or update of revoked_at on lms.sessions
for each statement execute function lms_private.lock_event_head();

create trigger record_insert
after insert on lms.sessions
referencing new table as new_rows
for each statement execute function lms_private.record_changes('session');

create trigger record_revocation
after update of revoked_at on lms.sessions
for each row execute function lms_private.record_revocation();

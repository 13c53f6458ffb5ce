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
  select * into head from lms_private.read_event_head(new.tenant_id);
  digest := lms.event_hash(
    head.hash, new.tenant_id, head.position + 1, 'session', new.id, 'session.revoked', actor, request, at, state
  );
  insert into lms.event_log (
    tenant_id, position, entity, entity_id, kind, actor, request_id, at, state, previous_hash, hash, created_by, updated_by
  )
  values (
    new.tenant_id, head.position + 1, 'session', new.id, 'session.revoked',
    actor, request, at, state, head.hash, digest, actor, actor
  );
  perform lms_private.write_event_head(new.tenant_id, head.position + 1, digest);
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
after update on lms.sessions
for each row
when (old.revoked_at is null and new.revoked_at is not null)
execute function lms_private.record_revocation();

-- Housekeeping: what has lived out its purpose goes for good. None of it is recorded in the event log.
set local role lms_owner;

create function lms.purge() returns json
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  keys bigint;
  attempts bigint;
  tokens bigint;
  secrets bigint;
  sessions bigint;
begin
  delete from lms.idempotency_keys where expires_at < now();
  get diagnostics keys = row_count;
  delete from lms.sign_in_failures where created_at < now() - interval '1 day';
  get diagnostics attempts = row_count;
  delete from lms.one_use_tokens where expires_at < now() - interval '1 day';
  get diagnostics tokens = row_count;
  delete from lms_private.notification_secrets where expires_at < now();
  get diagnostics secrets = row_count;
  -- The log still says when a session was opened and revoked. Its refresh tokens go with it.
  delete from lms.sessions where least(revoked_at, expires_at) < now() - interval '30 days';
  get diagnostics sessions = row_count;
  return json_build_object(
    'idempotency_keys', keys,
    'sign_in_failures', attempts,
    'one_use_tokens', tokens,
    'notification_secrets', secrets,
    'sessions', sessions
  );
end
$$;

comment on function lms.purge is 'Deletes expired keys, attempts, tokens, secrets and sessions, and counts them. For lms_migrator, once a day.';

alter function lms.purge owner to lms_definer;

grant execute on function lms.purge to lms_migrator;

-- Deletion of expired rows. These deletions have no events, except for sessions.

create function lms.purge() returns json
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  kept constant interval := '30 days';
  keys bigint;
  attempts bigint;
  tokens bigint;
  secrets bigint;
  sessions bigint;
  deliveries bigint;
  webhook_deliveries bigint;
  webhook_secrets bigint;
begin
  delete from lms.idempotency_keys where expires_at < now();
  get diagnostics keys = row_count;
  delete from lms.sign_in_failures where created_at < now() - interval '1 day';
  get diagnostics attempts = row_count;
  delete from lms.one_use_tokens where expires_at < now() - interval '1 day';
  get diagnostics tokens = row_count;
  delete from lms_private.notification_secrets where expires_at < now();
  get diagnostics secrets = row_count;
  -- The event log keeps when a session was opened and revoked. Its refresh tokens are deleted with
  -- it.
  delete from lms.sessions where least(revoked_at, expires_at) < now() - kept;
  get diagnostics sessions = row_count;
  -- Dead letters stay, because they can be queued again under their key.
  delete from lms.notification_deliveries where delivered_at < now() - kept;
  get diagnostics deliveries = row_count;
  delete from lms.webhook_deliveries as d
  using lms.webhooks as w
  where d.updated_at < now() - kept
    and w.tenant_id = d.tenant_id
    and w.id = d.webhook_id
    and (
      d.delivered_at is not null
      or d.dead_at is not null
      or w.deleted_at < now() - kept
    );
  get diagnostics webhook_deliveries = row_count;
  delete from lms.webhook_secrets where expires_at < now();
  get diagnostics webhook_secrets = row_count;
  return json_build_object(
    'idempotency_keys', keys,
    'sign_in_failures', attempts,
    'one_use_tokens', tokens,
    'notification_secrets', secrets,
    'sessions', sessions,
    'notification_deliveries', deliveries,
    'webhook_deliveries', webhook_deliveries,
    'webhook_secrets', webhook_secrets
  );
end
$$;

comment on function lms.purge is
  'Deletes expired keys, attempts, tokens, secrets and sessions, and deliveries that ended 30 days ago, and counts them. For lms_migrator, once a day.';

alter function lms.purge owner to lms_definer;
grant execute on function lms.purge to lms_migrator;

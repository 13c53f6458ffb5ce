-- Events of sessions. Opening and revoking a session are events; a refresh is not.

create function lms_private.record_revocation() returns trigger
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

comment on function lms_private.record_revocation is 'Records the event session.revoked.';

alter function lms_private.record_revocation owner to lms_definer;

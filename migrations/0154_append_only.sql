-- What may be done to a sealed event: nothing, but for the erasure of a person, which replaces state and salt and says so beside it.
set local role lms_owner;

create table lms.event_redactions (
  like lms_private.row_template including all,
  erasure_id uuid not null,
  position bigint not null,
  state_hash bytea not null
);

create unique index event_redactions_position_key
on lms.event_redactions (tenant_id, position, erasure_id);

create index idx_event_redactions_erasure_id
on lms.event_redactions (tenant_id, erasure_id, position);

comment on table lms.event_redactions is 'Which sealed events were erased in, and the hashes of what stands there instead.';
comment on column lms.event_redactions.position is 'The event''s.';
comment on column lms.event_redactions.state_hash is 'SHA-256 over the new salt and the new state, as in the event log.';

call lms_private.adopt('event_redactions', listed => false);

create policy scope_read on lms.event_redactions
as restrictive for select to lms_application
using ((select current_setting('app.role')) = 'admin');

grant select on lms.event_redactions to lms_application;
grant select, insert on lms.event_redactions to lms_definer;

create trigger append_only
before update or delete or truncate on lms.event_redactions
for each statement execute function lms_private.forbid_change();

alter table lms.event_redactions enable always trigger append_only;

create function lms_private.guard_event() returns trigger
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
  end if;
  raise exception using errcode = '42501', message = 'The event log is append-only.';
end
$$;

comment on function lms_private.guard_event is
  'Refuses to change or delete an event, whoever asks. What a redaction that was made in the same transaction announces may replace its state and salt.';

create function lms_private.state_hash(salt uuid, state jsonb) returns bytea
language sql
immutable
parallel safe
return sha256(uuid_send(salt) || convert_to(state::text, 'UTF8'));

comment on function lms_private.state_hash is 'SHA-256 over the 16 bytes of the salt and the UTF-8 text of the state.';

grant execute on function lms_private.state_hash to lms_definer;
-- The triggers run as whoever tries: all of them are refused.
grant execute on function lms_private.guard_event to public;

create trigger append_only
before update or delete on lms.event_log
for each row execute function lms_private.guard_event();

alter table lms.event_log enable always trigger append_only;

create trigger append_only_truncate
before truncate on lms.event_log
for each statement execute function lms_private.forbid_change();

alter table lms.event_log enable always trigger append_only_truncate;

create trigger append_only_truncate
before truncate on lms_private.event_log_default
for each statement execute function lms_private.forbid_change();

alter table lms_private.event_log_default enable always trigger append_only_truncate;

grant update (state, salt) on lms.event_log to lms_definer;

create trigger append_only
before update or truncate on lms_private.unsealed_events
for each statement execute function lms_private.forbid_change();

alter table lms_private.unsealed_events enable always trigger append_only;

create function lms_private.guard_unsealed() returns trigger
language plpgsql
as $$
begin
  if current_user <> 'lms_definer' then
    raise exception using errcode = '42501', message = 'What has not been sealed is removed by sealing alone.';
  end if;
  return null;
end
$$;

comment on function lms_private.guard_unsealed is 'Refuses to delete what is not in the chain yet, but to lms_private.seal_events.';

grant execute on function lms_private.guard_unsealed to public;

create trigger sealed_only
before delete on lms_private.unsealed_events
for each statement execute function lms_private.guard_unsealed();

alter table lms_private.unsealed_events enable always trigger sealed_only;

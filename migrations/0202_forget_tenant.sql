-- Erasing a tenant that lives elsewhere from this cell, its log and its book included.
set local role lms_owner;

create function lms_private.is_forgetting(tenant uuid) returns boolean
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select exists (
    select from lms_private.tenants_away as a
    where a.tenant_id = tenant
      and a.state = 'elsewhere'
      and a.forgotten_at = now()
  );
end;

comment on function lms_private.is_forgetting is
  'Whether this transaction erases a tenant that lives in another cell: only the owner of the schema can say so.';

alter function lms_private.is_forgetting owner to lms_definer;

-- The triggers run as whoever tries.
grant execute on function lms_private.is_forgetting to public;

create or replace function lms_private.guard_event() returns trigger
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
  elsif lms_private.is_forgetting(old.tenant_id) then
    return old;
  end if;
  raise exception using errcode = '42501', message = 'The event log is append-only.';
end
$$;

comment on function lms_private.guard_event is
  'Refuses to change or delete an event, whoever asks. What a redaction that was made in the same transaction announces may replace its state and salt; a tenant that lives elsewhere may be erased whole.';

create or replace function lms_private.forbid_change() returns trigger
language plpgsql
as $$
begin
  -- The owner is held by row security, so of all rows those of the context's tenant are deleted.
  if tg_op = 'DELETE'
    and current_user = 'lms_owner'
    and lms_private.is_forgetting(nullif(current_setting('app.tenant_id', true), '')::uuid)
  then
    return null;
  end if;
  raise exception using errcode = '42501', message = format('%I is append-only.', tg_table_name);
end
$$;

comment on function lms_private.forbid_change is
  'Refuses to change or delete what is only ever added to, whoever asks, but for a tenant that lives elsewhere and is erased whole.';

-- The warning that an address is to be changed goes to the address that it was made for: its recipient was looked up when it was sent, and
-- was the new address if that had been confirmed by then. And a change that waits for its new mailbox can be taken back: whoever gives an
-- account the address that it has wants no other, so the code for the other one ends.
set local role lms_owner;

create function lms_private.tell_address(tenant uuid, person uuid, event text, address text) returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  notification uuid;
begin
  if lms_private.notification_obstacle(tenant, person, 'email', event) is not null then
    return;
  end if;
  insert into lms.notifications (tenant_id, user_id, type, template)
  values (tenant, person, 'email', event)
  returning id into notification;
  insert into lms_private.notification_secrets (tenant_id, notification_id, address, expires_at)
  values (tenant, notification, address, now() + interval '30 days');
end
$$;

comment on function lms_private.tell_address is
  'Queues the notification of an event to a user at this address, whichever address the user has when it is sent. None if the user cannot be notified.';

alter function lms_private.tell_address owner to lms_definer;

create or replace function lms_private.tell_former_address() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if lms_private.is_erasing() then
    delete from lms_private.reset_requests as r where r.email = old.email;
    return null;
  end if;
  perform lms_private.tell_address(new.tenant_id, new.id, 'email_changed', old.email);
  return null;
end
$$;

create or replace function lms_private.confirm_email() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  role constant text := coalesce(nullif(current_setting('app.role', true), ''), 'nobody');
  caller constant uuid := nullif(current_setting('app.user_id', true), '')::uuid;
begin
  -- Nobody writes one by hand; the one that there is can be taken back.
  if new.pending_email is not null then
    new.pending_email := old.pending_email;
  end if;
  -- The code that would confirm it ends with any of these.
  if (new.status, new.role, new.deleted_at, new.password_hash)
    is distinct from (old.status, old.role, old.deleted_at, old.password_hash)
  then
    new.pending_email := null;
  end if;
  if new.email = old.email then
    if new.pending_email is null and old.pending_email is not null then
      perform lms_private.end_codes(new.tenant_id, new.id, 'email_change');
    end if;
    return new;
  end if;
  new.pending_email := null;
  -- Nobody is who confirms an address, and the operator's tools; an admin answers for the addresses of others.
  if role = 'nobody' or (role = 'admin' and caller is distinct from new.id) then
    return new;
  end if;
  if caller is distinct from new.id
    and lms_private.belongs_elsewhere(new.tenant_id, new.id, nullif(current_setting('app.centre_id', true), '')::uuid)
  then
    raise exception using
      errcode = 'LM403',
      message = 'This person belongs to other centres too: only an admin can change their e-mail address.';
  end if;
  if lms_private.account_of(new.tenant_id, new.email) <> new.id then
    raise exception using
      errcode = '23505', message = 'This address is taken.', schema = 'lms', table = 'users', constraint = 'idx_users_email';
  end if;
  -- Nobody's mailbox is filled with codes.
  if (
    select count(*)
    from lms.one_use_tokens as o
    where o.tenant_id = new.tenant_id
      and o.user_id = new.id
      and o.purpose = 'email_change'
      and o.created_at > now() - interval '30 minutes'
  ) >= 5
  then
    raise exception using
      errcode = 'LM409',
      message = 'Five addresses were asked for within half an hour; ask for another one later.',
      column = 'email';
  end if;
  new.pending_email := new.email;
  new.email := old.email;
  perform lms_private.send_code(
    new.tenant_id, new.id, 'email_change', interval '24 hours', jsonb_build_object('hours', 24), new.pending_email
  );
  perform lms_private.tell_address(new.tenant_id, new.id, 'email_change_asked', old.email);
  return new;
end
$$;

comment on function lms_private.confirm_email is
  'Keeps a changed address aside until it is confirmed, sends it a code and tells the present address; an address kept aside that is set to null is taken back, with its code. An admin''s change of somebody else''s address is let through, as is what nobody in particular changes: a confirmation, or one of the operator''s tools. LM403 for a person who belongs to other centres too, LM409.';
comment on column lms.users.pending_email is
  'The address that was asked for and is not confirmed yet. Set by trigger alone; null takes it back.';

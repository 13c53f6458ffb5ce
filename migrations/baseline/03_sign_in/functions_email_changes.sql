-- A changed e-mail address has to be confirmed from the new address, and the old address is
-- notified. Otherwise a user who may change an address could have the account's password sent to
-- themselves and reach all that its owner reaches elsewhere. Admins reach the whole tenant anyway,
-- so their changes to other accounts take effect at once. The right to change the address is
-- checked again when the code is used, because the requester may have lost it.

-- Separate conditions can each use an index; a single combined condition could use none.
create function lms_private.belongs_to_other_centres(tenant uuid, account uuid, centre uuid) returns boolean
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select
    from lms.students as s
    where s.tenant_id = tenant
      and s.user_id = account
      and s.deleted_at is null
      and s.centre_id is distinct from centre
  )
  or exists (
    select
    from lms.students as s
    where s.tenant_id = tenant
      and s.parent_id = account
      and s.deleted_at is null
      and s.centre_id is distinct from centre
  )
  or exists (
    select
    from lms.guardians as g
    join lms.students as s
      on s.tenant_id = g.tenant_id
      and s.id = g.student_id
    where g.tenant_id = tenant
      and g.user_id = account
      and g.deleted_at is null
      and s.deleted_at is null
      and s.centre_id is distinct from centre
  )
  or exists (
    select
    from lms.tutors as t
    where t.tenant_id = tenant
      and t.user_id = account
      and t.deleted_at is null
      and (
        t.centre_id is distinct from centre
        or exists (
          select
          from lms.classes as c
          where c.tenant_id = tenant
            and c.tutor_id = t.id
            and c.deleted_at is null
            and c.centre_id is distinct from centre
        )
      )
  )
  or exists (
    select
    from lms.staff as f
    where f.tenant_id = tenant
      and f.user_id = account
      and f.deleted_at is null
      and f.centre_id is distinct from centre
  )
$$;

comment on function lms_private.belongs_to_other_centres is
  'True when a user has children, students, classes or a staff post at a centre other than this one.';

alter function lms_private.belongs_to_other_centres owner to lms_definer;

-- A pending change can be withdrawn. Setting the present address again withdraws it as well, so the
-- code for the other address ends.
create function lms_private.require_email_confirmation() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  role constant text := coalesce(nullif(current_setting('app.role', true), ''), 'nobody');
  caller constant uuid := nullif(current_setting('app.user_id', true), '')::uuid;
begin
  -- The column cannot be set directly; a pending address can only be removed.
  if new.pending_email is not null then
    new.pending_email := old.pending_email;
  end if;
  -- Each of these changes also ends the code that would confirm the address.
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
  -- The role is nobody when an address is confirmed and in the operator's tools. An admin is
  -- responsible for the changes to other accounts.
  if role = 'nobody' or (role = 'admin' and caller is distinct from new.id) then
    return new;
  end if;
  if caller is distinct from new.id
    and lms_private.belongs_to_other_centres(new.tenant_id, new.id, nullif(current_setting('app.centre_id', true), '')::uuid)
  then
    raise exception using
      errcode = 'LM403',
      message = 'The person also belongs to other centres. Only an admin can change their e-mail address.';
  end if;
  if lms_private.find_account(new.tenant_id, new.email) <> new.id then
    raise exception using
      errcode = '23505', message = 'The e-mail address is already in use.', schema = 'lms', table = 'users', constraint = 'idx_users_email';
  end if;
  -- Limits the number of codes that can be sent to one mailbox.
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
      message = 'Five address changes were requested within half an hour. Try again later.',
      column = 'email';
  end if;
  new.pending_email := new.email;
  new.email := old.email;
  perform lms_private.send_code(
    new.tenant_id, new.id, 'email_change', interval '24 hours', jsonb_build_object('hours', 24), new.pending_email
  );
  perform lms_private.notify_address(new.tenant_id, new.id, 'email_change_asked', old.email);
  return new;
end
$$;

comment on function lms_private.require_email_confirmation is
  'Holds a changed address in pending_email until it is confirmed, sends a code to it and notifies the present address; setting pending_email to null withdraws the change and its code. Changes that an admin makes to another account take effect at once, as do confirmations and changes by the operator''s tools. LM403 for an account that also belongs to other centres, LM409.';

alter function lms_private.require_email_confirmation owner to lms_definer;

create function lms_private.notify_former_address() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if lms_private.is_erasing() then
    delete from lms_private.reset_requests as r where r.email = old.email;
    return null;
  end if;
  perform lms_private.notify_address(new.tenant_id, new.id, 'email_changed', old.email);
  return null;
end
$$;

comment on function lms_private.notify_former_address is
  'Notifies the former address that it was replaced, but not when the user is erased.';

alter function lms_private.notify_former_address owner to lms_definer;

-- The right to change the address is checked for the requester at the time the code is used. A code
-- without that right is invalid.
create function lms.confirm_email_change(token_hash bytea, address text) returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  used record;
begin
  -- The account is locked before its token, in the same order as a change of the account does.
  perform
  from lms.users as u
  where (u.tenant_id, u.id) in (
    select o.tenant_id, o.user_id
    from lms.one_use_tokens as o
    where o.token_hash = token_hash
      and o.purpose = 'email_change'
  )
  for no key update;
  select o.tenant_id, o.user_id, o.created_by, o.email
  into used
  from lms.one_use_tokens as o
  where o.token_hash = token_hash
    and o.purpose = 'email_change'
    and o.used_at is null
    and o.expires_at > now()
  for update;
  if not found or lms_private.identity_json(used.tenant_id, used.user_id) is null then
    perform lms_private.record_invalid_code(address);
    return false;
  end if;
  perform set_config('app.tenant_id', used.tenant_id::text, true);
  if not lms_private.may_change_email(used.tenant_id, used.user_id, used.created_by) then
    -- A trigger ends the code as well.
    update lms.users as u
    set pending_email = null
    where u.tenant_id = used.tenant_id
      and u.id = used.user_id;
    perform lms_private.record_invalid_code(address);
    return false;
  end if;
  perform set_config('app.user_id', used.user_id::text, true);
  -- Triggers notify the former address and end every session and every code of the user, including
  -- this one.
  update lms.users as u
  set email = used.email
  where u.tenant_id = used.tenant_id
    and u.id = used.user_id;
  return true;
end
$$;

comment on function lms.confirm_email_change is
  'Makes a changed address effective if the token, given as the SHA-256 of its text, is valid and the requester may still change the address; otherwise the token ends. Returns false when it was refused; LM429.';

alter function lms.confirm_email_change owner to lms_definer;
grant execute on function lms.confirm_email_change to lms_application;

-- Until the code is used, the account may come to belong to other centres or move, or the requester
-- may no longer be a supervisor. The account would still be controlled by the requester's mailbox.
create function lms_private.may_change_email(tenant uuid, account uuid, asker uuid) returns boolean
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select
    from lms.users as u
    join lms.users as a
      on a.tenant_id = u.tenant_id
    where u.tenant_id = tenant
      and u.id = account
      and u.deleted_at is null
      and a.id = asker
      and a.status = 'active'
      and a.deleted_at is null
      and (
        a.id = u.id
        or a.role = 'admin'
        or (
          a.role = 'supervisor'
          and a.centre_id = u.centre_id
          and u.role not in ('admin', 'finance', 'support')
          and not lms_private.belongs_to_other_centres(tenant, u.id, a.centre_id)
        )
      )
  )
$$;

comment on function lms_private.may_change_email is
  'True when a user may change the e-mail address of an account now: their own, as an admin, or as the supervisor of an account that belongs to no other centre.';

alter function lms_private.may_change_email owner to lms_definer;

-- A changed e-mail address is confirmed by the new address and told to the old one. Without that, whoever may change an address
-- could have the account's password sent to themselves, and reach everything that its owner reaches elsewhere. An admin, who
-- reaches the whole tenant anyway, changes the addresses of others at once. Between the change and its code the asker may lose the
-- right to ask, so the right is asked again when the code comes.

-- Three conditions enter one index each; one condition with three ways to be somebody's child enters none.
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
  'True when a user has children, pupils, classes or a post at another centre than this one.';

alter function lms_private.belongs_to_other_centres owner to lms_definer;

-- A change that waits for its new mailbox can be taken back: giving an account the address that it has wants no other, so the code for the
-- other one ends.
create function lms_private.require_email_confirmation() returns trigger
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
    and lms_private.belongs_to_other_centres(new.tenant_id, new.id, nullif(current_setting('app.centre_id', true), '')::uuid)
  then
    raise exception using
      errcode = 'LM403',
      message = 'This person belongs to other centres too: only an admin can change their e-mail address.';
  end if;
  if lms_private.find_account(new.tenant_id, new.email) <> new.id then
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
  perform lms_private.notify_address(new.tenant_id, new.id, 'email_change_asked', old.email);
  return new;
end
$$;

comment on function lms_private.require_email_confirmation is
  'Keeps a changed address aside until it is confirmed, sends it a code and tells the present address; an address kept aside that is set to null is taken back, with its code. An admin''s change of somebody else''s address is let through, as is what nobody in particular changes: a confirmation, or one of the operator''s tools. LM403 for a person who belongs to other centres too, LM409.';

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

comment on function lms_private.notify_former_address is 'Tells the former address of a user that it is the former one, but not when the user is erased.';

alter function lms_private.notify_former_address owner to lms_definer;

-- The right to change the address is asked of whoever made the token, as they are when the code comes. A code without that right is none.
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
  -- The account before its token, as whoever changes the account takes them.
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
    -- By trigger, the code ends with it.
    update lms.users as u
    set pending_email = null
    where u.tenant_id = used.tenant_id
      and u.id = used.user_id;
    perform lms_private.record_invalid_code(address);
    return false;
  end if;
  perform set_config('app.user_id', used.user_id::text, true);
  -- By trigger, the former address is told, and every session and every code of the user ends, this one too.
  update lms.users as u
  set email = used.email
  where u.tenant_id = used.tenant_id
    and u.id = used.user_id;
  return true;
end
$$;

comment on function lms.confirm_email_change is
  'Lets a changed address take effect if the token (SHA-256 of its text) is the one that was sent there, and whoever asked for it may still do so; otherwise the token ends. False otherwise; LM429.';

alter function lms.confirm_email_change owner to lms_definer;
grant execute on function lms.confirm_email_change to lms_application;

-- While a code is on its way, the person may come to belong to other centres or move, or the asker may be no supervisor: the account would be
-- the asker's mailbox's all the same.
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
  'True when a user may change the e-mail address of a person now: their own, as an admin, or as the supervisor of a person who belongs to no other centre.';

alter function lms_private.may_change_email owner to lms_definer;

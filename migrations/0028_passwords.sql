-- Passwords: changing and resetting them, and the sessions that end with it. Security definer like 0027.
set local role lms_owner;

create function lms_private.end_sessions() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if new.status = 'active'
    and new.deleted_at is null
    and new.role = old.role
    and new.password_hash is not distinct from old.password_hash
  then
    return null;
  end if;
  update lms.sessions as s
  set revoked_at = now()
  where s.tenant_id = new.tenant_id
    and s.user_id = new.id
    and s.revoked_at is null
    and s.id is distinct from nullif(current_setting('app.session_id', true), '')::uuid;
  return null;
end
$$;

comment on function lms_private.end_sessions is
  'Revokes a user''s sessions. The one that is asking is spared: it changed its own password, or lms.run refuses it from now on.';

create trigger end_sessions
after update of status, deleted_at, role, password_hash on lms.users
for each row execute function lms_private.end_sessions();

create function lms_private.end_tenant_sessions() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if new.status <> 'active' or new.deleted_at is not null then
    update lms.sessions as s
    set revoked_at = now()
    where s.tenant_id = new.tenant_id
      and s.revoked_at is null;
  end if;
  return null;
end
$$;

comment on function lms_private.end_tenant_sessions is 'Revokes every session of a tenant that is no longer active.';

create trigger end_sessions
after update of status, deleted_at on lms.tenants
for each row execute function lms_private.end_tenant_sessions();

create function lms.password_begin(address text) returns table (attempt_id uuid, password_hash text)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  account bytea;
begin
  select u.password_hash, lms_private.account_key(t.slug, u.email)
  into password_begin.password_hash, account
  from lms.users as u
  join lms.tenants as t
    on t.tenant_id = u.tenant_id
  where u.tenant_id = current_setting('app.tenant_id')::uuid
    and u.id = current_setting('app.user_id')::uuid
    and u.deleted_at is null;
  if not found then
    return;
  end if;
  attempt_id := lms_private.count_attempt(current_setting('app.tenant_id')::uuid, account, address);
  return next;
end
$$;

comment on function lms.password_begin is
  'The caller''s password hash, to check the current password against. Counts as an attempt to sign in until password_end; LM429.';

create function lms.password_end(attempt_id uuid, password_hash text) returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
  perform lms_private.forgive_attempts(attempt_id);
  update lms.users as u
  set password_hash = password_end.password_hash
  where u.tenant_id = current_setting('app.tenant_id')::uuid
    and u.id = current_setting('app.user_id')::uuid
    and u.deleted_at is null;
  return found;
end
$$;

comment on function lms.password_end is 'Sets the caller''s password; the caller''s other sessions end.';

create function lms.password_reset_begin(
  tenant_slug text, email text, token text
) returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  span constant interval := interval '30 minutes';
  person record;
  notification uuid;
begin
  select u.tenant_id, u.id
  into person
  from lms_private.tenant_slugs as s
  join lms.tenants as t
    on t.tenant_id = s.tenant_id
  join lms.users as u
    on u.tenant_id = s.tenant_id
  where s.slug = lower(tenant_slug)
    and u.email = lower(password_reset_begin.email)
    and u.status = 'active'
    and u.deleted_at is null
    and t.status = 'active'
    and t.deleted_at is null;
  if not found then
    return true;
  end if;
  perform set_config('app.tenant_id', person.tenant_id::text, true);

  -- Nobody can fill somebody else's mailbox.
  if (
    select count(*)
    from lms.one_use_tokens as o
    where o.tenant_id = person.tenant_id
      and o.user_id = person.id
      and o.created_at > now() - span
  ) >= 3 then
    return true;
  end if;

  insert into lms.notifications (tenant_id, user_id, type, subject, message)
  values (
    person.tenant_id,
    person.id,
    'email',
    'Reset your password',
    'To choose a new password, use this code within 30 minutes: {{token}}. If you did not ask for it, ignore this message.'
  )
  returning id into notification;
  insert into lms_private.notification_secrets (tenant_id, notification_id, token, expires_at)
  values (person.tenant_id, notification, token, now() + span);
  insert into lms.one_use_tokens (tenant_id, user_id, purpose, token_hash, expires_at)
  values (person.tenant_id, person.id, 'password_reset', sha256(convert_to(token, 'UTF8')), now() + span);
  return true;
end
$$;

comment on function lms.password_reset_begin is
  'Always true. For an active account a token that works once, for 30 minutes, and a notification; at most 3 in 30 minutes.';

create function lms.password_reset_end(token_hash bytea, password_hash text) returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  used record;
begin
  update lms.one_use_tokens as o
  set used_at = now()
  where o.token_hash = password_reset_end.token_hash
    and o.purpose = 'password_reset'
    and o.used_at is null
    and o.expires_at > now()
  returning o.tenant_id, o.user_id
  into used;
  if not found or lms_private.identity_json(used.tenant_id, used.user_id) is null then
    return false;
  end if;

  perform
    set_config('app.tenant_id', used.tenant_id::text, true),
    set_config('app.user_id', used.user_id::text, true);
  update lms.users as u
  set password_hash = password_reset_end.password_hash
  where u.tenant_id = used.tenant_id
    and u.id = used.user_id;
  -- Whatever else was sent to this person is dead now, and so is what was waiting to be sent.
  update lms.one_use_tokens as o
  set used_at = now()
  where o.tenant_id = used.tenant_id
    and o.user_id = used.user_id
    and o.used_at is null;
  delete from lms_private.notification_secrets as k
  using lms.notifications as n
  where n.tenant_id = used.tenant_id
    and n.user_id = used.user_id
    and k.tenant_id = n.tenant_id
    and k.notification_id = n.id;
  return true;
end
$$;

comment on function lms.password_reset_end is
  'Sets the password if the token (SHA-256 of its text) is good, and ends every session of the user. False otherwise.';

alter function lms_private.end_tenant_sessions owner to lms_definer;
alter function lms_private.end_sessions owner to lms_definer;
alter function lms.password_begin owner to lms_definer;
alter function lms.password_end owner to lms_definer;
alter function lms.password_reset_begin owner to lms_definer;
alter function lms.password_reset_end owner to lms_definer;

grant execute on function lms.password_begin, lms.password_end, lms.password_reset_begin, lms.password_reset_end
to lms_application;

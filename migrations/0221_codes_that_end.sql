-- Codes that were sent to a person end with what they were sent for: when password, e-mail, role or status change, when the account is
-- deleted, when its tenant is closed, and when another code for the same purpose is issued. Sessions end with a changed e-mail as well.
set local role lms_owner;

alter table lms.one_use_tokens
drop constraint one_use_tokens_purpose_check,
add constraint one_use_tokens_purpose_check check (purpose in ('password_reset', 'email_change')),
add column email text
  constraint one_use_tokens_email_check check (char_length(email) <= 254);

comment on column lms.one_use_tokens.email is 'The address that the token confirms; null when it is for something else.';

alter table lms_private.notification_secrets
alter column token drop not null,
add column address text
  constraint notification_secrets_address_check check (char_length(address) <= 254);

comment on column lms_private.notification_secrets.token is 'What replaces {{token}}; null when the row is there for its address.';
comment on column lms_private.notification_secrets.address is
  'Where the notification goes if not to the user''s present address: to one that is to be confirmed, or to the one before.';

insert into lms_private.personal_columns (table_name, column_name, class, replacement)
values ('one_use_tokens', 'email', 'personal', 'null');

call lms_private.let_erase();

create function lms_private.account_of(tenant uuid, email text) returns uuid
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select u.id
  from lms.users as u
  where u.tenant_id = tenant
    and u.email = lower(account_of.email)
    and u.deleted_at is null
$$;

comment on function lms_private.account_of is 'The account that has the address, active or not: the one place that says which addresses are the same.';

alter function lms_private.account_of owner to lms_definer;

create function lms_private.end_codes(tenant uuid, person uuid, purpose text default null) returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  with ended as (
    update lms.one_use_tokens as o
    set used_at = now()
    where o.tenant_id = tenant
      and o.user_id = person
      and o.used_at is null
      and o.purpose = coalesce(end_codes.purpose, o.purpose)
    returning o.token_hash
  )
  delete from lms_private.notification_secrets as k
  using ended
  where k.tenant_id = tenant
    and sha256(convert_to(k.token, 'UTF8')) = ended.token_hash
$$;

comment on function lms_private.end_codes is
  'Ends the codes of a user, of one purpose or of all, and takes those that wait to be sent out of their notifications.';

create function lms_private.end_codes() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform lms_private.end_codes(new.tenant_id, new.id);
  return null;
end
$$;

comment on function lms_private.end_codes() is 'Ends all codes of a user whose account has changed.';

alter function lms_private.end_codes(uuid, uuid, text) owner to lms_definer;
alter function lms_private.end_codes() owner to lms_definer;

create trigger end_codes
after update of status, deleted_at, role, password_hash, email on lms.users
for each row
when (
  (old.status, old.deleted_at, old.role, old.password_hash, old.email)
    is distinct from (new.status, new.deleted_at, new.role, new.password_hash, new.email)
)
execute function lms_private.end_codes();

create or replace function lms_private.end_sessions() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if new.status = 'active'
    and new.deleted_at is null
    and new.role = old.role
    and new.email = old.email
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

drop trigger end_sessions on lms.users;

create trigger end_sessions
after update of status, deleted_at, role, password_hash, email on lms.users
for each row execute function lms_private.end_sessions();

create or replace function lms_private.end_tenant_sessions() returns trigger
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
    perform lms_private.end_codes(o.tenant_id, o.user_id)
    from (
      select distinct c.tenant_id, c.user_id
      from lms.one_use_tokens as c
      where c.tenant_id = new.tenant_id
        and c.used_at is null
    ) as o;
  end if;
  return null;
end
$$;

comment on function lms_private.end_tenant_sessions is 'Revokes every session of a tenant that is no longer active, and ends every code.';
comment on column lms.sessions.revoked_at is
  'Signed out, or ended by a changed password, e-mail, role or status, or by a dead refresh token.';

create function lms_private.send_code(
  tenant uuid, person uuid, purpose text, span interval, data jsonb, email text default null
) returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  -- A UUID has 122 random bits; three of them are more than the 256 of the hash, which is the code in unpadded base64url.
  code constant text := translate(
    rtrim(
      encode(
        sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())),
        'base64'
      ),
      '='
    ),
    '+/',
    '-_'
  );
  notification uuid;
begin
  perform lms_private.end_codes(tenant, person, purpose);
  insert into lms.notifications (tenant_id, user_id, type, template, data)
  values (tenant, person, 'email', purpose, data)
  returning id into notification;
  insert into lms_private.notification_secrets (tenant_id, notification_id, token, address, expires_at)
  values (tenant, notification, code, email, now() + span);
  insert into lms.one_use_tokens (tenant_id, user_id, purpose, token_hash, email, expires_at)
  values (tenant, person, purpose, sha256(convert_to(code, 'UTF8')), email, now() + span);
end
$$;

comment on function lms_private.send_code is
  'Makes a code that works once and queues the notification of the same name that brings it, to another address than the user''s if one is given. Earlier codes of the purpose end. No caller ever sees the code.';

alter function lms_private.send_code owner to lms_definer;

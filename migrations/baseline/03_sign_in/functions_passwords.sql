-- Changes and resets of passwords, and the sessions that end with them. A reset request is recorded
-- and answered in the same way for every address. The worker later looks for the account, so that
-- neither the answer nor its timing reveals whether it exists. A code is validated before a
-- password is hashed for it.

create function lms_private.end_sessions() returns trigger
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

comment on function lms_private.end_sessions is
  'Revokes a user''s sessions, except for the one that makes the change: it either changed its own password or is refused by lms.run from now on.';

alter function lms_private.end_sessions owner to lms_definer;

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
    with ended as (
      update lms.one_use_tokens as o
      set used_at = now()
      where o.tenant_id = new.tenant_id
        and o.used_at is null
      returning o.token_hash
    )
    delete from lms_private.notification_secrets as k
    using ended
    where k.tenant_id = new.tenant_id
      and lms_private.sha256_of_lines(k.token) = ended.token_hash;
  end if;
  return null;
end
$$;

comment on function lms_private.end_tenant_sessions is
  'Revokes all sessions and ends all codes of a tenant that is no longer active.';

alter function lms_private.end_tenant_sessions owner to lms_definer;

create function lms.begin_password_change(address text) returns table (attempt_id uuid, password_hash text)
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
  into begin_password_change.password_hash, account
  from lms.users as u
  join lms.tenants as t
    on t.tenant_id = u.tenant_id
  where u.tenant_id = current_setting('app.tenant_id')::uuid
    and u.id = current_setting('app.user_id')::uuid
    and u.deleted_at is null;
  if not found then
    return;
  end if;
  -- Counted separately from sign-in attempts, so that strangers cannot prevent a signed-in user
  -- from changing the password.
  attempt_id := lms_private.begin_attempt(
    current_setting('app.tenant_id')::uuid, account, lms_private.sha256_of_lines('password'), null, address
  );
  return next;
end
$$;

comment on function lms.begin_password_change is
  'Returns the caller''s password hash for checking the current password. complete_password_change or record_failed_attempt ends the attempt; LM429.';

alter function lms.begin_password_change owner to lms_definer;
grant execute on function lms.begin_password_change to lms_application;

create function lms.complete_password_change(attempt_id uuid, password_hash text) returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
  perform lms_private.clear_failed_attempts(attempt_id);
  update lms.users as u
  set password_hash = complete_password_change.password_hash
  where u.tenant_id = current_setting('app.tenant_id')::uuid
    and u.id = current_setting('app.user_id')::uuid
    and u.deleted_at is null;
  return found;
end
$$;

comment on function lms.complete_password_change is 'Sets the caller''s password and ends the caller''s other sessions.';

alter function lms.complete_password_change owner to lms_definer;
grant execute on function lms.complete_password_change to lms_application;

create function lms.complete_password_reset(token_hash bytea, password_hash text) returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  used record;
begin
  -- A concurrent request with the same token waits and then finds it used.
  select o.tenant_id, o.user_id
  into used
  from lms.one_use_tokens as o
  where o.token_hash = complete_password_reset.token_hash
    and o.purpose = 'password_reset'
    and o.used_at is null
    and o.expires_at > now()
  for update;
  if not found or lms_private.identity_json(used.tenant_id, used.user_id) is null then
    return false;
  end if;

  perform
    set_config('app.tenant_id', used.tenant_id::text, true),
    set_config('app.user_id', used.user_id::text, true);
  -- A trigger ends every session and every code of the user, including this one.
  update lms.users as u
  set password_hash = complete_password_reset.password_hash
  where u.tenant_id = used.tenant_id
    and u.id = used.user_id;
  perform lms_private.end_codes(used.tenant_id, used.user_id);
  -- The owner has proved control of the account, so failed attempts by strangers are discarded.
  delete from lms.sign_in_failures as f
  using lms.users as u
  join lms.tenants as t
    on t.tenant_id = u.tenant_id
  where u.tenant_id = used.tenant_id
    and u.id = used.user_id
    and f.account = lms_private.account_key(t.slug, u.email);
  return true;
end
$$;

comment on function lms.complete_password_reset is
  'Sets the password if the token, given as the SHA-256 of its text, is valid, ends every session and code of the user, and lets the user sign in at once. Returns false otherwise.';

alter function lms.complete_password_reset owner to lms_definer;
grant execute on function lms.complete_password_reset to lms_application;

create function lms.request_password_reset(tenant_slug text, email text, address text) returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  slug constant text := left(lower(tenant_slug), 63);
  recipient constant text := left(lower(email), 254);
  account constant bytea := lms_private.sha256_of_lines('password_reset', slug, recipient);
  origin constant bytea := lms_private.sha256_of_lines('password_reset', slug, lms_private.network_key(address));
begin
  perform lms_private.check_tenant_location(null, slug);
  perform pg_advisory_xact_lock(('x' || left(encode(account, 'hex'), 16))::bit(64)::bigint);
  perform lms_private.check_rate_limit(
    greatest(
      (
        select f.created_at + interval '30 minutes'
        from lms.sign_in_failures as f
        where f.account = account
          and f.created_at > clock_timestamp() - interval '30 minutes'
        order by f.created_at desc
        offset 9
        limit 1
      ),
      lms_private.origin_blocked_until(origin)
    )
  );
  insert into lms.sign_in_failures (tenant_id, account, origin, address, failed)
  values ('00000000-0000-0000-0000-000000000000', account, origin, left(coalesce(address, ''), 64), true);
  insert into lms_private.reset_requests (tenant_slug, email)
  values (slug, recipient);
  return true;
end
$$;

comment on function lms.request_password_reset is
  'Records that a reset was requested, without reading any account. LM429 after 10 requests for an address in 30 minutes or 100 from an origin in 15, whether the account exists or not.';

alter function lms.request_password_reset owner to lms_definer;
grant execute on function lms.request_password_reset to lms_application;

create function lms_private.process_reset_requests(max_count integer default 100) returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  span constant interval := '30 minutes';
  request record;
  account record;
  answered integer := 0;
begin
  for request in
    delete from lms_private.reset_requests as r
    where r.id in (
      select due.id
      from lms_private.reset_requests as due
      order by due.id
      limit max_count
      for update skip locked
    )
    returning r.tenant_slug, r.email, r.requested_at
  loop
    answered := answered + 1;
    continue when request.requested_at < now() - span;
    select u.tenant_id, u.id
    into account
    from lms_private.tenant_slugs as s
    join lms.tenants as t
      on t.tenant_id = s.tenant_id
    join lms.users as u
      on u.tenant_id = s.tenant_id
    where s.slug = request.tenant_slug
      and u.id = lms_private.find_account(s.tenant_id, request.email)
      and u.status = 'active'
      and t.status = 'active'
      and t.deleted_at is null
      and not exists (select from lms_private.relocated_tenants as a where a.tenant_id = t.tenant_id);
    continue when not found;
    -- Limits the number of messages that others can cause in a mailbox.
    continue when (
      select count(*)
      from lms.one_use_tokens as o
      where o.tenant_id = account.tenant_id
        and o.user_id = account.id
        and o.purpose = 'password_reset'
        and o.created_at > now() - span
    ) >= 3;
    -- A request that fails does not hold up the others.
    begin
      perform set_config('app.tenant_id', account.tenant_id::text, true);
      perform lms_private.send_code(
        account.tenant_id, account.id, 'password_reset', span, jsonb_build_object('minutes', extract(epoch from span)::integer / 60)
      );
    exception when others then
      raise warning 'A request for a password reset could not be answered: %.', sqlstate;
    end;
  end loop;
  return answered;
end
$$;

comment on function lms_private.process_reset_requests is
  'Removes requests for a password reset and sends codes to active accounts, at most 3 in 30 minutes each. Returns the number of requests removed. For the worker.';

alter function lms_private.process_reset_requests owner to lms_definer;
grant execute on function lms_private.process_reset_requests to lms_owner;

create function lms.begin_password_reset(token_hash bytea, address text) returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  presented record;
begin
  select o.tenant_id, o.user_id, lms_private.account_key(t.slug, u.email) as account
  into presented
  from lms.one_use_tokens as o
  join lms.users as u
    on u.tenant_id = o.tenant_id
    and u.id = o.user_id
  join lms.tenants as t
    on t.tenant_id = o.tenant_id
  where o.token_hash = token_hash
    and o.purpose = 'password_reset'
    and o.used_at is null
    and o.expires_at > now();
  if not found or lms_private.identity_json(presented.tenant_id, presented.user_id) is null then
    perform lms_private.record_invalid_code(address);
    return null;
  end if;
  return lms_private.begin_attempt(
    presented.tenant_id, presented.account, lms_private.sha256_of_lines('password_reset'), null, address
  );
end
$$;

comment on function lms.begin_password_reset is
  'Starts an attempt if the token, given as the SHA-256 of its text, is valid, before the new password is hashed; null otherwise. complete_password_reset ends the attempt. LM429.';

alter function lms.begin_password_reset owner to lms_definer;
grant execute on function lms.begin_password_reset to lms_application;

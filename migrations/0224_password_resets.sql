-- Asking for a password reset writes the request down, for every address alike, and is answered. The worker looks later whether there is
-- such an account, so that neither the answer nor its time says so. And using a code: it is looked up before a password is hashed for it.
set local role lms_owner;

create table lms_private.reset_requests (
  id bigint generated always as identity primary key,
  tenant_slug text not null,
  email text not null,
  requested_at timestamptz not null default now()
);

comment on table lms_private.reset_requests is
  'Password resets that were asked for, whoever they are for. The worker takes them out within a second or two.';

-- With update, whoever takes one out holds it.
grant select, insert, update, delete on lms_private.reset_requests to lms_definer;

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
  account constant bytea := lms_private.digest_of('password_reset', slug, recipient);
  origin constant bytea := lms_private.digest_of('password_reset', slug, lms_private.network_of(address));
begin
  perform lms_private.check_home(null, slug);
  perform pg_advisory_xact_lock(('x' || left(encode(account, 'hex'), 16))::bit(64)::bigint);
  perform lms_private.wait_until(
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
      lms_private.origin_free_at(origin)
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
  'Writes down that a reset was asked for; reads nothing about accounts. LM429 after 10 requests for an address in 30 minutes, or 100 of an origin in 15, whether there is such an account or not.';

-- As the components of the release before call it. The token is made where the request is answered.
create or replace function lms.password_reset_begin(
  tenant_slug text, email text, token text
) returns boolean
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select lms.request_password_reset(tenant_slug, email, 'unknown')
$$;

comment on function lms.password_reset_begin is 'As request_password_reset, for components of the release before.';

create function lms_private.answer_reset_requests(most integer default 100) returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  span constant interval := '30 minutes';
  request record;
  person record;
  answered integer := 0;
begin
  for request in
    delete from lms_private.reset_requests as r
    where r.id in (
      select due.id
      from lms_private.reset_requests as due
      order by due.id
      limit most
      for update skip locked
    )
    returning r.tenant_slug, r.email, r.requested_at
  loop
    answered := answered + 1;
    continue when request.requested_at < now() - span;
    select u.tenant_id, u.id
    into person
    from lms_private.tenant_slugs as s
    join lms.tenants as t
      on t.tenant_id = s.tenant_id
    join lms.users as u
      on u.tenant_id = s.tenant_id
    where s.slug = request.tenant_slug
      and u.id = lms_private.account_of(s.tenant_id, request.email)
      and u.status = 'active'
      and t.status = 'active'
      and t.deleted_at is null
      and not exists (select from lms_private.tenants_away as a where a.tenant_id = t.tenant_id);
    continue when not found;
    -- Nobody can fill somebody else's mailbox.
    continue when (
      select count(*)
      from lms.one_use_tokens as o
      where o.tenant_id = person.tenant_id
        and o.user_id = person.id
        and o.purpose = 'password_reset'
        and o.created_at > now() - span
    ) >= 3;
    -- One that cannot be answered holds up no other.
    begin
      perform set_config('app.tenant_id', person.tenant_id::text, true);
      perform lms_private.send_code(
        person.tenant_id, person.id, 'password_reset', span, jsonb_build_object('minutes', extract(epoch from span)::integer / 60)
      );
    exception when others then
      raise warning 'A request for a password reset could not be answered: %.', sqlstate;
    end;
  end loop;
  return answered;
end
$$;

comment on function lms_private.answer_reset_requests is
  'Takes out requests for a password reset and sends codes to those who have an active account; at most 3 in 30 minutes each. For the worker. Returns how many it took out.';

create function lms_private.refuse_code(address text) returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  origin constant bytea := lms_private.digest_of('code', '', lms_private.network_of(address));
begin
  perform lms_private.wait_until(lms_private.origin_free_at(origin));
  insert into lms.sign_in_failures (tenant_id, account, origin, address, failed)
  values ('00000000-0000-0000-0000-000000000000', origin, origin, left(coalesce(address, ''), 64), true);
end
$$;

comment on function lms_private.refuse_code is
  'Counts a code that is none. LM429 after 100 of an origin in 15 minutes; a code that is good is never held up by that.';

create function lms.password_reset_check(token_hash bytea, address text) returns uuid
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
    perform lms_private.refuse_code(address);
    return null;
  end if;
  return lms_private.begin_attempt(
    presented.tenant_id, presented.account, lms_private.digest_of('password_reset'), null, address
  );
end
$$;

comment on function lms.password_reset_check is
  'Whether a token (SHA-256 of its text) is good for a new password, before that is hashed: an attempt that password_reset_end ends, or null. LM429.';

create or replace function lms.password_reset_end(token_hash bytea, password_hash text) returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  used record;
begin
  -- A second request with the same token waits meanwhile, and then finds it used.
  select o.tenant_id, o.user_id
  into used
  from lms.one_use_tokens as o
  where o.token_hash = password_reset_end.token_hash
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
  -- By trigger, every session and every code of the user ends, this one too.
  update lms.users as u
  set password_hash = password_reset_end.password_hash
  where u.tenant_id = used.tenant_id
    and u.id = used.user_id;
  perform lms_private.end_codes(used.tenant_id, used.user_id);
  -- The account is its owner's, who has proved it: what strangers have tried no longer counts.
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

comment on function lms.password_reset_end is
  'Sets the password if the token (SHA-256 of its text) is good, ends every session and code of the user, and lets the user sign in at once. False otherwise.';

create function lms.email_change_end(token_hash bytea, address text) returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  used record;
begin
  select o.tenant_id, o.user_id, o.email
  into used
  from lms.one_use_tokens as o
  where o.token_hash = token_hash
    and o.purpose = 'email_change'
    and o.used_at is null
    and o.expires_at > now()
  for update;
  if not found or lms_private.identity_json(used.tenant_id, used.user_id) is null then
    perform lms_private.refuse_code(address);
    return false;
  end if;
  perform
    set_config('app.tenant_id', used.tenant_id::text, true),
    set_config('app.user_id', used.user_id::text, true);
  -- By trigger, the former address is told, and every session and every code of the user ends, this one too.
  update lms.users as u
  set email = used.email
  where u.tenant_id = used.tenant_id
    and u.id = used.user_id;
  return true;
end
$$;

comment on function lms.email_change_end is
  'Lets a changed address take effect if the token (SHA-256 of its text) is the one that was sent there. False otherwise; LM429.';

alter function lms.request_password_reset owner to lms_definer;
alter function lms_private.answer_reset_requests owner to lms_definer;
alter function lms_private.refuse_code owner to lms_definer;
alter function lms.password_reset_check owner to lms_definer;
alter function lms.email_change_end owner to lms_definer;

grant execute on function lms_private.answer_reset_requests to lms_owner;
grant execute on function lms.request_password_reset, lms.password_reset_check, lms.email_change_end to lms_application;

-- Whoever asks for a tenant that is away is told so: in the session check, which every request makes anyway, and where there is no session
-- yet. Otherwise these functions are as they were.
set local role lms_owner;

-- Without SET search_path, as in 0194.
create or replace function lms_private.admit(given pg_catalog.jsonb) returns pg_catalog.text
language plpgsql
stable
security definer
as $$
declare
  nobody constant pg_catalog.uuid := '00000000-0000-0000-0000-000000000000';
  tenant constant pg_catalog.uuid := (given ->> 'tenant')::pg_catalog.uuid;
  caller constant pg_catalog.uuid := (given ->> 'user')::pg_catalog.uuid;
  session constant pg_catalog.uuid := (given ->> 'session')::pg_catalog.uuid;
  home record;
  centre pg_catalog.uuid;
  is_away pg_catalog.bool;
begin
  if session is not null then
    select
      u.centre_id,
      exists (select from lms_private.tenants_away as a where a.tenant_id = tenant)
    into centre, is_away
    from lms.sessions as s
    join lms.users as u
      on u.tenant_id = s.tenant_id
      and u.id = s.user_id
    where s.tenant_id = tenant
      and s.id = session
      and s.user_id = caller
      and s.revoked_at is null
      and s.expires_at > pg_catalog.now()
      and u.role = given ->> 'role'
      and u.status = 'active'
      and u.deleted_at is null
      and exists (
        select from lms_private.cell as c
        where c.region = given ->> 'region'
          and c.name = coalesce(given ->> 'cell', c.name)
      );
    if found then
      if is_away then
        perform lms_private.check_home(tenant);
      end if;
      return coalesce(centre, nobody);
    end if;
  end if;

  select c.name, c.region
  into home
  from lms_private.cell as c;
  if home.region is distinct from given ->> 'region'
    or home.name is distinct from coalesce(given ->> 'cell', home.name)
  then
    raise exception using
      errcode = 'LM503',
      message = pg_catalog.format(
        'This cell is %s, in region %s; the component serves %s, in %s.',
        coalesce(home.name, '(none)'),
        coalesce(home.region, '(none)'),
        coalesce(given ->> 'cell', '(any)'),
        given ->> 'region'
      );
  end if;
  if tenant is not null then
    perform lms_private.check_home(tenant);
  end if;
  if session is not null then
    raise exception using errcode = 'LM401', message = 'This session has ended.';
  end if;
  if caller is not null then
    select u.centre_id
    into centre
    from lms.users as u
    where u.tenant_id = tenant
      and u.id = caller;
  end if;
  return coalesce(centre, nobody);
end
$$;

create or replace function lms_private.identity_json(tenant uuid, person uuid) returns json
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform lms_private.check_home(tenant);
  return (
    select json_build_object(
      'user', lms_private.user_json(u),
      'tenant', json_build_object('id', t.id, 'slug', t.slug, 'name', t.name, 'region', t.region)
    )
    from lms.users as u
    join lms.tenants as t
      on t.tenant_id = u.tenant_id
    where u.tenant_id = tenant
      and u.id = person
      and u.status = 'active'
      and u.deleted_at is null
      and t.status = 'active'
      and t.deleted_at is null
  );
end
$$;

create or replace function lms.sign_in_begin(
  tenant_slug text, email text, address text
) returns table (
  attempt_id uuid, tenant_id uuid, user_id uuid, password_hash text, role text, status text, region text
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  perform lms_private.check_home(null, lower(sign_in_begin.tenant_slug));

  select s.tenant_id
  into sign_in_begin.tenant_id
  from lms_private.tenant_slugs as s
  where s.slug = lower(sign_in_begin.tenant_slug);

  select
    u.id,
    u.password_hash,
    u.role,
    case when u.status = 'active' and t.status = 'active' and t.deleted_at is null then 'active' else 'inactive' end,
    t.region
  into
    sign_in_begin.user_id,
    sign_in_begin.password_hash,
    sign_in_begin.role,
    sign_in_begin.status,
    sign_in_begin.region
  from lms.users as u
  join lms.tenants as t
    on t.tenant_id = u.tenant_id
  where u.tenant_id = sign_in_begin.tenant_id
    and u.email = lower(sign_in_begin.email)
    and u.deleted_at is null;

  attempt_id := lms_private.count_attempt(
    sign_in_begin.tenant_id,
    lms_private.account_key(coalesce(tenant_slug, ''), coalesce(sign_in_begin.email, '')),
    address
  );
  return next;
end
$$;

create or replace function lms.session_refresh(
  refresh_hash bytea, new_hash bytea, user_agent text, address text
) returns json
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  presented record;
  session record;
  identity json;
begin
  select r.tenant_id, r.id, r.session_id
  into presented
  from lms.refresh_tokens as r
  where r.token_hash = refresh_hash;
  if not found then
    return null;
  end if;
  perform lms_private.check_home(presented.tenant_id);
  perform set_config('app.tenant_id', presented.tenant_id::text, true);

  update lms.refresh_tokens as r
  set used_at = now()
  where r.tenant_id = presented.tenant_id
    and r.id = presented.id
    and r.used_at is null;
  if not found then
    update lms.sessions as s
    set revoked_at = now()
    where s.tenant_id = presented.tenant_id
      and s.id = presented.session_id
      and s.revoked_at is null;
    return null;
  end if;

  select s.user_id, s.expires_at
  into session
  from lms.sessions as s
  where s.tenant_id = presented.tenant_id
    and s.id = presented.session_id
    and s.revoked_at is null
    and s.expires_at > now();
  if not found then
    return null;
  end if;
  identity := lms_private.identity_json(presented.tenant_id, session.user_id);
  if identity is null then
    return null;
  end if;

  perform set_config('app.user_id', session.user_id::text, true);
  update lms.sessions as s
  set
    last_used_at = now(),
    user_agent = coalesce(left(session_refresh.user_agent, 500), s.user_agent),
    address = coalesce(left(session_refresh.address, 64), s.address)
  where s.tenant_id = presented.tenant_id
    and s.id = presented.session_id;
  insert into lms.refresh_tokens (tenant_id, session_id, token_hash)
  values (presented.tenant_id, presented.session_id, new_hash);
  return (
    json_build_object(
      'user', identity -> 'user',
      'tenant', identity -> 'tenant',
      'session', json_build_object('id', presented.session_id, 'expires_at', lms.utc(session.expires_at))
    )
  );
end
$$;

create or replace function lms.password_reset_begin(
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
  perform lms_private.check_home(null, lower(tenant_slug));

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

  insert into lms.notifications (tenant_id, user_id, type, template, data)
  values (
    person.tenant_id,
    person.id,
    'email',
    'password_reset',
    jsonb_build_object('minutes', extract(epoch from span)::integer / 60)
  )
  returning id into notification;
  insert into lms_private.notification_secrets (tenant_id, notification_id, token, expires_at)
  values (person.tenant_id, notification, token, now() + span);
  insert into lms.one_use_tokens (tenant_id, user_id, purpose, token_hash, expires_at)
  values (person.tenant_id, person.id, 'password_reset', sha256(convert_to(token, 'UTF8')), now() + span);
  return true;
end
$$;

create or replace function lms.calendar_feed_begin(token_hash bytea) returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  nobody constant text := '00000000-0000-0000-0000-000000000000';
  reader record;
begin
  select f.tenant_id, u.id, u.role, u.centre_id
  into reader
  from lms.calendar_feeds as f
  join lms.users as u
    on u.tenant_id = f.tenant_id
    and u.id = f.user_id
  join lms.tenants as t
    on t.tenant_id = f.tenant_id
  where f.token_hash = token_hash
    and f.deleted_at is null
    and u.status = 'active'
    and u.deleted_at is null
    and t.status = 'active'
    and t.deleted_at is null;
  if not found then
    return false;
  end if;
  perform lms_private.check_home(reader.tenant_id);
  perform
    set_config('app.tenant_id', reader.tenant_id::text, true),
    set_config('app.user_id', reader.id::text, true),
    set_config('app.role', reader.role, true),
    set_config('app.centre_id', coalesce(reader.centre_id::text, nobody), true);
  return true;
end
$$;

create or replace function lms_private.tenants_to_deliver_for(type text) returns table (tenant_id uuid)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  with recursive step as (
    (
      select d.tenant_id
      from lms.notification_deliveries as d
      where d.delivered_at is null
        and d.dead_at is null
      order by d.tenant_id
      limit 1
    )
    union all
    select (
      select d.tenant_id
      from lms.notification_deliveries as d
      where d.delivered_at is null
        and d.dead_at is null
        and d.tenant_id > step.tenant_id
      order by d.tenant_id
      limit 1
    )
    from step
    where step.tenant_id is not null
  )
  select t.tenant_id
  from step
  join lms.tenants as t
    on t.tenant_id = step.tenant_id
  where t.status = 'active'
    and t.deleted_at is null
    and not exists (select from lms_private.tenants_away as a where a.tenant_id = t.tenant_id)
    and exists (
      select
      from lms.notification_deliveries as d
      where d.tenant_id = t.tenant_id
        and d.type = tenants_to_deliver_for.type
        and d.delivered_at is null
        and d.dead_at is null
        and d.next_attempt_at <= now()
    )
$$;

create or replace function lms_private.webhooks_to_queue_for() returns table (tenant_id uuid, webhook_id uuid)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select w.tenant_id, w.id
  from lms.webhooks as w
  join lms.webhook_queues as q
    on q.tenant_id = w.tenant_id
    and q.id = w.id
  join lms.event_heads as h
    on h.tenant_id = w.tenant_id
  join lms.tenants as t
    on t.tenant_id = w.tenant_id
  where w.status = 'active'
    and w.deleted_at is null
    and q.position < h.position
    and t.status = 'active'
    and t.deleted_at is null
    and not exists (select from lms_private.tenants_away as a where a.tenant_id = t.tenant_id)
  order by w.tenant_id, w.id
$$;

create or replace function lms_private.webhooks_to_deliver_to(at timestamptz, busy uuid[]) returns table (tenant_id uuid, webhook_id uuid)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select w.tenant_id, w.id
  from lms.webhooks as w
  join lms.tenants as t
    on t.tenant_id = w.tenant_id
  where w.status = 'active'
    and w.deleted_at is null
    and w.id <> all (busy)
    and t.status = 'active'
    and t.deleted_at is null
    and not exists (select from lms_private.tenants_away as a where a.tenant_id = t.tenant_id)
    and exists (
      select
      from lms.webhook_deliveries as d
      where d.tenant_id = w.tenant_id
        and d.webhook_id = w.id
        and d.delivered_at is null
        and d.dead_at is null
        and d.next_attempt_at <= webhooks_to_deliver_to.at
    )
  order by w.tenant_id, w.id
$$;

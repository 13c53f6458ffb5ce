-- Changes of webhooks and their secrets, and the queries of the worker for deliveries.

create function lms_private.initialize_webhook() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  max_count constant integer := 20;
begin
  if (
    select count(*)
    from lms.webhooks as w
    where w.tenant_id = new.tenant_id
      and w.deleted_at is null
  ) > max_count
  then
    raise exception using
      errcode = 'LM409',
      message = format('There are already %s webhooks, the maximum. Delete one first.', max_count);
  end if;
  insert into lms.webhook_queues (tenant_id, id, position)
  select
    new.tenant_id,
    new.id,
    coalesce(
      (
        select h.position
        from lms.event_heads as h
        where h.tenant_id = new.tenant_id
      ),
      0
    )
  on conflict (tenant_id, id) do nothing;
  return null;
end
$$;

comment on function lms_private.initialize_webhook is
  'Starts a new webhook at the present end of the log. LM409 when the tenant has too many webhooks.';

alter function lms_private.initialize_webhook owner to lms_definer;

create function lms_private.resume_webhook() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update lms.webhook_queues as q
  set succeeded_at = now()
  where q.tenant_id = new.tenant_id
    and q.id = new.id;
  return null;
end
$$;

comment on function lms_private.resume_webhook is 'Restarts the time within which an enabled webhook has to succeed.';

alter function lms_private.resume_webhook owner to lms_definer;

create function lms.rotate_webhook_secret(webhook uuid, secret bytea) returns lms.webhooks
language plpgsql
as $$
#variable_conflict use_variable
declare
  max_count constant integer := 5;
  w lms.webhooks;
begin
  update lms.webhooks as r
  set secret_changed_at = now()
  where r.id = webhook
    and r.deleted_at is null
  returning r.*
  into w;
  if not found then
    raise exception using errcode = 'LM404';
  end if;
  if (
    select count(*)
    from lms.webhook_secrets as s
    where s.webhook_id = webhook
      and s.expires_at > now()
  ) >= max_count
  then
    raise exception using
      errcode = 'LM409',
      message = format('%s former secrets are still in use for signing. Rotate again when the oldest is a day old.', max_count);
  end if;
  update lms.webhook_secrets as s
  set expires_at = now() + interval '24 hours'
  where s.webhook_id = webhook
    and s.expires_at is null;
  insert into lms.webhook_secrets (webhook_id, secret)
  values (webhook, secret);
  return w;
end
$$;

comment on function lms.rotate_webhook_secret is
  'Gives a webhook a new secret; the former one also signs for 24 hours. LM404; LM409 when too many former secrets still sign.';

grant execute on function lms.rotate_webhook_secret to lms_application;

create function lms.replay_webhook(webhook uuid, after bigint) returns bigint
language plpgsql
as $$
#variable_conflict use_variable
begin
  perform
  from lms.webhooks as w
  where w.id = webhook
    and w.deleted_at is null;
  if not found then
    raise exception using errcode = 'LM404';
  end if;
  perform lms.check_event_position(after);
  update lms.webhook_queues as q
  set position = after
  where q.id = webhook;
  return after;
end
$$;

comment on function lms.replay_webhook is
  'Sets the position of a webhook, to replay or to skip events. LM404; LM422 for a position beyond the end.';

grant execute on function lms.replay_webhook to lms_application;

create function lms_private.check_webhook_kinds() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  unknown record;
begin
  select k.place - 1 as place, k.kind
  into unknown
  from jsonb_array_elements_text(new.kinds) with ordinality as k (kind, place)
  where not exists (
    select
    from pg_trigger as t
    join pg_class as c
      on c.oid = t.tgrelid
    where t.tgname = 'record_insert'
      and c.relnamespace = 'lms'::regnamespace
      and (
        k.kind = c.relname
        or (
          -- The first argument of the trigger is the noun of its kinds.
          split_part(k.kind, '.', 1) = split_part(encode(t.tgargs, 'escape'), '\000', 1)
          and split_part(k.kind, '.', 2) in ('created', 'updated', 'deleted', 'restored', 'purged', 'revoked')
          and split_part(k.kind, '.', 3) = ''
        )
      )
  )
  order by k.place
  limit 1;
  if found then
    raise exception using
      errcode = 'LM422',
      message = 'No such events. Must be a kind, such as student.created, or an entity, such as students.',
      column = 'kinds/' || unknown.place;
  end if;
  return new;
end
$$;

comment on function lms_private.check_webhook_kinds is 'LM422 for a kind or an entity that has no events.';

alter function lms_private.check_webhook_kinds owner to lms_definer;

create function lms_private.webhook_body(e lms.event_log) returns text
language sql
stable
return json_build_object(
  'type', e.kind,
  'timestamp', lms.utc(e.at),
  'data', lms.event_json(e)
)::text;

comment on function lms_private.webhook_body is
  'The body of a webhook request for an event, which it contains as GET /v1/events shows it.';

create function lms_private.webhooks_with_unqueued_events() returns table (tenant_id uuid, webhook_id uuid)
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
    and not exists (select from lms_private.relocated_tenants as a where a.tenant_id = t.tenant_id)
  order by w.tenant_id, w.id
$$;

comment on function lms_private.webhooks_with_unqueued_events is
  'The active webhooks of active tenants with sealed events after their position.';

alter function lms_private.webhooks_with_unqueued_events owner to lms_definer;
grant execute on function lms_private.webhooks_with_unqueued_events to lms_owner;

create function lms_private.webhooks_with_due_deliveries(at timestamptz, busy uuid[]) returns table (tenant_id uuid, webhook_id uuid)
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
    and not exists (select from lms_private.relocated_tenants as a where a.tenant_id = t.tenant_id)
    and exists (
      select
      from lms.webhook_deliveries as d
      where d.tenant_id = w.tenant_id
        and d.webhook_id = w.id
        and d.delivered_at is null
        and d.dead_at is null
        and d.next_attempt_at <= webhooks_with_due_deliveries.at
    )
  order by w.tenant_id, w.id
$$;

comment on function lms_private.webhooks_with_due_deliveries is
  'The active webhooks of active tenants with due deliveries, except for those that have enough in progress. Its cost depends on the number of webhooks, not of deliveries.';

alter function lms_private.webhooks_with_due_deliveries owner to lms_definer;
grant execute on function lms_private.webhooks_with_due_deliveries to lms_owner;

create function lms_private.measure_webhooks() returns table (
  depth bigint,
  oldest_due_at timestamptz,
  dead_letters bigint,
  failing bigint
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  with served as materialized (
    select
      w.tenant_id,
      w.id,
      w.status = 'active' as is_active,
      -- Only the worker gives a reason.
      w.disabled_reason is not null as was_disabled_by_worker,
      q.succeeded_at
    from lms.webhooks as w
    join lms.webhook_queues as q
      on q.tenant_id = w.tenant_id
      and q.id = w.id
    join lms.tenants as t
      on t.tenant_id = w.tenant_id
    where w.deleted_at is null
      and t.status = 'active'
      and t.deleted_at is null
      and not exists (select from lms_private.relocated_tenants as a where a.tenant_id = t.tenant_id)
  ), due as (
    select count(*) as depth, min(d.next_attempt_at) as oldest_due_at
    from lms.webhook_deliveries as d
    join served as s
      on s.tenant_id = d.tenant_id
      and s.id = d.webhook_id
    where s.is_active
      and d.delivered_at is null
      and d.dead_at is null
      and d.next_attempt_at <= now()
  ), failed as (
    select d.tenant_id, d.webhook_id, max(d.last_attempt_at) as last_attempt_at, count(d.dead_at) as dead_letters
    from lms.webhook_deliveries as d
    where d.delivered_at is null
      and d.last_error is not null
    group by d.tenant_id, d.webhook_id
  ), endpoints as (
    select
      sum(f.dead_letters) as dead_letters,
      count(*) filter (
        where s.was_disabled_by_worker
          or s.is_active and f.last_attempt_at > s.succeeded_at
      ) as failing
    from served as s
    left join failed as f
      on f.tenant_id = s.tenant_id
      and f.webhook_id = s.id
  )
  select due.depth, due.oldest_due_at, coalesce(e.dead_letters, 0)::bigint, e.failing
  from due
  cross join endpoints as e
$$;

comment on function lms_private.measure_webhooks is
  'The number of due deliveries of active webhooks, when the first of them became due, the number of dead letters, and that of webhooks that have failed since their last success or were disabled because of it. Only active tenants count. For the worker.';

alter function lms_private.measure_webhooks owner to lms_definer;
grant execute on function lms_private.measure_webhooks to lms_owner;

create function lms_private.notify_webhook_disabled() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  person uuid;
begin
  for person in
    select u.id
    from lms.users as u
    where u.tenant_id = new.tenant_id
      and u.role = 'admin'
      and u.deleted_at is null
    order by u.id
  loop
    perform lms_private.notify(
      new.tenant_id,
      person,
      'webhook_disabled',
      jsonb_build_object(
        -- Only the host is named, because the path may contain a secret.
        'webhook', coalesce(new.description, substring(new.url from '^[a-z]+://([^/]+)'), new.id::text),
        'reason', new.disabled_reason
      )
    );
  end loop;
  return null;
end
$$;

comment on function lms_private.notify_webhook_disabled is
  'Notifies the tenant''s admins of a webhook that the worker has disabled.';

alter function lms_private.notify_webhook_disabled owner to lms_definer;

-- Functions that count what waits and what has failed, for the metrics of a cell.

set local role lms_owner;

create function lms_private.count_clashes() returns bigint
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select count(*)
  from lms.occurrences as o
  join lms.tenants as t
    on t.tenant_id = o.tenant_id
  where o.status = 'cancelled'
    and o.reason = 'clash'
    and o.deleted_at is null
    and o.starts_at > now()
    and t.status = 'active'
    and t.deleted_at is null
    and not exists (select from lms_private.relocated_tenants as a where a.tenant_id = t.tenant_id)
$$;

comment on function lms_private.count_clashes is
  'The number of lessons to come that were cancelled because of a clash, of all active tenants. For the worker.';

alter function lms_private.count_clashes owner to lms_definer;
grant execute on function lms_private.count_clashes to lms_owner;

create function lms_private.measure_outbox() returns table (
  type text,
  depth bigint,
  oldest_due_at timestamptz,
  dead_letters bigint
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  with served as materialized (
    select t.tenant_id
    from lms.tenants as t
    where t.status = 'active'
      and t.deleted_at is null
      and not exists (select from lms_private.relocated_tenants as a where a.tenant_id = t.tenant_id)
  ), due as (
    select d.type, count(*) as depth, min(d.next_attempt_at) as oldest_due_at
    from lms.notification_deliveries as d
    join served as s
      on s.tenant_id = d.tenant_id
    where d.delivered_at is null
      and d.dead_at is null
      and d.next_attempt_at <= now()
    group by d.type
  ), dead as (
    select d.type, count(*) as dead_letters
    from lms.notification_deliveries as d
    join served as s
      on s.tenant_id = d.tenant_id
    where d.dead_at is not null
    group by d.type
  )
  select w.type, coalesce(due.depth, 0), due.oldest_due_at, coalesce(dead.dead_letters, 0)
  from unnest(array['email', 'sms', 'push']) as w (type)
  left join due
    on due.type = w.type
  left join dead
    on dead.type = w.type
$$;

comment on function lms_private.measure_outbox is
  'For each type of notification: the number of due deliveries of active tenants, when the first of them became due, and the number of dead letters. For the worker.';

alter function lms_private.measure_outbox owner to lms_definer;
grant execute on function lms_private.measure_outbox to lms_owner;

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

-- webhooks.queue
with locked as (
  select q.position, w.kinds
  from lms.webhook_queues as q
  join lms.webhooks as w
    on w.tenant_id = q.tenant_id
    and w.id = q.id
  where q.tenant_id = $1
    and q.id = $2
    and w.status = 'active'
    and w.deleted_at is null
  for update of q skip locked
), seen as (
  select e.position, e.id, e.at, e.kind, e.entity
  from lms.event_log as e
  where e.tenant_id = $1
    and e.position > (select l.position from locked as l)
  order by e.position
  limit $4
), queued as (
  insert into lms.webhook_deliveries as d (
    tenant_id, webhook_id, position, event_id, event_at, kind, next_attempt_at
  )
  select $1, $2, s.position, s.id, s.at, s.kind, $3
  from seen as s
  cross join locked as l
  where l.kinds = '[]'
    or l.kinds ? s.kind
    or l.kinds ? s.entity
  on conflict (tenant_id, webhook_id, position) do update
  set
    attempts = 0,
    next_attempt_at = excluded.next_attempt_at,
    last_attempt_at = null,
    last_status = null,
    last_error = null,
    delivered_at = null,
    dead_at = null
  where d.delivered_at is not null
    or d.dead_at is not null
)
update lms.webhook_queues as q
set position = s.position
from (select max(n.position) as position, count(*) as count from seen as n) as s
where q.tenant_id = $1
  and q.id = $2
  and s.count > 0
returning s.count

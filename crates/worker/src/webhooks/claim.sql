-- webhooks.claim
with due as (
  select d.id
  from lms.webhook_deliveries as d
  where d.tenant_id = $1
    and d.webhook_id = $2
    and d.delivered_at is null
    and d.dead_at is null
    and d.next_attempt_at <= $3
  order by d.next_attempt_at, d.position
  limit $4
  for update skip locked
), claimed as (
  update lms.webhook_deliveries as d
  set
    attempts = d.attempts + 1,
    last_attempt_at = $3,
    next_attempt_at = $3::timestamptz + make_interval(secs => $5)
  from due
  where d.tenant_id = $1
    and d.id = due.id
  returning d.id, d.attempts, d.event_id, d.event_at, d.position
)
select
  c.id,
  c.attempts,
  c.event_id,
  w.url,
  case when e.id is not null then lms_private.webhook_body(e) end,
  array(
    select s.secret
    from lms.webhook_secrets as s
    where s.tenant_id = $1
      and s.webhook_id = $2
      and coalesce(s.expires_at > $3, true)
    order by s.expires_at desc nulls first
  )
from claimed as c
join lms.webhooks as w
  on w.tenant_id = $1
  and w.id = $2
left join lms.event_log as e
  on e.tenant_id = $1
  and e.position = c.position
  and e.at = c.event_at
order by c.position

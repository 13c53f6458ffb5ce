-- notifications.claim
with due as (
  select d.id
  from lms.notification_deliveries as d
  where d.type = $2
    and d.delivered_at is null
    and d.dead_at is null
    and d.next_attempt_at <= now()
  order by d.next_attempt_at
  limit $3
  for update skip locked
), claimed as (
  update lms.notification_deliveries as d
  set
    attempts = d.attempts + 1,
    next_attempt_at = now() + make_interval(secs => $4)
  from due
  where d.tenant_id = $1
    and d.id = due.id
  returning d.id, d.notification_id, d.attempts
)
select
  c.id,
  c.notification_id,
  c.attempts,
  u.id,
  coalesce(k.address, u.email),
  u.phone,
  coalesce(nullif(regexp_replace(n.subject, '\s+', ' ', 'g'), ''), o.name),
  case
    when e.secret is null then n.message
    else replace(n.message, '{{' || e.secret || '}}', coalesce(k.token, ''))
  end,
  case
    when e.secret is not null and k.token is null then 'the code in it has expired'
    else case lms_private.notification_obstacle(n.tenant_id, n.user_id, n.type, n.template)
      when 'inactive' then 'the user is not active any more'
      when 'no_phone' then 'the user has no telephone number any more'
      when 'opted_out' then 'the user has opted out of it'
    end
  end
from claimed as c
join lms.notifications as n
  on n.tenant_id = $1
  and n.id = c.notification_id
join lms.users as u
  on u.tenant_id = n.tenant_id
  and u.id = n.user_id
join lms.tenants as o
  on o.tenant_id = n.tenant_id
left join lms_private.notification_events as e
  on e.key = n.template
left join lms_private.notification_secrets as k
  on k.tenant_id = n.tenant_id
  and k.notification_id = n.id
  and k.expires_at > now()

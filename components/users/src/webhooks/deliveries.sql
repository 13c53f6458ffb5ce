select
  json_build_object(
    'position', q.position,
    'data', coalesce(json_agg(page.delivery order by page.position desc) filter (where page.row_number <= page.page_size), '[]'::json),
    'next_before', min(page.position) filter (where page.row_number = page.page_size and page.has_more)
  )::text as body,
  null::text as tag
from lms.webhooks as w
join lms.webhook_queues as q
  on q.id = w.id
left join lateral (
  select
    d.position,
    coalesce(($1->>'limit')::integer, 50) as page_size,
    row_number() over (order by d.position desc) as row_number,
    lead(d.position) over (order by d.position desc) is not null as has_more,
    json_build_object(
      'position', d.position,
      'event_id', d.event_id,
      'kind', d.kind,
      'status', d.status,
      'attempts', d.attempts,
      'last_attempt_at', lms.utc(d.last_attempt_at),
      'last_status', d.last_status,
      'last_error', d.last_error,
      'next_attempt_at', case when d.status = 'waiting' then lms.utc(d.next_attempt_at) end,
      'delivered_at', lms.utc(d.delivered_at),
      'failed_at', lms.utc(d.dead_at),
      'queued_at', lms.utc(d.created_at)
    ) as delivery
  from (
    select
      a.*,
      case
        when a.delivered_at is not null then 'delivered'
        when a.dead_at is not null then 'failed'
        else 'waiting'
      end as status
    from lms.webhook_deliveries as a
    where a.webhook_id = w.id
      and a.position < coalesce(($1->>'before')::bigint, 9223372036854775807)
  ) as d
  where $1->>'status' is null
    or d.status = $1->>'status'
  order by d.position desc
  limit coalesce(($1->>'limit')::integer, 50) + 1
) as page
  on true
where w.id = ($1->>'id')::uuid
  and w.deleted_at is null
group by q.position

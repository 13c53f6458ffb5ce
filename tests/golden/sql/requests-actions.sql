-- for tutor, supervisor, support
-- requests.assign
with r as (
  select r.*
  from lms.transition_request(
    ($1->>'id')::uuid,
    'assign',
    $1->'input',
    nullif($1->'versions', 'null')
  ) as r
)
select
  row_to_json((select visible from (select
    r.id,
    r.number,
    r.centre_id,
    r.type,
    r.details,
    r.priority,
    r.status,
    r.assigned_to,
    r.class_id,
    lms.utc(r.occurrence_start) as occurrence_start,
    r.inventory_id,
    r.by_rule,
    lms.utc(r.opened_at) as opened_at,
    lms.utc(r.due_at) as due_at,
    lms.utc(r.escalated_at) as escalated_at,
    lms.utc(r.resolved_at) as resolved_at,
    lms.utc(r.closed_at) as closed_at,
    r.resolution,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- requests.assign
with r as (
  select r.*
  from lms.transition_request(
    ($1->>'id')::uuid,
    'assign',
    $1->'input',
    nullif($1->'versions', 'null')
  ) as r
)
select
  row_to_json((select visible from (select
    r.id,
    r.number,
    r.centre_id,
    r.type,
    r.details,
    r.priority,
    r.status,
    r.assigned_to,
    r.class_id,
    lms.utc(r.occurrence_start) as occurrence_start,
    r.inventory_id,
    r.by_rule,
    lms.utc(r.opened_at) as opened_at,
    lms.utc(r.due_at) as due_at,
    lms.utc(r.escalated_at) as escalated_at,
    lms.utc(r.resolved_at) as resolved_at,
    lms.utc(r.closed_at) as closed_at,
    r.resolution,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for tutor, supervisor, support
-- requests.start
with r as (
  select r.*
  from lms.transition_request(
    ($1->>'id')::uuid,
    'start',
    $1->'input',
    nullif($1->'versions', 'null')
  ) as r
)
select
  row_to_json((select visible from (select
    r.id,
    r.number,
    r.centre_id,
    r.type,
    r.details,
    r.priority,
    r.status,
    r.assigned_to,
    r.class_id,
    lms.utc(r.occurrence_start) as occurrence_start,
    r.inventory_id,
    r.by_rule,
    lms.utc(r.opened_at) as opened_at,
    lms.utc(r.due_at) as due_at,
    lms.utc(r.escalated_at) as escalated_at,
    lms.utc(r.resolved_at) as resolved_at,
    lms.utc(r.closed_at) as closed_at,
    r.resolution,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- requests.start
with r as (
  select r.*
  from lms.transition_request(
    ($1->>'id')::uuid,
    'start',
    $1->'input',
    nullif($1->'versions', 'null')
  ) as r
)
select
  row_to_json((select visible from (select
    r.id,
    r.number,
    r.centre_id,
    r.type,
    r.details,
    r.priority,
    r.status,
    r.assigned_to,
    r.class_id,
    lms.utc(r.occurrence_start) as occurrence_start,
    r.inventory_id,
    r.by_rule,
    lms.utc(r.opened_at) as opened_at,
    lms.utc(r.due_at) as due_at,
    lms.utc(r.escalated_at) as escalated_at,
    lms.utc(r.resolved_at) as resolved_at,
    lms.utc(r.closed_at) as closed_at,
    r.resolution,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for tutor, supervisor, support
-- requests.resolve
with r as (
  select r.*
  from lms.transition_request(
    ($1->>'id')::uuid,
    'resolve',
    $1->'input',
    nullif($1->'versions', 'null')
  ) as r
)
select
  row_to_json((select visible from (select
    r.id,
    r.number,
    r.centre_id,
    r.type,
    r.details,
    r.priority,
    r.status,
    r.assigned_to,
    r.class_id,
    lms.utc(r.occurrence_start) as occurrence_start,
    r.inventory_id,
    r.by_rule,
    lms.utc(r.opened_at) as opened_at,
    lms.utc(r.due_at) as due_at,
    lms.utc(r.escalated_at) as escalated_at,
    lms.utc(r.resolved_at) as resolved_at,
    lms.utc(r.closed_at) as closed_at,
    r.resolution,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- requests.resolve
with r as (
  select r.*
  from lms.transition_request(
    ($1->>'id')::uuid,
    'resolve',
    $1->'input',
    nullif($1->'versions', 'null')
  ) as r
)
select
  row_to_json((select visible from (select
    r.id,
    r.number,
    r.centre_id,
    r.type,
    r.details,
    r.priority,
    r.status,
    r.assigned_to,
    r.class_id,
    lms.utc(r.occurrence_start) as occurrence_start,
    r.inventory_id,
    r.by_rule,
    lms.utc(r.opened_at) as opened_at,
    lms.utc(r.due_at) as due_at,
    lms.utc(r.escalated_at) as escalated_at,
    lms.utc(r.resolved_at) as resolved_at,
    lms.utc(r.closed_at) as closed_at,
    r.resolution,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for tutor, supervisor, support
-- requests.close
with r as (
  select r.*
  from lms.transition_request(
    ($1->>'id')::uuid,
    'close',
    $1->'input',
    nullif($1->'versions', 'null')
  ) as r
)
select
  row_to_json((select visible from (select
    r.id,
    r.number,
    r.centre_id,
    r.type,
    r.details,
    r.priority,
    r.status,
    r.assigned_to,
    r.class_id,
    lms.utc(r.occurrence_start) as occurrence_start,
    r.inventory_id,
    r.by_rule,
    lms.utc(r.opened_at) as opened_at,
    lms.utc(r.due_at) as due_at,
    lms.utc(r.escalated_at) as escalated_at,
    lms.utc(r.resolved_at) as resolved_at,
    lms.utc(r.closed_at) as closed_at,
    r.resolution,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- requests.close
with r as (
  select r.*
  from lms.transition_request(
    ($1->>'id')::uuid,
    'close',
    $1->'input',
    nullif($1->'versions', 'null')
  ) as r
)
select
  row_to_json((select visible from (select
    r.id,
    r.number,
    r.centre_id,
    r.type,
    r.details,
    r.priority,
    r.status,
    r.assigned_to,
    r.class_id,
    lms.utc(r.occurrence_start) as occurrence_start,
    r.inventory_id,
    r.by_rule,
    lms.utc(r.opened_at) as opened_at,
    lms.utc(r.due_at) as due_at,
    lms.utc(r.escalated_at) as escalated_at,
    lms.utc(r.resolved_at) as resolved_at,
    lms.utc(r.closed_at) as closed_at,
    r.resolution,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for tutor, supervisor, support
-- requests.reopen
with r as (
  select r.*
  from lms.transition_request(
    ($1->>'id')::uuid,
    'reopen',
    $1->'input',
    nullif($1->'versions', 'null')
  ) as r
)
select
  row_to_json((select visible from (select
    r.id,
    r.number,
    r.centre_id,
    r.type,
    r.details,
    r.priority,
    r.status,
    r.assigned_to,
    r.class_id,
    lms.utc(r.occurrence_start) as occurrence_start,
    r.inventory_id,
    r.by_rule,
    lms.utc(r.opened_at) as opened_at,
    lms.utc(r.due_at) as due_at,
    lms.utc(r.escalated_at) as escalated_at,
    lms.utc(r.resolved_at) as resolved_at,
    lms.utc(r.closed_at) as closed_at,
    r.resolution,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- requests.reopen
with r as (
  select r.*
  from lms.transition_request(
    ($1->>'id')::uuid,
    'reopen',
    $1->'input',
    nullif($1->'versions', 'null')
  ) as r
)
select
  row_to_json((select visible from (select
    r.id,
    r.number,
    r.centre_id,
    r.type,
    r.details,
    r.priority,
    r.status,
    r.assigned_to,
    r.class_id,
    lms.utc(r.occurrence_start) as occurrence_start,
    r.inventory_id,
    r.by_rule,
    lms.utc(r.opened_at) as opened_at,
    lms.utc(r.due_at) as due_at,
    lms.utc(r.escalated_at) as escalated_at,
    lms.utc(r.resolved_at) as resolved_at,
    lms.utc(r.closed_at) as closed_at,
    r.resolution,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- request-comments.list
select
  json_build_object(
    'data', coalesce(json_agg(page.item order by page.id) filter (where page.position <= page.page_size), '[]'),
    'next_cursor', max(page.id::text) filter (where page.position = page.page_size and page.has_more)
  )::text as body,
  null::text as tag
from lms.requests as w
left join lateral (
  select
    p.id,
    coalesce(($1->>'limit')::integer, 50) as page_size,
    row_number() over (order by p.id) as position,
    lead(p.id) over (order by p.id) is not null as has_more,
    json_build_object(
      'id', p.id,
      'request_id', p.request_id,
      'visibility', p.visibility,
      'body', p.body,
      'created_at', lms.utc(p.created_at),
      'created_by', p.created_by
    ) as item
  from lms.request_comments as p
  where p.request_id = w.id
    and p.id > coalesce($1->>'cursor', '00000000-0000-0000-0000-000000000000')::uuid
    and p.deleted_at is null
  order by p.id
  limit coalesce(($1->>'limit')::integer, 50) + 1
) as page
  on true
where w.id = ($1->>'id')::uuid
  and w.deleted_at is null
group by w.id;

-- request-comments.create
with p as (
  insert into lms.request_comments as p (request_id, visibility, body)
  select
    r.id,
    coalesce($1->'input'->>'visibility', 'public'),
    $1->'input'->>'body'
  from lms.requests as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  returning p.*
)
select
  json_build_object(
      'id', p.id,
      'request_id', p.request_id,
      'visibility', p.visibility,
      'body', p.body,
      'created_at', lms.utc(p.created_at),
      'created_by', p.created_by
    )::text as body,
  null::text as tag
from p;

-- for supervisor, support
-- inventory.adjust
with r as (
  select r.*
  from lms.adjust_inventory(
    ($1->>'id')::uuid,
    $1->'input',
    nullif($1->'versions', 'null')
  ) as r
)
select
  row_to_json((select visible from (select
    r.id,
    r.centre_id,
    r.item_name,
    r.category,
    r.quantity,
    r.lent,
    r.available,
    r.low_stock_at,
    r.condition,
    r.metadata,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- inventory.adjust
with r as (
  select r.*
  from lms.adjust_inventory(
    ($1->>'id')::uuid,
    $1->'input',
    nullif($1->'versions', 'null')
  ) as r
)
select
  row_to_json((select visible from (select
    r.id,
    r.centre_id,
    r.item_name,
    r.category,
    r.quantity,
    r.lent,
    r.available,
    r.low_stock_at,
    r.condition,
    r.metadata,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- inventory.adjustments
select
  json_build_object(
    'data', coalesce(json_agg(page.item order by page.id) filter (where page.position <= page.page_size), '[]'),
    'next_cursor', max(page.id::text) filter (where page.position = page.page_size and page.has_more)
  )::text as body,
  null::text as tag
from lms.inventory as w
left join lateral (
  select
    p.id,
    coalesce(($1->>'limit')::integer, 50) as page_size,
    row_number() over (order by p.id) as position,
    lead(p.id) over (order by p.id) is not null as has_more,
    json_build_object(
      'id', p.id,
      'change', p.change,
      'reason', p.reason,
      'quantity_after', p.quantity_after,
      'created_at', lms.utc(p.created_at),
      'created_by', p.created_by
    ) as item
  from lms.inventory_adjustments as p
  where p.inventory_id = w.id
    and p.id > coalesce($1->>'cursor', '00000000-0000-0000-0000-000000000000')::uuid
    and p.deleted_at is null
  order by p.id
  limit coalesce(($1->>'limit')::integer, 50) + 1
) as page
  on true
where w.id = ($1->>'id')::uuid
  and w.deleted_at is null
group by w.id;

-- inventory-loans.of-item
select
  json_build_object(
    'data', coalesce(json_agg(page.item order by page.id) filter (where page.position <= page.page_size), '[]'),
    'next_cursor', max(page.id::text) filter (where page.position = page.page_size and page.has_more)
  )::text as body,
  null::text as tag
from lms.inventory as w
left join lateral (
  select
    p.id,
    coalesce(($1->>'limit')::integer, 50) as page_size,
    row_number() over (order by p.id) as position,
    lead(p.id) over (order by p.id) is not null as has_more,
    json_build_object(
      'id', p.id,
      'user_id', p.user_id,
      'quantity', p.quantity,
      'due_on', p.due_on,
      'returned_at', lms.utc(p.returned_at),
      'created_at', lms.utc(p.created_at),
      'created_by', p.created_by
    ) as item
  from lms.inventory_loans as p
  where p.inventory_id = w.id
    and p.id > coalesce($1->>'cursor', '00000000-0000-0000-0000-000000000000')::uuid
    and p.deleted_at is null
  order by p.id
  limit coalesce(($1->>'limit')::integer, 50) + 1
) as page
  on true
where w.id = ($1->>'id')::uuid
  and w.deleted_at is null
group by w.id;

-- for supervisor, support
-- inventory-loans.lend
with r as (
  insert into lms.inventory_loans as r (inventory_id, user_id, quantity, due_on)
  select
    i.id,
    lms.check_reference(
      'user_id',
      ($1->'input'->>'user_id')::uuid,
      exists (
        select from lms.users as t
        where t.id = ($1->'input'->>'user_id')::uuid
          and t.deleted_at is null
      )
    ),
    coalesce(($1->'input'->>'quantity')::integer, 1),
    ($1->'input'->>'due_on')::date
  from lms.inventory as i
  where i.id = ($1->>'id')::uuid
    and i.deleted_at is null
  returning r.id, r.inventory_id, r.centre_id, r.user_id, r.quantity, r.due_on, r.returned_at, r.reminded_at, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.inventory_id,
    r.centre_id,
    r.user_id,
    r.quantity,
    r.due_on,
    lms.utc(r.returned_at) as returned_at,
    lms.utc(r.reminded_at) as reminded_at,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- inventory-loans.lend
with r as (
  insert into lms.inventory_loans as r (inventory_id, user_id, quantity, due_on)
  select
    i.id,
    lms.check_reference(
      'user_id',
      ($1->'input'->>'user_id')::uuid,
      exists (
        select from lms.users as t
        where t.id = ($1->'input'->>'user_id')::uuid
          and t.deleted_at is null
      )
    ),
    coalesce(($1->'input'->>'quantity')::integer, 1),
    ($1->'input'->>'due_on')::date
  from lms.inventory as i
  where i.id = ($1->>'id')::uuid
    and i.deleted_at is null
  returning r.id, r.inventory_id, r.centre_id, r.user_id, r.quantity, r.due_on, r.returned_at, r.reminded_at, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.inventory_id,
    r.centre_id,
    r.user_id,
    r.quantity,
    r.due_on,
    lms.utc(r.returned_at) as returned_at,
    lms.utc(r.reminded_at) as reminded_at,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for supervisor, support
-- inventory-loans.return
with r as (
  update lms.inventory_loans as r
  set returned_at = now()
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
    and lms.check_version(
      r.version,
      case
        when $1->'versions' @> to_jsonb(r.version) then r.version
        else ($1->'versions'->>0)::bigint
      end
    )
  returning r.id, r.inventory_id, r.centre_id, r.user_id, r.quantity, r.due_on, r.returned_at, r.reminded_at, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.inventory_id,
    r.centre_id,
    r.user_id,
    r.quantity,
    r.due_on,
    lms.utc(r.returned_at) as returned_at,
    lms.utc(r.reminded_at) as reminded_at,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- inventory-loans.return
with r as (
  update lms.inventory_loans as r
  set returned_at = now()
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
    and lms.check_version(
      r.version,
      case
        when $1->'versions' @> to_jsonb(r.version) then r.version
        else ($1->'versions'->>0)::bigint
      end
    )
  returning r.id, r.inventory_id, r.centre_id, r.user_id, r.quantity, r.due_on, r.returned_at, r.reminded_at, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.inventory_id,
    r.centre_id,
    r.user_id,
    r.quantity,
    r.due_on,
    lms.utc(r.returned_at) as returned_at,
    lms.utc(r.reminded_at) as reminded_at,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- notifications.preferences.get
select
  json_build_object(
    'email', coalesce(p.email, true),
    'sms', coalesce(p.sms, true),
    'push', coalesce(p.push, true)
  )::text as body,
  null::text as tag
from (select current_setting('app.user_id')::uuid as id) as u
left join lms.notification_preferences as p
  on p.user_id = u.id;

-- notifications.preferences.set
insert into lms.notification_preferences as p (user_id, email, sms, push)
select
  current_setting('app.user_id')::uuid,
  ($1->'input'->>'email')::boolean,
  ($1->'input'->>'sms')::boolean,
  ($1->'input'->>'push')::boolean
on conflict (tenant_id, user_id) do update
set
  email = excluded.email,
  sms = excluded.sms,
  push = excluded.push
returning
  json_build_object('email', p.email, 'sms', p.sms, 'push', p.push)::text as body,
  null::text as tag;

-- for support
-- notifications.retry
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.type,
    r.template,
    r.data,
    r.subject,
    r.message,
    r.status,
    r.language,
    lms.utc(r.delivered_at) as delivered_at,
    r.attempts,
    r.failure,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from lms.retry_notification(($1->>'id')::uuid) as r;

-- for admin
-- notifications.retry
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.type,
    r.template,
    r.data,
    r.subject,
    r.message,
    r.status,
    r.language,
    lms.utc(r.delivered_at) as delivered_at,
    r.attempts,
    r.failure,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from lms.retry_notification(($1->>'id')::uuid) as r;


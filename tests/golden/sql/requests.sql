-- for student, parent, assessor, finance
-- requests.list
with page as (
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
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.requests as r
  where r.deleted_at is null
    and (r.created_by = (select current_setting('app.user_id')::uuid))
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer + 1
), numbered as (
  select
    *,
    row_number() over () as position
  from page
), joined as (
  select
    string_agg(item, ',') filter (where position <= ($1->>'limit')::integer) as items,
    case
      when count(*) > ($1->>'limit')::integer
      then max(
        case
          when position = ($1->>'limit')::integer
          then lms.cursor($1->>'sort', json_build_array(lms.utc(key_0)::text, key_1::text))
        end
      )
    end as cursor
  from numbered
)
select
  concat('{"data":[', items, '],"next_cursor":', coalesce('"' || cursor || '"', 'null'), '}') as body,
  cursor as tag
from joined;

-- for tutor
-- requests.list
with page as (
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
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.requests as r
  where r.deleted_at is null
    and (r.created_by = (select current_setting('app.user_id')::uuid) or r.assigned_to = (select lms.caller_staff()))
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer + 1
), numbered as (
  select
    *,
    row_number() over () as position
  from page
), joined as (
  select
    string_agg(item, ',') filter (where position <= ($1->>'limit')::integer) as items,
    case
      when count(*) > ($1->>'limit')::integer
      then max(
        case
          when position = ($1->>'limit')::integer
          then lms.cursor($1->>'sort', json_build_array(lms.utc(key_0)::text, key_1::text))
        end
      )
    end as cursor
  from numbered
)
select
  concat('{"data":[', items, '],"next_cursor":', coalesce('"' || cursor || '"', 'null'), '}') as body,
  cursor as tag
from joined;

-- for supervisor
-- requests.list
with page as (
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
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.requests as r
  where r.deleted_at is null
    and (r.centre_id = (select current_setting('app.centre_id')::uuid))
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer + 1
), numbered as (
  select
    *,
    row_number() over () as position
  from page
), joined as (
  select
    string_agg(item, ',') filter (where position <= ($1->>'limit')::integer) as items,
    case
      when count(*) > ($1->>'limit')::integer
      then max(
        case
          when position = ($1->>'limit')::integer
          then lms.cursor($1->>'sort', json_build_array(lms.utc(key_0)::text, key_1::text))
        end
      )
    end as cursor
  from numbered
)
select
  concat('{"data":[', items, '],"next_cursor":', coalesce('"' || cursor || '"', 'null'), '}') as body,
  cursor as tag
from joined;

-- for support
-- requests.list
with page as (
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
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.requests as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer + 1
), numbered as (
  select
    *,
    row_number() over () as position
  from page
), joined as (
  select
    string_agg(item, ',') filter (where position <= ($1->>'limit')::integer) as items,
    case
      when count(*) > ($1->>'limit')::integer
      then max(
        case
          when position = ($1->>'limit')::integer
          then lms.cursor($1->>'sort', json_build_array(lms.utc(key_0)::text, key_1::text))
        end
      )
    end as cursor
  from numbered
)
select
  concat('{"data":[', items, '],"next_cursor":', coalesce('"' || cursor || '"', 'null'), '}') as body,
  cursor as tag
from joined;

-- for admin
-- requests.list
with page as (
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
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.requests as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer + 1
), numbered as (
  select
    *,
    row_number() over () as position
  from page
), joined as (
  select
    string_agg(item, ',') filter (where position <= ($1->>'limit')::integer) as items,
    case
      when count(*) > ($1->>'limit')::integer
      then max(
        case
          when position = ($1->>'limit')::integer
          then lms.cursor($1->>'sort', json_build_array(lms.utc(key_0)::text, key_1::text))
        end
      )
    end as cursor
  from numbered
)
select
  concat('{"data":[', items, '],"next_cursor":', coalesce('"' || cursor || '"', 'null'), '}') as body,
  cursor as tag
from joined;

-- for admin
-- requests.list
with page as (
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
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.requests as r
  where true
    and r.created_at >= ($1->'filters'->>'created_at.gte')::timestamptz
    and r.id = any (array(select jsonb_array_elements_text($1->'filters'->'id.in'))::uuid[])
  order by r.created_at, r.id desc
  limit ($1->>'limit')::integer + 1
), counted as (
  select count(*) as total
  from lms.requests as r
  where true
    and r.created_at >= ($1->'filters'->>'created_at.gte')::timestamptz
    and r.id = any (array(select jsonb_array_elements_text($1->'filters'->'id.in'))::uuid[])
), numbered as (
  select
    *,
    row_number() over () as position
  from page
), joined as (
  select
    string_agg(item, ',') filter (where position <= ($1->>'limit')::integer) as items,
    case
      when count(*) > ($1->>'limit')::integer
      then max(
        case
          when position = ($1->>'limit')::integer
          then lms.cursor($1->>'sort', json_build_array(lms.utc(key_0)::text, key_1::text))
        end
      )
    end as cursor
  from numbered
)
select
  concat('{"data":[', items, '],"next_cursor":', coalesce('"' || cursor || '"', 'null'), ',"count":', (select total from counted), '}') as body,
  cursor as tag
from joined;

-- for student, parent, tutor, assessor, supervisor, support, finance
-- requests.get
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
from lms.requests as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- requests.get
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
from lms.requests as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- requests.get_as_of
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
from jsonb_populate_record(
  null::lms.requests,
  lms.state_at('requests', ($1->>'id')::uuid, ($1->>'as_of')::timestamptz)
) as r
where r.id is not null
  and r.deleted_at is null;

-- for student, parent, tutor, assessor, supervisor, support, finance
-- requests.create
with r as (
  insert into lms.requests as r (id, centre_id, type, details, priority, class_id, occurrence_start, inventory_id)
  select
    ($1->>'id')::uuid,
    lms.check_reference('centre_id', ($1->'input'->>'centre_id')::uuid, exists (select from lms.centres as t where t.id = ($1->'input'->>'centre_id')::uuid and t.deleted_at is null)),
    ($1->'input'->>'type')::text,
    ($1->'input'->>'details')::text,
    coalesce(($1->'input'->>'priority')::text, 'medium'),
    lms.check_reference('class_id', ($1->'input'->>'class_id')::uuid, exists (select from lms.classes as t where t.id = ($1->'input'->>'class_id')::uuid and t.deleted_at is null)),
    ($1->'input'->>'occurrence_start')::timestamptz,
    lms.check_reference('inventory_id', ($1->'input'->>'inventory_id')::uuid, exists (select from lms.inventory as t where t.id = ($1->'input'->>'inventory_id')::uuid and t.deleted_at is null))
  returning r.id, r.number, r.centre_id, r.type, r.details, r.priority, r.status, r.assigned_to, r.class_id, r.occurrence_start, r.inventory_id, r.by_rule, r.opened_at, r.due_at, r.escalated_at, r.resolved_at, r.closed_at, r.resolution, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
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
-- requests.create
with r as (
  insert into lms.requests as r (id, centre_id, type, details, priority, class_id, occurrence_start, inventory_id)
  select
    ($1->>'id')::uuid,
    lms.check_reference('centre_id', ($1->'input'->>'centre_id')::uuid, exists (select from lms.centres as t where t.id = ($1->'input'->>'centre_id')::uuid and t.deleted_at is null)),
    ($1->'input'->>'type')::text,
    ($1->'input'->>'details')::text,
    coalesce(($1->'input'->>'priority')::text, 'medium'),
    lms.check_reference('class_id', ($1->'input'->>'class_id')::uuid, exists (select from lms.classes as t where t.id = ($1->'input'->>'class_id')::uuid and t.deleted_at is null)),
    ($1->'input'->>'occurrence_start')::timestamptz,
    lms.check_reference('inventory_id', ($1->'input'->>'inventory_id')::uuid, exists (select from lms.inventory as t where t.id = ($1->'input'->>'inventory_id')::uuid and t.deleted_at is null))
  returning r.id, r.number, r.centre_id, r.type, r.details, r.priority, r.status, r.assigned_to, r.class_id, r.occurrence_start, r.inventory_id, r.by_rule, r.opened_at, r.due_at, r.escalated_at, r.resolved_at, r.closed_at, r.resolution, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
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
-- requests.update
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.requests as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.requests as r
  set
    type = case when $1->'input' ? 'type' then ($1->'input'->>'type')::text else r.type end,
    details = case when $1->'input' ? 'details' then ($1->'input'->>'details')::text else r.details end,
    priority = case when $1->'input' ? 'priority' then coalesce(($1->'input'->>'priority')::text, 'medium') else r.priority end,
    class_id = case when $1->'input' ? 'class_id' then lms.check_reference('class_id', ($1->'input'->>'class_id')::uuid, exists (select from lms.classes as t where t.id = ($1->'input'->>'class_id')::uuid and t.deleted_at is null)) else r.class_id end,
    occurrence_start = case when $1->'input' ? 'occurrence_start' then ($1->'input'->>'occurrence_start')::timestamptz else r.occurrence_start end,
    inventory_id = case when $1->'input' ? 'inventory_id' then lms.check_reference('inventory_id', ($1->'input'->>'inventory_id')::uuid, exists (select from lms.inventory as t where t.id = ($1->'input'->>'inventory_id')::uuid and t.deleted_at is null)) else r.inventory_id end
  from target
  where r.id = target.id
  returning r.id, r.number, r.centre_id, r.type, r.details, r.priority, r.status, r.assigned_to, r.class_id, r.occurrence_start, r.inventory_id, r.by_rule, r.opened_at, r.due_at, r.escalated_at, r.resolved_at, r.closed_at, r.resolution, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
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
-- requests.update
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.requests as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.requests as r
  set
    type = case when $1->'input' ? 'type' then ($1->'input'->>'type')::text else r.type end,
    details = case when $1->'input' ? 'details' then ($1->'input'->>'details')::text else r.details end,
    priority = case when $1->'input' ? 'priority' then coalesce(($1->'input'->>'priority')::text, 'medium') else r.priority end,
    class_id = case when $1->'input' ? 'class_id' then lms.check_reference('class_id', ($1->'input'->>'class_id')::uuid, exists (select from lms.classes as t where t.id = ($1->'input'->>'class_id')::uuid and t.deleted_at is null)) else r.class_id end,
    occurrence_start = case when $1->'input' ? 'occurrence_start' then ($1->'input'->>'occurrence_start')::timestamptz else r.occurrence_start end,
    inventory_id = case when $1->'input' ? 'inventory_id' then lms.check_reference('inventory_id', ($1->'input'->>'inventory_id')::uuid, exists (select from lms.inventory as t where t.id = ($1->'input'->>'inventory_id')::uuid and t.deleted_at is null)) else r.inventory_id end
  from target
  where r.id = target.id
  returning r.id, r.number, r.centre_id, r.type, r.details, r.priority, r.status, r.assigned_to, r.class_id, r.occurrence_start, r.inventory_id, r.by_rule, r.opened_at, r.due_at, r.escalated_at, r.resolved_at, r.closed_at, r.resolution, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
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
-- requests.delete
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.requests as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.requests as r
  set deleted_at = now()
  from target
  where r.id = target.id
  returning r.id, r.number, r.centre_id, r.type, r.details, r.priority, r.status, r.assigned_to, r.class_id, r.occurrence_start, r.inventory_id, r.by_rule, r.opened_at, r.due_at, r.escalated_at, r.resolved_at, r.closed_at, r.resolution, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
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
-- requests.delete
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.requests as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.requests as r
  set deleted_at = now()
  from target
  where r.id = target.id
  returning r.id, r.number, r.centre_id, r.type, r.details, r.priority, r.status, r.assigned_to, r.class_id, r.occurrence_start, r.inventory_id, r.by_rule, r.opened_at, r.due_at, r.escalated_at, r.resolved_at, r.closed_at, r.resolution, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
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
-- requests.restore
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.requests as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is not null
  for update
), r as (
  update lms.requests as r
  set deleted_at = null
  from target
  where r.id = target.id
  returning r.id, r.number, r.centre_id, r.type, r.details, r.priority, r.status, r.assigned_to, r.class_id, r.occurrence_start, r.inventory_id, r.by_rule, r.opened_at, r.due_at, r.escalated_at, r.resolved_at, r.closed_at, r.resolution, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
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
-- requests.restore
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.requests as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is not null
  for update
), r as (
  update lms.requests as r
  set deleted_at = null
  from target
  where r.id = target.id
  returning r.id, r.number, r.centre_id, r.type, r.details, r.priority, r.status, r.assigned_to, r.class_id, r.occurrence_start, r.inventory_id, r.by_rule, r.opened_at, r.due_at, r.escalated_at, r.resolved_at, r.closed_at, r.resolution, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
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

-- for supervisor, support, admin
-- requests.import
with made as (
  insert into lms.requests (id, centre_id, type, details, priority, class_id, occurrence_start, inventory_id)
  select
    (one->>'id')::uuid,
    coalesce((one->'input'->>'centre_id')::uuid, null),
    coalesce((one->'input'->>'type')::text, null),
    coalesce((one->'input'->>'details')::text, null),
    coalesce((one->'input'->>'priority')::text, 'medium'),
    coalesce((one->'input'->>'class_id')::uuid, null),
    coalesce((one->'input'->>'occurrence_start')::timestamptz, null),
    coalesce((one->'input'->>'inventory_id')::uuid, null)
  from jsonb_array_elements($1->'rows') as one
  where (select lms.check_import_rows($1->'rows', 'requests', array['centre_id:centres', 'class_id:classes', 'inventory_id:inventory']::text[]))
  returning id
)
select
  report as body,
  case when ($1->>'dry_run')::boolean then 'dry_run' end as tag
from (
  select
    json_build_object(
      'dry_run', ($1->>'dry_run')::boolean,
      'created', (select count(*) from made),
      'rows', (
        select json_agg(json_build_object('row', one->'row', 'id', one->>'id', 'outcome', 'create'))
        from jsonb_array_elements($1->'rows') as one
      )
    )::text as report
) as done;

-- for supervisor
-- requests.export
select
  'id,number,centre_id,type,details,priority,status,assigned_to,class_id,occurrence_start,inventory_id,by_rule,opened_at,due_at,escalated_at,resolved_at,closed_at,resolution,created_at,updated_at,created_by,updated_by' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    coalesce(r.number::text, '') || ',' ||
    coalesce(r.centre_id::text, '') || ',' ||
    lms.csv_field(r.type::text) || ',' ||
    lms.csv_field(r.details::text) || ',' ||
    lms.csv_field(r.priority::text) || ',' ||
    lms.csv_field(r.status::text) || ',' ||
    coalesce(r.assigned_to::text, '') || ',' ||
    coalesce(r.class_id::text, '') || ',' ||
    coalesce(lms.utc(r.occurrence_start), '') || ',' ||
    coalesce(r.inventory_id::text, '') || ',' ||
    coalesce(r.by_rule::text, '') || ',' ||
    coalesce(lms.utc(r.opened_at), '') || ',' ||
    coalesce(lms.utc(r.due_at), '') || ',' ||
    coalesce(lms.utc(r.escalated_at), '') || ',' ||
    coalesce(lms.utc(r.resolved_at), '') || ',' ||
    coalesce(lms.utc(r.closed_at), '') || ',' ||
    lms.csv_field(r.resolution::text) || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || E'\r\n' as line
  from lms.requests as r
  where r.deleted_at is null
    and (r.centre_id = (select current_setting('app.centre_id')::uuid))
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;

-- for support
-- requests.export
select
  'id,number,centre_id,type,details,priority,status,assigned_to,class_id,occurrence_start,inventory_id,by_rule,opened_at,due_at,escalated_at,resolved_at,closed_at,resolution,created_at,updated_at,created_by,updated_by' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    coalesce(r.number::text, '') || ',' ||
    coalesce(r.centre_id::text, '') || ',' ||
    lms.csv_field(r.type::text) || ',' ||
    lms.csv_field(r.details::text) || ',' ||
    lms.csv_field(r.priority::text) || ',' ||
    lms.csv_field(r.status::text) || ',' ||
    coalesce(r.assigned_to::text, '') || ',' ||
    coalesce(r.class_id::text, '') || ',' ||
    coalesce(lms.utc(r.occurrence_start), '') || ',' ||
    coalesce(r.inventory_id::text, '') || ',' ||
    coalesce(r.by_rule::text, '') || ',' ||
    coalesce(lms.utc(r.opened_at), '') || ',' ||
    coalesce(lms.utc(r.due_at), '') || ',' ||
    coalesce(lms.utc(r.escalated_at), '') || ',' ||
    coalesce(lms.utc(r.resolved_at), '') || ',' ||
    coalesce(lms.utc(r.closed_at), '') || ',' ||
    lms.csv_field(r.resolution::text) || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || E'\r\n' as line
  from lms.requests as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;

-- for admin
-- requests.export
select
  'id,number,centre_id,type,details,priority,status,assigned_to,class_id,occurrence_start,inventory_id,by_rule,opened_at,due_at,escalated_at,resolved_at,closed_at,resolution,created_at,updated_at,created_by,updated_by,deleted_at' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    coalesce(r.number::text, '') || ',' ||
    coalesce(r.centre_id::text, '') || ',' ||
    lms.csv_field(r.type::text) || ',' ||
    lms.csv_field(r.details::text) || ',' ||
    lms.csv_field(r.priority::text) || ',' ||
    lms.csv_field(r.status::text) || ',' ||
    coalesce(r.assigned_to::text, '') || ',' ||
    coalesce(r.class_id::text, '') || ',' ||
    coalesce(lms.utc(r.occurrence_start), '') || ',' ||
    coalesce(r.inventory_id::text, '') || ',' ||
    coalesce(r.by_rule::text, '') || ',' ||
    coalesce(lms.utc(r.opened_at), '') || ',' ||
    coalesce(lms.utc(r.due_at), '') || ',' ||
    coalesce(lms.utc(r.escalated_at), '') || ',' ||
    coalesce(lms.utc(r.resolved_at), '') || ',' ||
    coalesce(lms.utc(r.closed_at), '') || ',' ||
    lms.csv_field(r.resolution::text) || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || ',' ||
    coalesce(lms.utc(r.deleted_at), '') || E'\r\n' as line
  from lms.requests as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;


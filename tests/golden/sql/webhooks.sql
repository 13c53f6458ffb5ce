-- for admin
-- webhooks.list
with page as (
  select
    json_build_object(
      'id', r.id,
      'url', r.url,
      'description', r.description,
      'kinds', r.kinds,
      'status', r.status,
      'disabled_at', lms.utc(r.disabled_at),
      'disabled_reason', r.disabled_reason,
      'secret_changed_at', lms.utc(r.secret_changed_at),
      'created_at', lms.utc(r.created_at),
      'updated_at', lms.utc(r.updated_at),
      'created_by', r.created_by,
      'updated_by', r.updated_by,
      'deleted_at', lms.utc(r.deleted_at)
    )::text as item,
    json_build_array(lms.utc(r.created_at)::text, r.id::text) as keys
  from lms.webhooks as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer + 1
), numbered as (
  select
    item,
    keys,
    row_number() over () as position
  from page
), finished as (
  select
    item,
    position,
    position = ($1->>'limit')::integer and lead(position) over () is not null as more,
    case
      when position = ($1->>'limit')::integer
      then lms.cursor($1->>'sort', keys)
    end as cursor
  from numbered
)
select
  '{"data":[' || coalesce(string_agg(item, ',') filter (where position <= ($1->>'limit')::integer), '')
    || '],"next_cursor":' || coalesce('"' || max(cursor) filter (where more) || '"', 'null')
    || '}' as body,
  max(cursor) filter (where more) as tag
from finished;

-- for admin
-- webhooks.list
with page as (
  select
    json_build_object(
      'id', r.id,
      'url', r.url,
      'description', r.description,
      'kinds', r.kinds,
      'status', r.status,
      'disabled_at', lms.utc(r.disabled_at),
      'disabled_reason', r.disabled_reason,
      'secret_changed_at', lms.utc(r.secret_changed_at),
      'created_at', lms.utc(r.created_at),
      'updated_at', lms.utc(r.updated_at),
      'created_by', r.created_by,
      'updated_by', r.updated_by,
      'deleted_at', lms.utc(r.deleted_at)
    )::text as item,
    json_build_array(lms.utc(r.created_at)::text, r.id::text) as keys
  from lms.webhooks as r
  where true
    and r.created_at >= ($1->'filters'->>'created_at.gte')::timestamptz
    and r.id = any (array(select jsonb_array_elements_text($1->'filters'->'id.in'))::uuid[])
  order by r.created_at, r.id desc
  limit ($1->>'limit')::integer + 1
), counted as (
  select count(*) as total
  from lms.webhooks as r
  where true
    and r.created_at >= ($1->'filters'->>'created_at.gte')::timestamptz
    and r.id = any (array(select jsonb_array_elements_text($1->'filters'->'id.in'))::uuid[])
), numbered as (
  select
    item,
    keys,
    row_number() over () as position
  from page
), finished as (
  select
    item,
    position,
    position = ($1->>'limit')::integer and lead(position) over () is not null as more,
    case
      when position = ($1->>'limit')::integer
      then lms.cursor($1->>'sort', keys)
    end as cursor
  from numbered
)
select
  '{"data":[' || coalesce(string_agg(item, ',') filter (where position <= ($1->>'limit')::integer), '')
    || '],"next_cursor":' || coalesce('"' || max(cursor) filter (where more) || '"', 'null')
    || ',"count":' || (select total from counted)
    || '}' as body,
  max(cursor) filter (where more) as tag
from finished;

-- for admin
-- webhooks.get
select
  json_build_object(
    'id', r.id,
    'url', r.url,
    'description', r.description,
    'kinds', r.kinds,
    'status', r.status,
    'disabled_at', lms.utc(r.disabled_at),
    'disabled_reason', r.disabled_reason,
    'secret_changed_at', lms.utc(r.secret_changed_at),
    'created_at', lms.utc(r.created_at),
    'updated_at', lms.utc(r.updated_at),
    'created_by', r.created_by,
    'updated_by', r.updated_by,
    'deleted_at', lms.utc(r.deleted_at)
  )::text as body,
  r.version::text as tag
from lms.webhooks as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- webhooks.get_as_of
select
  json_build_object(
    'id', r.id,
    'url', r.url,
    'description', r.description,
    'kinds', r.kinds,
    'status', r.status,
    'disabled_at', lms.utc(r.disabled_at),
    'disabled_reason', r.disabled_reason,
    'secret_changed_at', lms.utc(r.secret_changed_at),
    'created_at', lms.utc(r.created_at),
    'updated_at', lms.utc(r.updated_at),
    'created_by', r.created_by,
    'updated_by', r.updated_by,
    'deleted_at', lms.utc(r.deleted_at)
  )::text as body,
  r.version::text as tag
from jsonb_populate_record(
  null::lms.webhooks,
  lms.state_at('webhooks', ($1->>'id')::uuid, ($1->>'as_of')::timestamptz)
) as r
where r.id is not null
  and r.deleted_at is null;

-- for admin
-- webhooks.update
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.webhooks as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.webhooks as r
  set
    description = case when $1->'input' ? 'description' then ($1->'input'->>'description')::text else r.description end,
    kinds = case when $1->'input' ? 'kinds' then coalesce(nullif($1->'input'->'kinds', 'null'::jsonb), '[]'::jsonb) else r.kinds end
  from target
  where r.id = target.id
  returning r.id, r.url, r.description, r.kinds, r.status, r.disabled_at, r.disabled_reason, r.secret_changed_at, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  json_build_object(
    'id', r.id,
    'url', r.url,
    'description', r.description,
    'kinds', r.kinds,
    'status', r.status,
    'disabled_at', lms.utc(r.disabled_at),
    'disabled_reason', r.disabled_reason,
    'secret_changed_at', lms.utc(r.secret_changed_at),
    'created_at', lms.utc(r.created_at),
    'updated_at', lms.utc(r.updated_at),
    'created_by', r.created_by,
    'updated_by', r.updated_by,
    'deleted_at', lms.utc(r.deleted_at)
  )::text as body,
  r.version::text as tag
from r;

-- for admin
-- webhooks.delete
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.webhooks as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.webhooks as r
  set deleted_at = now()
  from target
  where r.id = target.id
  returning r.id, r.url, r.description, r.kinds, r.status, r.disabled_at, r.disabled_reason, r.secret_changed_at, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  json_build_object(
    'id', r.id,
    'url', r.url,
    'description', r.description,
    'kinds', r.kinds,
    'status', r.status,
    'disabled_at', lms.utc(r.disabled_at),
    'disabled_reason', r.disabled_reason,
    'secret_changed_at', lms.utc(r.secret_changed_at),
    'created_at', lms.utc(r.created_at),
    'updated_at', lms.utc(r.updated_at),
    'created_by', r.created_by,
    'updated_by', r.updated_by,
    'deleted_at', lms.utc(r.deleted_at)
  )::text as body,
  r.version::text as tag
from r;

-- for admin
-- webhooks.restore
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.webhooks as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is not null
  for update
), r as (
  update lms.webhooks as r
  set deleted_at = null
  from target
  where r.id = target.id
  returning r.id, r.url, r.description, r.kinds, r.status, r.disabled_at, r.disabled_reason, r.secret_changed_at, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  json_build_object(
    'id', r.id,
    'url', r.url,
    'description', r.description,
    'kinds', r.kinds,
    'status', r.status,
    'disabled_at', lms.utc(r.disabled_at),
    'disabled_reason', r.disabled_reason,
    'secret_changed_at', lms.utc(r.secret_changed_at),
    'created_at', lms.utc(r.created_at),
    'updated_at', lms.utc(r.updated_at),
    'created_by', r.created_by,
    'updated_by', r.updated_by,
    'deleted_at', lms.utc(r.deleted_at)
  )::text as body,
  r.version::text as tag
from r;


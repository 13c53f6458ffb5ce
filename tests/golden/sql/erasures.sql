-- for admin
-- erasures.list
with page as (
  select
    json_build_object(
      'id', r.id,
      'user_id', r.user_id,
      'reason', r.reason,
      'counts', r.counts,
      'events', r.events,
      'created_at', lms.utc(r.created_at),
      'updated_at', lms.utc(r.updated_at),
      'created_by', r.created_by,
      'updated_by', r.updated_by,
      'deleted_at', lms.utc(r.deleted_at)
    )::text as item,
    json_build_array(lms.utc(r.created_at)::text, r.id::text) as keys
  from lms.erasures as r
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
-- erasures.list
with page as (
  select
    json_build_object(
      'id', r.id,
      'user_id', r.user_id,
      'reason', r.reason,
      'counts', r.counts,
      'events', r.events,
      'created_at', lms.utc(r.created_at),
      'updated_at', lms.utc(r.updated_at),
      'created_by', r.created_by,
      'updated_by', r.updated_by,
      'deleted_at', lms.utc(r.deleted_at)
    )::text as item,
    json_build_array(lms.utc(r.created_at)::text, r.id::text) as keys
  from lms.erasures as r
  where true
    and r.created_at >= ($1->'filters'->>'created_at.gte')::timestamptz
    and r.id = any (array(select jsonb_array_elements_text($1->'filters'->'id.in'))::uuid[])
  order by r.created_at, r.id desc
  limit ($1->>'limit')::integer + 1
), counted as (
  select count(*) as total
  from lms.erasures as r
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
-- erasures.get
select
  json_build_object(
    'id', r.id,
    'user_id', r.user_id,
    'reason', r.reason,
    'counts', r.counts,
    'events', r.events,
    'created_at', lms.utc(r.created_at),
    'updated_at', lms.utc(r.updated_at),
    'created_by', r.created_by,
    'updated_by', r.updated_by,
    'deleted_at', lms.utc(r.deleted_at)
  )::text as body,
  r.version::text as tag
from lms.erasures as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- erasures.get_as_of
select
  json_build_object(
    'id', r.id,
    'user_id', r.user_id,
    'reason', r.reason,
    'counts', r.counts,
    'events', r.events,
    'created_at', lms.utc(r.created_at),
    'updated_at', lms.utc(r.updated_at),
    'created_by', r.created_by,
    'updated_by', r.updated_by,
    'deleted_at', lms.utc(r.deleted_at)
  )::text as body,
  r.version::text as tag
from jsonb_populate_record(
  null::lms.erasures,
  lms.state_at('erasures', ($1->>'id')::uuid, ($1->>'as_of')::timestamptz)
) as r
where r.id is not null
  and r.deleted_at is null;

-- for admin
-- erasures.export
select
  'id,user_id,reason,counts,events,created_at,updated_at,created_by,updated_by,deleted_at' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    coalesce(r.user_id::text, '') || ',' ||
    lms.csv_field(r.reason::text) || ',' ||
    lms.csv_field(r.counts::text) || ',' ||
    coalesce(r.events::text, '') || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || ',' ||
    coalesce(lms.utc(r.deleted_at), '') || E'\r\n' as line
  from lms.erasures as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;


-- for tutor
-- inventory_loans.list
with page as (
  select
    json_build_object(
      'id', r.id,
      'inventory_id', r.inventory_id,
      'centre_id', r.centre_id,
      'user_id', r.user_id,
      'quantity', r.quantity,
      'due_on', r.due_on,
      'returned_at', lms.utc(r.returned_at),
      'reminded_at', lms.utc(r.reminded_at),
      'created_at', lms.utc(r.created_at),
      'updated_at', lms.utc(r.updated_at),
      'created_by', r.created_by,
      'updated_by', r.updated_by
    )::text as item,
    json_build_array(lms.utc(r.created_at)::text, r.id::text) as keys
  from lms.inventory_loans as r
  where r.deleted_at is null
    and (r.user_id = (select current_setting('app.user_id')::uuid))
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

-- for supervisor
-- inventory_loans.list
with page as (
  select
    json_build_object(
      'id', r.id,
      'inventory_id', r.inventory_id,
      'centre_id', r.centre_id,
      'user_id', r.user_id,
      'quantity', r.quantity,
      'due_on', r.due_on,
      'returned_at', lms.utc(r.returned_at),
      'reminded_at', lms.utc(r.reminded_at),
      'created_at', lms.utc(r.created_at),
      'updated_at', lms.utc(r.updated_at),
      'created_by', r.created_by,
      'updated_by', r.updated_by
    )::text as item,
    json_build_array(lms.utc(r.created_at)::text, r.id::text) as keys
  from lms.inventory_loans as r
  where r.deleted_at is null
    and (r.centre_id = (select current_setting('app.centre_id')::uuid))
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

-- for support, finance
-- inventory_loans.list
with page as (
  select
    json_build_object(
      'id', r.id,
      'inventory_id', r.inventory_id,
      'centre_id', r.centre_id,
      'user_id', r.user_id,
      'quantity', r.quantity,
      'due_on', r.due_on,
      'returned_at', lms.utc(r.returned_at),
      'reminded_at', lms.utc(r.reminded_at),
      'created_at', lms.utc(r.created_at),
      'updated_at', lms.utc(r.updated_at),
      'created_by', r.created_by,
      'updated_by', r.updated_by
    )::text as item,
    json_build_array(lms.utc(r.created_at)::text, r.id::text) as keys
  from lms.inventory_loans as r
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
-- inventory_loans.list
with page as (
  select
    json_build_object(
      'id', r.id,
      'inventory_id', r.inventory_id,
      'centre_id', r.centre_id,
      'user_id', r.user_id,
      'quantity', r.quantity,
      'due_on', r.due_on,
      'returned_at', lms.utc(r.returned_at),
      'reminded_at', lms.utc(r.reminded_at),
      'created_at', lms.utc(r.created_at),
      'updated_at', lms.utc(r.updated_at),
      'created_by', r.created_by,
      'updated_by', r.updated_by,
      'deleted_at', lms.utc(r.deleted_at)
    )::text as item,
    json_build_array(lms.utc(r.created_at)::text, r.id::text) as keys
  from lms.inventory_loans as r
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
-- inventory_loans.list
with page as (
  select
    json_build_object(
      'id', r.id,
      'inventory_id', r.inventory_id,
      'centre_id', r.centre_id,
      'user_id', r.user_id,
      'quantity', r.quantity,
      'due_on', r.due_on,
      'returned_at', lms.utc(r.returned_at),
      'reminded_at', lms.utc(r.reminded_at),
      'created_at', lms.utc(r.created_at),
      'updated_at', lms.utc(r.updated_at),
      'created_by', r.created_by,
      'updated_by', r.updated_by,
      'deleted_at', lms.utc(r.deleted_at)
    )::text as item,
    json_build_array(lms.utc(r.created_at)::text, r.id::text) as keys
  from lms.inventory_loans as r
  where true
    and r.created_at >= ($1->'filters'->>'created_at.gte')::timestamptz
    and r.id = any (array(select jsonb_array_elements_text($1->'filters'->'id.in'))::uuid[])
  order by r.created_at, r.id desc
  limit ($1->>'limit')::integer + 1
), counted as (
  select count(*) as total
  from lms.inventory_loans as r
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

-- for tutor, supervisor, support, finance
-- inventory_loans.get
select
  json_build_object(
    'id', r.id,
    'inventory_id', r.inventory_id,
    'centre_id', r.centre_id,
    'user_id', r.user_id,
    'quantity', r.quantity,
    'due_on', r.due_on,
    'returned_at', lms.utc(r.returned_at),
    'reminded_at', lms.utc(r.reminded_at),
    'created_at', lms.utc(r.created_at),
    'updated_at', lms.utc(r.updated_at),
    'created_by', r.created_by,
    'updated_by', r.updated_by
  )::text as body,
  r.version::text as tag
from lms.inventory_loans as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- inventory_loans.get
select
  json_build_object(
    'id', r.id,
    'inventory_id', r.inventory_id,
    'centre_id', r.centre_id,
    'user_id', r.user_id,
    'quantity', r.quantity,
    'due_on', r.due_on,
    'returned_at', lms.utc(r.returned_at),
    'reminded_at', lms.utc(r.reminded_at),
    'created_at', lms.utc(r.created_at),
    'updated_at', lms.utc(r.updated_at),
    'created_by', r.created_by,
    'updated_by', r.updated_by,
    'deleted_at', lms.utc(r.deleted_at)
  )::text as body,
  r.version::text as tag
from lms.inventory_loans as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- inventory_loans.get_as_of
select
  json_build_object(
    'id', r.id,
    'inventory_id', r.inventory_id,
    'centre_id', r.centre_id,
    'user_id', r.user_id,
    'quantity', r.quantity,
    'due_on', r.due_on,
    'returned_at', lms.utc(r.returned_at),
    'reminded_at', lms.utc(r.reminded_at),
    'created_at', lms.utc(r.created_at),
    'updated_at', lms.utc(r.updated_at),
    'created_by', r.created_by,
    'updated_by', r.updated_by,
    'deleted_at', lms.utc(r.deleted_at)
  )::text as body,
  r.version::text as tag
from jsonb_populate_record(
  null::lms.inventory_loans,
  lms.state_at('inventory_loans', ($1->>'id')::uuid, ($1->>'as_of')::timestamptz)
) as r
where r.id is not null
  and r.deleted_at is null;

-- for supervisor
-- inventory_loans.export
select
  'id,inventory_id,centre_id,user_id,quantity,due_on,returned_at,reminded_at,created_at,updated_at,created_by,updated_by' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    coalesce(r.inventory_id::text, '') || ',' ||
    coalesce(r.centre_id::text, '') || ',' ||
    coalesce(r.user_id::text, '') || ',' ||
    coalesce(r.quantity::text, '') || ',' ||
    coalesce(r.due_on::text, '') || ',' ||
    coalesce(lms.utc(r.returned_at), '') || ',' ||
    coalesce(lms.utc(r.reminded_at), '') || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || E'\r\n' as line
  from lms.inventory_loans as r
  where r.deleted_at is null
    and (r.centre_id = (select current_setting('app.centre_id')::uuid))
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;

-- for support, finance
-- inventory_loans.export
select
  'id,inventory_id,centre_id,user_id,quantity,due_on,returned_at,reminded_at,created_at,updated_at,created_by,updated_by' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    coalesce(r.inventory_id::text, '') || ',' ||
    coalesce(r.centre_id::text, '') || ',' ||
    coalesce(r.user_id::text, '') || ',' ||
    coalesce(r.quantity::text, '') || ',' ||
    coalesce(r.due_on::text, '') || ',' ||
    coalesce(lms.utc(r.returned_at), '') || ',' ||
    coalesce(lms.utc(r.reminded_at), '') || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || E'\r\n' as line
  from lms.inventory_loans as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;

-- for admin
-- inventory_loans.export
select
  'id,inventory_id,centre_id,user_id,quantity,due_on,returned_at,reminded_at,created_at,updated_at,created_by,updated_by,deleted_at' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    coalesce(r.inventory_id::text, '') || ',' ||
    coalesce(r.centre_id::text, '') || ',' ||
    coalesce(r.user_id::text, '') || ',' ||
    coalesce(r.quantity::text, '') || ',' ||
    coalesce(r.due_on::text, '') || ',' ||
    coalesce(lms.utc(r.returned_at), '') || ',' ||
    coalesce(lms.utc(r.reminded_at), '') || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || ',' ||
    coalesce(lms.utc(r.deleted_at), '') || E'\r\n' as line
  from lms.inventory_loans as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;


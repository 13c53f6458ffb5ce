-- for student, parent, tutor, assessor, finance
-- notifications.list
with page as (
  select
    json_build_object(
      'id', r.id,
      'user_id', r.user_id,
      'type', r.type,
      'template', r.template,
      'subject', r.subject,
      'message', r.message,
      'status', r.status,
      'language', r.language,
      'delivered_at', lms.utc(r.delivered_at),
      'created_at', lms.utc(r.created_at),
      'updated_at', lms.utc(r.updated_at)
    )::text as item,
    json_build_array(lms.utc(r.created_at)::text, r.id::text) as keys
  from lms.notifications as r
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

-- for supervisor, support
-- notifications.list
with page as (
  select
    json_build_object(
      'id', r.id,
      'user_id', r.user_id,
      'type', r.type,
      'template', r.template,
      'data', r.data,
      'subject', r.subject,
      'message', r.message,
      'status', r.status,
      'language', r.language,
      'delivered_at', lms.utc(r.delivered_at),
      'attempts', r.attempts,
      'failure', r.failure,
      'created_at', lms.utc(r.created_at),
      'updated_at', lms.utc(r.updated_at),
      'created_by', r.created_by,
      'updated_by', r.updated_by
    )::text as item,
    json_build_array(lms.utc(r.created_at)::text, r.id::text) as keys
  from lms.notifications as r
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
-- notifications.list
with page as (
  select
    json_build_object(
      'id', r.id,
      'user_id', r.user_id,
      'type', r.type,
      'template', r.template,
      'data', r.data,
      'subject', r.subject,
      'message', r.message,
      'status', r.status,
      'language', r.language,
      'delivered_at', lms.utc(r.delivered_at),
      'attempts', r.attempts,
      'failure', r.failure,
      'created_at', lms.utc(r.created_at),
      'updated_at', lms.utc(r.updated_at),
      'created_by', r.created_by,
      'updated_by', r.updated_by,
      'deleted_at', lms.utc(r.deleted_at)
    )::text as item,
    json_build_array(lms.utc(r.created_at)::text, r.id::text) as keys
  from lms.notifications as r
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
-- notifications.list
with page as (
  select
    json_build_object(
      'id', r.id,
      'user_id', r.user_id,
      'type', r.type,
      'template', r.template,
      'data', r.data,
      'subject', r.subject,
      'message', r.message,
      'status', r.status,
      'language', r.language,
      'delivered_at', lms.utc(r.delivered_at),
      'attempts', r.attempts,
      'failure', r.failure,
      'created_at', lms.utc(r.created_at),
      'updated_at', lms.utc(r.updated_at),
      'created_by', r.created_by,
      'updated_by', r.updated_by,
      'deleted_at', lms.utc(r.deleted_at)
    )::text as item,
    json_build_array(lms.utc(r.created_at)::text, r.id::text) as keys
  from lms.notifications as r
  where true
    and r.created_at >= ($1->'filters'->>'created_at.gte')::timestamptz
    and r.id = any (array(select jsonb_array_elements_text($1->'filters'->'id.in'))::uuid[])
  order by r.created_at, r.id desc
  limit ($1->>'limit')::integer + 1
), counted as (
  select count(*) as total
  from lms.notifications as r
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

-- for student, parent, tutor, assessor, finance
-- notifications.get
select
  json_build_object(
    'id', r.id,
    'user_id', r.user_id,
    'type', r.type,
    'template', r.template,
    'subject', r.subject,
    'message', r.message,
    'status', r.status,
    'language', r.language,
    'delivered_at', lms.utc(r.delivered_at),
    'created_at', lms.utc(r.created_at),
    'updated_at', lms.utc(r.updated_at)
  )::text as body,
  r.version::text as tag
from lms.notifications as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for supervisor, support
-- notifications.get
select
  json_build_object(
    'id', r.id,
    'user_id', r.user_id,
    'type', r.type,
    'template', r.template,
    'data', r.data,
    'subject', r.subject,
    'message', r.message,
    'status', r.status,
    'language', r.language,
    'delivered_at', lms.utc(r.delivered_at),
    'attempts', r.attempts,
    'failure', r.failure,
    'created_at', lms.utc(r.created_at),
    'updated_at', lms.utc(r.updated_at),
    'created_by', r.created_by,
    'updated_by', r.updated_by
  )::text as body,
  r.version::text as tag
from lms.notifications as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- notifications.get
select
  json_build_object(
    'id', r.id,
    'user_id', r.user_id,
    'type', r.type,
    'template', r.template,
    'data', r.data,
    'subject', r.subject,
    'message', r.message,
    'status', r.status,
    'language', r.language,
    'delivered_at', lms.utc(r.delivered_at),
    'attempts', r.attempts,
    'failure', r.failure,
    'created_at', lms.utc(r.created_at),
    'updated_at', lms.utc(r.updated_at),
    'created_by', r.created_by,
    'updated_by', r.updated_by,
    'deleted_at', lms.utc(r.deleted_at)
  )::text as body,
  r.version::text as tag
from lms.notifications as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- notifications.get_as_of
select
  json_build_object(
    'id', r.id,
    'user_id', r.user_id,
    'type', r.type,
    'template', r.template,
    'data', r.data,
    'subject', r.subject,
    'message', r.message,
    'status', r.status,
    'language', r.language,
    'delivered_at', lms.utc(r.delivered_at),
    'attempts', r.attempts,
    'failure', r.failure,
    'created_at', lms.utc(r.created_at),
    'updated_at', lms.utc(r.updated_at),
    'created_by', r.created_by,
    'updated_by', r.updated_by,
    'deleted_at', lms.utc(r.deleted_at)
  )::text as body,
  r.version::text as tag
from jsonb_populate_record(
  null::lms.notifications,
  lms.state_at('notifications', ($1->>'id')::uuid, ($1->>'as_of')::timestamptz)
) as r
where r.id is not null
  and r.deleted_at is null;

-- for supervisor, support
-- notifications.create
with r as (
  insert into lms.notifications as r (id, user_id, type, template, data, subject, message)
  select
    ($1->>'id')::uuid,
    lms.check_reference('user_id', ($1->'input'->>'user_id')::uuid, exists (select from lms.users as t where t.id = ($1->'input'->>'user_id')::uuid and t.deleted_at is null)),
    ($1->'input'->>'type')::text,
    ($1->'input'->>'template')::text,
    nullif($1->'input'->'data', 'null'::jsonb),
    ($1->'input'->>'subject')::text,
    ($1->'input'->>'message')::text
  returning r.id, r.user_id, r.type, r.template, r.data, r.subject, r.message, r.status, r.language, r.delivered_at, r.attempts, r.failure, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  json_build_object(
    'id', r.id,
    'user_id', r.user_id,
    'type', r.type,
    'template', r.template,
    'data', r.data,
    'subject', r.subject,
    'message', r.message,
    'status', r.status,
    'language', r.language,
    'delivered_at', lms.utc(r.delivered_at),
    'attempts', r.attempts,
    'failure', r.failure,
    'created_at', lms.utc(r.created_at),
    'updated_at', lms.utc(r.updated_at),
    'created_by', r.created_by,
    'updated_by', r.updated_by
  )::text as body,
  r.version::text as tag
from r;

-- for admin
-- notifications.create
with r as (
  insert into lms.notifications as r (id, user_id, type, template, data, subject, message)
  select
    ($1->>'id')::uuid,
    lms.check_reference('user_id', ($1->'input'->>'user_id')::uuid, exists (select from lms.users as t where t.id = ($1->'input'->>'user_id')::uuid and t.deleted_at is null)),
    ($1->'input'->>'type')::text,
    ($1->'input'->>'template')::text,
    nullif($1->'input'->'data', 'null'::jsonb),
    ($1->'input'->>'subject')::text,
    ($1->'input'->>'message')::text
  returning r.id, r.user_id, r.type, r.template, r.data, r.subject, r.message, r.status, r.language, r.delivered_at, r.attempts, r.failure, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  json_build_object(
    'id', r.id,
    'user_id', r.user_id,
    'type', r.type,
    'template', r.template,
    'data', r.data,
    'subject', r.subject,
    'message', r.message,
    'status', r.status,
    'language', r.language,
    'delivered_at', lms.utc(r.delivered_at),
    'attempts', r.attempts,
    'failure', r.failure,
    'created_at', lms.utc(r.created_at),
    'updated_at', lms.utc(r.updated_at),
    'created_by', r.created_by,
    'updated_by', r.updated_by,
    'deleted_at', lms.utc(r.deleted_at)
  )::text as body,
  r.version::text as tag
from r;

-- for support
-- notifications.export
select
  'id,user_id,type,template,data,subject,message,status,language,delivered_at,attempts,failure,created_at,updated_at,created_by,updated_by' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    coalesce(r.user_id::text, '') || ',' ||
    lms.csv_field(r.type::text) || ',' ||
    lms.csv_field(r.template::text) || ',' ||
    lms.csv_field(r.data::text) || ',' ||
    lms.csv_field(r.subject::text) || ',' ||
    lms.csv_field(r.message::text) || ',' ||
    lms.csv_field(r.status::text) || ',' ||
    lms.csv_field(r.language::text) || ',' ||
    coalesce(lms.utc(r.delivered_at), '') || ',' ||
    coalesce(r.attempts::text, '') || ',' ||
    lms.csv_field(r.failure::text) || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || E'\r\n' as line
  from lms.notifications as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;

-- for admin
-- notifications.export
select
  'id,user_id,type,template,data,subject,message,status,language,delivered_at,attempts,failure,created_at,updated_at,created_by,updated_by,deleted_at' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    coalesce(r.user_id::text, '') || ',' ||
    lms.csv_field(r.type::text) || ',' ||
    lms.csv_field(r.template::text) || ',' ||
    lms.csv_field(r.data::text) || ',' ||
    lms.csv_field(r.subject::text) || ',' ||
    lms.csv_field(r.message::text) || ',' ||
    lms.csv_field(r.status::text) || ',' ||
    lms.csv_field(r.language::text) || ',' ||
    coalesce(lms.utc(r.delivered_at), '') || ',' ||
    coalesce(r.attempts::text, '') || ',' ||
    lms.csv_field(r.failure::text) || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || ',' ||
    coalesce(lms.utc(r.deleted_at), '') || E'\r\n' as line
  from lms.notifications as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;


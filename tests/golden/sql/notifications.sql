-- for student, parent, tutor, assessor, finance
-- notifications.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.user_id,
      r.type,
      r.template,
      r.subject,
      r.message,
      r.status,
      r.language,
      lms.utc(r.delivered_at) as delivered_at,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.notifications as r
  where r.deleted_at is null
    and (r.user_id = (select current_setting('app.user_id')::uuid))
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

-- for supervisor, support
-- notifications.list
with page as (
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
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.notifications as r
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
-- notifications.list
with page as (
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
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.notifications as r
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
-- notifications.list
with page as (
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
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
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

-- for student, parent, tutor, assessor, finance
-- notifications.get
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.type,
    r.template,
    r.subject,
    r.message,
    r.status,
    r.language,
    lms.utc(r.delivered_at) as delivered_at,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at
  ) as visible))::text as body,
  r.version::text as tag
from lms.notifications as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for supervisor, support
-- notifications.get
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
from lms.notifications as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- notifications.get
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
from lms.notifications as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- notifications.get_as_of
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


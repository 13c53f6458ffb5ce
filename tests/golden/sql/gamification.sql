-- for student, parent, tutor
-- gamification.list
with page as (
  select
    json_build_object(
      'id', r.id,
      'student_id', r.student_id,
      'points', r.points,
      'badge', r.badge,
      'metadata', r.metadata,
      'reason', r.reason,
      'by_rule', r.by_rule,
      'created_at', lms.utc(r.created_at),
      'updated_at', lms.utc(r.updated_at),
      'created_by', r.created_by,
      'updated_by', r.updated_by
    )::text as item,
    json_build_array(lms.utc(r.created_at)::text, r.id::text) as keys
  from lms.gamification as r
  where r.deleted_at is null
    and (r.student_id = any ((select lms.caller_students())::uuid[]))
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

-- for assessor, supervisor
-- gamification.list
with page as (
  select
    json_build_object(
      'id', r.id,
      'student_id', r.student_id,
      'points', r.points,
      'badge', r.badge,
      'metadata', r.metadata,
      'reason', r.reason,
      'by_rule', r.by_rule,
      'created_at', lms.utc(r.created_at),
      'updated_at', lms.utc(r.updated_at),
      'created_by', r.created_by,
      'updated_by', r.updated_by
    )::text as item,
    json_build_array(lms.utc(r.created_at)::text, r.id::text) as keys
  from lms.gamification as r
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
-- gamification.list
with page as (
  select
    json_build_object(
      'id', r.id,
      'student_id', r.student_id,
      'points', r.points,
      'badge', r.badge,
      'metadata', r.metadata,
      'reason', r.reason,
      'by_rule', r.by_rule,
      'created_at', lms.utc(r.created_at),
      'updated_at', lms.utc(r.updated_at),
      'created_by', r.created_by,
      'updated_by', r.updated_by,
      'deleted_at', lms.utc(r.deleted_at)
    )::text as item,
    json_build_array(lms.utc(r.created_at)::text, r.id::text) as keys
  from lms.gamification as r
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
-- gamification.list
with page as (
  select
    json_build_object(
      'id', r.id,
      'student_id', r.student_id,
      'points', r.points,
      'badge', r.badge,
      'metadata', r.metadata,
      'reason', r.reason,
      'by_rule', r.by_rule,
      'created_at', lms.utc(r.created_at),
      'updated_at', lms.utc(r.updated_at),
      'created_by', r.created_by,
      'updated_by', r.updated_by,
      'deleted_at', lms.utc(r.deleted_at)
    )::text as item,
    json_build_array(lms.utc(r.created_at)::text, r.id::text) as keys
  from lms.gamification as r
  where true
    and r.created_at >= ($1->'filters'->>'created_at.gte')::timestamptz
    and r.id = any (array(select jsonb_array_elements_text($1->'filters'->'id.in'))::uuid[])
  order by r.created_at, r.id desc
  limit ($1->>'limit')::integer + 1
), counted as (
  select count(*) as total
  from lms.gamification as r
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

-- for student, parent, tutor, assessor, supervisor
-- gamification.get
select
  json_build_object(
    'id', r.id,
    'student_id', r.student_id,
    'points', r.points,
    'badge', r.badge,
    'metadata', r.metadata,
    'reason', r.reason,
    'by_rule', r.by_rule,
    'created_at', lms.utc(r.created_at),
    'updated_at', lms.utc(r.updated_at),
    'created_by', r.created_by,
    'updated_by', r.updated_by
  )::text as body,
  r.version::text as tag
from lms.gamification as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- gamification.get
select
  json_build_object(
    'id', r.id,
    'student_id', r.student_id,
    'points', r.points,
    'badge', r.badge,
    'metadata', r.metadata,
    'reason', r.reason,
    'by_rule', r.by_rule,
    'created_at', lms.utc(r.created_at),
    'updated_at', lms.utc(r.updated_at),
    'created_by', r.created_by,
    'updated_by', r.updated_by,
    'deleted_at', lms.utc(r.deleted_at)
  )::text as body,
  r.version::text as tag
from lms.gamification as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- gamification.get_as_of
select
  json_build_object(
    'id', r.id,
    'student_id', r.student_id,
    'points', r.points,
    'badge', r.badge,
    'metadata', r.metadata,
    'reason', r.reason,
    'by_rule', r.by_rule,
    'created_at', lms.utc(r.created_at),
    'updated_at', lms.utc(r.updated_at),
    'created_by', r.created_by,
    'updated_by', r.updated_by,
    'deleted_at', lms.utc(r.deleted_at)
  )::text as body,
  r.version::text as tag
from jsonb_populate_record(
  null::lms.gamification,
  lms.state_at('gamification', ($1->>'id')::uuid, ($1->>'as_of')::timestamptz)
) as r
where r.id is not null
  and r.deleted_at is null;

-- for tutor, supervisor
-- gamification.create
with r as (
  insert into lms.gamification as r (id, student_id, points, badge, metadata, reason)
  select
    ($1->>'id')::uuid,
    lms.check_reference('student_id', ($1->'input'->>'student_id')::uuid, exists (select from lms.students as t where t.id = ($1->'input'->>'student_id')::uuid and t.deleted_at is null)),
    coalesce(($1->'input'->>'points')::bigint, 0),
    ($1->'input'->>'badge')::text,
    coalesce(nullif($1->'input'->'metadata', 'null'::jsonb), '{}'::jsonb),
    ($1->'input'->>'reason')::text
  returning r.id, r.student_id, r.points, r.badge, r.metadata, r.reason, r.by_rule, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  json_build_object(
    'id', r.id,
    'student_id', r.student_id,
    'points', r.points,
    'badge', r.badge,
    'metadata', r.metadata,
    'reason', r.reason,
    'by_rule', r.by_rule,
    'created_at', lms.utc(r.created_at),
    'updated_at', lms.utc(r.updated_at),
    'created_by', r.created_by,
    'updated_by', r.updated_by
  )::text as body,
  r.version::text as tag
from r;

-- for admin
-- gamification.create
with r as (
  insert into lms.gamification as r (id, student_id, points, badge, metadata, reason)
  select
    ($1->>'id')::uuid,
    lms.check_reference('student_id', ($1->'input'->>'student_id')::uuid, exists (select from lms.students as t where t.id = ($1->'input'->>'student_id')::uuid and t.deleted_at is null)),
    coalesce(($1->'input'->>'points')::bigint, 0),
    ($1->'input'->>'badge')::text,
    coalesce(nullif($1->'input'->'metadata', 'null'::jsonb), '{}'::jsonb),
    ($1->'input'->>'reason')::text
  returning r.id, r.student_id, r.points, r.badge, r.metadata, r.reason, r.by_rule, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  json_build_object(
    'id', r.id,
    'student_id', r.student_id,
    'points', r.points,
    'badge', r.badge,
    'metadata', r.metadata,
    'reason', r.reason,
    'by_rule', r.by_rule,
    'created_at', lms.utc(r.created_at),
    'updated_at', lms.utc(r.updated_at),
    'created_by', r.created_by,
    'updated_by', r.updated_by,
    'deleted_at', lms.utc(r.deleted_at)
  )::text as body,
  r.version::text as tag
from r;

-- for supervisor, admin
-- gamification.import
with made as (
  insert into lms.gamification (id, student_id, points, badge, metadata, reason)
  select
    (one->>'id')::uuid,
    coalesce((one->'input'->>'student_id')::uuid, null),
    coalesce((one->'input'->>'points')::bigint, 0),
    coalesce((one->'input'->>'badge')::text, null),
    coalesce(nullif(one->'input'->'metadata', 'null'::jsonb), '{}'::jsonb),
    coalesce((one->'input'->>'reason')::text, null)
  from jsonb_array_elements($1->'rows') as one
  where (select lms.check_import_rows($1->'rows', 'gamification', array['student_id:students']::text[]))
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
-- gamification.export
select
  'id,student_id,points,badge,metadata,reason,by_rule,created_at,updated_at,created_by,updated_by' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    coalesce(r.student_id::text, '') || ',' ||
    coalesce(r.points::text, '') || ',' ||
    lms.csv_field(r.badge::text) || ',' ||
    lms.csv_field(r.metadata::text) || ',' ||
    lms.csv_field(r.reason::text) || ',' ||
    coalesce(r.by_rule::text, '') || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || E'\r\n' as line
  from lms.gamification as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;

-- for admin
-- gamification.export
select
  'id,student_id,points,badge,metadata,reason,by_rule,created_at,updated_at,created_by,updated_by,deleted_at' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    coalesce(r.student_id::text, '') || ',' ||
    coalesce(r.points::text, '') || ',' ||
    lms.csv_field(r.badge::text) || ',' ||
    lms.csv_field(r.metadata::text) || ',' ||
    lms.csv_field(r.reason::text) || ',' ||
    coalesce(r.by_rule::text, '') || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || ',' ||
    coalesce(lms.utc(r.deleted_at), '') || E'\r\n' as line
  from lms.gamification as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;


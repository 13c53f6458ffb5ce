-- for student, parent
-- classes.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.centre_id,
      r.tutor_id,
      r.schedule,
      r.status,
      r.subject,
      r.level,
      r.room,
      r.meeting_provider,
      r.meeting_url,
      lms.utc(r.planned_until) as planned_until,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.classes as r
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

-- for tutor
-- classes.list
with page as (
  select
    (jsonb_build_object(
      'id', r.id,
      'centre_id', r.centre_id,
      'tutor_id', r.tutor_id,
      'schedule', r.schedule,
      'status', r.status,
      'subject', r.subject,
      'level', r.level,
      'room', r.room,
      'meeting_provider', r.meeting_provider,
      'meeting_url', r.meeting_url,
      'planned_until', lms.utc(r.planned_until),
      'created_at', lms.utc(r.created_at),
      'updated_at', lms.utc(r.updated_at)
    ) || case when r.tutor_id = (select lms.caller_tutor()) then jsonb_build_object(
      'student_ids', r.student_ids,
      'warnings', r.warnings,
      'created_by', r.created_by,
      'updated_by', r.updated_by
    ) else '{}'::jsonb end)::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.classes as r
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

-- for assessor
-- classes.list
with page as (
  select
    (jsonb_build_object(
      'id', r.id,
      'centre_id', r.centre_id,
      'tutor_id', r.tutor_id,
      'schedule', r.schedule,
      'status', r.status,
      'subject', r.subject,
      'level', r.level,
      'room', r.room,
      'meeting_provider', r.meeting_provider,
      'meeting_url', r.meeting_url,
      'planned_until', lms.utc(r.planned_until),
      'created_at', lms.utc(r.created_at),
      'updated_at', lms.utc(r.updated_at)
    ) || case when r.centre_id = (select current_setting('app.centre_id')::uuid) then jsonb_build_object(
      'student_ids', r.student_ids,
      'warnings', r.warnings,
      'created_by', r.created_by,
      'updated_by', r.updated_by
    ) else '{}'::jsonb end)::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.classes as r
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

-- for supervisor, support, finance
-- classes.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.centre_id,
      r.tutor_id,
      r.student_ids,
      r.schedule,
      r.status,
      r.subject,
      r.level,
      r.room,
      r.meeting_provider,
      r.meeting_url,
      r.warnings,
      lms.utc(r.planned_until) as planned_until,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.classes as r
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
-- classes.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.centre_id,
      r.tutor_id,
      r.student_ids,
      r.schedule,
      r.status,
      r.subject,
      r.level,
      r.room,
      r.meeting_provider,
      r.meeting_url,
      r.warnings,
      lms.utc(r.planned_until) as planned_until,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by,
      lms.utc(r.deleted_at) as deleted_at
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.classes as r
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
-- classes.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.centre_id,
      r.tutor_id,
      r.student_ids,
      r.schedule,
      r.status,
      r.subject,
      r.level,
      r.room,
      r.meeting_provider,
      r.meeting_url,
      r.warnings,
      lms.utc(r.planned_until) as planned_until,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by,
      lms.utc(r.deleted_at) as deleted_at
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.classes as r
  where true
    and r.created_at >= ($1->'filters'->>'created_at.gte')::timestamptz
    and r.id = any (array(select jsonb_array_elements_text($1->'filters'->'id.in'))::uuid[])
  order by r.created_at, r.id desc
  limit ($1->>'limit')::integer + 1
), counted as (
  select count(*) as total
  from lms.classes as r
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

-- for student, parent
-- classes.get
select
  row_to_json((select visible from (select
    r.id,
    r.centre_id,
    r.tutor_id,
    r.schedule,
    r.status,
    r.subject,
    r.level,
    r.room,
    r.meeting_provider,
    r.meeting_url,
    lms.utc(r.planned_until) as planned_until,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at
  ) as visible))::text as body,
  r.version::text as tag
from lms.classes as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for tutor
-- classes.get
select
  (jsonb_build_object(
    'id', r.id,
    'centre_id', r.centre_id,
    'tutor_id', r.tutor_id,
    'schedule', r.schedule,
    'status', r.status,
    'subject', r.subject,
    'level', r.level,
    'room', r.room,
    'meeting_provider', r.meeting_provider,
    'meeting_url', r.meeting_url,
    'planned_until', lms.utc(r.planned_until),
    'created_at', lms.utc(r.created_at),
    'updated_at', lms.utc(r.updated_at)
  ) || case when r.tutor_id = (select lms.caller_tutor()) then jsonb_build_object(
    'student_ids', r.student_ids,
    'warnings', r.warnings,
    'created_by', r.created_by,
    'updated_by', r.updated_by
  ) else '{}'::jsonb end)::text as body,
  r.version::text as tag
from lms.classes as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for assessor
-- classes.get
select
  (jsonb_build_object(
    'id', r.id,
    'centre_id', r.centre_id,
    'tutor_id', r.tutor_id,
    'schedule', r.schedule,
    'status', r.status,
    'subject', r.subject,
    'level', r.level,
    'room', r.room,
    'meeting_provider', r.meeting_provider,
    'meeting_url', r.meeting_url,
    'planned_until', lms.utc(r.planned_until),
    'created_at', lms.utc(r.created_at),
    'updated_at', lms.utc(r.updated_at)
  ) || case when r.centre_id = (select current_setting('app.centre_id')::uuid) then jsonb_build_object(
    'student_ids', r.student_ids,
    'warnings', r.warnings,
    'created_by', r.created_by,
    'updated_by', r.updated_by
  ) else '{}'::jsonb end)::text as body,
  r.version::text as tag
from lms.classes as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for supervisor, support, finance
-- classes.get
select
  row_to_json((select visible from (select
    r.id,
    r.centre_id,
    r.tutor_id,
    r.student_ids,
    r.schedule,
    r.status,
    r.subject,
    r.level,
    r.room,
    r.meeting_provider,
    r.meeting_url,
    r.warnings,
    lms.utc(r.planned_until) as planned_until,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from lms.classes as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- classes.get
select
  row_to_json((select visible from (select
    r.id,
    r.centre_id,
    r.tutor_id,
    r.student_ids,
    r.schedule,
    r.status,
    r.subject,
    r.level,
    r.room,
    r.meeting_provider,
    r.meeting_url,
    r.warnings,
    lms.utc(r.planned_until) as planned_until,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from lms.classes as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- classes.get_as_of
select
  row_to_json((select visible from (select
    r.id,
    r.centre_id,
    r.tutor_id,
    r.student_ids,
    r.schedule,
    r.status,
    r.subject,
    r.level,
    r.room,
    r.meeting_provider,
    r.meeting_url,
    r.warnings,
    lms.utc(r.planned_until) as planned_until,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from jsonb_populate_record(
  null::lms.classes,
  lms.state_at('classes', ($1->>'id')::uuid, ($1->>'as_of')::timestamptz)
) as r
where r.id is not null
  and r.deleted_at is null;

-- for tutor
-- classes.create
with r as (
  insert into lms.classes as r (id, centre_id, tutor_id, student_ids, schedule, subject, level, room, meeting_provider, meeting_url, former_tutor_ids, planned, planned_until)
  select
    ($1->>'id')::uuid,
    lms.check_reference('centre_id', ($1->'input'->>'centre_id')::uuid, exists (select from lms.centres as t where t.id = ($1->'input'->>'centre_id')::uuid and t.deleted_at is null)),
    lms.check_reference('tutor_id', ($1->'input'->>'tutor_id')::uuid, exists (select from lms.tutors as t where t.id = ($1->'input'->>'tutor_id')::uuid and t.deleted_at is null)),
    coalesce(lms.check_references('student_ids', nullif($1->'input'->'student_ids', 'null'::jsonb), not exists (select from (select e.id::uuid as id from jsonb_array_elements_text(nullif($1->'input'->'student_ids', 'null'::jsonb)) as e (id) offset 0) as i where not exists (select from lms.students as t where t.id = i.id and t.deleted_at is null))), '[]'::jsonb),
    nullif($1->'input'->'schedule', 'null'::jsonb),
    ($1->'input'->>'subject')::text,
    ($1->'input'->>'level')::text,
    ($1->'input'->>'room')::text,
    ($1->'input'->>'meeting_provider')::text,
    ($1->'input'->>'meeting_url')::text,
    coalesce(nullif($1->'input'->'former_tutor_ids', 'null'::jsonb), '[]'::jsonb),
    coalesce(nullif($1->'input'->'planned', 'null'::jsonb), '[]'::jsonb),
    ($1->'input'->>'planned_until')::timestamptz
  returning r.id, r.centre_id, r.tutor_id, r.student_ids, r.schedule, r.status, r.subject, r.level, r.room, r.meeting_provider, r.meeting_url, r.warnings, r.former_tutor_ids, r.planned, r.planned_until, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  (jsonb_build_object(
    'id', r.id,
    'centre_id', r.centre_id,
    'tutor_id', r.tutor_id,
    'schedule', r.schedule,
    'status', r.status,
    'subject', r.subject,
    'level', r.level,
    'room', r.room,
    'meeting_provider', r.meeting_provider,
    'meeting_url', r.meeting_url,
    'planned_until', lms.utc(r.planned_until),
    'created_at', lms.utc(r.created_at),
    'updated_at', lms.utc(r.updated_at)
  ) || case when r.tutor_id = (select lms.caller_tutor()) then jsonb_build_object(
    'student_ids', r.student_ids,
    'warnings', r.warnings,
    'created_by', r.created_by,
    'updated_by', r.updated_by
  ) else '{}'::jsonb end)::text as body,
  r.version::text as tag
from r;

-- for supervisor
-- classes.create
with r as (
  insert into lms.classes as r (id, centre_id, tutor_id, student_ids, schedule, subject, level, room, meeting_provider, meeting_url, former_tutor_ids, planned, planned_until)
  select
    ($1->>'id')::uuid,
    lms.check_reference('centre_id', ($1->'input'->>'centre_id')::uuid, exists (select from lms.centres as t where t.id = ($1->'input'->>'centre_id')::uuid and t.deleted_at is null)),
    lms.check_reference('tutor_id', ($1->'input'->>'tutor_id')::uuid, exists (select from lms.tutors as t where t.id = ($1->'input'->>'tutor_id')::uuid and t.deleted_at is null)),
    coalesce(lms.check_references('student_ids', nullif($1->'input'->'student_ids', 'null'::jsonb), not exists (select from (select e.id::uuid as id from jsonb_array_elements_text(nullif($1->'input'->'student_ids', 'null'::jsonb)) as e (id) offset 0) as i where not exists (select from lms.students as t where t.id = i.id and t.deleted_at is null))), '[]'::jsonb),
    nullif($1->'input'->'schedule', 'null'::jsonb),
    ($1->'input'->>'subject')::text,
    ($1->'input'->>'level')::text,
    ($1->'input'->>'room')::text,
    ($1->'input'->>'meeting_provider')::text,
    ($1->'input'->>'meeting_url')::text,
    coalesce(nullif($1->'input'->'former_tutor_ids', 'null'::jsonb), '[]'::jsonb),
    coalesce(nullif($1->'input'->'planned', 'null'::jsonb), '[]'::jsonb),
    ($1->'input'->>'planned_until')::timestamptz
  returning r.id, r.centre_id, r.tutor_id, r.student_ids, r.schedule, r.status, r.subject, r.level, r.room, r.meeting_provider, r.meeting_url, r.warnings, r.former_tutor_ids, r.planned, r.planned_until, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.centre_id,
    r.tutor_id,
    r.student_ids,
    r.schedule,
    r.status,
    r.subject,
    r.level,
    r.room,
    r.meeting_provider,
    r.meeting_url,
    r.warnings,
    lms.utc(r.planned_until) as planned_until,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- classes.create
with r as (
  insert into lms.classes as r (id, centre_id, tutor_id, student_ids, schedule, subject, level, room, meeting_provider, meeting_url, former_tutor_ids, planned, planned_until)
  select
    ($1->>'id')::uuid,
    lms.check_reference('centre_id', ($1->'input'->>'centre_id')::uuid, exists (select from lms.centres as t where t.id = ($1->'input'->>'centre_id')::uuid and t.deleted_at is null)),
    lms.check_reference('tutor_id', ($1->'input'->>'tutor_id')::uuid, exists (select from lms.tutors as t where t.id = ($1->'input'->>'tutor_id')::uuid and t.deleted_at is null)),
    coalesce(lms.check_references('student_ids', nullif($1->'input'->'student_ids', 'null'::jsonb), not exists (select from (select e.id::uuid as id from jsonb_array_elements_text(nullif($1->'input'->'student_ids', 'null'::jsonb)) as e (id) offset 0) as i where not exists (select from lms.students as t where t.id = i.id and t.deleted_at is null))), '[]'::jsonb),
    nullif($1->'input'->'schedule', 'null'::jsonb),
    ($1->'input'->>'subject')::text,
    ($1->'input'->>'level')::text,
    ($1->'input'->>'room')::text,
    ($1->'input'->>'meeting_provider')::text,
    ($1->'input'->>'meeting_url')::text,
    coalesce(nullif($1->'input'->'former_tutor_ids', 'null'::jsonb), '[]'::jsonb),
    coalesce(nullif($1->'input'->'planned', 'null'::jsonb), '[]'::jsonb),
    ($1->'input'->>'planned_until')::timestamptz
  returning r.id, r.centre_id, r.tutor_id, r.student_ids, r.schedule, r.status, r.subject, r.level, r.room, r.meeting_provider, r.meeting_url, r.warnings, r.former_tutor_ids, r.planned, r.planned_until, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.centre_id,
    r.tutor_id,
    r.student_ids,
    r.schedule,
    r.status,
    r.subject,
    r.level,
    r.room,
    r.meeting_provider,
    r.meeting_url,
    r.warnings,
    lms.utc(r.planned_until) as planned_until,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for tutor
-- classes.update
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.classes as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.classes as r
  set
    centre_id = case when $1->'input' ? 'centre_id' then lms.check_reference('centre_id', ($1->'input'->>'centre_id')::uuid, exists (select from lms.centres as t where t.id = ($1->'input'->>'centre_id')::uuid and t.deleted_at is null)) else r.centre_id end,
    tutor_id = case when $1->'input' ? 'tutor_id' then lms.check_reference('tutor_id', ($1->'input'->>'tutor_id')::uuid, exists (select from lms.tutors as t where t.id = ($1->'input'->>'tutor_id')::uuid and t.deleted_at is null)) else r.tutor_id end,
    student_ids = case when $1->'input' ? 'student_ids' then coalesce(lms.check_references('student_ids', nullif($1->'input'->'student_ids', 'null'::jsonb), not exists (select from (select e.id::uuid as id from jsonb_array_elements_text(nullif($1->'input'->'student_ids', 'null'::jsonb)) as e (id) offset 0) as i where not exists (select from lms.students as t where t.id = i.id and t.deleted_at is null))), '[]'::jsonb) else r.student_ids end,
    schedule = case when $1->'input' ? 'schedule' then nullif(lms.merge_patch(r.schedule, $1->'input'->'schedule'), 'null'::jsonb) else r.schedule end,
    subject = case when $1->'input' ? 'subject' then ($1->'input'->>'subject')::text else r.subject end,
    level = case when $1->'input' ? 'level' then ($1->'input'->>'level')::text else r.level end,
    room = case when $1->'input' ? 'room' then ($1->'input'->>'room')::text else r.room end,
    meeting_provider = case when $1->'input' ? 'meeting_provider' then ($1->'input'->>'meeting_provider')::text else r.meeting_provider end,
    meeting_url = case when $1->'input' ? 'meeting_url' then ($1->'input'->>'meeting_url')::text else r.meeting_url end,
    former_tutor_ids = case when $1->'input' ? 'former_tutor_ids' then coalesce(nullif($1->'input'->'former_tutor_ids', 'null'::jsonb), '[]'::jsonb) else r.former_tutor_ids end,
    planned = case when $1->'input' ? 'planned' then coalesce(nullif($1->'input'->'planned', 'null'::jsonb), '[]'::jsonb) else r.planned end,
    planned_until = case when $1->'input' ? 'planned_until' then ($1->'input'->>'planned_until')::timestamptz else r.planned_until end
  from target
  where r.id = target.id
  returning r.id, r.centre_id, r.tutor_id, r.student_ids, r.schedule, r.status, r.subject, r.level, r.room, r.meeting_provider, r.meeting_url, r.warnings, r.former_tutor_ids, r.planned, r.planned_until, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  (jsonb_build_object(
    'id', r.id,
    'centre_id', r.centre_id,
    'tutor_id', r.tutor_id,
    'schedule', r.schedule,
    'status', r.status,
    'subject', r.subject,
    'level', r.level,
    'room', r.room,
    'meeting_provider', r.meeting_provider,
    'meeting_url', r.meeting_url,
    'planned_until', lms.utc(r.planned_until),
    'created_at', lms.utc(r.created_at),
    'updated_at', lms.utc(r.updated_at)
  ) || case when r.tutor_id = (select lms.caller_tutor()) then jsonb_build_object(
    'student_ids', r.student_ids,
    'warnings', r.warnings,
    'created_by', r.created_by,
    'updated_by', r.updated_by
  ) else '{}'::jsonb end)::text as body,
  r.version::text as tag
from r;

-- for supervisor
-- classes.update
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.classes as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.classes as r
  set
    centre_id = case when $1->'input' ? 'centre_id' then lms.check_reference('centre_id', ($1->'input'->>'centre_id')::uuid, exists (select from lms.centres as t where t.id = ($1->'input'->>'centre_id')::uuid and t.deleted_at is null)) else r.centre_id end,
    tutor_id = case when $1->'input' ? 'tutor_id' then lms.check_reference('tutor_id', ($1->'input'->>'tutor_id')::uuid, exists (select from lms.tutors as t where t.id = ($1->'input'->>'tutor_id')::uuid and t.deleted_at is null)) else r.tutor_id end,
    student_ids = case when $1->'input' ? 'student_ids' then coalesce(lms.check_references('student_ids', nullif($1->'input'->'student_ids', 'null'::jsonb), not exists (select from (select e.id::uuid as id from jsonb_array_elements_text(nullif($1->'input'->'student_ids', 'null'::jsonb)) as e (id) offset 0) as i where not exists (select from lms.students as t where t.id = i.id and t.deleted_at is null))), '[]'::jsonb) else r.student_ids end,
    schedule = case when $1->'input' ? 'schedule' then nullif(lms.merge_patch(r.schedule, $1->'input'->'schedule'), 'null'::jsonb) else r.schedule end,
    subject = case when $1->'input' ? 'subject' then ($1->'input'->>'subject')::text else r.subject end,
    level = case when $1->'input' ? 'level' then ($1->'input'->>'level')::text else r.level end,
    room = case when $1->'input' ? 'room' then ($1->'input'->>'room')::text else r.room end,
    meeting_provider = case when $1->'input' ? 'meeting_provider' then ($1->'input'->>'meeting_provider')::text else r.meeting_provider end,
    meeting_url = case when $1->'input' ? 'meeting_url' then ($1->'input'->>'meeting_url')::text else r.meeting_url end,
    former_tutor_ids = case when $1->'input' ? 'former_tutor_ids' then coalesce(nullif($1->'input'->'former_tutor_ids', 'null'::jsonb), '[]'::jsonb) else r.former_tutor_ids end,
    planned = case when $1->'input' ? 'planned' then coalesce(nullif($1->'input'->'planned', 'null'::jsonb), '[]'::jsonb) else r.planned end,
    planned_until = case when $1->'input' ? 'planned_until' then ($1->'input'->>'planned_until')::timestamptz else r.planned_until end
  from target
  where r.id = target.id
  returning r.id, r.centre_id, r.tutor_id, r.student_ids, r.schedule, r.status, r.subject, r.level, r.room, r.meeting_provider, r.meeting_url, r.warnings, r.former_tutor_ids, r.planned, r.planned_until, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.centre_id,
    r.tutor_id,
    r.student_ids,
    r.schedule,
    r.status,
    r.subject,
    r.level,
    r.room,
    r.meeting_provider,
    r.meeting_url,
    r.warnings,
    lms.utc(r.planned_until) as planned_until,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- classes.update
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.classes as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.classes as r
  set
    centre_id = case when $1->'input' ? 'centre_id' then lms.check_reference('centre_id', ($1->'input'->>'centre_id')::uuid, exists (select from lms.centres as t where t.id = ($1->'input'->>'centre_id')::uuid and t.deleted_at is null)) else r.centre_id end,
    tutor_id = case when $1->'input' ? 'tutor_id' then lms.check_reference('tutor_id', ($1->'input'->>'tutor_id')::uuid, exists (select from lms.tutors as t where t.id = ($1->'input'->>'tutor_id')::uuid and t.deleted_at is null)) else r.tutor_id end,
    student_ids = case when $1->'input' ? 'student_ids' then coalesce(lms.check_references('student_ids', nullif($1->'input'->'student_ids', 'null'::jsonb), not exists (select from (select e.id::uuid as id from jsonb_array_elements_text(nullif($1->'input'->'student_ids', 'null'::jsonb)) as e (id) offset 0) as i where not exists (select from lms.students as t where t.id = i.id and t.deleted_at is null))), '[]'::jsonb) else r.student_ids end,
    schedule = case when $1->'input' ? 'schedule' then nullif(lms.merge_patch(r.schedule, $1->'input'->'schedule'), 'null'::jsonb) else r.schedule end,
    subject = case when $1->'input' ? 'subject' then ($1->'input'->>'subject')::text else r.subject end,
    level = case when $1->'input' ? 'level' then ($1->'input'->>'level')::text else r.level end,
    room = case when $1->'input' ? 'room' then ($1->'input'->>'room')::text else r.room end,
    meeting_provider = case when $1->'input' ? 'meeting_provider' then ($1->'input'->>'meeting_provider')::text else r.meeting_provider end,
    meeting_url = case when $1->'input' ? 'meeting_url' then ($1->'input'->>'meeting_url')::text else r.meeting_url end,
    former_tutor_ids = case when $1->'input' ? 'former_tutor_ids' then coalesce(nullif($1->'input'->'former_tutor_ids', 'null'::jsonb), '[]'::jsonb) else r.former_tutor_ids end,
    planned = case when $1->'input' ? 'planned' then coalesce(nullif($1->'input'->'planned', 'null'::jsonb), '[]'::jsonb) else r.planned end,
    planned_until = case when $1->'input' ? 'planned_until' then ($1->'input'->>'planned_until')::timestamptz else r.planned_until end
  from target
  where r.id = target.id
  returning r.id, r.centre_id, r.tutor_id, r.student_ids, r.schedule, r.status, r.subject, r.level, r.room, r.meeting_provider, r.meeting_url, r.warnings, r.former_tutor_ids, r.planned, r.planned_until, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.centre_id,
    r.tutor_id,
    r.student_ids,
    r.schedule,
    r.status,
    r.subject,
    r.level,
    r.room,
    r.meeting_provider,
    r.meeting_url,
    r.warnings,
    lms.utc(r.planned_until) as planned_until,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for tutor
-- classes.delete
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.classes as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.classes as r
  set deleted_at = now()
  from target
  where r.id = target.id
  returning r.id, r.centre_id, r.tutor_id, r.student_ids, r.schedule, r.status, r.subject, r.level, r.room, r.meeting_provider, r.meeting_url, r.warnings, r.former_tutor_ids, r.planned, r.planned_until, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  (jsonb_build_object(
    'id', r.id,
    'centre_id', r.centre_id,
    'tutor_id', r.tutor_id,
    'schedule', r.schedule,
    'status', r.status,
    'subject', r.subject,
    'level', r.level,
    'room', r.room,
    'meeting_provider', r.meeting_provider,
    'meeting_url', r.meeting_url,
    'planned_until', lms.utc(r.planned_until),
    'created_at', lms.utc(r.created_at),
    'updated_at', lms.utc(r.updated_at)
  ) || case when r.tutor_id = (select lms.caller_tutor()) then jsonb_build_object(
    'student_ids', r.student_ids,
    'warnings', r.warnings,
    'created_by', r.created_by,
    'updated_by', r.updated_by
  ) else '{}'::jsonb end)::text as body,
  r.version::text as tag
from r;

-- for supervisor
-- classes.delete
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.classes as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.classes as r
  set deleted_at = now()
  from target
  where r.id = target.id
  returning r.id, r.centre_id, r.tutor_id, r.student_ids, r.schedule, r.status, r.subject, r.level, r.room, r.meeting_provider, r.meeting_url, r.warnings, r.former_tutor_ids, r.planned, r.planned_until, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.centre_id,
    r.tutor_id,
    r.student_ids,
    r.schedule,
    r.status,
    r.subject,
    r.level,
    r.room,
    r.meeting_provider,
    r.meeting_url,
    r.warnings,
    lms.utc(r.planned_until) as planned_until,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- classes.delete
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.classes as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.classes as r
  set deleted_at = now()
  from target
  where r.id = target.id
  returning r.id, r.centre_id, r.tutor_id, r.student_ids, r.schedule, r.status, r.subject, r.level, r.room, r.meeting_provider, r.meeting_url, r.warnings, r.former_tutor_ids, r.planned, r.planned_until, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.centre_id,
    r.tutor_id,
    r.student_ids,
    r.schedule,
    r.status,
    r.subject,
    r.level,
    r.room,
    r.meeting_provider,
    r.meeting_url,
    r.warnings,
    lms.utc(r.planned_until) as planned_until,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for tutor
-- classes.restore
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.classes as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is not null
  for update
), r as (
  update lms.classes as r
  set deleted_at = null
  from target
  where r.id = target.id
  returning r.id, r.centre_id, r.tutor_id, r.student_ids, r.schedule, r.status, r.subject, r.level, r.room, r.meeting_provider, r.meeting_url, r.warnings, r.former_tutor_ids, r.planned, r.planned_until, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  (jsonb_build_object(
    'id', r.id,
    'centre_id', r.centre_id,
    'tutor_id', r.tutor_id,
    'schedule', r.schedule,
    'status', r.status,
    'subject', r.subject,
    'level', r.level,
    'room', r.room,
    'meeting_provider', r.meeting_provider,
    'meeting_url', r.meeting_url,
    'planned_until', lms.utc(r.planned_until),
    'created_at', lms.utc(r.created_at),
    'updated_at', lms.utc(r.updated_at)
  ) || case when r.tutor_id = (select lms.caller_tutor()) then jsonb_build_object(
    'student_ids', r.student_ids,
    'warnings', r.warnings,
    'created_by', r.created_by,
    'updated_by', r.updated_by
  ) else '{}'::jsonb end)::text as body,
  r.version::text as tag
from r;

-- for supervisor
-- classes.restore
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.classes as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is not null
  for update
), r as (
  update lms.classes as r
  set deleted_at = null
  from target
  where r.id = target.id
  returning r.id, r.centre_id, r.tutor_id, r.student_ids, r.schedule, r.status, r.subject, r.level, r.room, r.meeting_provider, r.meeting_url, r.warnings, r.former_tutor_ids, r.planned, r.planned_until, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.centre_id,
    r.tutor_id,
    r.student_ids,
    r.schedule,
    r.status,
    r.subject,
    r.level,
    r.room,
    r.meeting_provider,
    r.meeting_url,
    r.warnings,
    lms.utc(r.planned_until) as planned_until,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- classes.restore
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.classes as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is not null
  for update
), r as (
  update lms.classes as r
  set deleted_at = null
  from target
  where r.id = target.id
  returning r.id, r.centre_id, r.tutor_id, r.student_ids, r.schedule, r.status, r.subject, r.level, r.room, r.meeting_provider, r.meeting_url, r.warnings, r.former_tutor_ids, r.planned, r.planned_until, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.centre_id,
    r.tutor_id,
    r.student_ids,
    r.schedule,
    r.status,
    r.subject,
    r.level,
    r.room,
    r.meeting_provider,
    r.meeting_url,
    r.warnings,
    lms.utc(r.planned_until) as planned_until,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for supervisor, admin
-- classes.import
with made as (
  insert into lms.classes (id, centre_id, tutor_id, student_ids, schedule, subject, level, room, meeting_provider, meeting_url, former_tutor_ids, planned, planned_until)
  select
    (one->>'id')::uuid,
    coalesce((one->'input'->>'centre_id')::uuid, null),
    coalesce((one->'input'->>'tutor_id')::uuid, null),
    coalesce(nullif(one->'input'->'student_ids', 'null'::jsonb), '[]'::jsonb),
    coalesce(nullif(one->'input'->'schedule', 'null'::jsonb), null),
    coalesce((one->'input'->>'subject')::text, null),
    coalesce((one->'input'->>'level')::text, null),
    coalesce((one->'input'->>'room')::text, null),
    coalesce((one->'input'->>'meeting_provider')::text, null),
    coalesce((one->'input'->>'meeting_url')::text, null),
    coalesce(nullif(one->'input'->'former_tutor_ids', 'null'::jsonb), '[]'::jsonb),
    coalesce(nullif(one->'input'->'planned', 'null'::jsonb), '[]'::jsonb),
    coalesce((one->'input'->>'planned_until')::timestamptz, null)
  from jsonb_array_elements($1->'rows') as one
  where (select lms.check_import_rows($1->'rows', 'classes', array['centre_id:centres', 'tutor_id:tutors', 'student_ids:students:list']::text[]))
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

-- for supervisor, finance
-- classes.export
select
  'id,centre_id,tutor_id,student_ids,schedule,status,subject,level,room,meeting_provider,meeting_url,warnings,planned_until,created_at,updated_at,created_by,updated_by' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    coalesce(r.centre_id::text, '') || ',' ||
    coalesce(r.tutor_id::text, '') || ',' ||
    lms.csv_field(r.student_ids::text) || ',' ||
    lms.csv_field(r.schedule::text) || ',' ||
    lms.csv_field(r.status::text) || ',' ||
    lms.csv_field(r.subject::text) || ',' ||
    lms.csv_field(r.level::text) || ',' ||
    lms.csv_field(r.room::text) || ',' ||
    lms.csv_field(r.meeting_provider::text) || ',' ||
    lms.csv_field(r.meeting_url::text) || ',' ||
    lms.csv_field(r.warnings::text) || ',' ||
    coalesce(lms.utc(r.planned_until), '') || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || E'\r\n' as line
  from lms.classes as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;

-- for admin
-- classes.export
select
  'id,centre_id,tutor_id,student_ids,schedule,status,subject,level,room,meeting_provider,meeting_url,warnings,planned_until,created_at,updated_at,created_by,updated_by,deleted_at' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    coalesce(r.centre_id::text, '') || ',' ||
    coalesce(r.tutor_id::text, '') || ',' ||
    lms.csv_field(r.student_ids::text) || ',' ||
    lms.csv_field(r.schedule::text) || ',' ||
    lms.csv_field(r.status::text) || ',' ||
    lms.csv_field(r.subject::text) || ',' ||
    lms.csv_field(r.level::text) || ',' ||
    lms.csv_field(r.room::text) || ',' ||
    lms.csv_field(r.meeting_provider::text) || ',' ||
    lms.csv_field(r.meeting_url::text) || ',' ||
    lms.csv_field(r.warnings::text) || ',' ||
    coalesce(lms.utc(r.planned_until), '') || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || ',' ||
    coalesce(lms.utc(r.deleted_at), '') || E'\r\n' as line
  from lms.classes as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;


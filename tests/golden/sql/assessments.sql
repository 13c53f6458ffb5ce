-- for student, parent, tutor
-- assessments.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.student_id,
      r.tutor_id,
      r.type,
      r.score,
      r.notes,
      r.assessed_on,
      r.academic_age,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.assessments as r
  where r.deleted_at is null
    and (r.student_id = any ((select lms.caller_students())::uuid[]))
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

-- for assessor, supervisor
-- assessments.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.student_id,
      r.tutor_id,
      r.type,
      r.score,
      r.notes,
      r.assessed_on,
      r.academic_age,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.assessments as r
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
-- assessments.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.student_id,
      r.tutor_id,
      r.type,
      r.score,
      r.notes,
      r.assessed_on,
      r.academic_age,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by,
      lms.utc(r.deleted_at) as deleted_at
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.assessments as r
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
-- assessments.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.student_id,
      r.tutor_id,
      r.type,
      r.score,
      r.notes,
      r.assessed_on,
      r.academic_age,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by,
      lms.utc(r.deleted_at) as deleted_at
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.assessments as r
  where true
    and r.created_at >= ($1->'filters'->>'created_at.gte')::timestamptz
    and r.id = any (array(select jsonb_array_elements_text($1->'filters'->'id.in'))::uuid[])
  order by r.created_at, r.id desc
  limit ($1->>'limit')::integer + 1
), counted as (
  select count(*) as total
  from lms.assessments as r
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

-- for student, parent, tutor, assessor, supervisor
-- assessments.get
select
  row_to_json((select visible from (select
    r.id,
    r.student_id,
    r.tutor_id,
    r.type,
    r.score,
    r.notes,
    r.assessed_on,
    r.academic_age,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from lms.assessments as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- assessments.get
select
  row_to_json((select visible from (select
    r.id,
    r.student_id,
    r.tutor_id,
    r.type,
    r.score,
    r.notes,
    r.assessed_on,
    r.academic_age,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from lms.assessments as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- assessments.get_as_of
select
  row_to_json((select visible from (select
    r.id,
    r.student_id,
    r.tutor_id,
    r.type,
    r.score,
    r.notes,
    r.assessed_on,
    r.academic_age,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from jsonb_populate_record(
  null::lms.assessments,
  lms.state_at('assessments', ($1->>'id')::uuid, ($1->>'as_of')::timestamptz)
) as r
where r.id is not null
  and r.deleted_at is null;

-- for tutor, assessor, supervisor
-- assessments.create
with r as (
  insert into lms.assessments as r (id, student_id, tutor_id, type, score, notes, assessed_on, academic_age)
  select
    ($1->>'id')::uuid,
    lms.check_reference('student_id', ($1->'input'->>'student_id')::uuid, exists (select from lms.students as t where t.id = ($1->'input'->>'student_id')::uuid and t.deleted_at is null)),
    lms.check_reference('tutor_id', ($1->'input'->>'tutor_id')::uuid, exists (select from lms.tutors as t where t.id = ($1->'input'->>'tutor_id')::uuid and t.deleted_at is null)),
    ($1->'input'->>'type')::text,
    ($1->'input'->>'score')::bigint,
    ($1->'input'->>'notes')::text,
    ($1->'input'->>'assessed_on')::date,
    ($1->'input'->>'academic_age')::numeric
  returning r.id, r.student_id, r.tutor_id, r.type, r.score, r.notes, r.assessed_on, r.academic_age, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.student_id,
    r.tutor_id,
    r.type,
    r.score,
    r.notes,
    r.assessed_on,
    r.academic_age,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- assessments.create
with r as (
  insert into lms.assessments as r (id, student_id, tutor_id, type, score, notes, assessed_on, academic_age)
  select
    ($1->>'id')::uuid,
    lms.check_reference('student_id', ($1->'input'->>'student_id')::uuid, exists (select from lms.students as t where t.id = ($1->'input'->>'student_id')::uuid and t.deleted_at is null)),
    lms.check_reference('tutor_id', ($1->'input'->>'tutor_id')::uuid, exists (select from lms.tutors as t where t.id = ($1->'input'->>'tutor_id')::uuid and t.deleted_at is null)),
    ($1->'input'->>'type')::text,
    ($1->'input'->>'score')::bigint,
    ($1->'input'->>'notes')::text,
    ($1->'input'->>'assessed_on')::date,
    ($1->'input'->>'academic_age')::numeric
  returning r.id, r.student_id, r.tutor_id, r.type, r.score, r.notes, r.assessed_on, r.academic_age, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.student_id,
    r.tutor_id,
    r.type,
    r.score,
    r.notes,
    r.assessed_on,
    r.academic_age,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for tutor, assessor, supervisor
-- assessments.update
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.assessments as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.assessments as r
  set
    tutor_id = case when $1->'input' ? 'tutor_id' then lms.check_reference('tutor_id', ($1->'input'->>'tutor_id')::uuid, exists (select from lms.tutors as t where t.id = ($1->'input'->>'tutor_id')::uuid and t.deleted_at is null)) else r.tutor_id end,
    score = case when $1->'input' ? 'score' then ($1->'input'->>'score')::bigint else r.score end,
    notes = case when $1->'input' ? 'notes' then ($1->'input'->>'notes')::text else r.notes end,
    assessed_on = case when $1->'input' ? 'assessed_on' then ($1->'input'->>'assessed_on')::date else r.assessed_on end,
    academic_age = case when $1->'input' ? 'academic_age' then ($1->'input'->>'academic_age')::numeric else r.academic_age end
  from target
  where r.id = target.id
  returning r.id, r.student_id, r.tutor_id, r.type, r.score, r.notes, r.assessed_on, r.academic_age, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.student_id,
    r.tutor_id,
    r.type,
    r.score,
    r.notes,
    r.assessed_on,
    r.academic_age,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- assessments.update
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.assessments as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.assessments as r
  set
    tutor_id = case when $1->'input' ? 'tutor_id' then lms.check_reference('tutor_id', ($1->'input'->>'tutor_id')::uuid, exists (select from lms.tutors as t where t.id = ($1->'input'->>'tutor_id')::uuid and t.deleted_at is null)) else r.tutor_id end,
    score = case when $1->'input' ? 'score' then ($1->'input'->>'score')::bigint else r.score end,
    notes = case when $1->'input' ? 'notes' then ($1->'input'->>'notes')::text else r.notes end,
    assessed_on = case when $1->'input' ? 'assessed_on' then ($1->'input'->>'assessed_on')::date else r.assessed_on end,
    academic_age = case when $1->'input' ? 'academic_age' then ($1->'input'->>'academic_age')::numeric else r.academic_age end
  from target
  where r.id = target.id
  returning r.id, r.student_id, r.tutor_id, r.type, r.score, r.notes, r.assessed_on, r.academic_age, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.student_id,
    r.tutor_id,
    r.type,
    r.score,
    r.notes,
    r.assessed_on,
    r.academic_age,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for tutor, assessor, supervisor
-- assessments.delete
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.assessments as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.assessments as r
  set deleted_at = now()
  from target
  where r.id = target.id
  returning r.id, r.student_id, r.tutor_id, r.type, r.score, r.notes, r.assessed_on, r.academic_age, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.student_id,
    r.tutor_id,
    r.type,
    r.score,
    r.notes,
    r.assessed_on,
    r.academic_age,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- assessments.delete
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.assessments as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.assessments as r
  set deleted_at = now()
  from target
  where r.id = target.id
  returning r.id, r.student_id, r.tutor_id, r.type, r.score, r.notes, r.assessed_on, r.academic_age, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.student_id,
    r.tutor_id,
    r.type,
    r.score,
    r.notes,
    r.assessed_on,
    r.academic_age,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for tutor, assessor, supervisor
-- assessments.restore
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.assessments as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is not null
  for update
), r as (
  update lms.assessments as r
  set deleted_at = null
  from target
  where r.id = target.id
  returning r.id, r.student_id, r.tutor_id, r.type, r.score, r.notes, r.assessed_on, r.academic_age, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.student_id,
    r.tutor_id,
    r.type,
    r.score,
    r.notes,
    r.assessed_on,
    r.academic_age,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- assessments.restore
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.assessments as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is not null
  for update
), r as (
  update lms.assessments as r
  set deleted_at = null
  from target
  where r.id = target.id
  returning r.id, r.student_id, r.tutor_id, r.type, r.score, r.notes, r.assessed_on, r.academic_age, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.student_id,
    r.tutor_id,
    r.type,
    r.score,
    r.notes,
    r.assessed_on,
    r.academic_age,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for assessor, supervisor, admin
-- assessments.import
with made as (
  insert into lms.assessments (id, student_id, tutor_id, type, score, notes, assessed_on, academic_age)
  select
    (one->>'id')::uuid,
    coalesce((one->'input'->>'student_id')::uuid, null),
    coalesce((one->'input'->>'tutor_id')::uuid, null),
    coalesce((one->'input'->>'type')::text, null),
    coalesce((one->'input'->>'score')::bigint, null),
    coalesce((one->'input'->>'notes')::text, null),
    coalesce((one->'input'->>'assessed_on')::date, null),
    coalesce((one->'input'->>'academic_age')::numeric, null)
  from jsonb_array_elements($1->'rows') as one
  where (select lms.check_import_rows($1->'rows', 'assessments', array['student_id:students', 'tutor_id:tutors']::text[]))
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

-- for assessor, supervisor
-- assessments.export
select
  'id,student_id,tutor_id,type,score,notes,assessed_on,academic_age,created_at,updated_at,created_by,updated_by' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    coalesce(r.student_id::text, '') || ',' ||
    coalesce(r.tutor_id::text, '') || ',' ||
    lms.csv_field(r.type::text) || ',' ||
    coalesce(r.score::text, '') || ',' ||
    lms.csv_field(r.notes::text) || ',' ||
    coalesce(r.assessed_on::text, '') || ',' ||
    coalesce(r.academic_age::text, '') || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || E'\r\n' as line
  from lms.assessments as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;

-- for admin
-- assessments.export
select
  'id,student_id,tutor_id,type,score,notes,assessed_on,academic_age,created_at,updated_at,created_by,updated_by,deleted_at' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    coalesce(r.student_id::text, '') || ',' ||
    coalesce(r.tutor_id::text, '') || ',' ||
    lms.csv_field(r.type::text) || ',' ||
    coalesce(r.score::text, '') || ',' ||
    lms.csv_field(r.notes::text) || ',' ||
    coalesce(r.assessed_on::text, '') || ',' ||
    coalesce(r.academic_age::text, '') || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || ',' ||
    coalesce(lms.utc(r.deleted_at), '') || E'\r\n' as line
  from lms.assessments as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;


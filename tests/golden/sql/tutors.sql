-- for student, parent
-- tutors.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.name,
      r.subjects
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.tutors as r
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

-- for tutor, assessor, supervisor, support, finance
-- tutors.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.user_id,
      r.name,
      r.centre_id,
      r.subjects,
      r.max_students,
      r.current_students,
      r.availability,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.tutors as r
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
-- tutors.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.user_id,
      r.name,
      r.centre_id,
      r.subjects,
      r.max_students,
      r.current_students,
      r.availability,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by,
      lms.utc(r.deleted_at) as deleted_at
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.tutors as r
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
-- tutors.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.user_id,
      r.name,
      r.centre_id,
      r.subjects,
      r.max_students,
      r.current_students,
      r.availability,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by,
      lms.utc(r.deleted_at) as deleted_at
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.tutors as r
  where true
    and r.created_at >= ($1->'filters'->>'created_at.gte')::timestamptz
    and r.id = any (array(select jsonb_array_elements_text($1->'filters'->'id.in'))::uuid[])
  order by r.created_at, r.id desc
  limit ($1->>'limit')::integer + 1
), counted as (
  select count(*) as total
  from lms.tutors as r
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
-- tutors.get
select
  row_to_json((select visible from (select
    r.id,
    r.name,
    r.subjects
  ) as visible))::text as body,
  r.version::text as tag
from lms.tutors as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for tutor, assessor, supervisor, support, finance
-- tutors.get
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.name,
    r.centre_id,
    r.subjects,
    r.max_students,
    r.current_students,
    r.availability,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from lms.tutors as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- tutors.get
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.name,
    r.centre_id,
    r.subjects,
    r.max_students,
    r.current_students,
    r.availability,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from lms.tutors as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- tutors.get_as_of
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.name,
    r.centre_id,
    r.subjects,
    r.max_students,
    r.current_students,
    r.availability,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from jsonb_populate_record(
  null::lms.tutors,
  lms.state_at('tutors', ($1->>'id')::uuid, ($1->>'as_of')::timestamptz)
) as r
where r.id is not null
  and r.deleted_at is null;

-- for supervisor
-- tutors.create
with r as (
  insert into lms.tutors as r (id, user_id, centre_id, subjects, max_students, availability)
  select
    ($1->>'id')::uuid,
    lms.check_reference('user_id', ($1->'input'->>'user_id')::uuid, exists (select from lms.users as t where t.id = ($1->'input'->>'user_id')::uuid and t.deleted_at is null)),
    lms.check_reference('centre_id', ($1->'input'->>'centre_id')::uuid, exists (select from lms.centres as t where t.id = ($1->'input'->>'centre_id')::uuid and t.deleted_at is null)),
    coalesce(nullif($1->'input'->'subjects', 'null'::jsonb), '[]'::jsonb),
    coalesce(($1->'input'->>'max_students')::bigint, 10),
    coalesce(nullif($1->'input'->'availability', 'null'::jsonb), '{}'::jsonb)
  returning r.id, r.user_id, r.name, r.centre_id, r.subjects, r.max_students, r.current_students, r.availability, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.name,
    r.centre_id,
    r.subjects,
    r.max_students,
    r.current_students,
    r.availability,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- tutors.create
with r as (
  insert into lms.tutors as r (id, user_id, centre_id, subjects, max_students, availability)
  select
    ($1->>'id')::uuid,
    lms.check_reference('user_id', ($1->'input'->>'user_id')::uuid, exists (select from lms.users as t where t.id = ($1->'input'->>'user_id')::uuid and t.deleted_at is null)),
    lms.check_reference('centre_id', ($1->'input'->>'centre_id')::uuid, exists (select from lms.centres as t where t.id = ($1->'input'->>'centre_id')::uuid and t.deleted_at is null)),
    coalesce(nullif($1->'input'->'subjects', 'null'::jsonb), '[]'::jsonb),
    coalesce(($1->'input'->>'max_students')::bigint, 10),
    coalesce(nullif($1->'input'->'availability', 'null'::jsonb), '{}'::jsonb)
  returning r.id, r.user_id, r.name, r.centre_id, r.subjects, r.max_students, r.current_students, r.availability, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.name,
    r.centre_id,
    r.subjects,
    r.max_students,
    r.current_students,
    r.availability,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for tutor, supervisor
-- tutors.update
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.tutors as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.tutors as r
  set
    centre_id = case when $1->'input' ? 'centre_id' then lms.check_reference('centre_id', ($1->'input'->>'centre_id')::uuid, exists (select from lms.centres as t where t.id = ($1->'input'->>'centre_id')::uuid and t.deleted_at is null)) else r.centre_id end,
    subjects = case when $1->'input' ? 'subjects' then coalesce(nullif($1->'input'->'subjects', 'null'::jsonb), '[]'::jsonb) else r.subjects end,
    max_students = case when $1->'input' ? 'max_students' then coalesce(($1->'input'->>'max_students')::bigint, 10) else r.max_students end,
    availability = case when $1->'input' ? 'availability' then nullif(lms.merge_patch(r.availability, $1->'input'->'availability'), 'null'::jsonb) else r.availability end
  from target
  where r.id = target.id
  returning r.id, r.user_id, r.name, r.centre_id, r.subjects, r.max_students, r.current_students, r.availability, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.name,
    r.centre_id,
    r.subjects,
    r.max_students,
    r.current_students,
    r.availability,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- tutors.update
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.tutors as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.tutors as r
  set
    centre_id = case when $1->'input' ? 'centre_id' then lms.check_reference('centre_id', ($1->'input'->>'centre_id')::uuid, exists (select from lms.centres as t where t.id = ($1->'input'->>'centre_id')::uuid and t.deleted_at is null)) else r.centre_id end,
    subjects = case when $1->'input' ? 'subjects' then coalesce(nullif($1->'input'->'subjects', 'null'::jsonb), '[]'::jsonb) else r.subjects end,
    max_students = case when $1->'input' ? 'max_students' then coalesce(($1->'input'->>'max_students')::bigint, 10) else r.max_students end,
    availability = case when $1->'input' ? 'availability' then nullif(lms.merge_patch(r.availability, $1->'input'->'availability'), 'null'::jsonb) else r.availability end
  from target
  where r.id = target.id
  returning r.id, r.user_id, r.name, r.centre_id, r.subjects, r.max_students, r.current_students, r.availability, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.name,
    r.centre_id,
    r.subjects,
    r.max_students,
    r.current_students,
    r.availability,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for supervisor
-- tutors.delete
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.tutors as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.tutors as r
  set deleted_at = now()
  from target
  where r.id = target.id
  returning r.id, r.user_id, r.name, r.centre_id, r.subjects, r.max_students, r.current_students, r.availability, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.name,
    r.centre_id,
    r.subjects,
    r.max_students,
    r.current_students,
    r.availability,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- tutors.delete
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.tutors as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.tutors as r
  set deleted_at = now()
  from target
  where r.id = target.id
  returning r.id, r.user_id, r.name, r.centre_id, r.subjects, r.max_students, r.current_students, r.availability, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.name,
    r.centre_id,
    r.subjects,
    r.max_students,
    r.current_students,
    r.availability,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for supervisor
-- tutors.restore
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.tutors as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is not null
  for update
), r as (
  update lms.tutors as r
  set deleted_at = null
  from target
  where r.id = target.id
  returning r.id, r.user_id, r.name, r.centre_id, r.subjects, r.max_students, r.current_students, r.availability, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.name,
    r.centre_id,
    r.subjects,
    r.max_students,
    r.current_students,
    r.availability,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- tutors.restore
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.tutors as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is not null
  for update
), r as (
  update lms.tutors as r
  set deleted_at = null
  from target
  where r.id = target.id
  returning r.id, r.user_id, r.name, r.centre_id, r.subjects, r.max_students, r.current_students, r.availability, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.name,
    r.centre_id,
    r.subjects,
    r.max_students,
    r.current_students,
    r.availability,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for supervisor, admin
-- tutors.import
with made as (
  insert into lms.tutors (id, user_id, centre_id, subjects, max_students, availability)
  select
    (one->>'id')::uuid,
    coalesce((one->'input'->>'user_id')::uuid, null),
    coalesce((one->'input'->>'centre_id')::uuid, null),
    coalesce(nullif(one->'input'->'subjects', 'null'::jsonb), '[]'::jsonb),
    coalesce((one->'input'->>'max_students')::bigint, 10),
    coalesce(nullif(one->'input'->'availability', 'null'::jsonb), '{}'::jsonb)
  from jsonb_array_elements($1->'rows') as one
  where (select lms.check_import_rows($1->'rows', 'tutors', array['user_id:users', 'centre_id:centres']::text[]))
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
-- tutors.export
select
  'id,user_id,name,centre_id,subjects,max_students,current_students,availability,created_at,updated_at,created_by,updated_by' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    coalesce(r.user_id::text, '') || ',' ||
    lms.csv_field(r.name::text) || ',' ||
    coalesce(r.centre_id::text, '') || ',' ||
    lms.csv_field(r.subjects::text) || ',' ||
    coalesce(r.max_students::text, '') || ',' ||
    coalesce(r.current_students::text, '') || ',' ||
    lms.csv_field(r.availability::text) || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || E'\r\n' as line
  from lms.tutors as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;

-- for admin
-- tutors.export
select
  'id,user_id,name,centre_id,subjects,max_students,current_students,availability,created_at,updated_at,created_by,updated_by,deleted_at' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    coalesce(r.user_id::text, '') || ',' ||
    lms.csv_field(r.name::text) || ',' ||
    coalesce(r.centre_id::text, '') || ',' ||
    lms.csv_field(r.subjects::text) || ',' ||
    coalesce(r.max_students::text, '') || ',' ||
    coalesce(r.current_students::text, '') || ',' ||
    lms.csv_field(r.availability::text) || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || ',' ||
    coalesce(lms.utc(r.deleted_at), '') || E'\r\n' as line
  from lms.tutors as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;


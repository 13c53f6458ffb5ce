-- for student, parent, tutor
-- students.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.user_id,
      r.centre_id,
      r.dob,
      r.academic_age,
      r.special_needs,
      r.assigned_tutor_id,
      r.parent_id,
      r.leaderboard_name,
      r.languages,
      r.history,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.students as r
  where r.deleted_at is null
    and (r.id = any ((select lms.caller_students())::uuid[]))
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

-- for assessor, supervisor, support, finance
-- students.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.user_id,
      r.centre_id,
      r.dob,
      r.academic_age,
      r.special_needs,
      r.assigned_tutor_id,
      r.parent_id,
      r.leaderboard_name,
      r.languages,
      r.history,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.students as r
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
-- students.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.user_id,
      r.centre_id,
      r.dob,
      r.academic_age,
      r.special_needs,
      r.assigned_tutor_id,
      r.parent_id,
      r.leaderboard_name,
      r.languages,
      r.history,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by,
      lms.utc(r.deleted_at) as deleted_at
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.students as r
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
-- students.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.user_id,
      r.centre_id,
      r.dob,
      r.academic_age,
      r.special_needs,
      r.assigned_tutor_id,
      r.parent_id,
      r.leaderboard_name,
      r.languages,
      r.history,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by,
      lms.utc(r.deleted_at) as deleted_at
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.students as r
  where true
    and r.created_at >= ($1->'filters'->>'created_at.gte')::timestamptz
    and r.id = any (array(select jsonb_array_elements_text($1->'filters'->'id.in'))::uuid[])
  order by r.created_at, r.id desc
  limit ($1->>'limit')::integer + 1
), counted as (
  select count(*) as total
  from lms.students as r
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
-- students.get
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.centre_id,
    r.dob,
    r.academic_age,
    r.special_needs,
    r.assigned_tutor_id,
    r.parent_id,
    r.leaderboard_name,
    r.languages,
    r.history,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from lms.students as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- students.get
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.centre_id,
    r.dob,
    r.academic_age,
    r.special_needs,
    r.assigned_tutor_id,
    r.parent_id,
    r.leaderboard_name,
    r.languages,
    r.history,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from lms.students as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- students.get_as_of
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.centre_id,
    r.dob,
    r.academic_age,
    r.special_needs,
    r.assigned_tutor_id,
    r.parent_id,
    r.leaderboard_name,
    r.languages,
    r.history,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from jsonb_populate_record(
  null::lms.students,
  lms.state_at('students', ($1->>'id')::uuid, ($1->>'as_of')::timestamptz)
) as r
where r.id is not null
  and r.deleted_at is null;

-- for supervisor
-- students.create
with r as (
  insert into lms.students as r (id, user_id, centre_id, dob, academic_age, special_needs, assigned_tutor_id, parent_id, leaderboard_name, languages)
  select
    ($1->>'id')::uuid,
    lms.check_reference('user_id', ($1->'input'->>'user_id')::uuid, exists (select from lms.users as t where t.id = ($1->'input'->>'user_id')::uuid and t.deleted_at is null)),
    lms.check_reference('centre_id', ($1->'input'->>'centre_id')::uuid, exists (select from lms.centres as t where t.id = ($1->'input'->>'centre_id')::uuid and t.deleted_at is null)),
    ($1->'input'->>'dob')::date,
    coalesce(nullif($1->'input'->'academic_age', 'null'::jsonb), '{}'::jsonb),
    coalesce(nullif($1->'input'->'special_needs', 'null'::jsonb), '[]'::jsonb),
    lms.check_reference('assigned_tutor_id', ($1->'input'->>'assigned_tutor_id')::uuid, exists (select from lms.tutors as t where t.id = ($1->'input'->>'assigned_tutor_id')::uuid and t.deleted_at is null)),
    lms.check_reference('parent_id', ($1->'input'->>'parent_id')::uuid, exists (select from lms.users as t where t.id = ($1->'input'->>'parent_id')::uuid and t.deleted_at is null)),
    ($1->'input'->>'leaderboard_name')::text,
    coalesce(nullif($1->'input'->'languages', 'null'::jsonb), '[]'::jsonb)
  returning r.id, r.user_id, r.centre_id, r.dob, r.academic_age, r.special_needs, r.assigned_tutor_id, r.parent_id, r.leaderboard_name, r.languages, r.history, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.centre_id,
    r.dob,
    r.academic_age,
    r.special_needs,
    r.assigned_tutor_id,
    r.parent_id,
    r.leaderboard_name,
    r.languages,
    r.history,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- students.create
with r as (
  insert into lms.students as r (id, user_id, centre_id, dob, academic_age, special_needs, assigned_tutor_id, parent_id, leaderboard_name, languages)
  select
    ($1->>'id')::uuid,
    lms.check_reference('user_id', ($1->'input'->>'user_id')::uuid, exists (select from lms.users as t where t.id = ($1->'input'->>'user_id')::uuid and t.deleted_at is null)),
    lms.check_reference('centre_id', ($1->'input'->>'centre_id')::uuid, exists (select from lms.centres as t where t.id = ($1->'input'->>'centre_id')::uuid and t.deleted_at is null)),
    ($1->'input'->>'dob')::date,
    coalesce(nullif($1->'input'->'academic_age', 'null'::jsonb), '{}'::jsonb),
    coalesce(nullif($1->'input'->'special_needs', 'null'::jsonb), '[]'::jsonb),
    lms.check_reference('assigned_tutor_id', ($1->'input'->>'assigned_tutor_id')::uuid, exists (select from lms.tutors as t where t.id = ($1->'input'->>'assigned_tutor_id')::uuid and t.deleted_at is null)),
    lms.check_reference('parent_id', ($1->'input'->>'parent_id')::uuid, exists (select from lms.users as t where t.id = ($1->'input'->>'parent_id')::uuid and t.deleted_at is null)),
    ($1->'input'->>'leaderboard_name')::text,
    coalesce(nullif($1->'input'->'languages', 'null'::jsonb), '[]'::jsonb)
  returning r.id, r.user_id, r.centre_id, r.dob, r.academic_age, r.special_needs, r.assigned_tutor_id, r.parent_id, r.leaderboard_name, r.languages, r.history, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.centre_id,
    r.dob,
    r.academic_age,
    r.special_needs,
    r.assigned_tutor_id,
    r.parent_id,
    r.leaderboard_name,
    r.languages,
    r.history,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for parent, tutor, assessor, supervisor
-- students.update
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.students as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.students as r
  set
    centre_id = case when $1->'input' ? 'centre_id' then lms.check_reference('centre_id', ($1->'input'->>'centre_id')::uuid, exists (select from lms.centres as t where t.id = ($1->'input'->>'centre_id')::uuid and t.deleted_at is null)) else r.centre_id end,
    dob = case when $1->'input' ? 'dob' then ($1->'input'->>'dob')::date else r.dob end,
    academic_age = case when $1->'input' ? 'academic_age' then nullif(lms.merge_patch(r.academic_age, $1->'input'->'academic_age'), 'null'::jsonb) else r.academic_age end,
    special_needs = case when $1->'input' ? 'special_needs' then coalesce(nullif($1->'input'->'special_needs', 'null'::jsonb), '[]'::jsonb) else r.special_needs end,
    assigned_tutor_id = case when $1->'input' ? 'assigned_tutor_id' then lms.check_reference('assigned_tutor_id', ($1->'input'->>'assigned_tutor_id')::uuid, exists (select from lms.tutors as t where t.id = ($1->'input'->>'assigned_tutor_id')::uuid and t.deleted_at is null)) else r.assigned_tutor_id end,
    parent_id = case when $1->'input' ? 'parent_id' then lms.check_reference('parent_id', ($1->'input'->>'parent_id')::uuid, exists (select from lms.users as t where t.id = ($1->'input'->>'parent_id')::uuid and t.deleted_at is null)) else r.parent_id end,
    leaderboard_name = case when $1->'input' ? 'leaderboard_name' then ($1->'input'->>'leaderboard_name')::text else r.leaderboard_name end,
    languages = case when $1->'input' ? 'languages' then coalesce(nullif($1->'input'->'languages', 'null'::jsonb), '[]'::jsonb) else r.languages end
  from target
  where r.id = target.id
  returning r.id, r.user_id, r.centre_id, r.dob, r.academic_age, r.special_needs, r.assigned_tutor_id, r.parent_id, r.leaderboard_name, r.languages, r.history, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.centre_id,
    r.dob,
    r.academic_age,
    r.special_needs,
    r.assigned_tutor_id,
    r.parent_id,
    r.leaderboard_name,
    r.languages,
    r.history,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- students.update
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.students as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.students as r
  set
    centre_id = case when $1->'input' ? 'centre_id' then lms.check_reference('centre_id', ($1->'input'->>'centre_id')::uuid, exists (select from lms.centres as t where t.id = ($1->'input'->>'centre_id')::uuid and t.deleted_at is null)) else r.centre_id end,
    dob = case when $1->'input' ? 'dob' then ($1->'input'->>'dob')::date else r.dob end,
    academic_age = case when $1->'input' ? 'academic_age' then nullif(lms.merge_patch(r.academic_age, $1->'input'->'academic_age'), 'null'::jsonb) else r.academic_age end,
    special_needs = case when $1->'input' ? 'special_needs' then coalesce(nullif($1->'input'->'special_needs', 'null'::jsonb), '[]'::jsonb) else r.special_needs end,
    assigned_tutor_id = case when $1->'input' ? 'assigned_tutor_id' then lms.check_reference('assigned_tutor_id', ($1->'input'->>'assigned_tutor_id')::uuid, exists (select from lms.tutors as t where t.id = ($1->'input'->>'assigned_tutor_id')::uuid and t.deleted_at is null)) else r.assigned_tutor_id end,
    parent_id = case when $1->'input' ? 'parent_id' then lms.check_reference('parent_id', ($1->'input'->>'parent_id')::uuid, exists (select from lms.users as t where t.id = ($1->'input'->>'parent_id')::uuid and t.deleted_at is null)) else r.parent_id end,
    leaderboard_name = case when $1->'input' ? 'leaderboard_name' then ($1->'input'->>'leaderboard_name')::text else r.leaderboard_name end,
    languages = case when $1->'input' ? 'languages' then coalesce(nullif($1->'input'->'languages', 'null'::jsonb), '[]'::jsonb) else r.languages end
  from target
  where r.id = target.id
  returning r.id, r.user_id, r.centre_id, r.dob, r.academic_age, r.special_needs, r.assigned_tutor_id, r.parent_id, r.leaderboard_name, r.languages, r.history, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.centre_id,
    r.dob,
    r.academic_age,
    r.special_needs,
    r.assigned_tutor_id,
    r.parent_id,
    r.leaderboard_name,
    r.languages,
    r.history,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for supervisor
-- students.delete
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.students as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.students as r
  set deleted_at = now()
  from target
  where r.id = target.id
  returning r.id, r.user_id, r.centre_id, r.dob, r.academic_age, r.special_needs, r.assigned_tutor_id, r.parent_id, r.leaderboard_name, r.languages, r.history, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.centre_id,
    r.dob,
    r.academic_age,
    r.special_needs,
    r.assigned_tutor_id,
    r.parent_id,
    r.leaderboard_name,
    r.languages,
    r.history,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- students.delete
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.students as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.students as r
  set deleted_at = now()
  from target
  where r.id = target.id
  returning r.id, r.user_id, r.centre_id, r.dob, r.academic_age, r.special_needs, r.assigned_tutor_id, r.parent_id, r.leaderboard_name, r.languages, r.history, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.centre_id,
    r.dob,
    r.academic_age,
    r.special_needs,
    r.assigned_tutor_id,
    r.parent_id,
    r.leaderboard_name,
    r.languages,
    r.history,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for supervisor
-- students.restore
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.students as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is not null
  for update
), r as (
  update lms.students as r
  set deleted_at = null
  from target
  where r.id = target.id
  returning r.id, r.user_id, r.centre_id, r.dob, r.academic_age, r.special_needs, r.assigned_tutor_id, r.parent_id, r.leaderboard_name, r.languages, r.history, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.centre_id,
    r.dob,
    r.academic_age,
    r.special_needs,
    r.assigned_tutor_id,
    r.parent_id,
    r.leaderboard_name,
    r.languages,
    r.history,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- students.restore
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.students as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is not null
  for update
), r as (
  update lms.students as r
  set deleted_at = null
  from target
  where r.id = target.id
  returning r.id, r.user_id, r.centre_id, r.dob, r.academic_age, r.special_needs, r.assigned_tutor_id, r.parent_id, r.leaderboard_name, r.languages, r.history, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.centre_id,
    r.dob,
    r.academic_age,
    r.special_needs,
    r.assigned_tutor_id,
    r.parent_id,
    r.leaderboard_name,
    r.languages,
    r.history,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for supervisor, admin
-- students.import
with made as (
  insert into lms.students (id, user_id, centre_id, dob, academic_age, special_needs, assigned_tutor_id, parent_id, leaderboard_name, languages)
  select
    (one->>'id')::uuid,
    coalesce((one->'input'->>'user_id')::uuid, null),
    coalesce((one->'input'->>'centre_id')::uuid, null),
    coalesce((one->'input'->>'dob')::date, null),
    coalesce(nullif(one->'input'->'academic_age', 'null'::jsonb), '{}'::jsonb),
    coalesce(nullif(one->'input'->'special_needs', 'null'::jsonb), '[]'::jsonb),
    coalesce((one->'input'->>'assigned_tutor_id')::uuid, null),
    coalesce((one->'input'->>'parent_id')::uuid, null),
    coalesce((one->'input'->>'leaderboard_name')::text, null),
    coalesce(nullif(one->'input'->'languages', 'null'::jsonb), '[]'::jsonb)
  from jsonb_array_elements($1->'rows') as one
  where (select lms.check_import_rows($1->'rows', 'students', array['user_id:users', 'centre_id:centres', 'assigned_tutor_id:tutors', 'parent_id:users']::text[]))
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
-- students.export
select
  'id,user_id,centre_id,dob,academic_age,special_needs,assigned_tutor_id,parent_id,leaderboard_name,languages,history,created_at,updated_at,created_by,updated_by' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    coalesce(r.user_id::text, '') || ',' ||
    coalesce(r.centre_id::text, '') || ',' ||
    coalesce(r.dob::text, '') || ',' ||
    lms.csv_field(r.academic_age::text) || ',' ||
    lms.csv_field(r.special_needs::text) || ',' ||
    coalesce(r.assigned_tutor_id::text, '') || ',' ||
    coalesce(r.parent_id::text, '') || ',' ||
    lms.csv_field(r.leaderboard_name::text) || ',' ||
    lms.csv_field(r.languages::text) || ',' ||
    lms.csv_field(r.history::text) || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || E'\r\n' as line
  from lms.students as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;

-- for admin
-- students.export
select
  'id,user_id,centre_id,dob,academic_age,special_needs,assigned_tutor_id,parent_id,leaderboard_name,languages,history,created_at,updated_at,created_by,updated_by,deleted_at' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    coalesce(r.user_id::text, '') || ',' ||
    coalesce(r.centre_id::text, '') || ',' ||
    coalesce(r.dob::text, '') || ',' ||
    lms.csv_field(r.academic_age::text) || ',' ||
    lms.csv_field(r.special_needs::text) || ',' ||
    coalesce(r.assigned_tutor_id::text, '') || ',' ||
    coalesce(r.parent_id::text, '') || ',' ||
    lms.csv_field(r.leaderboard_name::text) || ',' ||
    lms.csv_field(r.languages::text) || ',' ||
    lms.csv_field(r.history::text) || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || ',' ||
    coalesce(lms.utc(r.deleted_at), '') || E'\r\n' as line
  from lms.students as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;


-- for student, parent, tutor, supervisor, support, finance
-- guardians.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.user_id,
      r.student_id,
      r.relationship,
      r.by_first_contact,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.guardians as r
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
-- guardians.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.user_id,
      r.student_id,
      r.relationship,
      r.by_first_contact,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by,
      lms.utc(r.deleted_at) as deleted_at
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.guardians as r
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
-- guardians.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.user_id,
      r.student_id,
      r.relationship,
      r.by_first_contact,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by,
      lms.utc(r.deleted_at) as deleted_at
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.guardians as r
  where true
    and r.created_at >= ($1->'filters'->>'created_at.gte')::timestamptz
    and r.id = any (array(select jsonb_array_elements_text($1->'filters'->'id.in'))::uuid[])
  order by r.created_at, r.id desc
  limit ($1->>'limit')::integer + 1
), counted as (
  select count(*) as total
  from lms.guardians as r
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

-- for student, parent, tutor, supervisor, support, finance
-- guardians.get
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.student_id,
    r.relationship,
    r.by_first_contact,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from lms.guardians as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- guardians.get
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.student_id,
    r.relationship,
    r.by_first_contact,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from lms.guardians as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- guardians.get_as_of
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.student_id,
    r.relationship,
    r.by_first_contact,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from jsonb_populate_record(
  null::lms.guardians,
  lms.state_at('guardians', ($1->>'id')::uuid, ($1->>'as_of')::timestamptz)
) as r
where r.id is not null
  and r.deleted_at is null;

-- for supervisor
-- guardians.create
with r as (
  insert into lms.guardians as r (id, user_id, student_id, relationship)
  select
    ($1->>'id')::uuid,
    lms.check_reference('user_id', ($1->'input'->>'user_id')::uuid, exists (select from lms.users as t where t.id = ($1->'input'->>'user_id')::uuid and t.deleted_at is null)),
    lms.check_reference('student_id', ($1->'input'->>'student_id')::uuid, exists (select from lms.students as t where t.id = ($1->'input'->>'student_id')::uuid and t.deleted_at is null)),
    ($1->'input'->>'relationship')::text
  returning r.id, r.user_id, r.student_id, r.relationship, r.by_first_contact, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.student_id,
    r.relationship,
    r.by_first_contact,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- guardians.create
with r as (
  insert into lms.guardians as r (id, user_id, student_id, relationship)
  select
    ($1->>'id')::uuid,
    lms.check_reference('user_id', ($1->'input'->>'user_id')::uuid, exists (select from lms.users as t where t.id = ($1->'input'->>'user_id')::uuid and t.deleted_at is null)),
    lms.check_reference('student_id', ($1->'input'->>'student_id')::uuid, exists (select from lms.students as t where t.id = ($1->'input'->>'student_id')::uuid and t.deleted_at is null)),
    ($1->'input'->>'relationship')::text
  returning r.id, r.user_id, r.student_id, r.relationship, r.by_first_contact, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.student_id,
    r.relationship,
    r.by_first_contact,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for supervisor
-- guardians.update
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.guardians as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.guardians as r
  set
    relationship = case when $1->'input' ? 'relationship' then ($1->'input'->>'relationship')::text else r.relationship end
  from target
  where r.id = target.id
  returning r.id, r.user_id, r.student_id, r.relationship, r.by_first_contact, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.student_id,
    r.relationship,
    r.by_first_contact,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- guardians.update
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.guardians as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.guardians as r
  set
    relationship = case when $1->'input' ? 'relationship' then ($1->'input'->>'relationship')::text else r.relationship end
  from target
  where r.id = target.id
  returning r.id, r.user_id, r.student_id, r.relationship, r.by_first_contact, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.student_id,
    r.relationship,
    r.by_first_contact,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for supervisor
-- guardians.delete
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.guardians as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.guardians as r
  set deleted_at = now()
  from target
  where r.id = target.id
  returning r.id, r.user_id, r.student_id, r.relationship, r.by_first_contact, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.student_id,
    r.relationship,
    r.by_first_contact,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- guardians.delete
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.guardians as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.guardians as r
  set deleted_at = now()
  from target
  where r.id = target.id
  returning r.id, r.user_id, r.student_id, r.relationship, r.by_first_contact, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.student_id,
    r.relationship,
    r.by_first_contact,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for supervisor
-- guardians.restore
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.guardians as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is not null
  for update
), r as (
  update lms.guardians as r
  set deleted_at = null
  from target
  where r.id = target.id
  returning r.id, r.user_id, r.student_id, r.relationship, r.by_first_contact, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.student_id,
    r.relationship,
    r.by_first_contact,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- guardians.restore
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.guardians as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is not null
  for update
), r as (
  update lms.guardians as r
  set deleted_at = null
  from target
  where r.id = target.id
  returning r.id, r.user_id, r.student_id, r.relationship, r.by_first_contact, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.student_id,
    r.relationship,
    r.by_first_contact,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for supervisor, admin
-- guardians.import
with made as (
  insert into lms.guardians (id, user_id, student_id, relationship)
  select
    (one->>'id')::uuid,
    coalesce((one->'input'->>'user_id')::uuid, null),
    coalesce((one->'input'->>'student_id')::uuid, null),
    coalesce((one->'input'->>'relationship')::text, null)
  from jsonb_array_elements($1->'rows') as one
  where (select lms.check_import_rows($1->'rows', 'guardians', array['user_id:users', 'student_id:students']::text[]))
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
-- guardians.export
select
  'id,user_id,student_id,relationship,by_first_contact,created_at,updated_at,created_by,updated_by' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    coalesce(r.user_id::text, '') || ',' ||
    coalesce(r.student_id::text, '') || ',' ||
    lms.csv_field(r.relationship::text) || ',' ||
    coalesce(r.by_first_contact::text, '') || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || E'\r\n' as line
  from lms.guardians as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;

-- for admin
-- guardians.export
select
  'id,user_id,student_id,relationship,by_first_contact,created_at,updated_at,created_by,updated_by,deleted_at' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    coalesce(r.user_id::text, '') || ',' ||
    coalesce(r.student_id::text, '') || ',' ||
    lms.csv_field(r.relationship::text) || ',' ||
    coalesce(r.by_first_contact::text, '') || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || ',' ||
    coalesce(lms.utc(r.deleted_at), '') || E'\r\n' as line
  from lms.guardians as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;


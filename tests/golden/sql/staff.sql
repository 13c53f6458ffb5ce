-- for tutor, assessor
-- staff.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.user_id,
      r.centre_id,
      r.title
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.staff as r
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
-- staff.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.user_id,
      r.centre_id,
      r.title,
      r.department,
      r.hired_on,
      r.status,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.staff as r
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
-- staff.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.user_id,
      r.centre_id,
      r.title,
      r.department,
      r.hired_on,
      r.status,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by,
      lms.utc(r.deleted_at) as deleted_at
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.staff as r
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
-- staff.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.user_id,
      r.centre_id,
      r.title,
      r.department,
      r.hired_on,
      r.status,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by,
      lms.utc(r.deleted_at) as deleted_at
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.staff as r
  where true
    and r.created_at >= ($1->'filters'->>'created_at.gte')::timestamptz
    and r.id = any (array(select jsonb_array_elements_text($1->'filters'->'id.in'))::uuid[])
  order by r.created_at, r.id desc
  limit ($1->>'limit')::integer + 1
), counted as (
  select count(*) as total
  from lms.staff as r
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

-- for tutor, assessor
-- staff.get
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.centre_id,
    r.title
  ) as visible))::text as body,
  r.version::text as tag
from lms.staff as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for supervisor, support, finance
-- staff.get
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.centre_id,
    r.title,
    r.department,
    r.hired_on,
    r.status,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from lms.staff as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- staff.get
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.centre_id,
    r.title,
    r.department,
    r.hired_on,
    r.status,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from lms.staff as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- staff.get_as_of
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.centre_id,
    r.title,
    r.department,
    r.hired_on,
    r.status,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from jsonb_populate_record(
  null::lms.staff,
  lms.state_at('staff', ($1->>'id')::uuid, ($1->>'as_of')::timestamptz)
) as r
where r.id is not null
  and r.deleted_at is null;

-- for supervisor
-- staff.create
with r as (
  insert into lms.staff as r (id, user_id, centre_id, title, department, hired_on, status)
  select
    ($1->>'id')::uuid,
    lms.check_reference('user_id', ($1->'input'->>'user_id')::uuid, exists (select from lms.users as t where t.id = ($1->'input'->>'user_id')::uuid and t.deleted_at is null)),
    lms.check_reference('centre_id', ($1->'input'->>'centre_id')::uuid, exists (select from lms.centres as t where t.id = ($1->'input'->>'centre_id')::uuid and t.deleted_at is null)),
    ($1->'input'->>'title')::text,
    ($1->'input'->>'department')::text,
    ($1->'input'->>'hired_on')::date,
    coalesce(($1->'input'->>'status')::text, 'active')
  returning r.id, r.user_id, r.centre_id, r.title, r.department, r.hired_on, r.status, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.centre_id,
    r.title,
    r.department,
    r.hired_on,
    r.status,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- staff.create
with r as (
  insert into lms.staff as r (id, user_id, centre_id, title, department, hired_on, status)
  select
    ($1->>'id')::uuid,
    lms.check_reference('user_id', ($1->'input'->>'user_id')::uuid, exists (select from lms.users as t where t.id = ($1->'input'->>'user_id')::uuid and t.deleted_at is null)),
    lms.check_reference('centre_id', ($1->'input'->>'centre_id')::uuid, exists (select from lms.centres as t where t.id = ($1->'input'->>'centre_id')::uuid and t.deleted_at is null)),
    ($1->'input'->>'title')::text,
    ($1->'input'->>'department')::text,
    ($1->'input'->>'hired_on')::date,
    coalesce(($1->'input'->>'status')::text, 'active')
  returning r.id, r.user_id, r.centre_id, r.title, r.department, r.hired_on, r.status, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.centre_id,
    r.title,
    r.department,
    r.hired_on,
    r.status,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for supervisor
-- staff.update
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.staff as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.staff as r
  set
    centre_id = case when $1->'input' ? 'centre_id' then lms.check_reference('centre_id', ($1->'input'->>'centre_id')::uuid, exists (select from lms.centres as t where t.id = ($1->'input'->>'centre_id')::uuid and t.deleted_at is null)) else r.centre_id end,
    title = case when $1->'input' ? 'title' then ($1->'input'->>'title')::text else r.title end,
    department = case when $1->'input' ? 'department' then ($1->'input'->>'department')::text else r.department end,
    hired_on = case when $1->'input' ? 'hired_on' then ($1->'input'->>'hired_on')::date else r.hired_on end,
    status = case when $1->'input' ? 'status' then coalesce(($1->'input'->>'status')::text, 'active') else r.status end
  from target
  where r.id = target.id
  returning r.id, r.user_id, r.centre_id, r.title, r.department, r.hired_on, r.status, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.centre_id,
    r.title,
    r.department,
    r.hired_on,
    r.status,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- staff.update
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.staff as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.staff as r
  set
    centre_id = case when $1->'input' ? 'centre_id' then lms.check_reference('centre_id', ($1->'input'->>'centre_id')::uuid, exists (select from lms.centres as t where t.id = ($1->'input'->>'centre_id')::uuid and t.deleted_at is null)) else r.centre_id end,
    title = case when $1->'input' ? 'title' then ($1->'input'->>'title')::text else r.title end,
    department = case when $1->'input' ? 'department' then ($1->'input'->>'department')::text else r.department end,
    hired_on = case when $1->'input' ? 'hired_on' then ($1->'input'->>'hired_on')::date else r.hired_on end,
    status = case when $1->'input' ? 'status' then coalesce(($1->'input'->>'status')::text, 'active') else r.status end
  from target
  where r.id = target.id
  returning r.id, r.user_id, r.centre_id, r.title, r.department, r.hired_on, r.status, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.centre_id,
    r.title,
    r.department,
    r.hired_on,
    r.status,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for supervisor
-- staff.delete
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.staff as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.staff as r
  set deleted_at = now()
  from target
  where r.id = target.id
  returning r.id, r.user_id, r.centre_id, r.title, r.department, r.hired_on, r.status, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.centre_id,
    r.title,
    r.department,
    r.hired_on,
    r.status,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- staff.delete
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.staff as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.staff as r
  set deleted_at = now()
  from target
  where r.id = target.id
  returning r.id, r.user_id, r.centre_id, r.title, r.department, r.hired_on, r.status, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.centre_id,
    r.title,
    r.department,
    r.hired_on,
    r.status,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for supervisor
-- staff.restore
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.staff as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is not null
  for update
), r as (
  update lms.staff as r
  set deleted_at = null
  from target
  where r.id = target.id
  returning r.id, r.user_id, r.centre_id, r.title, r.department, r.hired_on, r.status, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.centre_id,
    r.title,
    r.department,
    r.hired_on,
    r.status,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- staff.restore
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.staff as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is not null
  for update
), r as (
  update lms.staff as r
  set deleted_at = null
  from target
  where r.id = target.id
  returning r.id, r.user_id, r.centre_id, r.title, r.department, r.hired_on, r.status, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.user_id,
    r.centre_id,
    r.title,
    r.department,
    r.hired_on,
    r.status,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for supervisor, admin
-- staff.import
with made as (
  insert into lms.staff (id, user_id, centre_id, title, department, hired_on, status)
  select
    (one->>'id')::uuid,
    coalesce((one->'input'->>'user_id')::uuid, null),
    coalesce((one->'input'->>'centre_id')::uuid, null),
    coalesce((one->'input'->>'title')::text, null),
    coalesce((one->'input'->>'department')::text, null),
    coalesce((one->'input'->>'hired_on')::date, null),
    coalesce((one->'input'->>'status')::text, 'active')
  from jsonb_array_elements($1->'rows') as one
  where (select lms.check_import_rows($1->'rows', 'staff', array['user_id:users', 'centre_id:centres']::text[]))
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
-- staff.export
select
  'id,user_id,centre_id,title,department,hired_on,status,created_at,updated_at,created_by,updated_by' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    coalesce(r.user_id::text, '') || ',' ||
    coalesce(r.centre_id::text, '') || ',' ||
    lms.csv_field(r.title::text) || ',' ||
    lms.csv_field(r.department::text) || ',' ||
    coalesce(r.hired_on::text, '') || ',' ||
    lms.csv_field(r.status::text) || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || E'\r\n' as line
  from lms.staff as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;

-- for admin
-- staff.export
select
  'id,user_id,centre_id,title,department,hired_on,status,created_at,updated_at,created_by,updated_by,deleted_at' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    coalesce(r.user_id::text, '') || ',' ||
    coalesce(r.centre_id::text, '') || ',' ||
    lms.csv_field(r.title::text) || ',' ||
    lms.csv_field(r.department::text) || ',' ||
    coalesce(r.hired_on::text, '') || ',' ||
    lms.csv_field(r.status::text) || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || ',' ||
    coalesce(lms.utc(r.deleted_at), '') || E'\r\n' as line
  from lms.staff as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;


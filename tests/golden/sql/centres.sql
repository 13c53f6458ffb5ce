-- for student, parent
-- centres.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.name,
      r.time_zone
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.centres as r
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
-- centres.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.name,
      r.code,
      r.time_zone,
      r.currency,
      r.address,
      r.phone,
      r.email,
      r.status,
      r.working_hours,
      r.holidays,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.centres as r
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
-- centres.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.name,
      r.code,
      r.time_zone,
      r.currency,
      r.address,
      r.phone,
      r.email,
      r.status,
      r.working_hours,
      r.holidays,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by,
      lms.utc(r.deleted_at) as deleted_at
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.centres as r
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
-- centres.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.name,
      r.code,
      r.time_zone,
      r.currency,
      r.address,
      r.phone,
      r.email,
      r.status,
      r.working_hours,
      r.holidays,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by,
      lms.utc(r.deleted_at) as deleted_at
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.centres as r
  where true
    and r.created_at >= ($1->'filters'->>'created_at.gte')::timestamptz
    and r.id = any (array(select jsonb_array_elements_text($1->'filters'->'id.in'))::uuid[])
  order by r.created_at, r.id desc
  limit ($1->>'limit')::integer + 1
), counted as (
  select count(*) as total
  from lms.centres as r
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
-- centres.get
select
  row_to_json((select visible from (select
    r.id,
    r.name,
    r.time_zone
  ) as visible))::text as body,
  r.version::text as tag
from lms.centres as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for tutor, assessor, supervisor, support, finance
-- centres.get
select
  row_to_json((select visible from (select
    r.id,
    r.name,
    r.code,
    r.time_zone,
    r.currency,
    r.address,
    r.phone,
    r.email,
    r.status,
    r.working_hours,
    r.holidays,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from lms.centres as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- centres.get
select
  row_to_json((select visible from (select
    r.id,
    r.name,
    r.code,
    r.time_zone,
    r.currency,
    r.address,
    r.phone,
    r.email,
    r.status,
    r.working_hours,
    r.holidays,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from lms.centres as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- centres.get_as_of
select
  row_to_json((select visible from (select
    r.id,
    r.name,
    r.code,
    r.time_zone,
    r.currency,
    r.address,
    r.phone,
    r.email,
    r.status,
    r.working_hours,
    r.holidays,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from jsonb_populate_record(
  null::lms.centres,
  lms.state_at('centres', ($1->>'id')::uuid, ($1->>'as_of')::timestamptz)
) as r
where r.id is not null
  and r.deleted_at is null;

-- for admin
-- centres.create
with r as (
  insert into lms.centres as r (id, name, code, time_zone, currency, address, phone, email, status, working_hours, holidays)
  select
    ($1->>'id')::uuid,
    ($1->'input'->>'name')::text,
    ($1->'input'->>'code')::text,
    ($1->'input'->>'time_zone')::text,
    ($1->'input'->>'currency')::text,
    coalesce(nullif($1->'input'->'address', 'null'::jsonb), '{}'::jsonb),
    ($1->'input'->>'phone')::text,
    ($1->'input'->>'email')::text,
    coalesce(($1->'input'->>'status')::text, 'active'),
    coalesce(nullif($1->'input'->'working_hours', 'null'::jsonb), lms.default_working_hours()),
    coalesce(nullif($1->'input'->'holidays', 'null'::jsonb), '[]'::jsonb)
  returning r.id, r.name, r.code, r.time_zone, r.currency, r.address, r.phone, r.email, r.status, r.working_hours, r.holidays, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.name,
    r.code,
    r.time_zone,
    r.currency,
    r.address,
    r.phone,
    r.email,
    r.status,
    r.working_hours,
    r.holidays,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- centres.update
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.centres as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.centres as r
  set
    name = case when $1->'input' ? 'name' then ($1->'input'->>'name')::text else r.name end,
    code = case when $1->'input' ? 'code' then ($1->'input'->>'code')::text else r.code end,
    time_zone = case when $1->'input' ? 'time_zone' then ($1->'input'->>'time_zone')::text else r.time_zone end,
    currency = case when $1->'input' ? 'currency' then ($1->'input'->>'currency')::text else r.currency end,
    address = case when $1->'input' ? 'address' then nullif(lms.merge_patch(r.address, $1->'input'->'address'), 'null'::jsonb) else r.address end,
    phone = case when $1->'input' ? 'phone' then ($1->'input'->>'phone')::text else r.phone end,
    email = case when $1->'input' ? 'email' then ($1->'input'->>'email')::text else r.email end,
    status = case when $1->'input' ? 'status' then coalesce(($1->'input'->>'status')::text, 'active') else r.status end,
    working_hours = case when $1->'input' ? 'working_hours' then coalesce(nullif($1->'input'->'working_hours', 'null'::jsonb), lms.default_working_hours()) else r.working_hours end,
    holidays = case when $1->'input' ? 'holidays' then coalesce(nullif($1->'input'->'holidays', 'null'::jsonb), '[]'::jsonb) else r.holidays end
  from target
  where r.id = target.id
  returning r.id, r.name, r.code, r.time_zone, r.currency, r.address, r.phone, r.email, r.status, r.working_hours, r.holidays, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.name,
    r.code,
    r.time_zone,
    r.currency,
    r.address,
    r.phone,
    r.email,
    r.status,
    r.working_hours,
    r.holidays,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- centres.delete
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.centres as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.centres as r
  set deleted_at = now()
  from target
  where r.id = target.id
  returning r.id, r.name, r.code, r.time_zone, r.currency, r.address, r.phone, r.email, r.status, r.working_hours, r.holidays, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.name,
    r.code,
    r.time_zone,
    r.currency,
    r.address,
    r.phone,
    r.email,
    r.status,
    r.working_hours,
    r.holidays,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- centres.restore
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.centres as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is not null
  for update
), r as (
  update lms.centres as r
  set deleted_at = null
  from target
  where r.id = target.id
  returning r.id, r.name, r.code, r.time_zone, r.currency, r.address, r.phone, r.email, r.status, r.working_hours, r.holidays, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.name,
    r.code,
    r.time_zone,
    r.currency,
    r.address,
    r.phone,
    r.email,
    r.status,
    r.working_hours,
    r.holidays,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- centres.import
with made as (
  insert into lms.centres (id, name, code, time_zone, currency, address, phone, email, status, working_hours, holidays)
  select
    (one->>'id')::uuid,
    coalesce((one->'input'->>'name')::text, null),
    coalesce((one->'input'->>'code')::text, null),
    coalesce((one->'input'->>'time_zone')::text, null),
    coalesce((one->'input'->>'currency')::text, null),
    coalesce(nullif(one->'input'->'address', 'null'::jsonb), '{}'::jsonb),
    coalesce((one->'input'->>'phone')::text, null),
    coalesce((one->'input'->>'email')::text, null),
    coalesce((one->'input'->>'status')::text, 'active'),
    coalesce(nullif(one->'input'->'working_hours', 'null'::jsonb), lms.default_working_hours()),
    coalesce(nullif(one->'input'->'holidays', 'null'::jsonb), '[]'::jsonb)
  from jsonb_array_elements($1->'rows') as one
  where (select lms.check_import_rows($1->'rows', 'centres', array[]::text[]))
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

-- for supervisor, support, finance
-- centres.export
select
  'id,name,code,time_zone,currency,address,phone,email,status,working_hours,holidays,created_at,updated_at,created_by,updated_by' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    lms.csv_field(r.name::text) || ',' ||
    lms.csv_field(r.code::text) || ',' ||
    lms.csv_field(r.time_zone::text) || ',' ||
    lms.csv_field(r.currency::text) || ',' ||
    lms.csv_field(r.address::text) || ',' ||
    lms.csv_field(r.phone::text) || ',' ||
    lms.csv_field(r.email::text) || ',' ||
    lms.csv_field(r.status::text) || ',' ||
    lms.csv_field(r.working_hours::text) || ',' ||
    lms.csv_field(r.holidays::text) || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || E'\r\n' as line
  from lms.centres as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;

-- for admin
-- centres.export
select
  'id,name,code,time_zone,currency,address,phone,email,status,working_hours,holidays,created_at,updated_at,created_by,updated_by,deleted_at' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    lms.csv_field(r.name::text) || ',' ||
    lms.csv_field(r.code::text) || ',' ||
    lms.csv_field(r.time_zone::text) || ',' ||
    lms.csv_field(r.currency::text) || ',' ||
    lms.csv_field(r.address::text) || ',' ||
    lms.csv_field(r.phone::text) || ',' ||
    lms.csv_field(r.email::text) || ',' ||
    lms.csv_field(r.status::text) || ',' ||
    lms.csv_field(r.working_hours::text) || ',' ||
    lms.csv_field(r.holidays::text) || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || ',' ||
    coalesce(lms.utc(r.deleted_at), '') || E'\r\n' as line
  from lms.centres as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;


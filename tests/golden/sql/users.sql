-- for student, assessor, supervisor, finance
-- users.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.name,
      r.email,
      r.phone,
      r.role,
      r.centre_id,
      r.language_preferences,
      r.accessibility_settings,
      r.status,
      r.pending_email,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.users as r
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

-- for parent
-- users.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.name,
      r.email,
      r.phone,
      r.role,
      r.centre_id,
      r.language_preferences,
      r.accessibility_settings,
      r.status,
      r.pending_email,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.users as r
  where r.deleted_at is null
    and (r.id = any ((select lms.caller_student_users() || current_setting('app.user_id')::uuid)::uuid[]))
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
-- users.list
with page as (
  select
    (jsonb_build_object(
      'id', r.id,
      'name', r.name,
      'role', r.role
    ) || case when r.id = (select current_setting('app.user_id'))::uuid then jsonb_build_object(
      'email', r.email,
      'phone', r.phone,
      'centre_id', r.centre_id,
      'language_preferences', r.language_preferences,
      'accessibility_settings', r.accessibility_settings,
      'status', r.status,
      'pending_email', r.pending_email,
      'created_at', lms.utc(r.created_at),
      'updated_at', lms.utc(r.updated_at),
      'created_by', r.created_by,
      'updated_by', r.updated_by
    ) else '{}'::jsonb end)::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.users as r
  where r.deleted_at is null
    and (r.id = any ((select lms.caller_student_users() || current_setting('app.user_id')::uuid)::uuid[]))
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

-- for support
-- users.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.name,
      r.email,
      r.phone,
      r.role,
      r.centre_id,
      r.status,
      lms.utc(r.created_at) as created_at
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.users as r
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
-- users.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.name,
      r.email,
      r.phone,
      r.role,
      r.centre_id,
      r.language_preferences,
      r.accessibility_settings,
      r.status,
      r.pending_email,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by,
      lms.utc(r.deleted_at) as deleted_at
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.users as r
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
-- users.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.name,
      r.email,
      r.phone,
      r.role,
      r.centre_id,
      r.language_preferences,
      r.accessibility_settings,
      r.status,
      r.pending_email,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by,
      lms.utc(r.deleted_at) as deleted_at
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.users as r
  where true
    and r.created_at >= ($1->'filters'->>'created_at.gte')::timestamptz
    and r.id = any (array(select jsonb_array_elements_text($1->'filters'->'id.in'))::uuid[])
  order by r.created_at, r.id desc
  limit ($1->>'limit')::integer + 1
), counted as (
  select count(*) as total
  from lms.users as r
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

-- for student, parent, assessor, supervisor, finance
-- users.get
select
  row_to_json((select visible from (select
    r.id,
    r.name,
    r.email,
    r.phone,
    r.role,
    r.centre_id,
    r.language_preferences,
    r.accessibility_settings,
    r.status,
    r.pending_email,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from lms.users as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for tutor
-- users.get
select
  (jsonb_build_object(
    'id', r.id,
    'name', r.name,
    'role', r.role
  ) || case when r.id = (select current_setting('app.user_id'))::uuid then jsonb_build_object(
    'email', r.email,
    'phone', r.phone,
    'centre_id', r.centre_id,
    'language_preferences', r.language_preferences,
    'accessibility_settings', r.accessibility_settings,
    'status', r.status,
    'pending_email', r.pending_email,
    'created_at', lms.utc(r.created_at),
    'updated_at', lms.utc(r.updated_at),
    'created_by', r.created_by,
    'updated_by', r.updated_by
  ) else '{}'::jsonb end)::text as body,
  r.version::text as tag
from lms.users as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for support
-- users.get
select
  row_to_json((select visible from (select
    r.id,
    r.name,
    r.email,
    r.phone,
    r.role,
    r.centre_id,
    r.status,
    lms.utc(r.created_at) as created_at
  ) as visible))::text as body,
  r.version::text as tag
from lms.users as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- users.get
select
  row_to_json((select visible from (select
    r.id,
    r.name,
    r.email,
    r.phone,
    r.role,
    r.centre_id,
    r.language_preferences,
    r.accessibility_settings,
    r.status,
    r.pending_email,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from lms.users as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- users.get_as_of
select
  row_to_json((select visible from (select
    r.id,
    r.name,
    r.email,
    r.phone,
    r.role,
    r.centre_id,
    r.language_preferences,
    r.accessibility_settings,
    r.status,
    r.pending_email,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from jsonb_populate_record(
  null::lms.users,
  lms.state_at('users', ($1->>'id')::uuid, ($1->>'as_of')::timestamptz)
) as r
where r.id is not null
  and r.deleted_at is null;

-- for student, supervisor
-- users.update
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.users as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.users as r
  set
    name = case when $1->'input' ? 'name' then ($1->'input'->>'name')::text else r.name end,
    email = case when $1->'input' ? 'email' then ($1->'input'->>'email')::text else r.email end,
    phone = case when $1->'input' ? 'phone' then ($1->'input'->>'phone')::text else r.phone end,
    role = case when $1->'input' ? 'role' then ($1->'input'->>'role')::text else r.role end,
    centre_id = case when $1->'input' ? 'centre_id' then lms.check_reference('centre_id', ($1->'input'->>'centre_id')::uuid, exists (select from lms.centres as t where t.id = ($1->'input'->>'centre_id')::uuid and t.deleted_at is null)) else r.centre_id end,
    language_preferences = case when $1->'input' ? 'language_preferences' then coalesce(nullif($1->'input'->'language_preferences', 'null'::jsonb), '[]'::jsonb) else r.language_preferences end,
    accessibility_settings = case when $1->'input' ? 'accessibility_settings' then nullif(lms.merge_patch(r.accessibility_settings, $1->'input'->'accessibility_settings'), 'null'::jsonb) else r.accessibility_settings end,
    pending_email = case when $1->'input' ? 'pending_email' then ($1->'input'->>'pending_email')::text else r.pending_email end
  from target
  where r.id = target.id
  returning r.id, r.name, r.email, r.phone, r.role, r.centre_id, r.language_preferences, r.accessibility_settings, r.status, r.pending_email, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.name,
    r.email,
    r.phone,
    r.role,
    r.centre_id,
    r.language_preferences,
    r.accessibility_settings,
    r.status,
    r.pending_email,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for tutor
-- users.update
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.users as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.users as r
  set
    name = case when $1->'input' ? 'name' then ($1->'input'->>'name')::text else r.name end,
    email = case when $1->'input' ? 'email' then ($1->'input'->>'email')::text else r.email end,
    phone = case when $1->'input' ? 'phone' then ($1->'input'->>'phone')::text else r.phone end,
    role = case when $1->'input' ? 'role' then ($1->'input'->>'role')::text else r.role end,
    centre_id = case when $1->'input' ? 'centre_id' then lms.check_reference('centre_id', ($1->'input'->>'centre_id')::uuid, exists (select from lms.centres as t where t.id = ($1->'input'->>'centre_id')::uuid and t.deleted_at is null)) else r.centre_id end,
    language_preferences = case when $1->'input' ? 'language_preferences' then coalesce(nullif($1->'input'->'language_preferences', 'null'::jsonb), '[]'::jsonb) else r.language_preferences end,
    accessibility_settings = case when $1->'input' ? 'accessibility_settings' then nullif(lms.merge_patch(r.accessibility_settings, $1->'input'->'accessibility_settings'), 'null'::jsonb) else r.accessibility_settings end,
    pending_email = case when $1->'input' ? 'pending_email' then ($1->'input'->>'pending_email')::text else r.pending_email end
  from target
  where r.id = target.id
  returning r.id, r.name, r.email, r.phone, r.role, r.centre_id, r.language_preferences, r.accessibility_settings, r.status, r.pending_email, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  (jsonb_build_object(
    'id', r.id,
    'name', r.name,
    'role', r.role
  ) || case when r.id = (select current_setting('app.user_id'))::uuid then jsonb_build_object(
    'email', r.email,
    'phone', r.phone,
    'centre_id', r.centre_id,
    'language_preferences', r.language_preferences,
    'accessibility_settings', r.accessibility_settings,
    'status', r.status,
    'pending_email', r.pending_email,
    'created_at', lms.utc(r.created_at),
    'updated_at', lms.utc(r.updated_at),
    'created_by', r.created_by,
    'updated_by', r.updated_by
  ) else '{}'::jsonb end)::text as body,
  r.version::text as tag
from r;

-- for admin
-- users.update
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.users as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.users as r
  set
    name = case when $1->'input' ? 'name' then ($1->'input'->>'name')::text else r.name end,
    email = case when $1->'input' ? 'email' then ($1->'input'->>'email')::text else r.email end,
    phone = case when $1->'input' ? 'phone' then ($1->'input'->>'phone')::text else r.phone end,
    role = case when $1->'input' ? 'role' then ($1->'input'->>'role')::text else r.role end,
    centre_id = case when $1->'input' ? 'centre_id' then lms.check_reference('centre_id', ($1->'input'->>'centre_id')::uuid, exists (select from lms.centres as t where t.id = ($1->'input'->>'centre_id')::uuid and t.deleted_at is null)) else r.centre_id end,
    language_preferences = case when $1->'input' ? 'language_preferences' then coalesce(nullif($1->'input'->'language_preferences', 'null'::jsonb), '[]'::jsonb) else r.language_preferences end,
    accessibility_settings = case when $1->'input' ? 'accessibility_settings' then nullif(lms.merge_patch(r.accessibility_settings, $1->'input'->'accessibility_settings'), 'null'::jsonb) else r.accessibility_settings end,
    pending_email = case when $1->'input' ? 'pending_email' then ($1->'input'->>'pending_email')::text else r.pending_email end
  from target
  where r.id = target.id
  returning r.id, r.name, r.email, r.phone, r.role, r.centre_id, r.language_preferences, r.accessibility_settings, r.status, r.pending_email, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.name,
    r.email,
    r.phone,
    r.role,
    r.centre_id,
    r.language_preferences,
    r.accessibility_settings,
    r.status,
    r.pending_email,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for supervisor
-- users.delete
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.users as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.users as r
  set deleted_at = now()
  from target
  where r.id = target.id
  returning r.id, r.name, r.email, r.phone, r.role, r.centre_id, r.language_preferences, r.accessibility_settings, r.status, r.pending_email, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.name,
    r.email,
    r.phone,
    r.role,
    r.centre_id,
    r.language_preferences,
    r.accessibility_settings,
    r.status,
    r.pending_email,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- users.delete
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.users as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.users as r
  set deleted_at = now()
  from target
  where r.id = target.id
  returning r.id, r.name, r.email, r.phone, r.role, r.centre_id, r.language_preferences, r.accessibility_settings, r.status, r.pending_email, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.name,
    r.email,
    r.phone,
    r.role,
    r.centre_id,
    r.language_preferences,
    r.accessibility_settings,
    r.status,
    r.pending_email,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for supervisor
-- users.restore
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.users as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is not null
  for update
), r as (
  update lms.users as r
  set deleted_at = null
  from target
  where r.id = target.id
  returning r.id, r.name, r.email, r.phone, r.role, r.centre_id, r.language_preferences, r.accessibility_settings, r.status, r.pending_email, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.name,
    r.email,
    r.phone,
    r.role,
    r.centre_id,
    r.language_preferences,
    r.accessibility_settings,
    r.status,
    r.pending_email,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- users.restore
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.users as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is not null
  for update
), r as (
  update lms.users as r
  set deleted_at = null
  from target
  where r.id = target.id
  returning r.id, r.name, r.email, r.phone, r.role, r.centre_id, r.language_preferences, r.accessibility_settings, r.status, r.pending_email, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.name,
    r.email,
    r.phone,
    r.role,
    r.centre_id,
    r.language_preferences,
    r.accessibility_settings,
    r.status,
    r.pending_email,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- users.import
with made as (
  insert into lms.users (id, name, email, phone, role, centre_id, language_preferences, accessibility_settings, pending_email)
  select
    (one->>'id')::uuid,
    coalesce((one->'input'->>'name')::text, null),
    coalesce((one->'input'->>'email')::text, null),
    coalesce((one->'input'->>'phone')::text, null),
    coalesce((one->'input'->>'role')::text, null),
    coalesce((one->'input'->>'centre_id')::uuid, null),
    coalesce(nullif(one->'input'->'language_preferences', 'null'::jsonb), '[]'::jsonb),
    coalesce(nullif(one->'input'->'accessibility_settings', 'null'::jsonb), '{}'::jsonb),
    coalesce((one->'input'->>'pending_email')::text, null)
  from jsonb_array_elements($1->'rows') as one
  where (select lms.check_import_rows($1->'rows', 'users', array['centre_id:centres']::text[]))
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
-- users.export
select
  'id,name,email,phone,role,centre_id,language_preferences,accessibility_settings,status,pending_email,created_at,updated_at,created_by,updated_by' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    lms.csv_field(r.name::text) || ',' ||
    lms.csv_field(r.email::text) || ',' ||
    lms.csv_field(r.phone::text) || ',' ||
    lms.csv_field(r.role::text) || ',' ||
    coalesce(r.centre_id::text, '') || ',' ||
    lms.csv_field(r.language_preferences::text) || ',' ||
    lms.csv_field(r.accessibility_settings::text) || ',' ||
    lms.csv_field(r.status::text) || ',' ||
    lms.csv_field(r.pending_email::text) || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || E'\r\n' as line
  from lms.users as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;

-- for admin
-- users.export
select
  'id,name,email,phone,role,centre_id,language_preferences,accessibility_settings,status,pending_email,created_at,updated_at,created_by,updated_by,deleted_at' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    lms.csv_field(r.name::text) || ',' ||
    lms.csv_field(r.email::text) || ',' ||
    lms.csv_field(r.phone::text) || ',' ||
    lms.csv_field(r.role::text) || ',' ||
    coalesce(r.centre_id::text, '') || ',' ||
    lms.csv_field(r.language_preferences::text) || ',' ||
    lms.csv_field(r.accessibility_settings::text) || ',' ||
    lms.csv_field(r.status::text) || ',' ||
    lms.csv_field(r.pending_email::text) || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || ',' ||
    coalesce(lms.utc(r.deleted_at), '') || E'\r\n' as line
  from lms.users as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;


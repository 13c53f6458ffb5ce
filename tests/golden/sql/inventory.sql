-- for tutor, support, finance
-- inventory.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.centre_id,
      r.item_name,
      r.category,
      r.quantity,
      r.lent,
      r.available,
      r.low_stock_at,
      r.condition,
      r.metadata,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.inventory as r
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

-- for supervisor
-- inventory.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.centre_id,
      r.item_name,
      r.category,
      r.quantity,
      r.lent,
      r.available,
      r.low_stock_at,
      r.condition,
      r.metadata,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.inventory as r
  where r.deleted_at is null
    and (r.centre_id = (select current_setting('app.centre_id')::uuid))
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
-- inventory.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.centre_id,
      r.item_name,
      r.category,
      r.quantity,
      r.lent,
      r.available,
      r.low_stock_at,
      r.condition,
      r.metadata,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by,
      lms.utc(r.deleted_at) as deleted_at
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.inventory as r
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
-- inventory.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.centre_id,
      r.item_name,
      r.category,
      r.quantity,
      r.lent,
      r.available,
      r.low_stock_at,
      r.condition,
      r.metadata,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by,
      lms.utc(r.deleted_at) as deleted_at
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.inventory as r
  where true
    and r.created_at >= ($1->'filters'->>'created_at.gte')::timestamptz
    and r.id = any (array(select jsonb_array_elements_text($1->'filters'->'id.in'))::uuid[])
  order by r.created_at, r.id desc
  limit ($1->>'limit')::integer + 1
), counted as (
  select count(*) as total
  from lms.inventory as r
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

-- for tutor, supervisor, support, finance
-- inventory.get
select
  row_to_json((select visible from (select
    r.id,
    r.centre_id,
    r.item_name,
    r.category,
    r.quantity,
    r.lent,
    r.available,
    r.low_stock_at,
    r.condition,
    r.metadata,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from lms.inventory as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- inventory.get
select
  row_to_json((select visible from (select
    r.id,
    r.centre_id,
    r.item_name,
    r.category,
    r.quantity,
    r.lent,
    r.available,
    r.low_stock_at,
    r.condition,
    r.metadata,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from lms.inventory as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- inventory.get_as_of
select
  row_to_json((select visible from (select
    r.id,
    r.centre_id,
    r.item_name,
    r.category,
    r.quantity,
    r.lent,
    r.available,
    r.low_stock_at,
    r.condition,
    r.metadata,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from jsonb_populate_record(
  null::lms.inventory,
  lms.state_at('inventory', ($1->>'id')::uuid, ($1->>'as_of')::timestamptz)
) as r
where r.id is not null
  and r.deleted_at is null;

-- for supervisor, support
-- inventory.create
with r as (
  insert into lms.inventory as r (id, centre_id, item_name, category, quantity, low_stock_at, condition, metadata)
  select
    ($1->>'id')::uuid,
    lms.check_reference('centre_id', ($1->'input'->>'centre_id')::uuid, exists (select from lms.centres as t where t.id = ($1->'input'->>'centre_id')::uuid and t.deleted_at is null)),
    ($1->'input'->>'item_name')::text,
    ($1->'input'->>'category')::text,
    coalesce(($1->'input'->>'quantity')::bigint, 0),
    ($1->'input'->>'low_stock_at')::bigint,
    coalesce(($1->'input'->>'condition')::text, 'good'),
    coalesce(nullif($1->'input'->'metadata', 'null'::jsonb), '{}'::jsonb)
  returning r.id, r.centre_id, r.item_name, r.category, r.quantity, r.lent, r.available, r.low_stock_at, r.condition, r.metadata, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.centre_id,
    r.item_name,
    r.category,
    r.quantity,
    r.lent,
    r.available,
    r.low_stock_at,
    r.condition,
    r.metadata,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- inventory.create
with r as (
  insert into lms.inventory as r (id, centre_id, item_name, category, quantity, low_stock_at, condition, metadata)
  select
    ($1->>'id')::uuid,
    lms.check_reference('centre_id', ($1->'input'->>'centre_id')::uuid, exists (select from lms.centres as t where t.id = ($1->'input'->>'centre_id')::uuid and t.deleted_at is null)),
    ($1->'input'->>'item_name')::text,
    ($1->'input'->>'category')::text,
    coalesce(($1->'input'->>'quantity')::bigint, 0),
    ($1->'input'->>'low_stock_at')::bigint,
    coalesce(($1->'input'->>'condition')::text, 'good'),
    coalesce(nullif($1->'input'->'metadata', 'null'::jsonb), '{}'::jsonb)
  returning r.id, r.centre_id, r.item_name, r.category, r.quantity, r.lent, r.available, r.low_stock_at, r.condition, r.metadata, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.centre_id,
    r.item_name,
    r.category,
    r.quantity,
    r.lent,
    r.available,
    r.low_stock_at,
    r.condition,
    r.metadata,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for supervisor, support
-- inventory.update
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.inventory as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.inventory as r
  set
    item_name = case when $1->'input' ? 'item_name' then ($1->'input'->>'item_name')::text else r.item_name end,
    category = case when $1->'input' ? 'category' then ($1->'input'->>'category')::text else r.category end,
    low_stock_at = case when $1->'input' ? 'low_stock_at' then ($1->'input'->>'low_stock_at')::bigint else r.low_stock_at end,
    condition = case when $1->'input' ? 'condition' then coalesce(($1->'input'->>'condition')::text, 'good') else r.condition end,
    metadata = case when $1->'input' ? 'metadata' then nullif(lms.merge_patch(r.metadata, $1->'input'->'metadata'), 'null'::jsonb) else r.metadata end
  from target
  where r.id = target.id
  returning r.id, r.centre_id, r.item_name, r.category, r.quantity, r.lent, r.available, r.low_stock_at, r.condition, r.metadata, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.centre_id,
    r.item_name,
    r.category,
    r.quantity,
    r.lent,
    r.available,
    r.low_stock_at,
    r.condition,
    r.metadata,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- inventory.update
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.inventory as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.inventory as r
  set
    item_name = case when $1->'input' ? 'item_name' then ($1->'input'->>'item_name')::text else r.item_name end,
    category = case when $1->'input' ? 'category' then ($1->'input'->>'category')::text else r.category end,
    low_stock_at = case when $1->'input' ? 'low_stock_at' then ($1->'input'->>'low_stock_at')::bigint else r.low_stock_at end,
    condition = case when $1->'input' ? 'condition' then coalesce(($1->'input'->>'condition')::text, 'good') else r.condition end,
    metadata = case when $1->'input' ? 'metadata' then nullif(lms.merge_patch(r.metadata, $1->'input'->'metadata'), 'null'::jsonb) else r.metadata end
  from target
  where r.id = target.id
  returning r.id, r.centre_id, r.item_name, r.category, r.quantity, r.lent, r.available, r.low_stock_at, r.condition, r.metadata, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.centre_id,
    r.item_name,
    r.category,
    r.quantity,
    r.lent,
    r.available,
    r.low_stock_at,
    r.condition,
    r.metadata,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for supervisor, support
-- inventory.delete
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.inventory as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.inventory as r
  set deleted_at = now()
  from target
  where r.id = target.id
  returning r.id, r.centre_id, r.item_name, r.category, r.quantity, r.lent, r.available, r.low_stock_at, r.condition, r.metadata, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.centre_id,
    r.item_name,
    r.category,
    r.quantity,
    r.lent,
    r.available,
    r.low_stock_at,
    r.condition,
    r.metadata,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- inventory.delete
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.inventory as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.inventory as r
  set deleted_at = now()
  from target
  where r.id = target.id
  returning r.id, r.centre_id, r.item_name, r.category, r.quantity, r.lent, r.available, r.low_stock_at, r.condition, r.metadata, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.centre_id,
    r.item_name,
    r.category,
    r.quantity,
    r.lent,
    r.available,
    r.low_stock_at,
    r.condition,
    r.metadata,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for supervisor, support
-- inventory.restore
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.inventory as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is not null
  for update
), r as (
  update lms.inventory as r
  set deleted_at = null
  from target
  where r.id = target.id
  returning r.id, r.centre_id, r.item_name, r.category, r.quantity, r.lent, r.available, r.low_stock_at, r.condition, r.metadata, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.centre_id,
    r.item_name,
    r.category,
    r.quantity,
    r.lent,
    r.available,
    r.low_stock_at,
    r.condition,
    r.metadata,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- inventory.restore
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.inventory as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is not null
  for update
), r as (
  update lms.inventory as r
  set deleted_at = null
  from target
  where r.id = target.id
  returning r.id, r.centre_id, r.item_name, r.category, r.quantity, r.lent, r.available, r.low_stock_at, r.condition, r.metadata, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.centre_id,
    r.item_name,
    r.category,
    r.quantity,
    r.lent,
    r.available,
    r.low_stock_at,
    r.condition,
    r.metadata,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for supervisor, support, admin
-- inventory.import
with made as (
  insert into lms.inventory (id, centre_id, item_name, category, quantity, low_stock_at, condition, metadata)
  select
    (one->>'id')::uuid,
    coalesce((one->'input'->>'centre_id')::uuid, null),
    coalesce((one->'input'->>'item_name')::text, null),
    coalesce((one->'input'->>'category')::text, null),
    coalesce((one->'input'->>'quantity')::bigint, 0),
    coalesce((one->'input'->>'low_stock_at')::bigint, null),
    coalesce((one->'input'->>'condition')::text, 'good'),
    coalesce(nullif(one->'input'->'metadata', 'null'::jsonb), '{}'::jsonb)
  from jsonb_array_elements($1->'rows') as one
  where (select lms.check_import_rows($1->'rows', 'inventory', array['centre_id:centres']::text[]))
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
-- inventory.export
select
  'id,centre_id,item_name,category,quantity,lent,available,low_stock_at,condition,metadata,created_at,updated_at,created_by,updated_by' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    coalesce(r.centre_id::text, '') || ',' ||
    lms.csv_field(r.item_name::text) || ',' ||
    lms.csv_field(r.category::text) || ',' ||
    coalesce(r.quantity::text, '') || ',' ||
    coalesce(r.lent::text, '') || ',' ||
    coalesce(r.available::text, '') || ',' ||
    coalesce(r.low_stock_at::text, '') || ',' ||
    lms.csv_field(r.condition::text) || ',' ||
    lms.csv_field(r.metadata::text) || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || E'\r\n' as line
  from lms.inventory as r
  where r.deleted_at is null
    and (r.centre_id = (select current_setting('app.centre_id')::uuid))
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;

-- for support, finance
-- inventory.export
select
  'id,centre_id,item_name,category,quantity,lent,available,low_stock_at,condition,metadata,created_at,updated_at,created_by,updated_by' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    coalesce(r.centre_id::text, '') || ',' ||
    lms.csv_field(r.item_name::text) || ',' ||
    lms.csv_field(r.category::text) || ',' ||
    coalesce(r.quantity::text, '') || ',' ||
    coalesce(r.lent::text, '') || ',' ||
    coalesce(r.available::text, '') || ',' ||
    coalesce(r.low_stock_at::text, '') || ',' ||
    lms.csv_field(r.condition::text) || ',' ||
    lms.csv_field(r.metadata::text) || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || E'\r\n' as line
  from lms.inventory as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;

-- for admin
-- inventory.export
select
  'id,centre_id,item_name,category,quantity,lent,available,low_stock_at,condition,metadata,created_at,updated_at,created_by,updated_by,deleted_at' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    coalesce(r.centre_id::text, '') || ',' ||
    lms.csv_field(r.item_name::text) || ',' ||
    lms.csv_field(r.category::text) || ',' ||
    coalesce(r.quantity::text, '') || ',' ||
    coalesce(r.lent::text, '') || ',' ||
    coalesce(r.available::text, '') || ',' ||
    coalesce(r.low_stock_at::text, '') || ',' ||
    lms.csv_field(r.condition::text) || ',' ||
    lms.csv_field(r.metadata::text) || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || ',' ||
    coalesce(lms.utc(r.deleted_at), '') || E'\r\n' as line
  from lms.inventory as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;


-- for tutor, supervisor, finance
-- tutor_rates.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.tutor_id,
      r.unit,
      r.amount::text as amount,
      r.currency,
      r.effective_from,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.tutor_rates as r
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
-- tutor_rates.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.tutor_id,
      r.unit,
      r.amount::text as amount,
      r.currency,
      r.effective_from,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by,
      lms.utc(r.deleted_at) as deleted_at
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.tutor_rates as r
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
-- tutor_rates.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.tutor_id,
      r.unit,
      r.amount::text as amount,
      r.currency,
      r.effective_from,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by,
      lms.utc(r.deleted_at) as deleted_at
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.tutor_rates as r
  where true
    and r.created_at >= ($1->'filters'->>'created_at.gte')::timestamptz
    and r.id = any (array(select jsonb_array_elements_text($1->'filters'->'id.in'))::uuid[])
  order by r.created_at, r.id desc
  limit ($1->>'limit')::integer + 1
), counted as (
  select count(*) as total
  from lms.tutor_rates as r
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

-- for tutor, supervisor, finance
-- tutor_rates.get
select
  row_to_json((select visible from (select
    r.id,
    r.tutor_id,
    r.unit,
    r.amount::text as amount,
    r.currency,
    r.effective_from,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from lms.tutor_rates as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- tutor_rates.get
select
  row_to_json((select visible from (select
    r.id,
    r.tutor_id,
    r.unit,
    r.amount::text as amount,
    r.currency,
    r.effective_from,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from lms.tutor_rates as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- tutor_rates.get_as_of
select
  row_to_json((select visible from (select
    r.id,
    r.tutor_id,
    r.unit,
    r.amount::text as amount,
    r.currency,
    r.effective_from,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from jsonb_populate_record(
  null::lms.tutor_rates,
  lms.state_at('tutor_rates', ($1->>'id')::uuid, ($1->>'as_of')::timestamptz)
) as r
where r.id is not null
  and r.deleted_at is null;

-- for finance
-- tutor_rates.create
with r as (
  insert into lms.tutor_rates as r (id, tutor_id, unit, amount, currency, effective_from)
  select
    ($1->>'id')::uuid,
    lms.check_reference('tutor_id', ($1->'input'->>'tutor_id')::uuid, exists (select from lms.tutors as t where t.id = ($1->'input'->>'tutor_id')::uuid and t.deleted_at is null)),
    ($1->'input'->>'unit')::text,
    ($1->'input'->>'amount')::numeric,
    ($1->'input'->>'currency')::text,
    ($1->'input'->>'effective_from')::date
  returning r.id, r.tutor_id, r.unit, r.amount, r.currency, r.effective_from, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.tutor_id,
    r.unit,
    r.amount::text as amount,
    r.currency,
    r.effective_from,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- tutor_rates.create
with r as (
  insert into lms.tutor_rates as r (id, tutor_id, unit, amount, currency, effective_from)
  select
    ($1->>'id')::uuid,
    lms.check_reference('tutor_id', ($1->'input'->>'tutor_id')::uuid, exists (select from lms.tutors as t where t.id = ($1->'input'->>'tutor_id')::uuid and t.deleted_at is null)),
    ($1->'input'->>'unit')::text,
    ($1->'input'->>'amount')::numeric,
    ($1->'input'->>'currency')::text,
    ($1->'input'->>'effective_from')::date
  returning r.id, r.tutor_id, r.unit, r.amount, r.currency, r.effective_from, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.tutor_id,
    r.unit,
    r.amount::text as amount,
    r.currency,
    r.effective_from,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for finance
-- tutor_rates.update
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.tutor_rates as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.tutor_rates as r
  set
    unit = case when $1->'input' ? 'unit' then ($1->'input'->>'unit')::text else r.unit end,
    amount = case when $1->'input' ? 'amount' then ($1->'input'->>'amount')::numeric else r.amount end,
    currency = case when $1->'input' ? 'currency' then ($1->'input'->>'currency')::text else r.currency end,
    effective_from = case when $1->'input' ? 'effective_from' then ($1->'input'->>'effective_from')::date else r.effective_from end
  from target
  where r.id = target.id
  returning r.id, r.tutor_id, r.unit, r.amount, r.currency, r.effective_from, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.tutor_id,
    r.unit,
    r.amount::text as amount,
    r.currency,
    r.effective_from,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- tutor_rates.update
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.tutor_rates as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.tutor_rates as r
  set
    unit = case when $1->'input' ? 'unit' then ($1->'input'->>'unit')::text else r.unit end,
    amount = case when $1->'input' ? 'amount' then ($1->'input'->>'amount')::numeric else r.amount end,
    currency = case when $1->'input' ? 'currency' then ($1->'input'->>'currency')::text else r.currency end,
    effective_from = case when $1->'input' ? 'effective_from' then ($1->'input'->>'effective_from')::date else r.effective_from end
  from target
  where r.id = target.id
  returning r.id, r.tutor_id, r.unit, r.amount, r.currency, r.effective_from, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.tutor_id,
    r.unit,
    r.amount::text as amount,
    r.currency,
    r.effective_from,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for finance
-- tutor_rates.delete
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.tutor_rates as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.tutor_rates as r
  set deleted_at = now()
  from target
  where r.id = target.id
  returning r.id, r.tutor_id, r.unit, r.amount, r.currency, r.effective_from, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.tutor_id,
    r.unit,
    r.amount::text as amount,
    r.currency,
    r.effective_from,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- tutor_rates.delete
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.tutor_rates as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  for update
), r as (
  update lms.tutor_rates as r
  set deleted_at = now()
  from target
  where r.id = target.id
  returning r.id, r.tutor_id, r.unit, r.amount, r.currency, r.effective_from, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.tutor_id,
    r.unit,
    r.amount::text as amount,
    r.currency,
    r.effective_from,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for finance
-- tutor_rates.restore
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.tutor_rates as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is not null
  for update
), r as (
  update lms.tutor_rates as r
  set deleted_at = null
  from target
  where r.id = target.id
  returning r.id, r.tutor_id, r.unit, r.amount, r.currency, r.effective_from, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.tutor_id,
    r.unit,
    r.amount::text as amount,
    r.currency,
    r.effective_from,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- tutor_rates.restore
with target as materialized (
  select r.id, lms.check_version(
    r.version,
    case
      when $1->'versions' @> to_jsonb(r.version) then r.version
      else ($1->'versions'->>0)::bigint
    end
  )
  from lms.tutor_rates as r
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is not null
  for update
), r as (
  update lms.tutor_rates as r
  set deleted_at = null
  from target
  where r.id = target.id
  returning r.id, r.tutor_id, r.unit, r.amount, r.currency, r.effective_from, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.tutor_id,
    r.unit,
    r.amount::text as amount,
    r.currency,
    r.effective_from,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for finance, admin
-- tutor_rates.import
with made as (
  insert into lms.tutor_rates (id, tutor_id, unit, amount, currency, effective_from)
  select
    (one->>'id')::uuid,
    coalesce((one->'input'->>'tutor_id')::uuid, null),
    coalesce((one->'input'->>'unit')::text, null),
    coalesce((one->'input'->>'amount')::numeric, null),
    coalesce((one->'input'->>'currency')::text, null),
    coalesce((one->'input'->>'effective_from')::date, null)
  from jsonb_array_elements($1->'rows') as one
  where (select lms.check_import_rows($1->'rows', 'tutor_rates', array['tutor_id:tutors']::text[]))
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
-- tutor_rates.export
select
  'id,tutor_id,unit,amount,currency,effective_from,created_at,updated_at,created_by,updated_by' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    coalesce(r.tutor_id::text, '') || ',' ||
    lms.csv_field(r.unit::text) || ',' ||
    coalesce(r.amount::text, '') || ',' ||
    lms.csv_field(r.currency::text) || ',' ||
    coalesce(r.effective_from::text, '') || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || E'\r\n' as line
  from lms.tutor_rates as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;

-- for admin
-- tutor_rates.export
select
  'id,tutor_id,unit,amount,currency,effective_from,created_at,updated_at,created_by,updated_by,deleted_at' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    coalesce(r.tutor_id::text, '') || ',' ||
    lms.csv_field(r.unit::text) || ',' ||
    coalesce(r.amount::text, '') || ',' ||
    lms.csv_field(r.currency::text) || ',' ||
    coalesce(r.effective_from::text, '') || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || ',' ||
    coalesce(lms.utc(r.deleted_at), '') || E'\r\n' as line
  from lms.tutor_rates as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;


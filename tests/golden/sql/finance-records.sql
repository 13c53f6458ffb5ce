-- for student, parent, tutor, supervisor, finance
-- finance_records.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.number,
      r.centre_id,
      r.type,
      r.student_id,
      r.tutor_id,
      r.amount::text as amount,
      r.currency,
      r.method,
      r.reference,
      r.effective_on,
      r.reverses_id,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.finance_records as r
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
-- finance_records.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.number,
      r.centre_id,
      r.type,
      r.student_id,
      r.tutor_id,
      r.amount::text as amount,
      r.currency,
      r.method,
      r.reference,
      r.effective_on,
      r.reverses_id,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by,
      lms.utc(r.deleted_at) as deleted_at
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.finance_records as r
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
-- finance_records.list
with page as (
  select
    row_to_json((select visible from (select
      r.id,
      r.number,
      r.centre_id,
      r.type,
      r.student_id,
      r.tutor_id,
      r.amount::text as amount,
      r.currency,
      r.method,
      r.reference,
      r.effective_on,
      r.reverses_id,
      lms.utc(r.created_at) as created_at,
      lms.utc(r.updated_at) as updated_at,
      r.created_by,
      r.updated_by,
      lms.utc(r.deleted_at) as deleted_at
    ) as visible))::text as item,
    r.created_at as key_0,
    r.id as key_1
  from lms.finance_records as r
  where true
    and r.created_at >= ($1->'filters'->>'created_at.gte')::timestamptz
    and r.id = any (array(select jsonb_array_elements_text($1->'filters'->'id.in'))::uuid[])
  order by r.created_at, r.id desc
  limit ($1->>'limit')::integer + 1
), counted as (
  select count(*) as total
  from lms.finance_records as r
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

-- for student, parent, tutor, supervisor, finance
-- finance_records.get
select
  row_to_json((select visible from (select
    r.id,
    r.number,
    r.centre_id,
    r.type,
    r.student_id,
    r.tutor_id,
    r.amount::text as amount,
    r.currency,
    r.method,
    r.reference,
    r.effective_on,
    r.reverses_id,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from lms.finance_records as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- finance_records.get
select
  row_to_json((select visible from (select
    r.id,
    r.number,
    r.centre_id,
    r.type,
    r.student_id,
    r.tutor_id,
    r.amount::text as amount,
    r.currency,
    r.method,
    r.reference,
    r.effective_on,
    r.reverses_id,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from lms.finance_records as r
where r.id = ($1->>'id')::uuid
  and r.deleted_at is null;

-- for admin
-- finance_records.get_as_of
select
  row_to_json((select visible from (select
    r.id,
    r.number,
    r.centre_id,
    r.type,
    r.student_id,
    r.tutor_id,
    r.amount::text as amount,
    r.currency,
    r.method,
    r.reference,
    r.effective_on,
    r.reverses_id,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from jsonb_populate_record(
  null::lms.finance_records,
  lms.state_at('finance_records', ($1->>'id')::uuid, ($1->>'as_of')::timestamptz)
) as r
where r.id is not null
  and r.deleted_at is null;

-- for finance
-- finance_records.create
with r as (
  insert into lms.finance_records as r (id, centre_id, type, student_id, tutor_id, amount, currency, method, reference, effective_on)
  select
    ($1->>'id')::uuid,
    lms.check_reference('centre_id', ($1->'input'->>'centre_id')::uuid, exists (select from lms.centres as t where t.id = ($1->'input'->>'centre_id')::uuid and t.deleted_at is null)),
    ($1->'input'->>'type')::text,
    lms.check_reference('student_id', ($1->'input'->>'student_id')::uuid, exists (select from lms.students as t where t.id = ($1->'input'->>'student_id')::uuid and t.deleted_at is null)),
    lms.check_reference('tutor_id', ($1->'input'->>'tutor_id')::uuid, exists (select from lms.tutors as t where t.id = ($1->'input'->>'tutor_id')::uuid and t.deleted_at is null)),
    ($1->'input'->>'amount')::numeric,
    ($1->'input'->>'currency')::text,
    ($1->'input'->>'method')::text,
    ($1->'input'->>'reference')::text,
    ($1->'input'->>'effective_on')::date
  returning r.id, r.number, r.centre_id, r.type, r.student_id, r.tutor_id, r.amount, r.currency, r.method, r.reference, r.effective_on, r.reverses_id, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.number,
    r.centre_id,
    r.type,
    r.student_id,
    r.tutor_id,
    r.amount::text as amount,
    r.currency,
    r.method,
    r.reference,
    r.effective_on,
    r.reverses_id,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- finance_records.create
with r as (
  insert into lms.finance_records as r (id, centre_id, type, student_id, tutor_id, amount, currency, method, reference, effective_on)
  select
    ($1->>'id')::uuid,
    lms.check_reference('centre_id', ($1->'input'->>'centre_id')::uuid, exists (select from lms.centres as t where t.id = ($1->'input'->>'centre_id')::uuid and t.deleted_at is null)),
    ($1->'input'->>'type')::text,
    lms.check_reference('student_id', ($1->'input'->>'student_id')::uuid, exists (select from lms.students as t where t.id = ($1->'input'->>'student_id')::uuid and t.deleted_at is null)),
    lms.check_reference('tutor_id', ($1->'input'->>'tutor_id')::uuid, exists (select from lms.tutors as t where t.id = ($1->'input'->>'tutor_id')::uuid and t.deleted_at is null)),
    ($1->'input'->>'amount')::numeric,
    ($1->'input'->>'currency')::text,
    ($1->'input'->>'method')::text,
    ($1->'input'->>'reference')::text,
    ($1->'input'->>'effective_on')::date
  returning r.id, r.number, r.centre_id, r.type, r.student_id, r.tutor_id, r.amount, r.currency, r.method, r.reference, r.effective_on, r.reverses_id, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.number,
    r.centre_id,
    r.type,
    r.student_id,
    r.tutor_id,
    r.amount::text as amount,
    r.currency,
    r.method,
    r.reference,
    r.effective_on,
    r.reverses_id,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for finance, admin
-- finance_records.import
with made as (
  insert into lms.finance_records (id, centre_id, type, student_id, tutor_id, amount, currency, method, reference, effective_on)
  select
    (one->>'id')::uuid,
    coalesce((one->'input'->>'centre_id')::uuid, null),
    coalesce((one->'input'->>'type')::text, null),
    coalesce((one->'input'->>'student_id')::uuid, null),
    coalesce((one->'input'->>'tutor_id')::uuid, null),
    coalesce((one->'input'->>'amount')::numeric, null),
    coalesce((one->'input'->>'currency')::text, null),
    coalesce((one->'input'->>'method')::text, null),
    coalesce((one->'input'->>'reference')::text, null),
    coalesce((one->'input'->>'effective_on')::date, null)
  from jsonb_array_elements($1->'rows') as one
  where (select lms.check_import_rows($1->'rows', 'finance_records', array['centre_id:centres', 'student_id:students', 'tutor_id:tutors']::text[]))
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
-- finance_records.export
select
  'id,number,centre_id,type,student_id,tutor_id,amount,currency,method,reference,effective_on,reverses_id,created_at,updated_at,created_by,updated_by' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    coalesce(r.number::text, '') || ',' ||
    coalesce(r.centre_id::text, '') || ',' ||
    lms.csv_field(r.type::text) || ',' ||
    coalesce(r.student_id::text, '') || ',' ||
    coalesce(r.tutor_id::text, '') || ',' ||
    coalesce(r.amount::text, '') || ',' ||
    lms.csv_field(r.currency::text) || ',' ||
    lms.csv_field(r.method::text) || ',' ||
    lms.csv_field(r.reference::text) || ',' ||
    coalesce(r.effective_on::text, '') || ',' ||
    coalesce(r.reverses_id::text, '') || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || E'\r\n' as line
  from lms.finance_records as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;

-- for admin
-- finance_records.export
select
  'id,number,centre_id,type,student_id,tutor_id,amount,currency,method,reference,effective_on,reverses_id,created_at,updated_at,created_by,updated_by,deleted_at' || E'\r\n' || coalesce(string_agg(line, ''), '') as body,
  null::text as tag
from (
  select
    coalesce(r.id::text, '') || ',' ||
    coalesce(r.number::text, '') || ',' ||
    coalesce(r.centre_id::text, '') || ',' ||
    lms.csv_field(r.type::text) || ',' ||
    coalesce(r.student_id::text, '') || ',' ||
    coalesce(r.tutor_id::text, '') || ',' ||
    coalesce(r.amount::text, '') || ',' ||
    lms.csv_field(r.currency::text) || ',' ||
    lms.csv_field(r.method::text) || ',' ||
    lms.csv_field(r.reference::text) || ',' ||
    coalesce(r.effective_on::text, '') || ',' ||
    coalesce(r.reverses_id::text, '') || ',' ||
    coalesce(lms.utc(r.created_at), '') || ',' ||
    coalesce(lms.utc(r.updated_at), '') || ',' ||
    coalesce(r.created_by::text, '') || ',' ||
    coalesce(r.updated_by::text, '') || ',' ||
    coalesce(lms.utc(r.deleted_at), '') || E'\r\n' as line
  from lms.finance_records as r
  where r.deleted_at is null
  order by r.created_at desc, r.id desc
  limit ($1->>'limit')::integer
) as lines;


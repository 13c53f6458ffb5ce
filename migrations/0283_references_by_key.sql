-- The cast of a text to a uuid is not leakproof, so row security lets nothing that depends on it enter an index: to look up a list of
-- students, all of the tenant's were read. Cast beforehand, behind offset 0, the ids are looked up by their key.
set local role lms_owner;

create or replace function lms.rows_checked(rows jsonb, table_name text, refs text[]) returns boolean
language plpgsql
stable
as $$
#variable_conflict use_variable
declare
  target constant regclass := format('lms.%I', table_name)::regclass;
  checks text := '';
  ref text;
  key record;
  errors jsonb;
begin
  foreach ref in array refs loop
    checks := checks || format(
      case
        when split_part(ref, ':', 3) = 'list' then
          'union all
           select distinct i.row, %1$L, ''There is no such thing here.''
           from (
             select (one->>''row'')::integer as row, e.id::uuid as id
             from jsonb_array_elements($1) as one
             cross join jsonb_array_elements_text(one->''input''->%1$L) as e (id)
             offset 0
           ) as i
           where not exists (
             select from lms.%2$I as t
             where t.id = i.id
               and t.deleted_at is null
           ) '
        else
          'union all
           select i.row, %1$L, ''There is no such thing here.''
           from (
             select (one->>''row'')::integer as row, (one->''input''->>%1$L)::uuid as id
             from jsonb_array_elements($1) as one
             offset 0
           ) as i
           where i.id is not null
             and not exists (
               select from lms.%2$I as t
               where t.id = i.id
                 and t.deleted_at is null
             ) '
      end,
      split_part(ref, ':', 1),
      split_part(ref, ':', 2)
    );
  end loop;
  for key in
    select
      min(a.attname) filter (where k.place = 1) as field,
      string_agg(format('one->''input''->>%L', a.attname), ', ' order by k.place) as keys,
      string_agg(
        format('t.%I = (one->''input''->>%L)::%s', a.attname, a.attname, format_type(a.atttypid, a.atttypmod)),
        ' and ' order by k.place
      ) as same
    from pg_index as i
    cross join lateral (
      select u.attnum, row_number() over (order by u.place) as place
      from unnest(i.indkey) with ordinality as u (attnum, place)
      join pg_attribute as c
        on c.attrelid = i.indrelid
        and c.attnum = u.attnum
      where c.attname <> 'tenant_id'
    ) as k
    join pg_attribute as a
      on a.attrelid = i.indrelid
      and a.attnum = k.attnum
    where i.indrelid = target
      and i.indisunique
      and not i.indisprimary
      and i.indexprs is null
    group by i.indexrelid
  loop
    checks := checks || format(
      'union all
       select found.row, %1$L, ''This value is taken.''
       from (
         select
           (one->>''row'')::integer as row,
           row_number() over (partition by %2$s order by (one->>''row'')::integer) > 1
             or exists (select from %3$s as t where %4$s and t.deleted_at is null) as taken
         from jsonb_array_elements($1) as one
         where row(%2$s) is not null
       ) as found
       where found.taken ',
      key.field,
      key.keys,
      target,
      key.same
    );
  end loop;
  if checks = '' then
    return true;
  end if;
  execute format(
    'select jsonb_agg(jsonb_build_object(''pointer'', ''/'' || e.row || ''/'' || e.field, ''detail'', e.detail))
     from (
       select * from (%s) as found (row, field, detail)
       order by row, field
       limit 100
     ) as e',
    substr(checks, length('union all') + 1)
  )
  into errors
  using rows;
  if errors is not null then
    raise exception using errcode = 'LM422', message = 'Rows of the file are not valid.', detail = errors::text;
  end if;
  return true;
end
$$;

create or replace function lms.split_class(class uuid, start timestamptz, id uuid, input jsonb) returns lms.classes
language plpgsql
as $$
#variable_conflict use_variable
declare
  former lms.classes;
  fresh lms.classes;
  later jsonb;
begin
  select r.*
  into former
  from lms.classes as r
  where r.id = class
    and r.deleted_at is null
  for update;
  if not found or not exists (
    select
    from lms.occurrences as o
    where o.class_id = class
      and o.original_start = start
      and o.deleted_at is null
  ) then
    raise exception using errcode = 'LM404';
  end if;
  if former.status <> 'scheduled' then
    raise exception using errcode = 'LM409', message = format('This class is %s.', former.status), column = 'status';
  end if;
  if start <= now() then
    raise exception using errcode = 'LM409', message = 'This lesson has begun.', column = 'start';
  end if;
  if not exists (select from lms_private.spans(former.planned) as s where s.starts_at < start) then
    raise exception using
      errcode = 'LM409',
      message = 'This is the first lesson of the class: change the class itself.',
      column = 'start';
  end if;
  if input ? 'tutor_id' and not exists (
    select from lms.tutors as t where t.id = (input ->> 'tutor_id')::uuid and t.deleted_at is null
  ) then
    raise exception using errcode = 'LM422', message = 'There is no such thing here.', column = 'tutor_id';
  end if;
  if exists (
    select
    from (
      select e.id::uuid as id
      from jsonb_array_elements_text(input -> 'student_ids') as e (id)
      offset 0
    ) as one
    where not exists (select from lms.students as s where s.id = one.id and s.deleted_at is null)
  ) then
    raise exception using errcode = 'LM422', message = 'There is no such thing here.', column = 'student_ids';
  end if;

  -- The new class takes over the later lessons as they are, with what was cancelled, moved or recorded of them; then the
  -- old one ends, and what changes is changed as in any class.
  later := lms_private.planned_between(former.planned, start, 'infinity');
  fresh := former;
  fresh.id := id;
  fresh.schedule := lms_private.later_schedule(former.schedule, former.planned, start);
  fresh.planned := '[]';
  insert into lms.classes select fresh.*;
  update lms.occurrences as o
  set class_id = id
  where o.class_id = class
    and o.original_start >= start
    and o.deleted_at is null;
  update lms.classes as r
  set
    schedule = lms_private.earlier_schedule(former.schedule, start),
    planned = lms_private.planned_between(former.planned, '-infinity', start),
    planned_until = null
  where r.id = class;
  update lms.classes as r
  set planned = later
  where r.id = id;
  update lms.classes as r
  set
    tutor_id = coalesce((input ->> 'tutor_id')::uuid, r.tutor_id),
    student_ids = coalesce(input -> 'student_ids', r.student_ids),
    schedule = coalesce(input -> 'schedule', r.schedule),
    planned = coalesce(input -> 'planned', r.planned),
    planned_until = case
      when input ? 'planned' then (input ->> 'planned_until')::timestamptz
      else r.planned_until
    end,
    subject = case when input ? 'subject' then input ->> 'subject' else r.subject end,
    level = case when input ? 'level' then input ->> 'level' else r.level end,
    room = case when input ? 'room' then input ->> 'room' else r.room end,
    meeting_provider = case when input ? 'meeting_provider' then input ->> 'meeting_provider' else r.meeting_provider end,
    meeting_url = case when input ? 'meeting_url' then input ->> 'meeting_url' else r.meeting_url end
  where r.id = id
  returning r.*
  into fresh;
  return fresh;
end
$$;

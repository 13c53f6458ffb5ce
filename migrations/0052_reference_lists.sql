-- Lists of references: each id of the list is checked as a single one is.
set local role lms_owner;

create function lms.referenced_all(field text, ids jsonb, are_there boolean) returns jsonb
language plpgsql
volatile
parallel unsafe
as $$
begin
  if not are_there then
    raise exception using errcode = 'LM422', message = 'There is no such thing here.', column = field;
  end if;
  return ids;
end
$$;

comment on function lms.referenced_all is 'As lms.referenced, for a list of ids.';

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
           select distinct (one->>''row'')::integer, %1$L, ''There is no such thing here.''
           from jsonb_array_elements($1) as one
           cross join jsonb_array_elements_text(one->''input''->%1$L) as i (id)
           where not exists (
             select from lms.%2$I as t
             where t.id = i.id::uuid
               and t.deleted_at is null
           ) '
        else
          'union all
           select (one->>''row'')::integer, %1$L, ''There is no such thing here.''
           from jsonb_array_elements($1) as one
           where one->''input''->>%1$L is not null
             and not exists (
               select from lms.%2$I as t
               where t.id = (one->''input''->>%1$L)::uuid
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

comment on function lms.rows_checked is
  'True, or LM422 with row, column and reason of up to 100 rows of an import that refer to nothing or repeat a unique value. refs are like user_id:users, of lists student_ids:students:list; unique keys come from the catalog.';

grant execute on function lms.referenced_all to lms_application;

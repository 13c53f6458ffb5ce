-- Functions that the generated statements for resources use: references, cursors, CSV and the
-- checks of an import.

create function lms.check_reference(field text, id uuid, is_there boolean) returns uuid
language plpgsql
volatile
parallel unsafe
as $$
begin
  if id is not null and not is_there then
    raise exception using errcode = 'foreign_key_violation', column = field;
  end if;
  return id;
end
$$;

comment on function lms.check_reference is
  'Returns the id. 23503 about the field when the caller does not see the row that it refers to. A foreign key alone would accept deleted rows and rows out of scope.';

grant execute on function lms.check_reference to lms_application;

create function lms.check_references(field text, ids jsonb, are_there boolean) returns jsonb
language plpgsql
volatile
parallel unsafe
as $$
begin
  if not are_there then
    raise exception using errcode = 'foreign_key_violation', column = field;
  end if;
  return ids;
end
$$;

comment on function lms.check_references is 'As lms.check_reference, for a list of ids.';

grant execute on function lms.check_references to lms_application;

-- Stable, as json_build_object is: PostgreSQL does not inline an immutable function that calls a
-- stable one, and the call would account for a tenth of the cost of a page.
create function lms.cursor(sort text, after json) returns text
language sql
stable
parallel safe
return translate(
  encode(convert_to(json_build_object('sort', sort, 'after', after)::text, 'UTF8'), 'base64'),
  E'+/=\n',
  '-_'
);

comment on function lms.cursor is 'The position in a list as base64url: the order and the keys of the last row shown.';

grant execute on function lms.cursor to lms_application;

create function lms.csv_field(value text) returns text
language sql
immutable
parallel safe
return case
  when value is null then ''
  else (
    select
      case
        when guarded.value ~ '[",\r\n]' then '"' || replace(guarded.value, '"', '""') || '"'
        else guarded.value
      end
    from (select case when value ~ '^''*[=+@＝＋－＠\t\r-]' then '''' || value else value end as value) as guarded
  )
end;

comment on function lms.csv_field is
  'A field of CSV (RFC 4180). A value that a spreadsheet would take for a formula is prefixed with an apostrophe, and so is one that begins with such a prefix; an import removes it.';

grant execute on function lms.csv_field to lms_application;

-- Casting text to uuid is not leakproof, so under row security a condition that depends on the cast
-- cannot use an index. The ids of an import are therefore cast in a sub-select with offset 0 and
-- then looked up by key.
create function lms.check_import_rows(rows jsonb, table_name text, refs text[]) returns boolean
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
           select distinct i.row, %1$L, ''not_found''
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
           select i.row, %1$L, ''not_found''
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
      -- An index is named by the table and by the field that a repeated value is about.
      regexp_replace(min(x.relname), format('^(idx_)?%s_|_key$', table_name), '', 'g') as field,
      string_agg(format('one->''input''->>%L', a.attname), ', ' order by k.place) as keys,
      string_agg(
        format('t.%I = (one->''input''->>%L)::%s', a.attname, a.attname, format_type(a.atttypid, a.atttypmod)),
        ' and ' order by k.place
      ) as same
    from pg_index as i
    join pg_class as x
      on x.oid = i.indexrelid
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
       select found.row, %1$L, ''not_unique''
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
    'select jsonb_agg(jsonb_build_object(''row'', e.row, ''field'', e.field, ''code'', e.code))
     from (
       select * from (%s) as found (row, field, code)
       order by row, field
       limit 100
     ) as e',
    substr(checks, length('union all') + 1)
  )
  into errors
  using rows;
  if errors is not null then
    raise exception using errcode = 'LM422', message = 'Some rows of the file are not valid.', detail = errors::text;
  end if;
  return true;
end
$$;

comment on function lms.check_import_rows is
  'True, or LM422 with row, field and code (not_found, not_unique) for up to 100 rows of an import that refer to nothing or repeat a unique value. refs are of the form user_id:users, or student_ids:students:list for lists; unique keys are read from the catalog.';

grant execute on function lms.check_import_rows to lms_application;

create function lms.merge_patch(target jsonb, patch jsonb) returns jsonb
language plpgsql
immutable
parallel safe
as $$
#variable_conflict use_variable
declare
  result jsonb := case when jsonb_typeof(target) = 'object' then target else '{}'::jsonb end;
  member record;
begin
  if jsonb_typeof(patch) is distinct from 'object' then
    return patch;
  end if;
  for member in
    select e.key, e.value
    from jsonb_each(patch) as e
  loop
    if jsonb_typeof(member.value) = 'null' then
      result := result - member.key;
    else
      result := jsonb_set(result, array[member.key], lms.merge_patch(result -> member.key, member.value));
    end if;
  end loop;
  return result;
end
$$;

comment on function lms.merge_patch is
  'JSON Merge Patch (RFC 7396): absent members are kept, null removes a member, objects are merged, everything else replaces.';

grant execute on function lms.merge_patch to lms_application;

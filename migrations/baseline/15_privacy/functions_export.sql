-- Export of a person's data as one document with a file for each table.

create function lms_private.subject_files(
  tenant uuid, own lms_private.data_subject, children lms_private.data_subject, max_count bigint
) returns json
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
#variable_conflict use_variable
declare
  files json[] := '{}';
  declared record;
  file json;
  had bigint;
  total bigint := 0;
begin
  for declared in
    select
      t.table_name,
      (
        select string_agg(format('r.%1$I = any ($2.%2$ss)', o.column_name, o.subject_kind), ' or ')
        from lms_private.personal_rows as o
        where o.table_name = t.table_name
      )
        || coalesce(
          (
            select ' or ' || string_agg(format('r.%1$I = any ($3.%2$ss)', o.column_name, o.subject_kind), ' or ')
            from lms_private.personal_rows as o
            where o.table_name = t.table_name
              and o.is_for_guardians
          ),
          ''
        ) as is_own,
      (
        select string_agg(
          format(
            case a.atttypid
              when 'timestamptz'::regtype then '%L, lms.utc(r.%I)'
              when 'numeric'::regtype then '%L, r.%I::text'
              else '%L, r.%I'
            end,
            a.attname, a.attname
          ),
          ', ' order by a.attnum
        )
        from pg_attribute as a
        left join lms_private.personal_columns as c
          on c.table_name = t.table_name
          and c.column_name = a.attname
        where a.attrelid = format('lms.%I', t.table_name)::regclass
          and a.attnum > 0
          and not a.attisdropped
          and a.attname not in ('tenant_id', 'version')
          and coalesce(c.class, 'plain') not in ('secret', 'other_people')
      ) as columns
    from lms_private.personal_tables as t
    where t.withheld_reason is null
      and exists (select from lms_private.personal_rows as o where o.table_name = t.table_name)
    order by t.table_name
  loop
    -- One row more than allowed shows that there are too many.
    execute format(
      'select count(*), coalesce(json_agg(json_build_object(%3$s) order by r.created_at, r.id), ''[]'')
      from (
        select r.*
        from lms.%1$I as r
        where r.tenant_id = $1
          and (%2$s)
        limit $4
      ) as r',
      declared.table_name, declared.is_own, declared.columns
    )
    into had, file
    using tenant, own, children, max_count - total + 1;
    total := total + had;
    if total > max_count then
      raise exception using
        errcode = 'LM409',
        message = format('The export has more than %s rows. The operator can create it with `lms privacy export`.', max_count),
        column = 'id';
    end if;
    if had > 0 then
      files := files || json_build_object('name', declared.table_name || '.json', 'table', declared.table_name, 'rows', file);
    end if;
  end loop;
  return array_to_json(files);
end
$$;

comment on function lms_private.subject_files is
  'The rows of a person and of the person''s children, one file for each table that has any. LM409 when there are more than allowed.';

alter function lms_private.subject_files owner to lms_definer;

create function lms_private.withheld_data(has_children boolean) returns json
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select json_agg(json_build_object('table', w.table_name, 'what', w.what, 'reason', w.reason) order by w.table_name, w.what)
  from (
    select t.table_name, 'rows' as what, t.withheld_reason as reason
    from lms_private.personal_tables as t
    where t.withheld_reason is not null
    union all
    select
      c.table_name,
      c.column_name,
      case c.class when 'secret' then 'A secret or the hash of a secret.' else 'The ids of other people.' end
    from lms_private.personal_columns as c
    join lms_private.personal_tables as t
      using (table_name)
    where c.class in ('secret', 'other_people')
      and t.withheld_reason is null
      and exists (select from lms_private.personal_rows as o where o.table_name = c.table_name)
    union all
    select 'assessments', 'rows of the person''s students', 'Personal data of other people.'
    union all
    select 'request_comments', 'comments by other people', 'Texts written by other people.'
    union all
    select o.table_name, 'rows of the children', 'The child''s own data: sign-ins and correspondence.'
    from lms_private.personal_rows as o
    join lms_private.personal_tables as t
      using (table_name)
    where has_children
      and t.withheld_reason is null
    group by o.table_name
    having not bool_or(o.is_for_guardians)
  ) as w;
end;

comment on function lms_private.withheld_data is 'The data that an export omits, with the reasons.';

alter function lms_private.withheld_data owner to lms_definer;

create function lms.export_subject(account uuid, max_count bigint) returns json
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  tenant constant uuid := current_setting('app.tenant_id')::uuid;
  given lms.users;
  own lms_private.data_subject;
  children lms_private.data_subject;
  document json;
begin
  if current_setting('app.role') <> 'admin' then
    raise exception using errcode = 'LM403';
  end if;
  select u.*
  into given
  from lms.users as u
  where u.tenant_id = tenant
    and u.id = account;
  if not found then
    raise exception using errcode = 'LM404';
  end if;

  own.users := array[account];
  own.students := array(select s.id from lms.students as s where s.tenant_id = tenant and s.user_id = account);
  own.tutors := array(select t.id from lms.tutors as t where t.tenant_id = tenant and t.user_id = account);
  -- The children that the interface shows to a guardian.
  select coalesce(array_agg(s.user_id), '{}'), coalesce(array_agg(s.id), '{}'), '{}'
  into children.users, children.students, children.tutors
  from lms.students as s
  where s.tenant_id = tenant
    and s.deleted_at is null
    and s.id in (
      select g.student_id
      from lms.guardians as g
      where g.tenant_id = tenant
        and g.user_id = account
        and g.deleted_at is null
    );

  document := json_build_object(
    'subject', account,
    'children', children.users,
    'exported_at', lms.utc(now()),
    'files', lms_private.subject_files(tenant, own, children, max_count),
    'withheld', lms_private.withheld_data(children.users <> '{}')
  );
  -- The largest response that a component can handle.
  if max_count is not null and octet_length(document::text) > 33554432 then
    raise exception using
      errcode = 'LM409', message = 'The export is larger than 32 MiB. The operator can create it with `lms privacy export`.', column = 'id';
  end if;
  return document;
end
$$;

comment on function lms.export_subject is
  'Exports the data of a person of the context''s tenant, and of a guardian''s children: {"subject", "children", "exported_at", "files", "withheld"}. A number of rows limits it if given. For admins and the operator''s tool. LM404; LM409 when the limit is exceeded.';

alter function lms.export_subject owner to lms_definer;
grant execute on function lms.export_subject to lms_application, lms_owner;

-- Consequences of leaving, as lms_private.dependency_rules declares them. The triggers are on the
-- tables of those who leave. Changes of centre are in functions_centre_changes.sql.

create function lms_private.maintain_left_at() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  row_now constant jsonb := to_jsonb(new);
  comes_back constant boolean := tg_op = 'UPDATE' and old.deleted_at is not null and new.deleted_at is null;
  account record;
  reference record;
  is_gone boolean;
begin
  -- The account is locked, so that it cannot be restored or change its role concurrently. A
  -- statement that restores holds the write lock.
  if (tg_op = 'INSERT' or comes_back) and row_now ? 'user_id' then
    select u.role, d.allowed_roles
    into account
    from lms_private.dependency_rules as d
    join lms.users as u
      on u.tenant_id = new.tenant_id
      and u.id = (row_now ->> 'user_id')::uuid
    where d.child = tg_table_name
      and d.child_column = 'user_id'
      and d.allowed_roles is not null
    for share of u;
    if account.role <> all (account.allowed_roles) then
      raise exception using
        errcode = case when comes_back then 'LM409' else 'LM422' end,
        message = case
          when comes_back then format('The role of the account is now %s. Change the role first.', account.role)
          when tg_table_name = 'staff' then format('The role of the account is %s, which is not a staff role.', account.role)
          else format('The account does not belong to a %s.', left(tg_table_name, -1))
        end,
        detail = new.id,
        column = 'user_id';
    end if;
  end if;
  -- A restored row must not refer to a deleted one: an optional reference is cleared, and a
  -- required one has to be restored first. References that are unaffected by deactivation and
  -- closing are cleared only after a deletion.
  if comes_back then
    for reference in
      select d.parent, d.child_column, d.only_on_deletion, a.attnotnull as is_needed
      from lms_private.dependency_rules as d
      join pg_attribute as a
        on a.attrelid = tg_relid
        and a.attname = d.child_column
      where d.child = tg_table_name
        and d.rule <> 'keep'
        and row_now ->> d.child_column is not null
      order by d.child_column
    loop
      execute format(
        'select %s is not null from lms.%I as p where p.tenant_id = $1 and p.id = $2',
        case when reference.is_needed or reference.only_on_deletion then 'p.deleted_at' else 'p.left_at' end,
        reference.parent
      )
      into is_gone
      using new.tenant_id, (row_now ->> reference.child_column)::uuid;
      if is_gone and reference.is_needed then
        raise exception using
          errcode = 'LM409',
          message = 'The resource that this field refers to is deleted. Restore it first.',
          column = reference.child_column;
      elsif is_gone then
        new := jsonb_populate_record(new, jsonb_build_object(reference.child_column, null));
      end if;
    end loop;
  end if;
  if row_now ? 'left_at' then
    is_gone := new.deleted_at is not null or coalesce(row_now ->> 'status', 'active') = 'inactive';
    if not is_gone and row_now ? 'user_id' then
      is_gone := exists (
        select
        from lms.users as u
        where u.tenant_id = new.tenant_id
          and u.id = (row_now ->> 'user_id')::uuid
          and u.left_at is not null
      );
    end if;
    new.left_at := case
      when not is_gone then null
      when tg_op = 'INSERT' then now()
      else coalesce(old.left_at, now())
    end;
    if not is_gone then
      new.left_with := null;
    elsif comes_back and new.left_with is not null then
      -- The row is restored as deactivated. What ended with the deletion is restored now and must
      -- not be restored again later.
      new.left_with := nullif(
        new.left_with - array(
          select d.child || '.' || d.child_column
          from lms_private.dependency_rules as d
          where d.parent = tg_table_name
            and d.rule = 'end'
            and d.only_on_deletion
        ),
        '{}'
      );
    end if;
  end if;
  return new;
end
$$;

comment on function lms_private.maintain_left_at is
  'Maintains left_at, whatever the statement wrote, and refuses to restore a row that refers to a deleted one (LM409).';

alter function lms_private.maintain_left_at owner to lms_definer;

-- The error names one row of each kind. Rows are counted and one is read by its key, because a
-- centre may have tens of thousands of future lessons.
create function lms_private.apply_leaving_rules(parent text, former jsonb, fresh jsonb) returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  tenant constant uuid := fresh ->> 'tenant_id';
  id constant uuid := fresh ->> 'id';
  leaves constant boolean := former ->> 'left_at' is null and fresh ->> 'left_at' is not null;
  returns constant boolean := former ->> 'left_at' is not null and fresh ->> 'left_at' is null;
  is_deleted constant boolean := former ->> 'deleted_at' is null and fresh ->> 'deleted_at' is not null;
  is_restored constant boolean := former ->> 'deleted_at' is not null and fresh ->> 'deleted_at' is null;
  rule record;
  found record;
  remaining text[] := '{}';
  remaining_rows bigint;
  remaining_id uuid;
  example text;
  ids uuid[];
  ended jsonb := coalesce(nullif(fresh -> 'left_with', 'null'), '{}');
  given_back constant jsonb := coalesce(nullif(former -> 'left_with', 'null'), '{}');
begin
  if leaves or is_deleted then
    for rule in
      select d.*
      from lms_private.dependency_rules as d
      where d.parent = apply_leaving_rules.parent
        and d.rule = 'refuse'
        and case when d.only_on_deletion then is_deleted else leaves or is_deleted end
        -- An erasure is not delayed by a loan. It does wait for lessons, which concern other
        -- people.
        and not (d.parent = 'users' and lms_private.is_erasing())
      order by d.child, d.child_column
    loop
      -- The row with the smallest id. PostgreSQL 15 has no min(uuid); the order as text in "C" is
      -- the same.
      execute format(
        'select count(*), min(c.id::text collate "C")::uuid
        from lms.%I as c
        where c.tenant_id = $1
          and c.%I = $2
          and %s',
        rule.child, rule.child_column, rule.condition
      )
      into remaining_rows, remaining_id
      using tenant, id;
      if remaining_rows > 0 then
        execute format('select %s from lms.%I as c where c.tenant_id = $1 and c.id = $2', rule.example, rule.child)
        into example
        using tenant, remaining_id;
        remaining := remaining || format('%s: %s (such as %s)', rule.label, remaining_rows, example);
      end if;
    end loop;
    if remaining <> '{}' then
      raise exception using
        errcode = 'LM409',
        message = format(
          'The %s still has %s. Reassign or end them first.',
          case parent when 'users' then 'person' when 'staff' then 'staff member' else left(parent, -1) end,
          array_to_string(remaining, '; ')
        );
    end if;
  end if;

  for rule in
    select d.*
    from lms_private.dependency_rules as d
    where d.parent = apply_leaving_rules.parent
      and d.rule = 'end'
      and case when d.only_on_deletion then is_deleted else leaves end
    order by d.child, d.child_column
  loop
    ids := '{}';
    for found in execute rule.end_statement using tenant, id loop
      ids := ids || found.id;
    end loop;
    if ids <> '{}' and rule.restore_statement is not null then
      ended := ended || jsonb_build_object(rule.child || '.' || rule.child_column, ids);
    end if;
  end loop;
  if (leaves or is_deleted) and ended <> '{}' and ended is distinct from fresh -> 'left_with' then
    execute format('update lms.%I as p set left_with = $3 where p.tenant_id = $1 and p.id = $2', parent)
    using tenant, id, ended;
  end if;

  -- The rows of an account leave and return with it, unless they are deleted or inactive
  -- themselves. Their own triggers handle the consequences.
  for rule in
    select d.*
    from lms_private.dependency_rules as d
    where d.parent = apply_leaving_rules.parent
      and d.rule = 'delete'
      and (is_deleted or is_restored or leaves or returns)
    order by d.child, d.child_column
  loop
    if is_deleted or is_restored then
      execute format(
        'update lms.%I as c
        set deleted_at = $3
        where c.tenant_id = $1
          and c.%I = $2
          and c.deleted_at is not distinct from $4
          and ($3 is not null or (%s))',
        rule.child, rule.child_column, rule.condition
      )
      using tenant, id, (fresh ->> 'deleted_at')::timestamptz, (former ->> 'deleted_at')::timestamptz;
    elsif exists (
      select
      from pg_attribute as a
      where a.attrelid = format('lms.%I', rule.child)::regclass
        and a.attname = 'left_at'
    ) then
      execute format(
        'update lms.%I as c
        set left_at = $3
        where c.tenant_id = $1
          and c.%I = $2
          and (c.left_at is null) = ($4 is null)
          and (
            $3 is not null
            or (c.deleted_at is null and coalesce(to_jsonb(c) ->> ''status'', ''active'') = ''active'')
          )',
        rule.child, rule.child_column
      )
      using tenant, id, (fresh ->> 'left_at')::timestamptz, (former ->> 'left_at')::timestamptz;
    end if;
  end loop;

  for rule in
    select d.*
    from lms_private.dependency_rules as d
    where d.parent = apply_leaving_rules.parent
      and d.rule = 'end'
      and d.restore_statement is not null
      and case when d.only_on_deletion then is_restored else returns end
    order by d.child, d.child_column
  loop
    ids := array(
      select one.id::uuid
      from jsonb_array_elements_text(
        coalesce(given_back -> (rule.child || '.' || rule.child_column), '[]')
      ) as one (id)
    );
    if ids <> '{}' then
      execute rule.restore_statement
      using tenant, id, ids;
    end if;
  end loop;
end
$$;

comment on function lms_private.apply_leaving_rules is
  'Applies lms_private.dependency_rules when a row of users, students, tutors, staff or centres leaves, is deleted or returns, within this transaction. LM409 lists the rows that prevent it.';

alter function lms_private.apply_leaving_rules owner to lms_definer;

create function lms_private.handle_leaving() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  one record;
begin
  for one in
    select to_jsonb(o) as former, to_jsonb(n) as fresh
    from old_rows as o
    join new_rows as n
      on n.tenant_id = o.tenant_id
      and n.id = o.id
    where (n.left_at is null) <> (o.left_at is null)
      or (n.deleted_at is null) <> (o.deleted_at is null)
    order by n.tenant_id, n.id
  loop
    perform lms_private.apply_leaving_rules(tg_table_name, one.former, one.fresh);
  end loop;
  return null;
end
$$;

comment on function lms_private.handle_leaving is
  'Calls lms_private.apply_leaving_rules for each row that leaves or returns by a statement.';

alter function lms_private.handle_leaving owner to lms_definer;

create function lms_private.check_present() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Arguments: the column, the table that it refers to, the field of the error, the column that
  -- identifies the refused row, and the condition of rows to check, with %1$s as their alias.
  key constant text := tg_argv[0];
  parent constant text := tg_argv[1];
  counts constant text := tg_argv[4];
  refused record;
begin
  execute format(
    'with fresh as materialized (
      select n.tenant_id, n.%1$I as parent, min(n.%2$I::text) as refused
      from new_rows as n
      %3$s
      where %4$s
        %5$s
      group by n.tenant_id, n.%1$I
    )
    select f.refused
    from fresh as f
    join lms.%6$I as p
      on p.tenant_id = f.tenant_id
      and p.id = f.parent
    where p.left_at is not null
    order by f.refused
    limit 1',
    key,
    tg_argv[3],
    case tg_op when 'UPDATE' then 'join old_rows as o on o.tenant_id = n.tenant_id and o.id = n.id' else '' end,
    format(counts, 'n'),
    case tg_op when 'UPDATE' then format('and not coalesce(o.%I = n.%I and %s, false)', key, key, format(counts, 'o')) else '' end,
    parent
  )
  into refused;
  if refused.refused is not null then
    raise exception using
      errcode = 'LM422',
      message = case parent
        when 'centres' then 'The centre is closed.'
        when 'users' then 'The person has left.'
        else format('The %s has left.', left(parent, -1))
      end,
      detail = refused.refused,
      column = tg_argv[2];
  end if;
  return null;
end
$$;

comment on function lms_private.check_present is
  'LM422 for a row that starts something new with a person who has left. Historical rows are not checked.';

alter function lms_private.check_present owner to lms_definer;

create procedure lms_private.require_present(
  child text, child_column text, parent text, field text, refused text default 'id', counts text default 'true'
)
language plpgsql
as $$
declare
  arguments constant text := format('%L, %L, %L, %L, %L', child_column, parent, field, refused, counts);
begin
  -- Writers of these tables, except for students, are serialized with leaving. On students these
  -- triggers fire after then_count_students, which waits for the tutor's row, so that a tutor who
  -- has left meanwhile is seen.
  execute format(
    'create trigger %I after insert on lms.%I referencing new table as new_rows
    for each statement execute function lms_private.check_present(%s)',
    'then_require_present_' || child_column || '_insert', child, arguments
  );
  execute format(
    'create trigger %I after update on lms.%I referencing old table as old_rows new table as new_rows
    for each statement execute function lms_private.check_present(%s)',
    'then_require_present_' || child_column || '_update', child, arguments
  );
end
$$;

comment on procedure lms_private.require_present is
  'Refuses rows that start something new with a person who has left or a closed centre. counts is the condition of these rows, with %1$s as their alias.';

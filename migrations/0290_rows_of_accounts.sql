-- A student, tutor or member of the staff is an account's row and goes by the account in two more respects. It comes back with the account
-- however it left: a row that was made or restored while the account was deactivated had a time of its own and stayed away for good. And it
-- holds the account to its role: a tutor whose account became a parent's still had lessons, and a student whose account did was a guardian.
set local role lms_owner;

alter table lms_private.dependants
add column roles text[];

comment on column lms_private.dependants.roles is
  'Of rows of an account: which roles the account may have. As long as there is one, a change to another role is LM409; none is made or restored for an account of another. Null: any.';

update lms_private.dependants
set roles = '{student}'
where child = 'students'
  and child_column = 'user_id';

update lms_private.dependants
set roles = '{tutor}'
where child = 'tutors'
  and child_column = 'user_id';

update lms_private.dependants
set roles = '{tutor,supervisor,admin,finance,assessor,support}'
where child = 'staff'
  and child_column = 'user_id';

-- Of lms_private.leave_one only the condition changes by which rows follow their account. What is deleted stays so, and who is inactive too.
do $$
declare
  former constant text := pg_get_functiondef('lms_private.leave_one(text, jsonb, jsonb)'::regprocedure);
  fresh constant text := replace(
    former,
    'c.left_at is not distinct from $4',
    '(c.left_at is null) = ($4 is null) and ($3 is not null or (c.deleted_at is null and coalesce(to_jsonb(c) ->> ''''status'''', ''''active'''') = ''''active''''))'
  );
begin
  if fresh = former then
    raise exception 'lms_private.leave_one has no rows that follow their account';
  end if;
  execute fresh;
end
$$;

create or replace function lms_private.keep_left() returns trigger
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
  -- The account is locked, so that it does not come back or change its role at the same moment. Whoever restores has the turn.
  if (tg_op = 'INSERT' or comes_back) and row_now ? 'user_id' then
    select u.role, d.roles
    into account
    from lms_private.dependants as d
    join lms.users as u
      on u.tenant_id = new.tenant_id
      and u.id = (row_now ->> 'user_id')::uuid
    where d.child = tg_table_name
      and d.child_column = 'user_id'
      and d.roles is not null
    for share of u;
    if account.role <> all (account.roles) then
      raise exception using
        errcode = case when comes_back then 'LM409' else 'LM422' end,
        message = case
          when comes_back then format('The role of this account is %s by now: change that first.', account.role)
          when tg_table_name = 'staff' then format('The role of this account is %s, which is none of the staff.', account.role)
          else format('This account is not a %s''s.', left(tg_table_name, -1))
        end,
        detail = new.id,
        column = 'user_id';
    end if;
  end if;
  -- A row that comes back refers to nobody who is gone: a reference that may be empty is emptied, and for the rest somebody has to be restored first.
  -- References that deactivating and closing leave alone are only emptied by a deletion.
  if comes_back then
    for reference in
      select d.parent, d.child_column, d.is_for_deletion, a.attnotnull as is_needed
      from lms_private.dependants as d
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
        case when reference.is_needed or reference.is_for_deletion then 'p.deleted_at' else 'p.left_at' end,
        reference.parent
      )
      into is_gone
      using new.tenant_id, (row_now ->> reference.child_column)::uuid;
      if is_gone and reference.is_needed then
        raise exception using
          errcode = 'LM409',
          message = format(
            'What this refers to is deleted: restore it first (%s %s).',
            replace(reference.parent, '_', ' '), row_now ->> reference.child_column
          ),
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
      -- It comes back deactivated. What ended with the deletion is given back now, and not once more at another time.
      new.left_with := nullif(
        new.left_with - array(
          select d.child || '.' || d.child_column
          from lms_private.dependants as d
          where d.parent = tg_table_name
            and d.rule = 'end'
            and d.is_for_deletion
        ),
        '{}'
      );
    end if;
  end if;
  return new;
end
$$;

create function lms_private.check_rows_of_role() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  dependant record;
  row_id uuid;
begin
  for dependant in
    select d.child, d.child_column
    from lms_private.dependants as d
    where d.parent = 'users'
      and new.role <> all (d.roles)
    order by d.child, d.child_column
  loop
    execute format(
      'select c.id from lms.%I as c where c.tenant_id = $1 and c.%I = $2 and c.deleted_at is null',
      dependant.child, dependant.child_column
    )
    into row_id
    using new.tenant_id, new.id;
    if row_id is not null then
      raise exception using
        errcode = 'LM409',
        message = format(
          'This person is still a %1$s. Delete the %1$s (%2$s) first.',
          case dependant.child when 'staff' then 'member of the staff' else left(dependant.child, -1) end,
          row_id
        ),
        column = 'role';
    end if;
  end loop;
  return new;
end
$$;

comment on function lms_private.check_rows_of_role is
  'LM409 for an account whose role would change from under its student, tutor or member of the staff: lms_private.dependants.roles.';

alter function lms_private.check_rows_of_role owner to lms_definer;

create trigger check_rows_of_role
before update of role on lms.users
for each row
when (new.role <> old.role)
execute function lms_private.check_rows_of_role();

-- Restoring such a row takes the turn, so the two see each other.
create trigger take_turn_of_role
before update of role on lms.users
for each statement execute function lms_private.take_turn();

-- Rows that stayed away though their account is back. Places in lessons that they had are for the office to give: others may have them by now.
alter table lms.users no force row level security;
alter table lms.students no force row level security;
alter table lms.students disable trigger stamp;
alter table lms.students disable trigger then_leave;
alter table lms.tutors no force row level security;
alter table lms.tutors disable trigger stamp;
alter table lms.tutors disable trigger then_leave;
alter table lms.staff no force row level security;
alter table lms.staff disable trigger stamp;
alter table lms.staff disable trigger then_leave;

update lms.students as s
set left_at = null
from lms.users as u
where u.tenant_id = s.tenant_id
  and u.id = s.user_id
  and u.left_at is null
  and s.left_at is not null
  and s.deleted_at is null;

update lms.tutors as t
set left_at = null
from lms.users as u
where u.tenant_id = t.tenant_id
  and u.id = t.user_id
  and u.left_at is null
  and t.left_at is not null
  and t.deleted_at is null;

update lms.staff as s
set left_at = null
from lms.users as u
where u.tenant_id = s.tenant_id
  and u.id = s.user_id
  and u.left_at is null
  and s.left_at is not null
  and s.status = 'active'
  and s.deleted_at is null;

alter table lms.staff enable trigger then_leave;
alter table lms.staff enable trigger stamp;
alter table lms.staff force row level security;
alter table lms.tutors enable trigger then_leave;
alter table lms.tutors enable trigger stamp;
alter table lms.tutors force row level security;
alter table lms.students enable trigger then_leave;
alter table lms.students enable trigger stamp;
alter table lms.students force row level security;
alter table lms.users force row level security;

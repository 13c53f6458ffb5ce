-- Leaving: who was deactivated or deleted, and what then becomes of everything that stands on them. One declaration (dependants) and one
-- trigger (leave) for users, students, tutors, staff and centres, whoever writes; docs/leaving.md has the decisions in words.
set local role lms_owner;

alter table lms.users
add column left_at timestamptz,
add column left_with jsonb;
alter table lms.students
add column left_at timestamptz,
add column left_with jsonb;
alter table lms.tutors
add column left_at timestamptz,
add column left_with jsonb;
alter table lms.staff
add column left_at timestamptz,
add column left_with jsonb;
alter table lms.centres
add column left_at timestamptz,
add column left_with jsonb;

comment on column lms.users.left_at is 'When it was deactivated or deleted; null while it is there. Kept by trigger.';
comment on column lms.students.left_at is 'When the student or the account was deactivated or deleted; null while the student is there. Kept by trigger.';
comment on column lms.tutors.left_at is 'As students.left_at.';
comment on column lms.staff.left_at is 'As students.left_at; an inactive member of the staff has left as well.';
comment on column lms.centres.left_at is 'When it was closed or deleted; null while it is open. Kept by trigger.';
comment on column lms.users.left_with is 'What was ended when it left: ids of rows by "table.column" of lms_private.dependants. Whoever comes back gets them back.';
comment on column lms.students.left_with is 'As users.left_with.';
comment on column lms.tutors.left_with is 'As users.left_with.';
comment on column lms.staff.left_with is 'As users.left_with.';
comment on column lms.centres.left_with is 'As users.left_with.';

insert into lms_private.personal_columns (table_name, column_name, class, replacement)
select t.name, 'left_with', 'others', null
from unnest(array['users', 'students', 'tutors', 'staff', 'centres']) as t (name);

create table lms_private.dependants (
  parent text not null,
  child text not null,
  child_column text not null,
  rule text not null
    constraint dependants_rule_check check (rule in ('refuse', 'end', 'delete', 'keep')),
  is_for_deletion boolean not null default false,
  condition text not null default 'true',
  label text,
  example text,
  ending text,
  return text,
  reason text not null,
  primary key (child, child_column),
  constraint dependants_label_check check ((rule = 'refuse') = (label is not null and example is not null)),
  constraint dependants_ending_check check ((rule = 'end') = (ending is not null))
);

comment on table lms_private.dependants is
  'What becomes of each row that refers to somebody who leaves. A test holds it against the foreign keys; those that cascade belong to their row and need no entry.';
comment on column lms_private.dependants.rule is
  'refuse: LM409 as long as there are such rows. end: ending is executed, and return when they come back. delete: deleted and restored together. keep: it tells of what was.';
comment on column lms_private.dependants.is_for_deletion is 'Whether deactivating leaves it alone.';
comment on column lms_private.dependants.condition is 'Which rows count, by the alias c.';
comment on column lms_private.dependants.label is 'What the rows are called in the refusal.';
comment on column lms_private.dependants.example is
  'An expression that names one of them by its id, by the alias c. A refusal is in the server''s log, so no person is named in it.';
comment on column lms_private.dependants.ending is
  'A statement on the tenant $1 and the parent''s id $2 that returns the ids of the rows that it has changed.';
comment on column lms_private.dependants.return is 'A statement on tenant $1, parent $2 and those ids $3. Null: what was ended stays so.';

insert into lms_private.dependants (parent, child, child_column, rule, is_for_deletion, condition, label, example, reason)
values
  ('users', 'students', 'user_id', 'delete', true, 'true', null, null, 'A student is an account''s.'),
  ('users', 'tutors', 'user_id', 'delete', true, 'true', null, null, 'A tutor is an account''s.'),
  ('users', 'staff', 'user_id', 'delete', true, 'true', null, null, 'A member of the staff is an account''s.'),
  ('users', 'guardians', 'user_id', 'delete', true, 'true', null, null, 'Nobody is left who could see the child.'),
  (
    'users', 'inventory_loans', 'user_id', 'refuse', false, 'c.returned_at is null and c.deleted_at is null',
    'loans that have not come back',
    '''item '' || c.inventory_id',
    'Whoever has left brings nothing back.'
  ),
  ('users', 'requests', 'created_by', 'keep', false, 'true', null, null, 'What was asked is still to be answered.'),
  ('users', 'legal_holds', 'user_id', 'keep', false, 'true', null, null, 'A hold is on who has left as well.'),
  ('users', 'erasures', 'user_id', 'keep', false, 'true', null, null, 'What was.'),
  (
    'tutors', 'students', 'assigned_tutor_id', 'refuse', false, 'c.deleted_at is null', 'students assigned to them',
    '''student '' || c.id', 'A child without a tutor is to be noticed before, not after.'
  ),
  (
    'tutors', 'occurrences', 'tutor_id', 'refuse', false,
    'c.starts_at > now() and c.status = ''scheduled'' and c.deleted_at is null', 'lessons ahead',
    'format(''class %s at %s'', c.class_id, lms.utc(c.starts_at))', 'Families come to a lesson that nobody gives.'
  ),
  (
    'tutors', 'classes', 'tutor_id', 'refuse', false,
    'c.planned_until is not null and c.status = ''scheduled'' and c.deleted_at is null', 'classes without an end',
    '''class '' || c.id', 'More lessons of it are made by the worker.'
  ),
  ('tutors', 'assessments', 'tutor_id', 'keep', false, 'true', null, null, 'What was.'),
  ('tutors', 'finance_records', 'tutor_id', 'keep', false, 'true', null, null, 'The book stays.'),
  ('tutors', 'tutor_rates', 'tutor_id', 'keep', false, 'true', null, null, 'Lessons that were given are still paid.'),
  ('tutors', 'payroll_lessons', 'tutor_id', 'keep', false, 'true', null, null, 'The book stays.'),
  ('tutors', 'payroll_items', 'tutor_id', 'keep', false, 'true', null, null, 'The book stays.'),
  ('students', 'attendances', 'student_id', 'keep', false, 'true', null, null, 'Those ahead end with the enrolment; the others were.'),
  ('students', 'guardians', 'student_id', 'keep', false, 'true', null, null, 'Statements of account and legal holds of a family need it.'),
  ('students', 'assessments', 'student_id', 'keep', false, 'true', null, null, 'What was.'),
  ('students', 'gamification', 'student_id', 'keep', false, 'true', null, null, 'What was; rankings leave out who has left.'),
  ('students', 'finance_records', 'student_id', 'keep', false, 'true', null, null, 'The book stays.'),
  ('centres', 'users', 'centre_id', 'refuse', true, 'c.deleted_at is null', 'accounts', '''user '' || c.id', 'It is their home.'),
  ('centres', 'students', 'centre_id', 'refuse', true, 'c.deleted_at is null', 'students', '''student '' || c.id', 'It is theirs.'),
  ('centres', 'tutors', 'centre_id', 'refuse', true, 'c.deleted_at is null', 'tutors', '''tutor '' || c.id', 'It is theirs.'),
  ('centres', 'staff', 'centre_id', 'refuse', true, 'c.deleted_at is null', 'members of staff', '''staff '' || c.id', 'It is theirs.'),
  (
    'centres', 'occurrences', 'centre_id', 'refuse', false,
    'c.starts_at > now() and c.status = ''scheduled'' and c.deleted_at is null', 'lessons ahead',
    'format(''class %s at %s'', c.class_id, lms.utc(c.starts_at))', 'Families come to a closed door.'
  ),
  (
    'centres', 'classes', 'centre_id', 'refuse', false,
    'c.planned_until is not null and c.status = ''scheduled'' and c.deleted_at is null', 'classes without an end',
    '''class '' || c.id', 'More lessons of it are made by the worker.'
  ),
  (
    'centres', 'requests', 'centre_id', 'refuse', true, 'c.status in (''open'', ''in_progress'') and c.deleted_at is null',
    'open requests', '''number '' || c.number', 'Nobody would answer them.'
  ),
  ('centres', 'inventory', 'centre_id', 'refuse', true, 'c.deleted_at is null', 'things in stock', '''item '' || c.id', 'It is somewhere.'),
  ('centres', 'inventory_loans', 'centre_id', 'keep', false, 'true', null, null, 'They go with the item, which is refused.'),
  ('centres', 'finance_records', 'centre_id', 'keep', false, 'true', null, null, 'The book stays.'),
  ('centres', 'payroll_runs', 'centre_id', 'keep', false, 'true', null, null, 'The book stays.');

insert into lms_private.dependants (parent, child, child_column, rule, is_for_deletion, ending, return, reason)
values
  (
    'users', 'students', 'parent_id', 'end', true,
    'update lms.students as s
    set parent_id = null
    where s.tenant_id = $1
      and s.parent_id = $2
    returning s.id',
    'update lms.students as s
    set parent_id = $2
    where s.tenant_id = $1
      and s.id = any ($3)
      and s.parent_id is null',
    'The first contact is somebody who can be reached.'
  ),
  (
    'staff', 'requests', 'assigned_to', 'end', false,
    'update lms.requests as r
    set assigned_to = null
    where r.tenant_id = $1
      and r.assigned_to = $2
      and r.status in (''open'', ''in_progress'')
    returning r.id',
    null,
    'They are nobody''s again, so that they are seen and taken up; whoever has one by then keeps it.'
  ),
  (
    'students', 'enrolments', 'student_id', 'end', false,
    -- The enrolments and the lessons ahead first: triggers do as much behind the class, but not within an erasure, and not of a class
    -- that is deleted: it would bring the student back with it.
    'with taken_out as (
      update lms.enrolments as e
      set deleted_at = now()
      from lms.classes as k
      where e.tenant_id = $1
        and e.student_id = $2
        and e.deleted_at is not distinct from k.deleted_at
        and k.tenant_id = $1
        and k.id = e.class_id
        and k.status = ''scheduled''
      returning e.class_id, k.deleted_at as gone_at
    ),
    freed as (
      update lms.attendances as a
      set deleted_at = now()
      from taken_out as t
      where a.tenant_id = $1
        and a.student_id = $2
        and a.class_id = t.class_id
        and a.starts_at > now()
        and a.deleted_at is not distinct from t.gone_at
    )
    update lms.classes as k
    set student_ids = k.student_ids - $2::text
    where k.tenant_id = $1
      and k.id in (select t.class_id from taken_out as t)
    returning k.id',
    'update lms.classes as k
    set student_ids = k.student_ids || to_jsonb($2)
    where k.tenant_id = $1
      and k.id = any ($3)
      and k.status = ''scheduled''
      and k.deleted_at is null
      and not k.student_ids ? $2::text
      and k.centre_id = (select s.centre_id from lms.students as s where s.tenant_id = $1 and s.id = $2)',
    'The places in lessons ahead are free again.'
  );

grant select on lms_private.dependants to lms_definer;

create function lms_private.keep_left() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  row_now constant jsonb := to_jsonb(new);
  reference record;
  is_gone boolean;
begin
  -- A row that comes back refers to nobody who is gone: a reference that may be empty is emptied, and for the rest somebody has to be restored first.
  if tg_op = 'UPDATE' and old.deleted_at is not null and new.deleted_at is null then
    for reference in
      select d.parent, d.child_column, a.attnotnull as is_needed
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
        case when reference.is_needed then 'p.deleted_at' else 'p.left_at' end,
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
    end if;
  end if;
  return new;
end
$$;

comment on function lms_private.keep_left is
  'Keeps left_at true, whatever the statement wrote, and lets nothing come back that refers to what is deleted (LM409).';

create function lms_private.leave_one(parent text, former jsonb, fresh jsonb) returns void
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
  dependant record;
  found record;
  standing text[] := '{}';
  ids uuid[];
  ended jsonb := coalesce(nullif(fresh -> 'left_with', 'null'), '{}');
  given_back constant jsonb := coalesce(nullif(former -> 'left_with', 'null'), '{}');
begin
  if leaves or is_deleted then
    for dependant in
      select d.*
      from lms_private.dependants as d
      where d.parent = leave_one.parent
        and d.rule = 'refuse'
        and case when d.is_for_deletion then is_deleted else leaves or is_deleted end
        -- Erasing is a right that waits for no laptop. What others rely on, their lessons, it waits for.
        and not (d.parent = 'users' and lms_private.is_erasing())
      order by d.child, d.child_column
    loop
      execute format(
        'select count(*) as rows, (array_agg(%s order by c.id))[1] as example
        from lms.%I as c
        where c.tenant_id = $1 and c.%I = $2 and %s',
        dependant.example, dependant.child, dependant.child_column, dependant.condition
      )
      into found
      using tenant, id;
      if found.rows > 0 then
        standing := standing || format('%s: %s (such as %s)', dependant.label, found.rows, found.example);
      end if;
    end loop;
    if standing <> '{}' then
      raise exception using
        errcode = 'LM409',
        message = format(
          'This %s still has %s. Give them to others or end them first.',
          case parent when 'users' then 'person' when 'staff' then 'member of the staff' else left(parent, -1) end,
          array_to_string(standing, '; ')
        );
    end if;
  end if;

  for dependant in
    select d.*
    from lms_private.dependants as d
    where d.parent = leave_one.parent
      and d.rule = 'end'
      and case when d.is_for_deletion then is_deleted else leaves end
    order by d.child, d.child_column
  loop
    ids := '{}';
    for found in execute dependant.ending using tenant, id loop
      ids := ids || found.id;
    end loop;
    if ids <> '{}' and dependant.return is not null then
      ended := ended || jsonb_build_object(dependant.child || '.' || dependant.child_column, ids);
    end if;
  end loop;
  if (leaves or is_deleted) and ended <> '{}' and ended is distinct from fresh -> 'left_with' then
    execute format('update lms.%I as p set left_with = $3 where p.tenant_id = $1 and p.id = $2', parent)
    using tenant, id, ended;
  end if;

  -- The rows of an account leave and come back with it; their own triggers see to what stands on them.
  for dependant in
    select d.*
    from lms_private.dependants as d
    where d.parent = leave_one.parent
      and d.rule = 'delete'
      and (is_deleted or is_restored or leaves or returns)
    order by d.child, d.child_column
  loop
    if is_deleted or is_restored then
      execute format(
        'update lms.%I as c set deleted_at = $3 where c.tenant_id = $1 and c.%I = $2 and c.deleted_at is not distinct from $4',
        dependant.child, dependant.child_column
      )
      using tenant, id, (fresh ->> 'deleted_at')::timestamptz, (former ->> 'deleted_at')::timestamptz;
    elsif exists (
      select
      from pg_attribute as a
      where a.attrelid = format('lms.%I', dependant.child)::regclass
        and a.attname = 'left_at'
    ) then
      execute format(
        'update lms.%I as c set left_at = $3 where c.tenant_id = $1 and c.%I = $2 and c.left_at is not distinct from $4',
        dependant.child, dependant.child_column
      )
      using tenant, id, (fresh ->> 'left_at')::timestamptz, (former ->> 'left_at')::timestamptz;
    end if;
  end loop;

  for dependant in
    select d.*
    from lms_private.dependants as d
    where d.parent = leave_one.parent
      and d.rule = 'end'
      and d.return is not null
      and case when d.is_for_deletion then is_restored else returns end
    order by d.child, d.child_column
  loop
    ids := array(
      select one.id::uuid
      from jsonb_array_elements_text(
        coalesce(given_back -> (dependant.child || '.' || dependant.child_column), '[]')
      ) as one (id)
    );
    if ids <> '{}' then
      execute dependant.return
      using tenant, id, ids;
    end if;
  end loop;
end
$$;

comment on function lms_private.leave_one is
  'What follows when a row of users, students, tutors, staff or centres leaves, is deleted, or comes back: lms_private.dependants, all in this transaction. LM409 names what stands in the way.';

create function lms_private.leave() returns trigger
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
    perform lms_private.leave_one(tg_table_name, one.former, one.fresh);
  end loop;
  return null;
end
$$;

comment on function lms_private.leave is 'lms_private.leave_one for each row that a statement let leave or come back.';

create function lms_private.check_present() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Column, whose id it is, the field in the answer, which row is refused, and which rows count, by the alias %1$s.
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
      message = format('This %s has left.', case parent when 'users' then 'person' else left(parent, -1) end),
      detail = refused.refused,
      column = tg_argv[2];
  end if;
  return null;
end
$$;

comment on function lms_private.check_present is
  'LM422 for a row that is to begin something with somebody who has left. Rows that tell of what was are not looked at.';

alter function lms_private.keep_left owner to lms_definer;
alter function lms_private.leave_one owner to lms_definer;
alter function lms_private.leave owner to lms_definer;
alter function lms_private.check_present owner to lms_definer;

grant update (left_at, left_with, deleted_at, parent_id) on lms.students to lms_definer;
grant update (left_at, left_with, deleted_at) on lms.tutors, lms.staff to lms_definer;
grant update (left_with) on lms.users, lms.centres to lms_definer;
grant update (deleted_at) on lms.guardians to lms_definer;
grant update (assigned_to) on lms.requests to lms_definer;
grant update (student_ids) on lms.classes to lms_definer;
-- The work that triggers on classes do behind it.
grant insert, update on lms.enrolments, lms.attendances, lms.occurrences to lms_definer;
grant execute on function
  lms_private.may_become,
  lms_private.spans,
  lms_private.replan,
  lms_private.refuse_clash,
  lms_private.is_taught,
  lms_private.are_of_centre
to lms_definer;

-- Those who left before there was a rule: they are gone from today's lists, and what stands on them is left to the office.
alter table lms.users no force row level security;
alter table lms.users disable trigger stamp;
alter table lms.students no force row level security;
alter table lms.students disable trigger stamp;
alter table lms.tutors no force row level security;
alter table lms.tutors disable trigger stamp;
alter table lms.staff no force row level security;
alter table lms.staff disable trigger stamp;
alter table lms.centres no force row level security;
alter table lms.centres disable trigger stamp;

update lms.users as u
set left_at = coalesce(u.deleted_at, u.updated_at)
where u.deleted_at is not null
  or u.status = 'inactive';

update lms.centres as c
set left_at = coalesce(c.deleted_at, c.updated_at)
where c.deleted_at is not null
  or c.status = 'inactive';

update lms.students as s
set
  left_at = coalesce(s.deleted_at, u.left_at),
  deleted_at = coalesce(s.deleted_at, u.deleted_at)
from lms.users as u
where u.tenant_id = s.tenant_id
  and u.id = s.user_id
  and (s.deleted_at is not null or u.left_at is not null);

update lms.tutors as t
set left_at = coalesce(t.deleted_at, u.left_at)
from lms.users as u
where u.tenant_id = t.tenant_id
  and u.id = t.user_id
  and (t.deleted_at is not null or u.left_at is not null);

update lms.staff as s
set left_at = coalesce(s.deleted_at, u.left_at, s.updated_at)
from lms.users as u
where u.tenant_id = s.tenant_id
  and u.id = s.user_id
  and (s.deleted_at is not null or u.left_at is not null or s.status = 'inactive');

alter table lms.centres enable trigger stamp;
alter table lms.centres force row level security;
alter table lms.staff enable trigger stamp;
alter table lms.staff force row level security;
alter table lms.tutors enable trigger stamp;
alter table lms.tutors force row level security;
alter table lms.students enable trigger stamp;
alter table lms.students force row level security;
alter table lms.users enable trigger stamp;
alter table lms.users force row level security;

do $$
declare
  one text;
begin
  foreach one in array array['users', 'students', 'tutors', 'staff', 'centres'] loop
    -- The rows that follow are written to tables whose writers take turns, so the turn is taken before a row is locked.
    execute format(
      'create trigger take_turn_to_leave before update of deleted_at%s on lms.%I
      for each statement execute function lms_private.take_turn()',
      case when one in ('users', 'staff', 'centres') then ', status' else '' end,
      one
    );
    execute format(
      'create trigger keep_left before insert or update on lms.%I for each row execute function lms_private.keep_left()',
      one
    );
    -- By its name behind the trigger that records the statement: in the log the cause comes first.
    execute format(
      'create trigger then_leave after update on lms.%I referencing old table as old_rows new table as new_rows
      for each statement execute function lms_private.leave()',
      one
    );
  end loop;
  foreach one in array array['guardians', 'inventory'] loop
    execute format(
      'create trigger keep_left before update of deleted_at on lms.%I for each row execute function lms_private.keep_left()',
      one
    );
  end loop;
end
$$;

create procedure lms_private.refuse_who_left(
  child text, child_column text, parent text, field text, refused text default 'id', counts text default 'true'
)
language plpgsql
as $$
declare
  arguments constant text := format('%L, %L, %L, %L, %L', child_column, parent, field, refused, counts);
begin
  -- All of these tables but students take turns with those who leave. Of students the triggers come behind
  -- then_count_students by their names, which waits for the tutor's row: so whoever left meanwhile is seen.
  execute format(
    'create trigger %I after insert on lms.%I referencing new table as new_rows
    for each statement execute function lms_private.check_present(%s)',
    'then_refuse_' || child_column || '_insert', child, arguments
  );
  execute format(
    'create trigger %I after update on lms.%I referencing old table as old_rows new table as new_rows
    for each statement execute function lms_private.check_present(%s)',
    'then_refuse_' || child_column || '_update', child, arguments
  );
end
$$;

comment on procedure lms_private.refuse_who_left is
  'Refuses rows of a table that begin something with somebody who has left. counts is the condition of those that do, with %1$s for the row.';

call lms_private.refuse_who_left(
  'occurrences', 'tutor_id', 'tutors', 'tutor_id', 'class_id',
  '%1$s.starts_at > now() and %1$s.status = ''scheduled'' and %1$s.deleted_at is null'
);
call lms_private.refuse_who_left(
  'occurrences', 'centre_id', 'centres', 'centre_id', 'class_id',
  '%1$s.starts_at > now() and %1$s.status = ''scheduled'' and %1$s.deleted_at is null'
);
call lms_private.refuse_who_left(
  'attendances', 'student_id', 'students', 'student_ids', 'class_id',
  '%1$s.starts_at > now() and %1$s.is_booked and %1$s.deleted_at is null'
);
call lms_private.refuse_who_left(
  'students', 'assigned_tutor_id', 'tutors', 'assigned_tutor_id', 'id', '%1$s.deleted_at is null'
);
call lms_private.refuse_who_left(
  'inventory_loans', 'user_id', 'users', 'user_id', 'id', '%1$s.returned_at is null and %1$s.deleted_at is null'
);

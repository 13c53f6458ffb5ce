-- A centre that is closed is given nothing more: nobody and nothing new, nobody who moves there, none of its tutors for a child. One trigger
-- looks at every new reference to a centre; what stands there already may change otherwise, and the book goes on. Lessons have their own.
set local role lms_owner;

create function lms_private.check_open() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  centre record;
begin
  -- The centre is locked, so that it is not deleted at the same moment.
  select c.left_at is not null as is_closed, c.deleted_at is not null as is_deleted
  into centre
  from lms.centres as c
  where c.tenant_id = new.tenant_id
    and c.id = new.centre_id
  for share of c;
  if tg_argv[0] = 'new' and centre.is_closed then
    raise exception using
      errcode = 'LM422', message = 'This centre is closed.', detail = new.id, column = 'centre_id';
  elsif centre.is_deleted then
    raise exception using
      errcode = 'LM409',
      message = 'The centre is deleted: restore it first.',
      detail = new.centre_id,
      column = 'centre_id';
  end if;
  return null;
end
$$;

comment on function lms_private.check_open is
  'LM422 for a new reference to a centre that is closed or deleted. Of a row that comes back (argument: back) LM409 where the centre is deleted.';

alter function lms_private.check_open owner to lms_definer;

do $$
declare
  one text;
begin
  -- The centre of a loan is its item's, which a trigger writes: so these come behind.
  foreach one in array array['users', 'students', 'tutors', 'staff', 'requests', 'inventory', 'inventory_loans'] loop
    execute format(
      'create trigger then_check_open_insert after insert on lms.%I
      for each row when (new.centre_id is not null) execute function lms_private.check_open(''new'')',
      one
    );
    execute format(
      'create trigger then_check_open_update after update of centre_id on lms.%I
      for each row when (new.centre_id is distinct from old.centre_id and new.centre_id is not null)
      execute function lms_private.check_open(''new'')',
      one
    );
  end loop;
end
$$;

-- A lesson ahead in such a centre is refused already, as one with somebody who has left; the words are now the same.
do $$
declare
  former constant text := pg_get_functiondef('lms_private.check_present()'::regprocedure);
  fresh constant text := replace(
    former,
    'message = format(''This %s has left.'', case parent when ''users'' then ''person'' else left(parent, -1) end)',
    'message = case parent
        when ''centres'' then ''This centre is closed.''
        when ''users'' then ''This person has left.''
        else format(''This %s has left.'', left(parent, -1))
      end'
  );
begin
  if fresh = former then
    raise exception 'lms_private.check_present does not say who has left';
  end if;
  execute fresh;
end
$$;

create trigger then_check_open_back
after update on lms.requests
for each row
when (
  new.status in ('open', 'in_progress')
  and new.deleted_at is null
  and (old.status not in ('open', 'in_progress') or old.deleted_at is not null)
)
execute function lms_private.check_open('back');

-- The request that a low stock makes by itself is one, too. An item that gets low in a closed centre is changed without it.
do $$
declare
  former constant text := pg_get_functiondef('lms_private.ask_for_stock()'::regprocedure);
  fresh constant text := replace(
    former,
    '    and i.id = l.id
  where not exists (',
    '    and i.id = l.id
  join lms.centres as c
    on c.tenant_id = i.tenant_id
    and c.id = i.centre_id
    and c.left_at is null
  where not exists ('
  );
begin
  if fresh = former then
    raise exception 'lms_private.ask_for_stock has no items that are low';
  end if;
  execute fresh;
end
$$;

-- Nobody is free where nobody can be booked.
do $$
declare
  former constant text := pg_get_functiondef('lms.free_times(uuid[], timestamptz, timestamptz)'::regprocedure);
  fresh constant text := replace(
    former,
    '        and c.id = t.centre_id
',
    '        and c.id = t.centre_id
        and c.left_at is null
'
  );
begin
  if fresh = former then
    raise exception 'lms.free_times has no centres of tutors';
  end if;
  execute fresh;
end
$$;

create function lms_private.tutoring_problem(tenant uuid, tutor uuid, student uuid) returns text
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
  return case
    when not lms_private.is_of_context(tenant) then null
    when exists (
      select
      from lms.students as s
      where s.tenant_id = tenant
        and s.id = student
        and s.left_at is not null
    ) then 'This student has left.'
    when exists (
      select
      from lms.tutors as t
      join lms.centres as c
        on c.tenant_id = t.tenant_id
        and c.id = t.centre_id
      where t.tenant_id = tenant
        and t.id = tutor
        and c.left_at is not null
    ) then 'This tutor''s centre is closed.'
  end;
end
$$;

comment on function lms_private.tutoring_problem is
  'Why a student is not given a tutor: the student has left or the tutor''s centre is closed; null when neither. That the tutor has left is seen elsewhere. It answers about the context''s tenant.';

create function lms_private.check_tutoring() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  problem text;
begin
  -- The tutor's centre is locked, so that it is not closed at the same moment.
  perform
  from lms.tutors as t
  join lms.centres as c
    on c.tenant_id = t.tenant_id
    and c.id = t.centre_id
  where t.tenant_id = new.tenant_id
    and t.id = new.assigned_tutor_id
  for share of c;
  problem := lms_private.tutoring_problem(new.tenant_id, new.assigned_tutor_id, new.id);
  if problem is not null then
    raise exception using errcode = 'LM422', message = problem, detail = new.id, column = 'assigned_tutor_id';
  end if;
  return null;
end
$$;

comment on function lms_private.check_tutoring is 'LM422 for a student who is given a tutor that lms_private.tutoring_problem is against.';

alter function lms_private.tutoring_problem owner to lms_definer;
alter function lms_private.check_tutoring owner to lms_definer;

grant execute on function lms_private.tutoring_problem to lms_application;

create trigger then_check_tutoring_insert
after insert on lms.students
for each row
when (new.assigned_tutor_id is not null and new.deleted_at is null)
execute function lms_private.check_tutoring();

create trigger then_check_tutoring_update
after update of assigned_tutor_id on lms.students
for each row
when (new.assigned_tutor_id is distinct from old.assigned_tutor_id and new.assigned_tutor_id is not null)
execute function lms_private.check_tutoring();

create or replace function lms.tutor_with_place(tutor uuid, student uuid) returns uuid
language plpgsql
as $$
declare
  found_tutor record;
  problem text;
begin
  if tutor is null then
    return null;
  end if;
  select t.max_students - t.current_students as places, t.left_at is not null as has_left
  into found_tutor
  from lms.tutors as t
  where t.id = tutor
    and t.deleted_at is null;
  if not found then
    raise exception using errcode = 'LM422', message = 'There is no such thing here.', column = 'tutor_id';
  end if;
  if found_tutor.has_left then
    raise exception using errcode = 'LM422', message = 'This tutor has left.', column = 'tutor_id';
  end if;
  if exists (
    select from lms.students as s
    where s.id = student
      and s.assigned_tutor_id = tutor
  ) then
    return tutor;
  end if;
  problem := lms_private.tutoring_problem(current_setting('app.tenant_id')::uuid, tutor, student);
  if problem is not null then
    raise exception using errcode = 'LM422', message = problem, column = 'tutor_id';
  end if;
  if found_tutor.places < 1 then
    raise exception using errcode = 'LM409', message = 'The tutor has no place left.', column = 'tutor_id';
  end if;
  return tutor;
end
$$;

-- Rules between tutors, students and accounts: tutors.name is the account's name,
-- tutors.current_students is always exact and at most max_students, and students and first contacts
-- have accounts of the right role.

create function lms_private.prepare_tutor() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  role text;
begin
  select u.name, u.role
  into new.name, role
  from lms.users as u
  where u.tenant_id = new.tenant_id
    and u.id = new.user_id;
  if not found then
    -- The foreign key is checked later and raises the error.
    new.name := '';
  elsif role <> 'tutor' and tg_op = 'INSERT' then
    raise exception using
      errcode = 'LM422',
      message = 'The account does not belong to a tutor.',
      detail = new.id,
      column = 'user_id';
  end if;
  if tg_op = 'INSERT' then
    new.current_students := 0;
  elsif new.max_students < new.current_students then
    raise exception using
      errcode = 'LM409',
      message = format('Must be at least %s, the number of students assigned to the tutor.', new.current_students),
      column = 'max_students';
  end if;
  return new;
end
$$;

comment on function lms_private.prepare_tutor is
  'Sets the name of a tutor and starts with no students. LM409 when max_students is less than the number of assigned students.';

alter function lms_private.prepare_tutor owner to lms_definer;

create function lms_private.sync_tutor_name() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update lms.tutors as t
  set name = new.name
  where t.tenant_id = new.tenant_id
    and t.user_id = new.id
    and t.name <> new.name;
  return null;
end
$$;

comment on function lms_private.sync_tutor_name is 'Copies a changed name of a user to the user''s tutor.';

alter function lms_private.sync_tutor_name owner to lms_definer;

create function lms_private.count_students() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Tutors who would have more students than their maximum.
  crowded uuid[];
  -- The first student who was refused, where it is known.
  refused uuid;
begin
  -- A branch is planned when it is first taken, so a branch may name a transition table that this
  -- trigger does not have. The update waits for a concurrent change of the tutor's row and then
  -- checks the remaining capacity again.
  if tg_op = 'INSERT' then
    with change as (
      select n.tenant_id, n.assigned_tutor_id, count(*) as students
      from new_rows as n
      where n.assigned_tutor_id is not null
        and n.deleted_at is null
      group by n.tenant_id, n.assigned_tutor_id
    ),
    moved as (
      update lms.tutors as t
      set current_students = t.current_students + c.students
      from change as c
      where t.tenant_id = c.tenant_id
        and t.id = c.assigned_tutor_id
        and t.current_students + c.students <= t.max_students
      returning t.id
    )
    select array(select c.assigned_tutor_id from change as c where c.assigned_tutor_id not in (select m.id from moved as m))
    into crowded;
  else
    with change as (
      select s.tenant_id, s.assigned_tutor_id, sum(s.students) as students
      from (
        select n.tenant_id, n.assigned_tutor_id, 1 as students
        from new_rows as n
        where n.assigned_tutor_id is not null
          and n.deleted_at is null
        union all
        select o.tenant_id, o.assigned_tutor_id, -1
        from old_rows as o
        where o.assigned_tutor_id is not null
          and o.deleted_at is null
      ) as s
      group by s.tenant_id, s.assigned_tutor_id
      having sum(s.students) <> 0
    ),
    moved as (
      update lms.tutors as t
      set current_students = t.current_students + c.students
      from change as c
      where t.tenant_id = c.tenant_id
        and t.id = c.assigned_tutor_id
        and (c.students < 0 or t.current_students + c.students <= t.max_students)
      returning t.id
    )
    select array(select c.assigned_tutor_id from change as c where c.assigned_tutor_id not in (select m.id from moved as m))
    into crowded;
  end if;
  if crowded <> '{}' then
    if tg_op = 'INSERT' then
      select p.id
      into refused
      from (
        select
          n.tenant_id,
          n.id,
          n.assigned_tutor_id,
          row_number() over (partition by n.tenant_id, n.assigned_tutor_id order by n.id) as place
        from new_rows as n
        where n.assigned_tutor_id = any (crowded)
      ) as p
      join lms.tutors as t
        on t.tenant_id = p.tenant_id
        and t.id = p.assigned_tutor_id
      where t.current_students + p.place > t.max_students
      order by p.id
      limit 1;
    end if;
    raise exception using
      errcode = 'LM409',
      message = 'The tutor has no free place.',
      detail = coalesce(refused::text, ''),
      column = 'assigned_tutor_id';
  end if;
  return null;
end
$$;

comment on function lms_private.count_students is
  'Updates the student counts of the tutors that a statement affects. LM409 when a tutor has no capacity left.';

alter function lms_private.count_students owner to lms_definer;

-- A guardian of the student may be the first contact in any role, because a tutor can be a parent
-- too.
create function lms_private.check_student_accounts() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  wrong text;
  refused uuid;
begin
  -- A branch is planned when it is first taken, so a branch may name a transition table that this
  -- trigger does not have.
  if tg_op = 'INSERT' then
    select n.id, case when u.role <> 'student' then 'user_id' else 'parent_id' end
    into refused, wrong
    from new_rows as n
    join lms.users as u
      on u.tenant_id = n.tenant_id
      and u.id = n.user_id
    left join lms.users as p
      on p.tenant_id = n.tenant_id
      and p.id = n.parent_id
    where u.role <> 'student'
      or p.role <> 'parent'
    order by n.id
    limit 1;
  else
    select n.id, 'parent_id'
    into refused, wrong
    from new_rows as n
    join old_rows as o
      on o.tenant_id = n.tenant_id
      and o.id = n.id
    join lms.users as p
      on p.tenant_id = n.tenant_id
      and p.id = n.parent_id
    where n.parent_id is distinct from o.parent_id
      and p.role <> 'parent'
      and not exists (
        select
        from lms.guardians as g
        where g.tenant_id = n.tenant_id
          and g.user_id = n.parent_id
          and g.student_id = n.id
          and g.deleted_at is null
      )
    limit 1;
  end if;
  if wrong is not null then
    raise exception using
      errcode = 'LM422',
      message = case wrong when 'user_id' then 'The account does not belong to a student.' else 'The account does not belong to a parent.' end,
      detail = refused,
      column = wrong;
  end if;
  return null;
end
$$;

comment on function lms_private.check_student_accounts is
  'LM422 unless a student''s account has the role student and the first contact is a parent or a guardian of the student.';

alter function lms_private.check_student_accounts owner to lms_definer;

create function lms.tutor_with_capacity(tutor uuid, student uuid) returns uuid
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
    raise exception using errcode = 'foreign_key_violation', column = 'tutor_id';
  end if;
  if found_tutor.has_left then
    raise exception using errcode = 'LM422', message = 'The tutor has left.', column = 'tutor_id';
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
    raise exception using errcode = 'LM409', message = 'The tutor has no free place.', column = 'tutor_id';
  end if;
  return tutor;
end
$$;

comment on function lms.tutor_with_capacity is
  'Returns the tutor. 23503 when the caller does not see the tutor, LM409 when the tutor has no capacity for the student. It is called within an update of students, when the write lock of the tenant is held, so the answer is valid until commit.';

grant execute on function lms.tutor_with_capacity to lms_application;

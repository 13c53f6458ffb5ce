-- Consequences of a change of centre. A student is removed from the classes of the old centre,
-- because a class has students of its own centre only, and loses a tutor who is not at the new one.
-- A tutor with lessons, classes or students at the old centre cannot move until they are
-- reassigned. Requests of the old centre are not left with an assignee who works at another.

create function lms_private.end_enrolments(tenant uuid, student uuid, except_centre uuid default null) returns setof uuid
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
  -- Enrolments and future lessons are updated here, because the triggers of classes do not do so
  -- during an erasure or for a deleted class, which would restore the student with the class.
  return query
    with taken_out as (
      update lms.enrolments as e
      set deleted_at = now()
      from lms.classes as k
      where e.tenant_id = tenant
        and e.student_id = student
        and e.deleted_at is not distinct from k.deleted_at
        and k.tenant_id = tenant
        and k.id = e.class_id
        and k.status = 'scheduled'
        and k.centre_id is distinct from except_centre
      returning e.class_id, k.deleted_at as gone_at
    ),
    freed as (
      update lms.attendances as a
      set deleted_at = now()
      from taken_out as t
      where a.tenant_id = tenant
        and a.student_id = student
        and a.class_id = t.class_id
        and a.starts_at > now()
        and a.deleted_at is not distinct from t.gone_at
    )
    update lms.classes as k
    set student_ids = k.student_ids - student::text
    where k.tenant_id = tenant
      and k.id in (select t.class_id from taken_out as t)
    returning k.id;
end
$$;

comment on function lms_private.end_enrolments is
  'Removes a student from all scheduled classes, except for those of one centre, and from their future lessons. Returns the classes.';

alter function lms_private.end_enrolments owner to lms_definer;

create function lms_private.reset_assigned_tutor() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (
    select
    from lms.tutors as t
    where t.tenant_id = new.tenant_id
      and t.id = new.assigned_tutor_id
      and t.centre_id = new.centre_id
  ) then
    new.assigned_tutor_id := null;
  end if;
  return new;
end
$$;

comment on function lms_private.reset_assigned_tutor is
  'Clears the tutor of a student who moves to another centre, unless the tutor belongs to it or another tutor is set in the same statement.';

alter function lms_private.reset_assigned_tutor owner to lms_definer;

create function lms_private.leave_centre() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  one record;
begin
  for one in
    select n.tenant_id, n.id, n.centre_id
    from new_rows as n
    join old_rows as o
      on o.tenant_id = n.tenant_id
      and o.id = n.id
    where n.centre_id is distinct from o.centre_id
      and n.centre_id is not null
      and n.deleted_at is null
    order by n.tenant_id, n.id
  loop
    if tg_table_name = 'students' then
      perform lms_private.end_enrolments(one.tenant_id, one.id, one.centre_id);
    else
      update lms.requests as r
      set assigned_to = null
      where r.tenant_id = one.tenant_id
        and r.assigned_to = one.id
        and r.centre_id <> one.centre_id
        and r.status in ('open', 'in_progress');
    end if;
  end loop;
  return null;
end
$$;

comment on function lms_private.leave_centre is
  'Ends what a student or staff member leaves behind when moving to another centre: enrolments in classes of other centres, assignments of requests of other centres.';

alter function lms_private.leave_centre owner to lms_definer;

create function lms_private.check_tutor_centre_change() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  rule record;
  found record;
  remaining text[] := '{}';
begin
  for rule in
    select d.*
    from lms_private.dependency_rules as d
    where d.parent = 'tutors'
      and d.rule = 'refuse'
    order by d.child, d.child_column
  loop
    execute format(
      'select count(*) as rows, (array_agg(%s order by c.id))[1] as example
      from lms.%I as c
      where c.tenant_id = $1 and c.%I = $2 and c.centre_id = $3 and %s',
      rule.example, rule.child, rule.child_column, rule.condition
    )
    into found
    using new.tenant_id, new.id, old.centre_id;
    if found.rows > 0 then
      remaining := remaining || format('%s: %s (such as %s)', rule.label, found.rows, found.example);
    end if;
  end loop;
  if remaining <> '{}' then
    raise exception using
      errcode = 'LM409',
      message = format(
        'The tutor still has %s at the former centre. Reassign or end them first.', array_to_string(remaining, '; ')
      ),
      column = 'centre_id';
  end if;
  return null;
end
$$;

comment on function lms_private.check_tutor_centre_change is
  'LM409 for a tutor who moves to another centre and has rows at the former one that also prevent leaving, by lms_private.dependency_rules.';

alter function lms_private.check_tutor_centre_change owner to lms_definer;

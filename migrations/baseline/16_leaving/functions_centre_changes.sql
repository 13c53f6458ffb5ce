-- Moving to another centre is leaving the old one. A student's places in its classes end as they do for a student who leaves, for a
-- class has students of its own centre only, and so does the tutor who is not at the new one. A tutor who has lessons, classes or
-- students at the old centre stays until they are given to others. Requests at the old centre are not left on the desk of somebody
-- who works at another.

create function lms_private.end_enrolments(tenant uuid, student uuid, except_centre uuid default null) returns setof uuid
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
  -- The enrolments and the lessons ahead first: triggers do as much behind the class, but not within an erasure, and not of a class
  -- that is deleted: it would bring the student back with it.
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
  'Takes a student out of all classes that are scheduled, but for those of one centre, and of their lessons ahead; gives the classes.';

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
  'A student who moves to another centre has no tutor, unless the tutor is there too or another is named with the move.';

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
  'Ends what a student or a member of the staff who moves to another centre leaves behind: places in classes of the others, requests of the others on the desk.';

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
        'At the former centre this tutor still has %s. Give them to others or end them first.', array_to_string(remaining, '; ')
      ),
      column = 'centre_id';
  end if;
  return null;
end
$$;

comment on function lms_private.check_tutor_centre_change is
  'LM409 for a tutor who moves to another centre and has something at the former one that also refuses leaving: lms_private.dependency_rules.';

alter function lms_private.check_tutor_centre_change owner to lms_definer;

-- The students whom a tutor teaches or has taught, maintained by triggers: row scope needs them in
-- each request of a tutor, and searching years of attendances would cost more than the request
-- itself.

create function lms_private.has_lesson_with(tenant uuid, tutor uuid, student uuid) returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  select exists (
    select
    from lms.attendances as a
    join lms.occurrences as o
      on o.tenant_id = a.tenant_id
      and o.id = a.occurrence_id
    where a.tenant_id = tenant
      and a.student_id = student
      and a.deleted_at is null
      and o.tutor_id = tutor
  );
end;

comment on function lms_private.has_lesson_with is
  'True when the tutor and the student have a lesson together. For the triggers that maintain lms_private.taught_students.';

alter function lms_private.has_lesson_with owner to lms_definer;

create function lms_private.maintain_taught_students() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Pairs that may have lost their last common lesson: {"tenant_id", "tutor_id", "student_id"}.
  doubtful jsonb;
begin
  -- A branch is planned when it is first taken, so a branch may name a transition table that this
  -- trigger does not have.
  if tg_table_name = 'occurrences' then
    select jsonb_agg(to_jsonb(d))
    into doubtful
    from (
      select distinct o.tenant_id, o.tutor_id, a.student_id
      from old_rows as o
      join new_rows as n
        on n.tenant_id = o.tenant_id
        and n.id = o.id
      join lms.attendances as a
        on a.tenant_id = o.tenant_id
        and a.occurrence_id = o.id
      where n.tutor_id <> o.tutor_id
    ) as d;
    insert into lms_private.taught_students (tenant_id, tutor_id, student_id)
    select distinct n.tenant_id, n.tutor_id, a.student_id
    from old_rows as o
    join new_rows as n
      on n.tenant_id = o.tenant_id
      and n.id = o.id
    join lms.attendances as a
      on a.tenant_id = n.tenant_id
      and a.occurrence_id = n.id
    where n.tutor_id <> o.tutor_id
      and a.deleted_at is null
    on conflict do nothing;
  elsif tg_op = 'INSERT' then
    insert into lms_private.taught_students (tenant_id, tutor_id, student_id)
    select distinct n.tenant_id, o.tutor_id, n.student_id
    from new_rows as n
    join lms.occurrences as o
      on o.tenant_id = n.tenant_id
      and o.id = n.occurrence_id
    where n.deleted_at is null
    on conflict do nothing;
  elsif tg_op = 'UPDATE' then
    select jsonb_agg(to_jsonb(d))
    into doubtful
    from (
      select distinct n.tenant_id, l.tutor_id, n.student_id
      from old_rows as o
      join new_rows as n
        on n.tenant_id = o.tenant_id
        and n.id = o.id
      join lms.occurrences as l
        on l.tenant_id = n.tenant_id
        and l.id = n.occurrence_id
      where o.deleted_at is null
        and n.deleted_at is not null
    ) as d;
    insert into lms_private.taught_students (tenant_id, tutor_id, student_id)
    select distinct n.tenant_id, l.tutor_id, n.student_id
    from old_rows as o
    join new_rows as n
      on n.tenant_id = o.tenant_id
      and n.id = o.id
    join lms.occurrences as l
      on l.tenant_id = n.tenant_id
      and l.id = n.occurrence_id
    where o.deleted_at is not null
      and n.deleted_at is null
    on conflict do nothing;
  end if;
  if doubtful is not null then
    delete from lms_private.taught_students as t
    using jsonb_to_recordset(doubtful) as d (tenant_id uuid, tutor_id uuid, student_id uuid)
    where t.tenant_id = d.tenant_id
      and t.tutor_id = d.tutor_id
      and t.student_id = d.student_id
      and not lms_private.has_lesson_with(t.tenant_id, t.tutor_id, t.student_id);
  end if;
  return null;
end
$$;

comment on function lms_private.maintain_taught_students is
  'Maintains lms_private.taught_students when attendances are created, deleted or restored and when lessons get another tutor.';

alter function lms_private.maintain_taught_students owner to lms_definer;

create procedure lms_private.rebuild_taught_students(tenant uuid default null)
language sql
set search_path = pg_catalog, pg_temp
begin atomic
  delete from lms_private.taught_students as t
  where tenant is null
    or t.tenant_id = tenant;
  insert into lms_private.taught_students (tenant_id, tutor_id, student_id)
  select distinct a.tenant_id, o.tutor_id, a.student_id
  from lms.attendances as a
  join lms.occurrences as o
    on o.tenant_id = a.tenant_id
    and o.id = a.occurrence_id
  where a.deleted_at is null
    and (tenant is null or a.tenant_id = tenant);
end;

comment on procedure lms_private.rebuild_taught_students is
  'Rebuilds lms_private.taught_students, for a tenant or for all, after rows were restored while triggers were off. For a role that sees those tenants'' rows.';

create function lms_private.record_former_tutors() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'INSERT' then
    new.former_tutor_ids := '[]';
    return new;
  end if;
  new.former_tutor_ids := old.former_tutor_ids;
  if new.tutor_id <> old.tutor_id then
    new.former_tutor_ids := new.former_tutor_ids - new.tutor_id::text - old.tutor_id::text;
    if exists (
      select
      from lms.occurrences as o
      where o.tenant_id = old.tenant_id
        and o.class_id = old.id
        and o.tutor_id = old.tutor_id
        and o.starts_at <= now()
        and o.deleted_at is null
    ) then
      new.former_tutor_ids := new.former_tutor_ids || to_jsonb(old.tutor_id);
    end if;
  end if;
  return new;
end
$$;

comment on function lms_private.record_former_tutors is
  'Records the tutor who gave lessons of a class before it gets another tutor. Writing the column itself has no effect.';

alter function lms_private.record_former_tutors owner to lms_definer;

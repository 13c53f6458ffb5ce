-- Warnings of a class, which do not prevent it: the tutor does not teach its subject, or has future
-- lessons while not available or absent. They are updated with the class, its lessons and its
-- tutor.

create function lms_private.upcoming_lessons(class lms.classes) returns tstzrange[]
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- The plan, with the changes to single lessons. Lessons that are no longer planned are about to
  -- be deleted.
  return array(
    select
      case
        when o.id is null or (o.starts_at = o.original_start and o.ends_at = s.ends_at) then tstzrange(s.starts_at, s.ends_at)
        else tstzrange(o.starts_at, o.ends_at)
      end
    from lms_private.planned_lessons(class.planned) as s
    left join lms.occurrences as o
      on o.tenant_id = class.tenant_id
      and o.class_id = class.id
      and o.original_start = s.starts_at
      and o.deleted_at is null
    where coalesce(o.ends_at, s.ends_at) > now()
      and coalesce(o.status, 'scheduled') = 'scheduled'
  );
end
$$;

comment on function lms_private.upcoming_lessons is
  'The times of the lessons of a class that have not ended, by its plan and the changes to single lessons.';

alter function lms_private.upcoming_lessons owner to lms_definer;

create function lms_private.class_warnings(class lms.classes) returns jsonb
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  lessons tstzrange[];
  warnings jsonb := '[]';
  zone text;
  days date[];
  tutor record;
begin
  -- A security definer function answers only about the tenant of the context.
  if class.tenant_id is distinct from nullif(current_setting('app.tenant_id', true), '')::uuid then
    return warnings;
  end if;
  if class.subject is not null
    and not lms_private.teaches_subject(class.tenant_id, class.tutor_id, class.subject, class.level)
  then
    warnings := warnings || '"tutor_without_subject"';
  end if;
  zone := (
    select c.time_zone
    from lms.tutors as t
    join lms.centres as c
      on c.tenant_id = t.tenant_id
      and c.id = t.centre_id
    where t.tenant_id = class.tenant_id
      and t.id = class.tutor_id
  );
  lessons := lms_private.upcoming_lessons(class);
  if lessons = '{}' or zone is null then
    return warnings;
  end if;
  -- A window within skipped hours may end on the following day.
  days := array(
    select distinct d.day::date
    from unnest(lessons) as l (span)
    cross join lateral generate_series(
      (lower(l.span) at time zone zone)::date - interval '1 day',
      (upper(l.span) at time zone zone)::date,
      interval '1 day'
    ) as d (day)
  );
  select a.*
  into tutor
  from lms_private.available_on(class.tutor_id, days) as a;
  if tutor.is_declared and exists (
    select from unnest(lessons) as l (span) where not l.span <@ tutor.available and not l.span && tutor.unavailable
  ) then
    warnings := warnings || '"tutor_unavailable"';
  end if;
  if exists (select from unnest(lessons) as l (span) where l.span && tutor.unavailable) then
    warnings := warnings || '"tutor_day_off"';
  end if;
  return warnings;
end
$$;

comment on function lms_private.class_warnings is
  'tutor_without_subject; tutor_unavailable for a future lesson outside the tutor''s windows, if any were given; tutor_day_off for one while the tutor is absent.';

alter function lms_private.class_warnings owner to lms_definer;
grant execute on function lms_private.class_warnings to lms_application;

create function lms_private.update_class_warnings() returns trigger
language plpgsql
as $$
begin
  new.warnings := lms_private.class_warnings(new);
  return new;
end
$$;

comment on function lms_private.update_class_warnings is 'Updates classes.warnings.';

create function lms_private.update_warnings_of_lessons() returns trigger
language plpgsql
as $$
begin
  -- A change of the class updates its warnings itself.
  if pg_trigger_depth() > 1 then
    return null;
  end if;
  update lms.classes as c
  set warnings = lms_private.class_warnings(c)
  where (c.tenant_id, c.id) in (
      select n.tenant_id, n.class_id
      from new_rows as n
      join old_rows as o
        on o.tenant_id = n.tenant_id
        and o.id = n.id
      where (n.starts_at, n.ends_at, n.status = 'cancelled') is distinct from (o.starts_at, o.ends_at, o.status = 'cancelled')
    )
    and c.status = 'scheduled'
    and c.deleted_at is null
    and c.warnings <> lms_private.class_warnings(c);
  return null;
end
$$;

comment on function lms_private.update_warnings_of_lessons is
  'Updates the warnings of classes whose single lessons are rescheduled or cancelled.';

create function lms_private.update_warnings_of_tutor() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update lms.classes as c
  set warnings = lms_private.class_warnings(c)
  where c.tenant_id = new.tenant_id
    and c.tutor_id = new.id
    and c.status = 'scheduled'
    and c.deleted_at is null
    and c.warnings <> lms_private.class_warnings(c);
  return null;
end
$$;

comment on function lms_private.update_warnings_of_tutor is
  'Updates the warnings of a tutor''s classes when the availability, subjects or centre of the tutor change.';

alter function lms_private.update_warnings_of_tutor owner to lms_definer;

create function lms.current_class_warnings(class uuid) returns jsonb
language sql
volatile
begin atomic
  select c.warnings from lms.classes as c where c.id = class;
end;

comment on function lms.current_class_warnings is
  'The warnings of a class after the changes that the surrounding statement has made.';

grant execute on function lms.current_class_warnings to lms_application;

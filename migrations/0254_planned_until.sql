-- Lessons behind what is planned are neither listed nor busy: who asks for times is told until when they are known.
set local role lms_owner;

create function lms.tutors_planned_until(tutors uuid[]) returns table (tutor_id uuid, planned_until timestamptz)
language plpgsql
stable
security definer
rows 100
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
  return query
    select c.tutor_id, min(c.planned_until)
    from lms.classes as c
    where c.tenant_id = current_setting('app.tenant_id')::uuid
      and c.tutor_id = any (tutors)
      and c.planned_until is not null
      and c.status = 'scheduled'
      and c.deleted_at is null
    group by c.tutor_id;
end
$$;

comment on function lms.tutors_planned_until is
  'Until when the lessons of tutors of the tenant are all known: the earliest planned_until of their classes. No row for tutors whose classes are all planned to their end. It looks past row security, as lms.free_times does.';

alter function lms.tutors_planned_until owner to lms_definer;

grant execute on function lms.tutors_planned_until to lms_application;

comment on column lms.classes.planned is
  'What the schedule comes to, as [start, end] in UTC: all lessons of a series with an end, of one without those up to planned_until; computed by the component, made into occurrences by trigger.';
comment on column lms.classes.planned_until is
  'Up to when the lessons of a series without an end are made; null when all are. The worker moves it on.';
comment on table lms.occurrences is
  'One lesson each: what a class''s schedule makes, of a series without an end for a rolling horizon. Ranges are half-open: what ends at five does not clash with what begins at five.';

create function lms.warnings_of(class uuid) returns jsonb
language sql
volatile
begin atomic
  select c.warnings from lms.classes as c where c.id = class;
end;

comment on function lms.warnings_of is 'The warnings of a class as they are now, after what the statement around it has changed.';

grant execute on function lms.warnings_of to lms_application;

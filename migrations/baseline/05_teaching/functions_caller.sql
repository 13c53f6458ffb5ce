-- Functions that row-scope policies call to find the caller's classes and lessons. They are
-- security definer, because a policy would otherwise apply the policies of the tables that it
-- reads.

create function lms.caller_classes() returns uuid[]
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  family constant uuid[] := lms.caller_family();
begin
  if family = '{}' then
    return family;
  end if;
  return array(
    select distinct e.class_id
    from lms.enrolments as e
    where e.tenant_id = current_setting('app.tenant_id')::uuid
      and e.student_id = any (family)
      and e.deleted_at is null
  );
end
$$;

comment on function lms.caller_classes is 'The classes of the caller''s family.';

alter function lms.caller_classes owner to lms_definer;
grant execute on function lms.caller_classes to lms_application;

create function lms.caller_gave_lesson(occurrence uuid) returns boolean
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (
    select
    from lms.occurrences as o
    where o.tenant_id = current_setting('app.tenant_id')::uuid
      and o.id = occurrence
      and o.tutor_id = lms.caller_tutor()
  );
end
$$;

comment on function lms.caller_gave_lesson is 'True when the caller gives or gave the lesson as its tutor.';

alter function lms.caller_gave_lesson owner to lms_definer;
grant execute on function lms.caller_gave_lesson to lms_application;

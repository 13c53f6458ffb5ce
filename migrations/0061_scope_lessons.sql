-- Row scope of lessons. As 0025: an occurrence and an enrolment are their class's, an attendance is its class's and the
-- student's own.
set local role lms_owner;

create function lms.caller_classes() returns uuid[]
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if current_setting('app.role') not in ('student', 'parent') then
    return '{}';
  end if;
  return array(
    select distinct e.class_id
    from lms.enrolments as e
    where e.tenant_id = current_setting('app.tenant_id')::uuid
      and e.student_id = any (lms.caller_students())
      and e.deleted_at is null
  );
end
$$;

comment on function lms.caller_classes is 'The classes of a student, or of a parent''s children. Empty for other roles.';

alter function lms.caller_classes owner to lms_definer;

grant execute on function lms.caller_classes to lms_application;

-- By the enrolments, which have an index for it that row security may use.
drop policy scope_read on lms.classes;

create policy scope_read on lms.classes
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'finance' then true
    when 'support' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    when 'assessor' then centre_id = current_setting('app.centre_id')::uuid
    when 'tutor' then tutor_id = (select lms.caller_tutor())
    else id = any ((select lms.caller_classes())::uuid[])
  end
);

-- A student sees the lessons that were his, also when he has left the class, and no others of it.
create policy scope_read on lms.occurrences
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'finance' then true
    when 'support' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    when 'assessor' then centre_id = current_setting('app.centre_id')::uuid
    when 'tutor' then
      tutor_id = (select lms.caller_tutor())
      or exists (
        select from lms.classes as c where c.tenant_id = occurrences.tenant_id and c.id = occurrences.class_id
      )
    when 'nobody' then false
    else exists (
      select from lms.attendances as a
      where a.tenant_id = occurrences.tenant_id
        and a.occurrence_id = occurrences.id
        and a.student_id = any ((select lms.caller_students())::uuid[])
        and a.deleted_at is null
    )
  end
);

create policy scope_insert on lms.occurrences
as restrictive for insert to lms_application
with check (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then exists (
      select from lms.classes as c where c.tenant_id = occurrences.tenant_id and c.id = occurrences.class_id
    )
    when 'tutor' then exists (
      select from lms.classes as c where c.tenant_id = occurrences.tenant_id and c.id = occurrences.class_id
    )
    else false
  end
);

create policy scope_update on lms.occurrences
as restrictive for update to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then exists (
      select from lms.classes as c where c.tenant_id = occurrences.tenant_id and c.id = occurrences.class_id
    )
    when 'tutor' then exists (
      select from lms.classes as c where c.tenant_id = occurrences.tenant_id and c.id = occurrences.class_id
    )
    else false
  end
);

create policy scope_read on lms.enrolments
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'student' then student_id = any ((select lms.caller_students())::uuid[])
    when 'parent' then student_id = any ((select lms.caller_students())::uuid[])
    else exists (
      select from lms.classes as c where c.tenant_id = enrolments.tenant_id and c.id = enrolments.class_id
    )
  end
);

create policy scope_insert on lms.enrolments
as restrictive for insert to lms_application
with check (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then exists (
      select from lms.classes as c where c.tenant_id = enrolments.tenant_id and c.id = enrolments.class_id
    )
    when 'tutor' then exists (
      select from lms.classes as c where c.tenant_id = enrolments.tenant_id and c.id = enrolments.class_id
    )
    else false
  end
);

create policy scope_update on lms.enrolments
as restrictive for update to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then exists (
      select from lms.classes as c where c.tenant_id = enrolments.tenant_id and c.id = enrolments.class_id
    )
    when 'tutor' then exists (
      select from lms.classes as c where c.tenant_id = enrolments.tenant_id and c.id = enrolments.class_id
    )
    else false
  end
);

create policy scope_read on lms.attendances
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'student' then student_id = any ((select lms.caller_students())::uuid[])
    when 'parent' then student_id = any ((select lms.caller_students())::uuid[])
    else exists (
      select from lms.classes as c where c.tenant_id = attendances.tenant_id and c.id = attendances.class_id
    )
  end
);

create policy scope_insert on lms.attendances
as restrictive for insert to lms_application
with check (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then exists (
      select from lms.classes as c where c.tenant_id = attendances.tenant_id and c.id = attendances.class_id
    )
    when 'tutor' then exists (
      select from lms.classes as c where c.tenant_id = attendances.tenant_id and c.id = attendances.class_id
    )
    else false
  end
);

create policy scope_update on lms.attendances
as restrictive for update to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then exists (
      select from lms.classes as c where c.tenant_id = attendances.tenant_id and c.id = attendances.class_id
    )
    when 'tutor' then exists (
      select from lms.classes as c where c.tenant_id = attendances.tenant_id and c.id = attendances.class_id
    )
    else false
  end
);

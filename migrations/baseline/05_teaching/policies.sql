-- Row scope of classes and their lessons: tutors see their own classes, and the lessons that they
-- gave in classes of other tutors. A guardian sees a child's lessons and attendance, and cannot
-- write them.

create policy scope_read on lms.classes
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'finance' then true
    when 'support' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    when 'assessor' then centre_id = current_setting('app.centre_id')::uuid
    when 'tutor' then former_tutor_ids || to_jsonb(tutor_id) ? (select lms.caller_tutor())::text
    else false
  end
  or id = any ((select lms.caller_classes())::uuid[])
);

create policy scope_insert on lms.classes
as restrictive for insert to lms_application
with check (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    when 'tutor' then tutor_id = (select lms.caller_tutor())
    else false
  end
);

create policy scope_update on lms.classes
as restrictive for update to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    when 'tutor' then tutor_id = (select lms.caller_tutor())
    else false
  end
);

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
        select from lms.classes as c
        where c.tenant_id = occurrences.tenant_id
          and c.id = occurrences.class_id
          and c.tutor_id = (select lms.caller_tutor())
      )
    else false
  end
  -- Includes classes that the student has left.
  or case
    when (select lms.caller_family()) = '{}' then false
    else exists (
      select from lms.attendances as a
      where a.tenant_id = occurrences.tenant_id
        and a.occurrence_id = occurrences.id
        and a.student_id = any ((select lms.caller_family())::uuid[])
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
      select from lms.classes as c
      where c.tenant_id = occurrences.tenant_id
        and c.id = occurrences.class_id
        and c.centre_id = current_setting('app.centre_id')::uuid
    )
    when 'tutor' then exists (
      select from lms.classes as c
      where c.tenant_id = occurrences.tenant_id
        and c.id = occurrences.class_id
        and c.tutor_id = (select lms.caller_tutor())
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
      select from lms.classes as c
      where c.tenant_id = occurrences.tenant_id
        and c.id = occurrences.class_id
        and c.centre_id = current_setting('app.centre_id')::uuid
    )
    when 'tutor' then
      tutor_id = (select lms.caller_tutor())
      or exists (
        select from lms.classes as c
        where c.tenant_id = occurrences.tenant_id
          and c.id = occurrences.class_id
          and c.tutor_id = (select lms.caller_tutor())
      )
    else false
  end
);

create policy scope_read on lms.enrolments
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'finance' then true
    when 'support' then true
    when 'supervisor' then exists (
      select from lms.classes as c
      where c.tenant_id = enrolments.tenant_id
        and c.id = enrolments.class_id
        and c.centre_id = current_setting('app.centre_id')::uuid
    )
    when 'assessor' then exists (
      select from lms.classes as c
      where c.tenant_id = enrolments.tenant_id
        and c.id = enrolments.class_id
        and c.centre_id = current_setting('app.centre_id')::uuid
    )
    when 'tutor' then exists (
      select from lms.classes as c
      where c.tenant_id = enrolments.tenant_id
        and c.id = enrolments.class_id
        and c.tutor_id = (select lms.caller_tutor())
    )
    else false
  end
  or student_id = any ((select lms.caller_family())::uuid[])
);

create policy scope_insert on lms.enrolments
as restrictive for insert to lms_application
with check (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then exists (
      select from lms.classes as c
      where c.tenant_id = enrolments.tenant_id
        and c.id = enrolments.class_id
        and c.centre_id = current_setting('app.centre_id')::uuid
    )
    when 'tutor' then exists (
      select from lms.classes as c
      where c.tenant_id = enrolments.tenant_id
        and c.id = enrolments.class_id
        and c.tutor_id = (select lms.caller_tutor())
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
      select from lms.classes as c
      where c.tenant_id = enrolments.tenant_id
        and c.id = enrolments.class_id
        and c.centre_id = current_setting('app.centre_id')::uuid
    )
    when 'tutor' then exists (
      select from lms.classes as c
      where c.tenant_id = enrolments.tenant_id
        and c.id = enrolments.class_id
        and c.tutor_id = (select lms.caller_tutor())
    )
    else false
  end
);

-- The policy of attendances cannot use the policy of occurrences, which reads attendances.
-- Therefore a function finds the lessons that the caller gave in classes of others.
create policy scope_read on lms.attendances
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'finance' then true
    when 'support' then true
    when 'supervisor' then exists (
      select from lms.classes as c
      where c.tenant_id = attendances.tenant_id
        and c.id = attendances.class_id
        and c.centre_id = current_setting('app.centre_id')::uuid
    )
    when 'assessor' then exists (
      select from lms.classes as c
      where c.tenant_id = attendances.tenant_id
        and c.id = attendances.class_id
        and c.centre_id = current_setting('app.centre_id')::uuid
    )
    when 'tutor' then
      exists (
        select from lms.classes as c
        where c.tenant_id = attendances.tenant_id
          and c.id = attendances.class_id
          and c.tutor_id = (select lms.caller_tutor())
      )
      or lms.caller_gave_lesson(occurrence_id)
    else false
  end
  or student_id = any ((select lms.caller_family())::uuid[])
);

create policy scope_insert on lms.attendances
as restrictive for insert to lms_application
with check (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'supervisor' then exists (
      select from lms.classes as c
      where c.tenant_id = attendances.tenant_id
        and c.id = attendances.class_id
        and c.centre_id = current_setting('app.centre_id')::uuid
    )
    when 'tutor' then exists (
      select from lms.classes as c
      where c.tenant_id = attendances.tenant_id
        and c.id = attendances.class_id
        and c.tutor_id = (select lms.caller_tutor())
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
      select from lms.classes as c
      where c.tenant_id = attendances.tenant_id
        and c.id = attendances.class_id
        and c.centre_id = current_setting('app.centre_id')::uuid
    )
    when 'tutor' then
      exists (
        select from lms.classes as c
        where c.tenant_id = attendances.tenant_id
          and c.id = attendances.class_id
          and c.tutor_id = (select lms.caller_tutor())
      )
      or lms.caller_gave_lesson(occurrence_id)
    else false
  end
);

-- Statements of account include students who were deleted, where the caller sees their records: money does not vanish with a student.
set local role lms_owner;

create or replace function lms_private.account_students(student uuid, parent uuid) returns uuid[]
language plpgsql
stable
as $$
#variable_conflict use_variable
begin
  if student is not null then
    return array(
      select s.id
      from lms.students as s
      where s.id = student
        and (s.deleted_at is null or exists (select from lms.finance_records as r where r.student_id = s.id))
    );
  end if;
  if parent is null then
    return lms.caller_students();
  end if;
  return array(
    select s.id
    from lms.students as s
    where s.parent_id = parent
      and (s.deleted_at is null or exists (select from lms.finance_records as r where r.student_id = s.id))
    union
    select s.id
    from lms.guardians as g
    join lms.students as s
      on s.id = g.student_id
    where g.user_id = parent
      and g.deleted_at is null
      and (s.deleted_at is null or exists (select from lms.finance_records as r where r.student_id = s.id))
  );
end
$$;

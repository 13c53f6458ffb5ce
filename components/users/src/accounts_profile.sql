student as (
  insert into lms.students (id, user_id, centre_id, dob, special_needs, languages, parent_id)
  select
    given.profile_id,
    r.id,
    r.centre_id,
    (given.profile->>'dob')::date,
    coalesce(given.profile->'special_needs', '[]'::jsonb),
    coalesce(given.profile->'languages', '[]'::jsonb),
    lms.check_reference(
      'profile/parent_id',
      (given.profile->>'parent_id')::uuid,
      exists (
        select from lms.users as t
        where t.id = (given.profile->>'parent_id')::uuid
          and t.role = 'parent'
          and t.status = 'active'
          and t.deleted_at is null
      )
    )
  from r
  cross join given
  where r.role = 'student'
    and given.profile is not null
),
tutor as (
  insert into lms.tutors (id, user_id, centre_id, max_students)
  select
    given.profile_id,
    r.id,
    r.centre_id,
    coalesce((given.profile->>'max_students')::integer, 10)
  from r
  cross join given
  where r.role = 'tutor'
    and given.profile is not null
),
guardian as (
  insert into lms.guardians (id, user_id, student_id, relationship)
  select
    given.profile_id,
    r.id,
    lms.check_reference(
      'profile/student_id',
      (given.profile->>'student_id')::uuid,
      exists (
        select from lms.students as t
        where t.id = (given.profile->>'student_id')::uuid
          and t.deleted_at is null
      )
    ),
    given.profile->>'relationship'
  from r
  cross join given
  where r.role = 'parent'
    and given.profile is not null
),
staff as (
  insert into lms.staff (id, user_id, centre_id, title, department, hired_on)
  select
    given.profile_id,
    r.id,
    r.centre_id,
    given.profile->>'title',
    given.profile->>'department',
    (given.profile->>'hired_on')::date
  from r
  cross join given
  where r.role in ('supervisor', 'admin', 'finance', 'assessor', 'support')
    and given.profile is not null
)

-- students.assign-tutor
with r as (
  update lms.students as r
  set assigned_tutor_id = lms.tutor_with_place(($1->'input'->>'tutor_id')::uuid, r.id)
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  returning r.id, r.user_id, r.centre_id, r.dob, r.academic_age, r.special_needs, r.assigned_tutor_id, r.parent_id, r.languages, r.history, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  json_build_object(
    'id', r.id,
    'user_id', r.user_id,
    'centre_id', r.centre_id,
    'dob', r.dob,
    'academic_age', r.academic_age,
    'special_needs', r.special_needs,
    'assigned_tutor_id', r.assigned_tutor_id,
    'parent_id', r.parent_id,
    'languages', r.languages,
    'history', r.history,
    'created_at', lms.utc(r.created_at),
    'updated_at', lms.utc(r.updated_at),
    'created_by', r.created_by,
    'updated_by', r.updated_by,
    'deleted_at', lms.utc(r.deleted_at)
  )::text as body,
  r.version::text as tag
from r;


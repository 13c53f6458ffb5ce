-- Guardians: which users are responsible for which students.
set local role lms_owner;

create table lms.guardians (
  like lms_private.row_template including all,
  user_id uuid not null,
  student_id uuid not null,
  relationship text not null
    constraint guardians_relationship_check check (relationship in ('parent', 'guardian')),
  constraint guardians_user_id_fkey foreign key (tenant_id, user_id) references lms.users (tenant_id, id),
  constraint guardians_student_id_fkey foreign key (tenant_id, student_id) references lms.students (tenant_id, id)
);

create unique index guardians_student_id_key
on lms.guardians (tenant_id, user_id, student_id)
where deleted_at is null;

create index idx_guardians_student_id
on lms.guardians (tenant_id, student_id)
where deleted_at is null;

comment on table lms.guardians is 'Links a user to a student, whom the user then sees as a child.';

call lms_private.adopt('guardians', 'guardian');

grant select, insert, update on lms.guardians to lms_application;
grant select on lms.guardians to lms_definer;

-- Students: what is particular to those who learn.
set local role lms_owner;

create table lms.students (
  like lms_private.row_template including all,
  user_id uuid not null,
  centre_id uuid not null,
  dob date
    constraint students_dob_check check (dob between '1900-01-01' and '2200-01-01'),
  academic_age jsonb not null default '{}'
    constraint students_academic_age_check check (
      jsonb_typeof(academic_age) = 'object' and octet_length(academic_age::text) <= 4096
    ),
  special_needs jsonb not null default '[]'
    constraint students_special_needs_check check (
      jsonb_typeof(special_needs) = 'array' and octet_length(special_needs::text) <= 8192
    ),
  assigned_tutor_id uuid,
  parent_id uuid,
  languages jsonb not null default '[]'
    constraint students_languages_check check (
      jsonb_typeof(languages) = 'array' and octet_length(languages::text) <= 4096
    ),
  history jsonb not null default '[]',
  constraint students_history_check check (
    case when jsonb_typeof(history) = 'array' then jsonb_array_length(history) <= 5 else false end
    and octet_length(history::text) <= 65536
  ),
  constraint students_user_id_fkey foreign key (tenant_id, user_id) references lms.users (tenant_id, id),
  constraint students_centre_id_fkey foreign key (tenant_id, centre_id) references lms.centres (tenant_id, id),
  constraint students_assigned_tutor_id_fkey
    foreign key (tenant_id, assigned_tutor_id) references lms.tutors (tenant_id, id),
  constraint students_parent_id_fkey foreign key (tenant_id, parent_id) references lms.users (tenant_id, id)
);

create unique index students_user_id_key
on lms.students (tenant_id, user_id)
where deleted_at is null;

create index idx_students_centre_id
on lms.students (tenant_id, centre_id)
where deleted_at is null;

create index idx_students_assigned_tutor
on lms.students (tenant_id, assigned_tutor_id)
where deleted_at is null;

create index idx_students_parent_id
on lms.students (tenant_id, parent_id)
where deleted_at is null;

create index idx_students_academic_age
on lms.students using gin (academic_age)
where deleted_at is null;

create index idx_students_special_needs
on lms.students using gin (special_needs)
where deleted_at is null;

comment on table lms.students is 'One live row for each user who learns.';
comment on column lms.students.academic_age is 'Object: reading, spelling, numeracy.';
comment on column lms.students.special_needs is 'Array, such as ["Autism", "ADHD"].';
comment on column lms.students.assigned_tutor_id is 'Makes the student one of the tutor''s own.';
comment on column lms.students.parent_id is 'The user who is the first contact; further ones are in guardians. Both see the student.';
comment on column lms.students.history is 'Summaries of the last five lessons.';

call lms_private.adopt('students', 'student');

grant select, insert, update on lms.students to lms_application;
grant select on lms.students to lms_definer, lms_refresher;

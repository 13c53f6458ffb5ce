-- Tutors: what is particular to those who teach.
set local role lms_owner;

create table lms.tutors (
  like lms_private.row_template including all,
  user_id uuid not null,
  centre_id uuid not null,
  subjects jsonb not null default '[]'
    constraint tutors_subjects_check check (jsonb_typeof(subjects) = 'array' and octet_length(subjects::text) <= 8192),
  max_students integer not null default 10
    constraint tutors_max_students_check check (max_students between 0 and 1000),
  current_students integer not null default 0,
  availability jsonb not null default '[]'
    constraint tutors_availability_check check (
      jsonb_typeof(availability) = 'array' and octet_length(availability::text) <= 16384
    ),
  constraint tutors_current_students_check check (current_students between 0 and max_students),
  constraint tutors_user_id_fkey foreign key (tenant_id, user_id) references lms.users (tenant_id, id),
  constraint tutors_centre_id_fkey foreign key (tenant_id, centre_id) references lms.centres (tenant_id, id)
);

create unique index tutors_user_id_key
on lms.tutors (tenant_id, user_id)
where deleted_at is null;

create index idx_tutors_centre_id
on lms.tutors (tenant_id, centre_id)
where deleted_at is null;

create index idx_tutors_subjects
on lms.tutors using gin (subjects)
where deleted_at is null;

comment on table lms.tutors is 'One live row for each user who teaches.';
comment on column lms.tutors.subjects is 'Array of subjects taught.';
comment on column lms.tutors.current_students is 'Never above max_students.';
comment on column lms.tutors.availability is 'Array of weekly slots.';

call lms_private.adopt('tutors', 'tutor');

grant select, insert, update on lms.tutors to lms_application;
grant select on lms.tutors to lms_definer, lms_refresher;

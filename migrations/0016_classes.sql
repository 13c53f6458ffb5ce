-- Classes: lessons, one-off or recurring.
set local role lms_owner;

create table lms.classes (
  like lms_private.row_template including all,
  centre_id uuid not null,
  tutor_id uuid not null,
  student_ids jsonb not null default '[]'
    constraint classes_student_ids_check check (
      jsonb_typeof(student_ids) = 'array' and octet_length(student_ids::text) <= 65536
    ),
  schedule jsonb not null
    constraint classes_schedule_check check (
      jsonb_typeof(schedule) = 'object' and octet_length(schedule::text) <= 65536
    ),
  status text not null default 'scheduled'
    constraint classes_status_check check (status in ('scheduled', 'completed', 'cancelled')),
  meeting_provider text
    constraint classes_meeting_provider_check check (meeting_provider in ('teams', 'zoom', 'chime')),
  meeting_url text
    constraint classes_meeting_url_check check (char_length(meeting_url) <= 2048 and meeting_url ~ '^https?://[^[:space:]]+$'),
  constraint classes_centre_id_fkey foreign key (tenant_id, centre_id) references lms.centres (tenant_id, id),
  constraint classes_tutor_id_fkey foreign key (tenant_id, tutor_id) references lms.tutors (tenant_id, id)
);

create index idx_classes_tutor_id
on lms.classes (tenant_id, tutor_id)
where deleted_at is null;

create index idx_classes_centre_id
on lms.classes (tenant_id, centre_id)
where deleted_at is null;

create index idx_classes_student_ids
on lms.classes using gin (student_ids)
where deleted_at is null;

comment on table lms.classes is 'Class sessions.';
comment on column lms.classes.student_ids is 'Array of ids of students.';
comment on column lms.classes.schedule is 'Object: start, end, recurring.';

call lms_private.adopt('classes', 'class');

grant select, insert, update on lms.classes to lms_application;
grant select on lms.classes to lms_definer, lms_refresher;

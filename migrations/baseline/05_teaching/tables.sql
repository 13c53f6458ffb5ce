-- Classes, their lessons, one row for each, and the students who attend. Exclusion constraints
-- prevent double bookings.

create table lms.classes (
  like lms_private.row_template including all,
  centre_id uuid not null,
  tutor_id uuid not null,
  former_tutor_ids jsonb not null default '[]'
    constraint classes_former_tutor_ids_check check (
      jsonb_typeof(former_tutor_ids) = 'array' and octet_length(former_tutor_ids::text) <= 65536
    ),
  student_ids jsonb not null default '[]'
    constraint classes_student_ids_check check (
      jsonb_typeof(student_ids) = 'array' and octet_length(student_ids::text) <= 65536
    ),
  subject text
    constraint classes_subject_check check (char_length(subject) between 1 and 100),
  level text
    constraint classes_level_check check (char_length(level) between 1 and 100),
  room text
    constraint classes_room_check check (char_length(room) between 1 and 100),
  meeting_provider text
    constraint classes_meeting_provider_check check (meeting_provider in ('teams', 'zoom', 'chime')),
  meeting_url text
    constraint classes_meeting_url_check check (char_length(meeting_url) <= 2048 and meeting_url ~ '^https?://[^[:space:]]+$'),
  schedule jsonb not null
    constraint classes_schedule_check check (
      jsonb_typeof(schedule) = 'object' and octet_length(schedule::text) <= 65536
    ),
  status text not null default 'scheduled'
    constraint classes_status_check check (status in ('scheduled', 'completed', 'cancelled')),
  warnings jsonb not null default '[]'
    constraint classes_warnings_check check (jsonb_typeof(warnings) = 'array'),
  planned jsonb not null default '[]'
    constraint classes_planned_check check (jsonb_typeof(planned) = 'array'),
  planned_until timestamptz,
  constraint classes_centre_id_fkey foreign key (tenant_id, centre_id) references lms.centres (tenant_id, id),
  constraint classes_tutor_id_fkey foreign key (tenant_id, tutor_id) references lms.tutors (tenant_id, id)
);

create index idx_classes_student_ids
on lms.classes using gin (student_ids)
where deleted_at is null;

create index idx_classes_planned_until
on lms.classes (planned_until)
where planned_until is not null and status = 'scheduled' and deleted_at is null;

-- Endless classes of a tenant by the end of their plan: few rows, which every calendar needs.
create index idx_classes_tenant_planned_until
on lms.classes (tenant_id, planned_until)
where planned_until is not null and status = 'scheduled' and deleted_at is null;

create index idx_classes_centre_id
on lms.classes (tenant_id, centre_id);

create index idx_classes_tutor_id
on lms.classes (tenant_id, tutor_id);

comment on table lms.classes is 'Class sessions.';
comment on column lms.classes.former_tutor_ids is
  'Array of ids of tutors who gave lessons of the class before it was reassigned, maintained by trigger.';
comment on column lms.classes.student_ids is 'Array of ids of students; triggers keep lms.enrolments equal to it.';
comment on column lms.classes.subject is 'The subject that is taught. There is a warning when the tutor does not teach it.';
comment on column lms.classes.room is 'The room in the centre. A room holds one lesson at a time.';
comment on column lms.classes.schedule is
  'Object: start and end in local time, time_zone, and recurring with an RFC 5545 rule and the excluded starts.';
comment on column lms.classes.warnings is
  'Warnings that do not prevent the class, maintained by trigger: tutor_without_subject, tutor_unavailable, tutor_day_off (lms_private.class_warnings).';
comment on column lms.classes.planned is
  'The lessons of the schedule as [start, end] in UTC: all lessons of a finite series, and those up to planned_until of an endless one. Computed by the component; a trigger creates the occurrences.';
comment on column lms.classes.planned_until is
  'The time up to which the lessons of an endless series are planned; null when all are. The worker extends it.';

call lms_private.register_table('classes', 'class');
call lms_private.create_retention_index('classes');

grant select, insert, update on lms.classes to lms_application;
grant select, update (student_ids, warnings) on lms.classes to lms_definer;
grant select on lms.classes to lms_refresher;

create table lms.occurrences (
  like lms_private.row_template including all,
  class_id uuid not null,
  centre_id uuid not null,
  tutor_id uuid not null,
  room text
    constraint occurrences_room_check check (char_length(room) between 1 and 100),
  original_start timestamptz not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  status text not null default 'scheduled'
    constraint occurrences_status_check check (status in ('scheduled', 'completed', 'cancelled')),
  reason text
    constraint occurrences_reason_check check (char_length(reason) between 1 and 500),
  constraint occurrences_ends_at_check check (ends_at > starts_at and ends_at <= starts_at + interval '25 hours'),
  constraint occurrences_class_id_fkey
    foreign key (tenant_id, class_id) references lms.classes (tenant_id, id) on delete cascade,
  constraint occurrences_centre_id_fkey foreign key (tenant_id, centre_id) references lms.centres (tenant_id, id),
  constraint occurrences_tutor_id_fkey foreign key (tenant_id, tutor_id) references lms.tutors (tenant_id, id),
  constraint occurrences_tutor_id_excl exclude using gist (
    tenant_id with =,
    tutor_id with =,
    tstzrange(starts_at, ends_at) with &&
  ) where (deleted_at is null and status <> 'cancelled'),
  constraint occurrences_room_excl exclude using gist (
    tenant_id with =,
    centre_id with =,
    lower(room) with =,
    tstzrange(starts_at, ends_at) with &&
  ) where (room is not null and deleted_at is null and status <> 'cancelled')
);

create unique index occurrences_original_start_key
on lms.occurrences (tenant_id, class_id, original_start)
where deleted_at is null;

create index idx_occurrences_starts_at
on lms.occurrences (tenant_id, starts_at)
where deleted_at is null;

create index idx_occurrences_clash
on lms.occurrences (tenant_id, starts_at)
where status = 'cancelled' and reason = 'clash' and deleted_at is null;

create index idx_occurrences_class_id
on lms.occurrences (tenant_id, class_id);

create index idx_occurrences_tutor_id
on lms.occurrences (tenant_id, tutor_id, starts_at);

create index idx_occurrences_centre_id
on lms.occurrences (tenant_id, centre_id, starts_at);

comment on table lms.occurrences is
  'Lessons that the schedule of a class produces, of an endless series for a rolling horizon. Ranges are half-open: a lesson that ends at five does not clash with one that begins at five.';
comment on column lms.occurrences.centre_id is 'The centre of the class.';
comment on column lms.occurrences.tutor_id is 'The tutor who gives the lesson: the tutor of the class when it began.';
comment on column lms.occurrences.original_start is
  'The start by the schedule. It identifies the lesson, even after it was rescheduled, and never changes.';
comment on column lms.occurrences.reason is 'Why the lesson was cancelled or rescheduled.';

call lms_private.register_table('occurrences', 'occurrence', listed => false);
call lms_private.create_retention_index('occurrences');

grant select, insert, update on lms.occurrences to lms_application, lms_definer;
grant select on lms.occurrences to lms_refresher;

create table lms.enrolments (
  like lms_private.row_template including all,
  class_id uuid not null,
  student_id uuid not null,
  constraint enrolments_class_id_fkey
    foreign key (tenant_id, class_id) references lms.classes (tenant_id, id) on delete cascade,
  constraint enrolments_student_id_fkey foreign key (tenant_id, student_id) references lms.students (tenant_id, id)
);

create unique index enrolments_student_id_key
on lms.enrolments (tenant_id, class_id, student_id)
where deleted_at is null;

create index idx_enrolments_class_id
on lms.enrolments (tenant_id, class_id);

create index idx_enrolments_student_id
on lms.enrolments (tenant_id, student_id);

comment on table lms.enrolments is 'The students of each class: classes.student_ids with foreign keys, maintained by trigger.';

call lms_private.register_table('enrolments', 'enrolment', listed => false);
call lms_private.create_retention_index('enrolments');

-- When a person leaves, the triggers on classes run as lms_definer.
grant select, insert, update on lms.enrolments to lms_application, lms_definer;
grant select on lms.enrolments to lms_refresher;

create table lms.attendances (
  like lms_private.row_template including all,
  occurrence_id uuid not null,
  class_id uuid not null,
  student_id uuid not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  is_booked boolean not null default true,
  status text
    constraint attendances_status_check check (status in ('present', 'absent', 'late', 'excused')),
  note text
    constraint attendances_note_check check (char_length(note) between 1 and 1000),
  constraint attendances_occurrence_id_fkey
    foreign key (tenant_id, occurrence_id) references lms.occurrences (tenant_id, id) on delete cascade,
  constraint attendances_class_id_fkey
    foreign key (tenant_id, class_id) references lms.classes (tenant_id, id) on delete cascade,
  constraint attendances_student_id_fkey foreign key (tenant_id, student_id) references lms.students (tenant_id, id),
  constraint attendances_student_id_excl exclude using gist (
    tenant_id with =,
    student_id with =,
    tstzrange(starts_at, ends_at) with &&
  ) where (deleted_at is null and is_booked)
);

create unique index attendances_occurrence_id_key
on lms.attendances (tenant_id, occurrence_id, student_id)
where deleted_at is null;

create index idx_attendances_class_id
on lms.attendances (tenant_id, class_id);

create index idx_attendances_occurrence_id
on lms.attendances (tenant_id, occurrence_id);

create index idx_attendances_student_id
on lms.attendances (tenant_id, student_id, starts_at);

comment on table lms.attendances is 'One live row for each student of each occurrence, created with it.';
comment on column lms.attendances.starts_at is
  'The start of the occurrence: with ends_at the time for which the student is booked.';
comment on column lms.attendances.is_booked is 'True when the student''s time is taken: the occurrence is not cancelled.';
comment on column lms.attendances.status is 'Null until attendance is recorded.';

call lms_private.register_table('attendances', 'attendance', listed => false);
call lms_private.create_retention_index('attendances');

grant select, insert, update on lms.attendances to lms_application, lms_definer;
grant select on lms.attendances to lms_refresher;

create table lms_private.taught_students (
  tenant_id uuid not null,
  tutor_id uuid not null,
  student_id uuid not null,
  primary key (tenant_id, tutor_id, student_id)
);

comment on table lms_private.taught_students is
  'Tutors and students who have at least one lesson together, past or planned. Derived from lms.attendances and lms.occurrences.';

grant select, insert, delete on lms_private.taught_students to lms_definer;

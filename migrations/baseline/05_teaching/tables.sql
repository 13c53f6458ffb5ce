-- Classes, the lessons that their schedules make, one row each, and who comes to them. A double booking is made impossible in
-- here, by exclusion constraints.

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

-- The classes without an end of a tenant, by until when they are planned: few of all, and asked for with every calendar.
create index idx_classes_tenant_planned_until
on lms.classes (tenant_id, planned_until)
where planned_until is not null and status = 'scheduled' and deleted_at is null;

create index idx_classes_centre_id
on lms.classes (tenant_id, centre_id);

create index idx_classes_tutor_id
on lms.classes (tenant_id, tutor_id);

comment on table lms.classes is 'Class sessions.';
comment on column lms.classes.former_tutor_ids is 'Array of ids of tutors who gave lessons of the class before it was another''s, kept by trigger.';
comment on column lms.classes.student_ids is 'Array of ids of students; lms.enrolments is kept equal to it.';
comment on column lms.classes.subject is 'The subject that is taught; one of the tutor''s subjects, or there is a warning.';
comment on column lms.classes.room is 'Where in the centre; a room holds one lesson at a time.';
comment on column lms.classes.schedule is
  'Object: start and end on the wall''s clock, time_zone, and recurring with an RFC 5545 rule and the starts left out of it.';
comment on column lms.classes.warnings is
  'Oddities that are not refused, kept by trigger: tutor_without_subject, tutor_unavailable, tutor_day_off (lms_private.class_warnings).';
comment on column lms.classes.planned is
  'The lessons of the schedule, as [start, end] in UTC: all lessons of a series with an end, of one without those up to planned_until; computed by the component, made into occurrences by trigger.';
comment on column lms.classes.planned_until is
  'Up to when the lessons of a series without an end are made; null when all are. The worker moves it on.';

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

create index idx_occurrences_class_id
on lms.occurrences (tenant_id, class_id);

create index idx_occurrences_tutor_id
on lms.occurrences (tenant_id, tutor_id, starts_at);

create index idx_occurrences_centre_id
on lms.occurrences (tenant_id, centre_id, starts_at);

comment on table lms.occurrences is
  'One lesson each: what a class''s schedule makes, of a series without an end for a rolling horizon. Ranges are half-open: what ends at five does not clash with what begins at five.';
comment on column lms.occurrences.centre_id is 'The class''s.';
comment on column lms.occurrences.tutor_id is 'The tutor who gives it: the class''s tutor when it began.';
comment on column lms.occurrences.original_start is 'When the schedule has it; it is known by this, even when it was moved. Never changes.';
comment on column lms.occurrences.reason is 'Why it was cancelled or moved.';

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

comment on table lms.enrolments is 'The students of each class: classes.student_ids with foreign keys, kept by trigger.';

call lms_private.register_table('enrolments', 'enrolment', listed => false);
call lms_private.create_retention_index('enrolments');

-- lms_definer does the work that triggers on classes do behind who leaves.
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

comment on table lms.attendances is 'One live row for each student of each occurrence, made with it.';
comment on column lms.attendances.starts_at is 'The occurrence''s, with its end: what the student is booked for.';
comment on column lms.attendances.is_booked is 'True when the student''s time is taken: the occurrence is not cancelled.';
comment on column lms.attendances.status is 'Null until somebody has recorded it.';

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
  'A tutor and a student who have at least one lesson together, given or planned. It follows from lms.attendances and lms.occurrences.';

grant select, insert, delete on lms_private.taught_students to lms_definer;

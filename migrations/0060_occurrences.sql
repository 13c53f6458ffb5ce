-- Occurrences: the lessons that a class's schedule makes, one row each, with who comes to them. A double booking is made
-- impossible in here, by exclusion constraints.

-- Trusted, so that whoever may create objects in the database may install it; where an operator has done that already, any
-- member of lms_owner can apply this file.
create extension if not exists btree_gist with schema lms_private;

set local role lms_owner;

alter table lms.classes
add column subject text
  constraint classes_subject_check check (char_length(subject) between 1 and 100),
add column level text
  constraint classes_level_check check (char_length(level) between 1 and 100),
add column room text
  constraint classes_room_check check (char_length(room) between 1 and 100),
add column warnings jsonb not null default '[]'
  constraint classes_warnings_check check (jsonb_typeof(warnings) = 'array'),
add column planned jsonb not null default '[]'
  constraint classes_planned_check check (jsonb_typeof(planned) = 'array'),
add column planned_until timestamptz;

create index idx_classes_planned_until
on lms.classes (planned_until)
where planned_until is not null and status = 'scheduled' and deleted_at is null;

comment on column lms.classes.schedule is
  'Object: start and end on the wall''s clock, time_zone, and recurring with an RFC 5545 rule and the starts left out of it.';
comment on column lms.classes.student_ids is 'Array of ids of students; lms.enrolments is kept equal to it.';
comment on column lms.classes.subject is 'What is taught; one of the tutor''s subjects, or there is a warning.';
comment on column lms.classes.room is 'Where in the centre; a room holds one lesson at a time.';
comment on column lms.classes.warnings is 'What is odd but not refused, kept by trigger: tutor_without_subject.';
comment on column lms.classes.planned is
  'What the schedule comes to, as [start, end] in UTC, up to planned_until; computed by the component, made into occurrences by trigger.';
comment on column lms.classes.planned_until is 'How far the series has been worked out; null when it is worked out to its end.';

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
  constraint occurrences_class_id_fkey foreign key (tenant_id, class_id) references lms.classes (tenant_id, id),
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

create index idx_occurrences_tutor_id
on lms.occurrences (tenant_id, tutor_id, starts_at)
where deleted_at is null;

create index idx_occurrences_centre_id
on lms.occurrences (tenant_id, centre_id, starts_at)
where deleted_at is null;

create index idx_occurrences_starts_at
on lms.occurrences (tenant_id, starts_at)
where deleted_at is null;

comment on table lms.occurrences is
  'One lesson each: what a class''s schedule makes, for a rolling horizon. Ranges are half-open: what ends at five does not clash with what begins at five.';
comment on column lms.occurrences.original_start is 'When the schedule has it; it is known by this, even when it was moved. Never changes.';
comment on column lms.occurrences.centre_id is 'The class''s.';
comment on column lms.occurrences.tutor_id is 'Who gives it: the class''s tutor when it began.';
comment on column lms.occurrences.reason is 'Why it was cancelled or moved.';

create table lms.enrolments (
  like lms_private.row_template including all,
  class_id uuid not null,
  student_id uuid not null,
  constraint enrolments_class_id_fkey foreign key (tenant_id, class_id) references lms.classes (tenant_id, id),
  constraint enrolments_student_id_fkey foreign key (tenant_id, student_id) references lms.students (tenant_id, id)
);

create unique index enrolments_student_id_key
on lms.enrolments (tenant_id, class_id, student_id)
where deleted_at is null;

create index idx_enrolments_student_id
on lms.enrolments (tenant_id, student_id)
where deleted_at is null;

comment on table lms.enrolments is 'Who is in which class: classes.student_ids with foreign keys, kept by trigger.';

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
    foreign key (tenant_id, occurrence_id) references lms.occurrences (tenant_id, id),
  constraint attendances_class_id_fkey foreign key (tenant_id, class_id) references lms.classes (tenant_id, id),
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

create index idx_attendances_student_id
on lms.attendances (tenant_id, student_id, starts_at)
where deleted_at is null;

create index idx_attendances_class_id
on lms.attendances (tenant_id, class_id)
where deleted_at is null;

comment on table lms.attendances is 'One live row for each student of each occurrence, made with it.';
comment on column lms.attendances.starts_at is 'The occurrence''s, with its end: what the student is booked for.';
comment on column lms.attendances.is_booked is 'Whether the student''s time is taken: the occurrence is not cancelled.';
comment on column lms.attendances.status is 'Null until somebody has recorded it.';

call lms_private.adopt('occurrences', 'occurrence', listed => false);
call lms_private.adopt('enrolments', 'enrolment', listed => false);
call lms_private.adopt('attendances', 'attendance', listed => false);

grant select, insert, update on lms.occurrences, lms.enrolments, lms.attendances to lms_application;
grant select on lms.occurrences, lms.enrolments, lms.attendances to lms_definer, lms_refresher;

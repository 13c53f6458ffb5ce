-- Assessments and gamification: what students achieve.
set local role lms_owner;

create table lms.assessments (
  like lms_private.row_template including all,
  student_id uuid not null,
  tutor_id uuid,
  type text not null
    constraint assessments_type_check check (type in ('reading', 'spelling', 'numeracy', 'custom')),
  score integer not null
    constraint assessments_score_check check (score between 0 and 1000),
  notes text
    constraint assessments_notes_check check (char_length(notes) <= 10000),
  constraint assessments_student_id_fkey foreign key (tenant_id, student_id) references lms.students (tenant_id, id),
  constraint assessments_tutor_id_fkey foreign key (tenant_id, tutor_id) references lms.tutors (tenant_id, id)
);

create index idx_assessments_student_id
on lms.assessments (tenant_id, student_id)
where deleted_at is null;

create index idx_assessments_tutor_id
on lms.assessments (tenant_id, tutor_id)
where deleted_at is null;

comment on table lms.assessments is 'Academic assessments.';
comment on column lms.assessments.score is 'From 0 to 1000; what it means depends on the type.';
comment on column lms.assessments.tutor_id is 'Null when an assessor held it without a tutor.';

create table lms.gamification (
  like lms_private.row_template including all,
  student_id uuid not null,
  points integer not null default 0
    constraint gamification_points_check check (points between -1000000 and 1000000),
  badge text
    constraint gamification_badge_check check (char_length(badge) between 1 and 200),
  metadata jsonb not null default '{}'
    constraint gamification_metadata_check check (
      jsonb_typeof(metadata) = 'object' and octet_length(metadata::text) <= 16384
    ),
  constraint gamification_student_id_fkey foreign key (tenant_id, student_id) references lms.students (tenant_id, id)
);

create index idx_gamification_student_id
on lms.gamification (tenant_id, student_id)
where deleted_at is null;

comment on table lms.gamification is 'Points and badges, one row for each award.';
comment on column lms.gamification.points is 'Of this award; negative takes some back.';

call lms_private.adopt('assessments', 'assessment');
call lms_private.adopt('gamification', 'gamification');

grant select, insert, update on lms.assessments, lms.gamification to lms_application;
grant select on lms.assessments, lms.gamification to lms_refresher;

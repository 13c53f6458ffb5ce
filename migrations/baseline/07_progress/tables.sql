-- Assessments, points and badges of students.

create table lms.assessments (
  like lms_private.row_template including all,
  student_id uuid not null,
  tutor_id uuid,
  type text not null
    constraint assessments_type_check check (type in ('reading', 'spelling', 'numeracy', 'custom')),
  assessed_on date not null
    constraint assessments_assessed_on_check check (assessed_on between '1900-01-01' and '2200-01-01'),
  score integer not null
    constraint assessments_score_check check (score between 0 and case when type = 'custom' then 1000 else 100 end),
  academic_age numeric
    constraint assessments_academic_age_check check (
      academic_age is null
      or (academic_age between 0 and 30 and scale(academic_age) <= 2 and type <> 'custom')
    ),
  notes text
    constraint assessments_notes_check check (char_length(notes) <= 10000),
  constraint assessments_student_id_fkey foreign key (tenant_id, student_id) references lms.students (tenant_id, id),
  constraint assessments_tutor_id_fkey foreign key (tenant_id, tutor_id) references lms.tutors (tenant_id, id)
);

create index idx_assessments_academic_age
on lms.assessments (tenant_id, student_id, type, assessed_on)
where deleted_at is null
  and academic_age is not null;

create index idx_assessments_student_id
on lms.assessments (tenant_id, student_id);

create index idx_assessments_tutor_id
on lms.assessments (tenant_id, tutor_id);

comment on table lms.assessments is 'Academic assessments.';
comment on column lms.assessments.tutor_id is 'Null when an assessor held the assessment without a tutor.';
comment on column lms.assessments.assessed_on is
  'The date of the assessment; by default the current date in the time zone of the student''s centre.';
comment on column lms.assessments.score is 'From 0 to 100; up to 1000 for a custom assessment.';
comment on column lms.assessments.academic_age is
  'The academic age in years of reading, spelling or numeracy. A trigger copies the latest one to the student.';

call lms_private.register_table('assessments', 'assessment');
call lms_private.create_retention_index('assessments');

grant select, insert, update on lms.assessments to lms_application;
grant select on lms.assessments to lms_definer, lms_refresher;

create table lms.gamification (
  like lms_private.row_template including all,
  student_id uuid not null,
  points integer not null default 0
    constraint gamification_points_check check (points between -1000000 and 1000000),
  reason text,
  badge text
    constraint gamification_badge_check check (char_length(badge) between 1 and 200),
  by_rule boolean not null default false,
  metadata jsonb not null default '{}'
    constraint gamification_metadata_check check (
      jsonb_typeof(metadata) = 'object' and octet_length(metadata::text) <= 16384
    ),
  constraint gamification_student_id_fkey foreign key (tenant_id, student_id) references lms.students (tenant_id, id),
  constraint gamification_reason_check check (
    case when reason is null then points >= 0 else char_length(reason) between 1 and 1000 end
  )
);

-- A rule awards its badge once. The case excludes badges that people award.
create unique index gamification_by_rule_key
on lms.gamification (tenant_id, student_id, (case when by_rule then badge end));

create index idx_gamification_student_id
on lms.gamification (tenant_id, student_id);

comment on table lms.gamification is 'Points and badges, one row for each award.';
comment on column lms.gamification.points is 'The points of this award; negative to deduct points.';
comment on column lms.gamification.reason is 'The reason, which is required to deduct points.';
comment on column lms.gamification.by_rule is 'True when a rule of the tenant made the award.';

call lms_private.register_table('gamification', 'gamification');
call lms_private.create_retention_index('gamification');

grant select, insert (id, student_id, points, badge, metadata, reason) on lms.gamification to lms_application;
grant select, insert on lms.gamification to lms_definer;
grant select on lms.gamification to lms_refresher;

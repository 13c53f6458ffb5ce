-- What belongs to a row goes with it when it is removed for good: its foreign key cascades, and all others hold the row. And the indexes
-- that the checks of references need, which look at every row, also at those that are deleted.
set local role lms_owner;

do $$
declare
  belonging record;
  name text;
begin
  for belonging in
    select *
    from (values
      ('sessions', 'user_id', 'users'),
      ('one_use_tokens', 'user_id', 'users'),
      ('idempotency_keys', 'user_id', 'users'),
      ('calendar_feeds', 'user_id', 'users'),
      ('notification_preferences', 'user_id', 'users'),
      ('notifications', 'user_id', 'users'),
      ('notification_deliveries', 'notification_id', 'notifications'),
      ('enrolments', 'class_id', 'classes'),
      ('occurrences', 'class_id', 'classes'),
      ('attendances', 'class_id', 'classes'),
      ('attendances', 'occurrence_id', 'occurrences')
    ) as b (child, key, parent)
  loop
    name := format('%s_%s_fkey', belonging.child, belonging.key);
    execute format('alter table lms.%I no force row level security', belonging.child);
    execute format('alter table lms.%I no force row level security', belonging.parent);
    execute format(
      'alter table lms.%1$I
      drop constraint %2$I,
      add constraint %2$I foreign key (tenant_id, %3$I) references lms.%4$I (tenant_id, id) on delete cascade',
      belonging.child, name, belonging.key, belonging.parent
    );
    execute format('alter table lms.%I force row level security', belonging.child);
    execute format('alter table lms.%I force row level security', belonging.parent);
  end loop;
end
$$;

drop index lms.idx_assessments_student_id;
drop index lms.idx_assessments_tutor_id;
drop index lms.idx_gamification_student_id;
drop index lms.idx_finance_records_student_id;
drop index lms.idx_finance_records_tutor_id;
drop index lms.idx_enrolments_student_id;
drop index lms.idx_occurrences_tutor_id;
drop index lms.idx_attendances_class_id;
drop index lms.idx_attendances_student_id;
drop index lms.idx_requests_created_by;
drop index lms.idx_requests_class_id;
drop index lms.idx_notifications_user_id;
drop index lms.idx_sessions_user_id;

create index idx_assessments_student_id
on lms.assessments (tenant_id, student_id);

create index idx_assessments_tutor_id
on lms.assessments (tenant_id, tutor_id);

create index idx_gamification_student_id
on lms.gamification (tenant_id, student_id);

create index idx_finance_records_student_id
on lms.finance_records (tenant_id, student_id);

create index idx_finance_records_tutor_id
on lms.finance_records (tenant_id, tutor_id);

create index idx_enrolments_class_id
on lms.enrolments (tenant_id, class_id);

create index idx_enrolments_student_id
on lms.enrolments (tenant_id, student_id);

create index idx_occurrences_class_id
on lms.occurrences (tenant_id, class_id);

create index idx_occurrences_tutor_id
on lms.occurrences (tenant_id, tutor_id, starts_at);

create index idx_attendances_class_id
on lms.attendances (tenant_id, class_id);

create index idx_attendances_occurrence_id
on lms.attendances (tenant_id, occurrence_id);

create index idx_attendances_student_id
on lms.attendances (tenant_id, student_id, starts_at);

create index idx_requests_created_by
on lms.requests (tenant_id, created_by, status, urgency, created_at, id);

create index idx_requests_class_id
on lms.requests (tenant_id, class_id)
where class_id is not null;

create index idx_notifications_user_id
on lms.notifications (tenant_id, user_id, created_at, id);

create index idx_sessions_user_id
on lms.sessions (tenant_id, user_id);

-- Sessions go with their user, and with their age: the log says so from now on, or a replay would still have them.
create trigger record_delete
after delete on lms.sessions
referencing old table as old_rows
for each statement execute function lms_private.record_changes('session');

-- Triggers that validate, plan and notify when classes, lessons and attendances are written. A
-- trigger whose name begins with then_ fires after the one that records the statement.

-- Double bookings of tutors, students and rooms, and the consequences of changes.
call lms_private.serialize_writers('classes');

create trigger check_status
before update of status on lms.classes
for each row execute function lms_private.check_status();

-- Redacting a name in a class or a lesson does not change the plan.
create trigger check_class
before insert or update on lms.classes
for each row
when (not lms_private.is_erasing())
execute function lms_private.check_class();

-- The prefix then_ sorts them after record_*, so that the event of the class comes first in the
-- log.
create trigger then_plan
after insert on lms.classes
referencing new table as new_rows
for each statement execute function lms_private.plan_classes();

create trigger then_replan
after update on lms.classes
referencing old table as old_rows new table as new_rows
for each statement
when (not lms_private.is_erasing())
execute function lms_private.replan_classes();

create trigger record_former_tutors
before insert or update on lms.classes
for each row execute function lms_private.record_former_tutors();

create trigger limit_tutor_to_own_centre
before insert or update on lms.classes
for each row
when (current_setting('app.role', true) = 'tutor')
execute function lms_private.limit_tutor_to_own_centre();

-- Fires after check_class.
create trigger update_class_warnings
before insert or update on lms.classes
for each row execute function lms_private.update_class_warnings();

create trigger check_enrolment_limit
before insert or update on lms.classes
for each row execute function lms_private.check_enrolment_limit();

-- then_capture_lessons fires before then_replan, and then_send_notifications after it.
create trigger then_capture_lessons
after update on lms.classes
referencing old table as old_rows new table as new_rows
for each statement
when (not lms_private.is_erasing())
execute function lms_private.capture_lessons();

create trigger then_send_notifications
after update on lms.classes
referencing old table as old_rows new table as new_rows
for each statement
when (not lms_private.is_erasing())
execute function lms_private.notify_class_changes();

call lms_private.serialize_writers('occurrences');

create trigger check_status
before update of status on lms.occurrences
for each row execute function lms_private.check_status();

create trigger then_create_attendances
after insert on lms.occurrences
referencing new table as new_rows
for each statement execute function lms_private.create_attendances();

create trigger then_modify_attendances
after update on lms.occurrences
referencing old table as old_rows new table as new_rows
for each statement
when (not lms_private.is_erasing())
execute function lms_private.update_attendances();

-- Fires after then_modify_attendances, because people are notified when the consequences have been
-- applied.
create trigger then_send_notifications
after update on lms.occurrences
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.notify_lesson_changes();

create trigger then_maintain_taught_students
after update on lms.occurrences
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.maintain_taught_students();

create trigger limit_tutor_scheduling
before insert or update on lms.occurrences
for each row
when (current_setting('app.role', true) = 'tutor')
execute function lms_private.limit_tutor_scheduling();

create trigger then_update_warnings
after update on lms.occurrences
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.update_warnings_of_lessons();

-- Fires after then_create_attendances, because the attendances determine whom to notify.
create trigger then_send_clash_notifications
after insert on lms.occurrences
referencing new table as new_rows
for each statement execute function lms_private.notify_clashes();

call lms_private.require_present(
  'occurrences', 'tutor_id', 'tutors', 'tutor_id', 'class_id',
  '%1$s.starts_at > now() and %1$s.status = ''scheduled'' and %1$s.deleted_at is null'
);

call lms_private.require_present(
  'occurrences', 'centre_id', 'centres', 'centre_id', 'class_id',
  '%1$s.starts_at > now() and %1$s.status = ''scheduled'' and %1$s.deleted_at is null'
);

call lms_private.serialize_writers('enrolments');

call lms_private.serialize_writers('attendances');

-- Fires after the trigger that records the statement.
create trigger then_apply_attendance_insert
after insert on lms.attendances
referencing new table as new_rows
for each statement execute function lms_private.apply_attendance();

create trigger then_apply_attendance_update
after update on lms.attendances
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.apply_attendance();

create trigger then_maintain_taught_students_insert
after insert on lms.attendances
referencing new table as new_rows
for each statement execute function lms_private.maintain_taught_students();

create trigger then_maintain_taught_students_update
after update on lms.attendances
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.maintain_taught_students();

call lms_private.require_present(
  'attendances', 'student_id', 'students', 'student_ids', 'class_id',
  '%1$s.starts_at > now() and %1$s.is_booked and %1$s.deleted_at is null'
);

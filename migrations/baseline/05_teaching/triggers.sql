-- Triggers that check, plan and tell when classes, lessons and attendances are written.

-- No tutor, student or room twice at a time, and what their changes set off.
call lms_private.take_turns('classes');

create trigger check_status
before update of status on lms.classes
for each row execute function lms_private.check_status();

-- A plan is the same when a name in the words of a class or a lesson is gone.
create trigger check_class
before insert or update on lms.classes
for each row
when (not lms_private.is_erasing())
execute function lms_private.check_class();

-- Their names begin so that they fire behind record_*: the log tells of the class first.
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

create trigger keep_former_tutors
before insert or update on lms.classes
for each row execute function lms_private.keep_former_tutors();

create trigger hold_tutor_to_centre
before insert or update on lms.classes
for each row
when (current_setting('app.role', true) = 'tutor')
execute function lms_private.hold_tutor_to_centre();

-- Its name begins so that it fires behind check_class.
create trigger warn_of_class
before insert or update on lms.classes
for each row execute function lms_private.warn_of_class();

create trigger check_places
before insert or update on lms.classes
for each row execute function lms_private.check_places();

-- Before and behind then_replan, in the order of the alphabet.
create trigger then_note_lessons
after update on lms.classes
referencing old table as old_rows new table as new_rows
for each statement
when (not lms_private.is_erasing())
execute function lms_private.note_lessons();

create trigger then_tell_of_classes
after update on lms.classes
referencing old table as old_rows new table as new_rows
for each statement
when (not lms_private.is_erasing())
execute function lms_private.tell_of_classes();

call lms_private.take_turns('occurrences');

create trigger check_status
before update of status on lms.occurrences
for each row execute function lms_private.check_status();

create trigger then_book
after insert on lms.occurrences
referencing new table as new_rows
for each statement execute function lms_private.book_students();

create trigger then_rebook
after update on lms.occurrences
referencing old table as old_rows new table as new_rows
for each statement
when (not lms_private.is_erasing())
execute function lms_private.rebook_students();

-- Behind then_rebook, in the order of the alphabet: first what follows from it, then the telling.
create trigger then_tell_of_lessons
after update on lms.occurrences
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.tell_of_lessons();

create trigger then_keep_taught_students
after update on lms.occurrences
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.keep_taught_students();

create trigger hold_tutor_to_plan
before insert or update on lms.occurrences
for each row
when (current_setting('app.role', true) = 'tutor')
execute function lms_private.hold_tutor_to_plan();

create trigger then_warn
after update on lms.occurrences
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.warn_of_lessons();

-- Behind then_book, in the order of the alphabet: the attendances say whose lessons they are.
create trigger then_tell_of_clashes
after insert on lms.occurrences
referencing new table as new_rows
for each statement execute function lms_private.tell_of_clashes();

call lms_private.refuse_who_left(
  'occurrences', 'tutor_id', 'tutors', 'tutor_id', 'class_id',
  '%1$s.starts_at > now() and %1$s.status = ''scheduled'' and %1$s.deleted_at is null'
);

call lms_private.refuse_who_left(
  'occurrences', 'centre_id', 'centres', 'centre_id', 'class_id',
  '%1$s.starts_at > now() and %1$s.status = ''scheduled'' and %1$s.deleted_at is null'
);

call lms_private.take_turns('enrolments');

call lms_private.take_turns('attendances');

-- Named to fire behind the trigger that records the statement: in the log the cause comes first.
create trigger then_follow_attendance_insert
after insert on lms.attendances
referencing new table as new_rows
for each statement execute function lms_private.follow_attendance();

create trigger then_follow_attendance_update
after update on lms.attendances
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.follow_attendance();

create trigger then_keep_taught_students_insert
after insert on lms.attendances
referencing new table as new_rows
for each statement execute function lms_private.keep_taught_students();

create trigger then_keep_taught_students_update
after update on lms.attendances
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.keep_taught_students();

call lms_private.refuse_who_left(
  'attendances', 'student_id', 'students', 'student_ids', 'class_id',
  '%1$s.starts_at > now() and %1$s.is_booked and %1$s.deleted_at is null'
);

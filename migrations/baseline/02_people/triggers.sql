-- Triggers on accounts, staff, tutors, students and guardians. Their consequences when people leave
-- or change centre are in 16_leaving. A trigger whose name begins with then_ fires after the one
-- that records the statement, so that the cause precedes its consequences in the event log.

-- Later triggers write to tables with serialized writers, so the write lock is taken before any row
-- is locked.
create trigger serialize_leaving
before update of deleted_at, status on lms.users
for each statement execute function lms_private.serialize_writers();

create trigger maintain_left_at
before insert or update on lms.users
for each row execute function lms_private.maintain_left_at();

-- Fires after the trigger that records the statement.
create trigger then_handle_leaving
after update on lms.users
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.handle_leaving();

create trigger normalize_email
before insert or update of email on lms.users
for each row execute function lms_private.normalize_email();

create trigger sync_tutor_name
after update of name on lms.users
for each row
when (new.name <> old.name)
execute function lms_private.sync_tutor_name();

create trigger require_active_admin
after update of role, status, deleted_at on lms.users
for each row
when (
  old.role = 'admin'
  and old.status = 'active'
  and old.deleted_at is null
  and (new.role <> 'admin' or new.status <> 'active' or new.deleted_at is not null)
)
execute function lms_private.require_active_admin();

create trigger end_codes
after update of status, deleted_at, role, password_hash, email on lms.users
for each row
when (
  (old.status, old.deleted_at, old.role, old.password_hash, old.email)
    is distinct from (new.status, new.deleted_at, new.role, new.password_hash, new.email)
)
execute function lms_private.end_codes();

create trigger end_sessions
after update of status, deleted_at, role, password_hash, email on lms.users
for each row execute function lms_private.end_sessions();

-- Fires after normalize_email, because pending_email holds the normalized address.
create trigger then_require_email_confirmation
before update of email, pending_email, status, role, deleted_at, password_hash on lms.users
for each row execute function lms_private.require_email_confirmation();

create trigger then_notify_former_address
after update of email on lms.users
for each row
when (old.email <> new.email)
execute function lms_private.notify_former_address();

create trigger check_guardian_role
before update of role on lms.users
for each row
when (new.role = 'student' and old.role <> 'student')
execute function lms_private.check_guardian_role();

create trigger check_role_change
before update of role on lms.users
for each row
when (new.role <> old.role)
execute function lms_private.check_role_change();

-- Restoring a student, tutor or staff row takes the write lock too, so the two cannot miss each
-- other.
create trigger serialize_role_change
before update of role on lms.users
for each statement execute function lms_private.serialize_writers();

create trigger then_check_open_insert
after insert on lms.users
for each row
when (new.centre_id is not null)
execute function lms_private.check_centre_open('new');

create trigger then_check_open_update
after update of centre_id on lms.users
for each row
when (new.centre_id is distinct from old.centre_id and new.centre_id is not null)
execute function lms_private.check_centre_open('new');

create trigger serialize_leaving
before update of deleted_at, status on lms.staff
for each statement execute function lms_private.serialize_writers();

create trigger maintain_left_at
before insert or update on lms.staff
for each row execute function lms_private.maintain_left_at();

create trigger then_handle_leaving
after update on lms.staff
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.handle_leaving();

create trigger then_check_open_insert
after insert on lms.staff
for each row
when (new.centre_id is not null)
execute function lms_private.check_centre_open('new');

create trigger then_check_open_update
after update of centre_id on lms.staff
for each row
when (new.centre_id is distinct from old.centre_id and new.centre_id is not null)
execute function lms_private.check_centre_open('new');

create trigger then_leave_centre
after update on lms.staff
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.leave_centre();

create trigger serialize_leaving
before update of deleted_at on lms.tutors
for each statement execute function lms_private.serialize_writers();

create trigger maintain_left_at
before insert or update on lms.tutors
for each row execute function lms_private.maintain_left_at();

create trigger then_handle_leaving
after update on lms.tutors
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.handle_leaving();

create trigger prepare_tutor
before insert or update of user_id, max_students on lms.tutors
for each row execute function lms_private.prepare_tutor();

-- The trigger updates classes, whose writers are serialized, so the write lock is taken before any
-- row is locked.
create trigger serialize_writers
before update of availability, subjects, centre_id on lms.tutors
for each statement execute function lms_private.serialize_writers();

create trigger then_update_warnings
after update on lms.tutors
for each row
when ((old.availability, old.subjects, old.centre_id) is distinct from (new.availability, new.subjects, new.centre_id))
execute function lms_private.update_warnings_of_tutor();

create trigger then_check_open_insert
after insert on lms.tutors
for each row
when (new.centre_id is not null)
execute function lms_private.check_centre_open('new');

create trigger then_check_open_update
after update of centre_id on lms.tutors
for each row
when (new.centre_id is distinct from old.centre_id and new.centre_id is not null)
execute function lms_private.check_centre_open('new');

create trigger then_check_centre_change
after update of centre_id on lms.tutors
for each row
when (new.centre_id <> old.centre_id)
execute function lms_private.check_tutor_centre_change();

create trigger serialize_leaving
before update of deleted_at on lms.students
for each statement execute function lms_private.serialize_writers();

create trigger maintain_left_at
before insert or update on lms.students
for each row execute function lms_private.maintain_left_at();

create trigger then_handle_leaving
after update on lms.students
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.handle_leaving();

-- Fires after the trigger that records the statement.
create trigger then_count_students_insert
after insert on lms.students
referencing new table as new_rows
for each statement execute function lms_private.count_students();

create trigger then_count_students_update
after update on lms.students
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.count_students();

create trigger check_student_accounts_insert
after insert on lms.students
referencing new table as new_rows
for each statement execute function lms_private.check_student_accounts();

create trigger check_student_accounts_update
after update on lms.students
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.check_student_accounts();

-- Fires after the trigger that records the statement.
create trigger then_ensure_first_contact_guardian_insert
after insert on lms.students
referencing new table as new_rows
for each statement execute function lms_private.ensure_first_contact_guardian();

create trigger then_ensure_first_contact_guardian_update
after update on lms.students
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.ensure_first_contact_guardian();

create trigger then_check_open_insert
after insert on lms.students
for each row
when (new.centre_id is not null)
execute function lms_private.check_centre_open('new');

create trigger then_check_open_update
after update of centre_id on lms.students
for each row
when (new.centre_id is distinct from old.centre_id and new.centre_id is not null)
execute function lms_private.check_centre_open('new');

create trigger then_check_tutor_assignment_insert
after insert on lms.students
for each row
when (new.assigned_tutor_id is not null and new.deleted_at is null)
execute function lms_private.check_tutor_assignment();

create trigger then_check_tutor_assignment_update
after update of assigned_tutor_id on lms.students
for each row
when (new.assigned_tutor_id is distinct from old.assigned_tutor_id and new.assigned_tutor_id is not null)
execute function lms_private.check_tutor_assignment();

-- Changing the centre ends enrolments, whose writers are serialized, so the write lock is taken
-- before the student is locked. The other tables take it already.
create trigger serialize_centre_change
before update of centre_id on lms.students
for each statement execute function lms_private.serialize_writers();

create trigger reset_assigned_tutor
before update of centre_id on lms.students
for each row
when (
  new.centre_id <> old.centre_id
  and new.assigned_tutor_id = old.assigned_tutor_id
)
execute function lms_private.reset_assigned_tutor();

create trigger then_leave_centre
after update on lms.students
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.leave_centre();

create trigger then_check_first_contact_insert
after insert on lms.students
for each row
when (new.parent_id is not null)
execute function lms_private.check_first_contact();

-- A first contact that is restored together with an account or a link is set by a trigger and need
-- not be checked.
create trigger then_check_first_contact_update
after update of parent_id on lms.students
for each row
when (new.parent_id is distinct from old.parent_id and new.parent_id is not null and pg_trigger_depth() = 0)
execute function lms_private.check_first_contact();

call lms_private.require_present(
  'students', 'assigned_tutor_id', 'tutors', 'assigned_tutor_id', 'id', '%1$s.deleted_at is null'
);

create trigger maintain_left_at
before update of deleted_at on lms.guardians
for each row execute function lms_private.maintain_left_at();

create trigger check_guardian
before insert or update on lms.guardians
for each row execute function lms_private.check_guardian();

create trigger then_sync_first_contact
after update on lms.guardians
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.sync_first_contact();

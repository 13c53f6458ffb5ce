-- Triggers that validate, number and notify when requests are written. A trigger whose name begins
-- with then_ fires after the one that records the statement.

-- Gapless numbers.
call lms_private.serialize_writers('requests');

create trigger number_row
before insert on lms.requests
for each row execute function lms_private.assign_number('requests');

-- Fires after the trigger that records the statement.
create trigger then_advance_sequence
after insert on lms.requests
for each statement execute function lms_private.advance_sequence_after_insert('requests');

create trigger open_request
before insert on lms.requests
for each row execute function lms_private.open_request();

-- Fires after the other consequences of a new request.
create trigger then_send_new_request_notifications
after insert on lms.requests
referencing new table as new_rows
for each statement execute function lms_private.notify_new_requests();

create trigger then_send_notifications
after update on lms.requests
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.notify_request_changes();

-- Only an erasure may change a closed request.
create trigger enforce_request_rules
before update on lms.requests
for each row
when (not (old.status = 'closed' and lms_private.is_erasing()))
execute function lms_private.enforce_request_rules();

create trigger then_check_open_insert
after insert on lms.requests
for each row
when (new.centre_id is not null)
execute function lms_private.check_centre_open('new');

create trigger then_check_open_update
after update of centre_id on lms.requests
for each row
when (new.centre_id is distinct from old.centre_id and new.centre_id is not null)
execute function lms_private.check_centre_open('new');

create trigger then_check_open_back
after update on lms.requests
for each row
when (
  new.status in ('open', 'in_progress')
  and new.deleted_at is null
  and (old.status not in ('open', 'in_progress') or old.deleted_at is not null)
)
execute function lms_private.check_centre_open('back');

call lms_private.append_only_redactable('request_comments', 'body');

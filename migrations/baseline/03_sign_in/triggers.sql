-- Triggers that record events of sessions.

create trigger record_insert
after insert on lms.sessions
referencing new table as new_rows
for each statement execute function lms_private.record_changes('session');

create trigger record_revocation
after update of revoked_at on lms.sessions
for each row execute function lms_private.record_revocation();

-- Sessions are deleted with their user and after their retention. The event log records it, because
-- a replay would otherwise keep them.
create trigger record_delete
after delete on lms.sessions
referencing old table as old_rows
for each statement execute function lms_private.record_changes('session');

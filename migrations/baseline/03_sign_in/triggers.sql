-- Triggers that record events of sessions and maintain the rows of their session check.

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

-- Fires before record_insert, so that the user is locked before the tenant's sequence of events, as
-- by a change of the user.
create trigger add_live_session
after insert on lms.sessions
for each row execute function lms_private.add_live_session();

create trigger remove_live_session
after update of revoked_at, expires_at on lms.sessions
for each row execute function lms_private.remove_live_sessions();

create trigger remove_live_sessions
after update of role, status, centre_id, deleted_at on lms.users
for each row
when ((old.role, old.status, old.centre_id, old.deleted_at)
  is distinct from (new.role, new.status, new.centre_id, new.deleted_at))
execute function lms_private.remove_live_sessions();

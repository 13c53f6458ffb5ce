-- Triggers that check and keep tenants and centres.

create trigger check_cell
before insert or update of region, retention_class on lms.tenants
for each row execute function lms_private.check_cell();

create trigger keep_slug
after insert or update of slug on lms.tenants
for each row execute function lms_private.keep_slug();

create trigger end_sessions
after update of status, deleted_at on lms.tenants
for each row execute function lms_private.end_tenant_sessions();

-- The rows that follow are written to tables whose writers take turns, so the turn is taken before a row is locked.
create trigger take_turn_to_leave
before update of deleted_at, status on lms.centres
for each statement execute function lms_private.take_turn();

create trigger keep_left
before insert or update on lms.centres
for each row execute function lms_private.keep_left();

-- By its name behind the trigger that records the statement: in the log the cause comes first.
create trigger then_leave
after update on lms.centres
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.leave();

-- A trigger and not a foreign key, whose target would have to be the tenant's.
create trigger check_currency
before insert or update of currency on lms.centres
for each row execute function lms_private.check_currency();

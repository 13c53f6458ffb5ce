-- Triggers that check and keep tenants and centres.

create trigger check_cell
before insert or update of region, retention_class on lms.tenants
for each row execute function lms_private.check_cell();

create trigger reserve_slug
after insert or update of slug on lms.tenants
for each row execute function lms_private.reserve_slug();

create trigger end_sessions
after update of status, deleted_at on lms.tenants
for each row execute function lms_private.end_tenant_sessions();

-- The rows that follow are written to tables whose writers take turns, so the turn is taken before a row is locked.
create trigger serialize_leaving
before update of deleted_at, status on lms.centres
for each statement execute function lms_private.serialize_writers();

create trigger maintain_left_at
before insert or update on lms.centres
for each row execute function lms_private.maintain_left_at();

-- By its name behind the trigger that records the statement: in the log the cause comes first.
create trigger then_handle_leaving
after update on lms.centres
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.handle_leaving();

-- A trigger and not a foreign key, whose target would have to be the tenant's.
create trigger check_currency
before insert or update of currency on lms.centres
for each row execute function lms_private.check_currency();

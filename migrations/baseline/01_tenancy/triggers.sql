-- Triggers that validate tenants and centres and maintain what depends on them.

create trigger check_cell
before insert or update of region, retention_class on lms.tenants
for each row execute function lms_private.check_cell();

create trigger reserve_slug
after insert or update of slug on lms.tenants
for each row execute function lms_private.reserve_slug();

create trigger end_sessions
after update of status, deleted_at on lms.tenants
for each row execute function lms_private.end_tenant_sessions();

-- Later triggers write to tables with serialized writers, so the write lock is taken before any row
-- is locked.
create trigger serialize_leaving
before update of deleted_at, status on lms.centres
for each statement execute function lms_private.serialize_writers();

create trigger maintain_left_at
before insert or update on lms.centres
for each row execute function lms_private.maintain_left_at();

-- The prefix then_ sorts it after the trigger that records the statement, so that the cause
-- precedes its consequences in the event log.
create trigger then_handle_leaving
after update on lms.centres
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.handle_leaving();

-- A trigger instead of a foreign key, because currencies belong to no tenant.
create trigger check_currency
before insert or update of currency on lms.centres
for each row execute function lms_private.check_currency();

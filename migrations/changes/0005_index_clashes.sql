-- Counting clashes must not read all lessons to come.

set local role lms_owner;

create index idx_occurrences_clash
on lms.occurrences (tenant_id, starts_at)
where status = 'cancelled' and reason = 'clash' and deleted_at is null;

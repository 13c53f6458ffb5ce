-- Counting dead letters must not read the whole outbox.

set local role lms_owner;

create index idx_notification_deliveries_dead_at
on lms.notification_deliveries (tenant_id, type)
where dead_at is not null;

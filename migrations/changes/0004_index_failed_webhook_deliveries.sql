-- Counting dead letters and failing webhooks must not read all deliveries.

set local role lms_owner;

create index idx_webhook_deliveries_last_attempt_at
on lms.webhook_deliveries (tenant_id, webhook_id, last_attempt_at)
include (dead_at)
where delivered_at is null and last_error is not null;

-- Triggers that validate and initialize a webhook, and notify the tenant's admins when the worker
-- has disabled one.

create trigger then_initialize_webhook
after insert on lms.webhooks
for each row execute function lms_private.initialize_webhook();

create trigger then_count_webhooks
after update of deleted_at on lms.webhooks
for each row
when (old.deleted_at is not null and new.deleted_at is null)
execute function lms_private.initialize_webhook();

create trigger then_resume_webhook
after update of status on lms.webhooks
for each row
when (old.status <> 'active' and new.status = 'active')
execute function lms_private.resume_webhook();

create trigger check_webhook_kinds
before insert or update of kinds on lms.webhooks
for each row execute function lms_private.check_webhook_kinds();

-- Nobody is notified of a webhook that a user disabled.
create trigger then_send_notifications
after update of status on lms.webhooks
for each row
when (old.status = 'active' and new.status = 'disabled' and new.updated_by is null)
execute function lms_private.notify_webhook_disabled();

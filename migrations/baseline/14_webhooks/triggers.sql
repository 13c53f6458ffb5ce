-- Triggers that check and begin a webhook. The tenant's admins are told when the worker has disabled one.

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

-- Nobody need be told of a webhook that they disabled by hand.
create trigger then_send_notifications
after update of status on lms.webhooks
for each row
when (old.status = 'active' and new.status = 'disabled' and new.updated_by is null)
execute function lms_private.notify_webhook_disabled();

-- Triggers that check a template, and that render and queue a notification.

create trigger check_template
before insert or update of key, subject, message on lms.notification_templates
for each row execute function lms_private.check_template();

create trigger prepare_notification
before insert on lms.notifications
for each row execute function lms_private.prepare_notification();

create trigger queue_notification
after insert on lms.notifications
for each row
when (new.status is null)
execute function lms_private.queue_notification();

create trigger queue_notification_again
after update of status on lms.notifications
for each row
when (old.status is not null and new.status is null)
execute function lms_private.queue_notification();

-- Fires after prepare_notification, which renders the template.
create trigger then_strip_subject_line_breaks
before insert or update of subject on lms.notifications
for each row execute function lms_private.strip_subject_line_breaks();

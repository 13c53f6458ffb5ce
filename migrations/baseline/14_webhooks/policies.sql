-- Row scope of webhooks: visible to admins.

create policy scope_all on lms.webhooks
as restrictive for all to lms_application
using ((select current_setting('app.role')) = 'admin');

create policy scope_all on lms.webhook_secrets
as restrictive for all to lms_application
using ((select current_setting('app.role')) = 'admin');

create policy scope_all on lms.webhook_queues
as restrictive for all to lms_application
using ((select current_setting('app.role')) = 'admin');

create policy scope_all on lms.webhook_deliveries
as restrictive for all to lms_application
using ((select current_setting('app.role')) = 'admin');

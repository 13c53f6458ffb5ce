-- Row scope of notifications, templates, preferences and the outbox.

create policy scope_read on lms.notification_templates
as restrictive for select to lms_application
using ((select current_setting('app.role')) in ('admin', 'support', 'supervisor'));

create policy scope_insert on lms.notification_templates
as restrictive for insert to lms_application
with check ((select current_setting('app.role')) = 'admin');

create policy scope_update on lms.notification_templates
as restrictive for update to lms_application
using ((select current_setting('app.role')) = 'admin');

create policy scope_all on lms.notification_preferences
as restrictive for all to lms_application
using (user_id = current_setting('app.user_id')::uuid);

-- A supervisor sends to users of the centre and sees their notifications. A child's notifications
-- are visible to the child only.
create policy scope_read on lms.notifications
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'support' then true
    when 'supervisor' then
      user_id = current_setting('app.user_id')::uuid
      or exists (
        select from lms.users as u
        where u.tenant_id = notifications.tenant_id
          and u.id = notifications.user_id
          and u.centre_id = current_setting('app.centre_id')::uuid
      )
    when 'nobody' then false
    else user_id = current_setting('app.user_id')::uuid
  end
);

create policy scope_insert on lms.notifications
as restrictive for insert to lms_application
with check (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'support' then true
    when 'supervisor' then
      user_id = current_setting('app.user_id')::uuid
      or exists (
        select from lms.users as u
        where u.tenant_id = notifications.tenant_id
          and u.id = notifications.user_id
          and u.centre_id = current_setting('app.centre_id')::uuid
      )
    else false
  end
);

-- The worker sets the outcome. A request can only reset it for a retry.
create policy scope_update on lms.notifications
as restrictive for update to lms_application
using ((select current_setting('app.role')) in ('admin', 'support'));

-- No request uses this table directly; the policy is a second safeguard.
create policy scope_all on lms.notification_deliveries
as restrictive for all to lms_application
using (false);

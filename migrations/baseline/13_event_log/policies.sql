-- Row scope of the event log: visible to admins.

create policy scope_read on lms.event_heads
as restrictive for select to lms_application
using ((select current_setting('app.role')) = 'admin');

create policy scope_read on lms.event_log
as restrictive for select to lms_application
using ((select current_setting('app.role')) = 'admin');

create policy scope_read on lms.event_redactions
as restrictive for select to lms_application
using ((select current_setting('app.role')) = 'admin');

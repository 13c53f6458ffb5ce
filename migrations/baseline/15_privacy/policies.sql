-- Row scope of legal holds and erasures: visible to admins.

create policy scope_read on lms.legal_holds
as restrictive for select to lms_application
using ((select current_setting('app.role')) = 'admin');

create policy scope_insert on lms.legal_holds
as restrictive for insert to lms_application
with check ((select current_setting('app.role')) = 'admin');

create policy scope_update on lms.legal_holds
as restrictive for update to lms_application
using ((select current_setting('app.role')) = 'admin');

create policy scope_read on lms.erasures
as restrictive for select to lms_application
using ((select current_setting('app.role')) = 'admin');

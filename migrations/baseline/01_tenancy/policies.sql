-- Row scope of tenants, centres and sequences: restrictive policies on top of the tenant's policy.
-- 02_people/policies.sql explains how they are written.

create policy scope_read on lms.tenants
as restrictive for select to lms_application
using ((select current_setting('app.role')) <> 'nobody');

create policy scope_update on lms.tenants
as restrictive for update to lms_application
using ((select current_setting('app.role')) = 'admin');

create policy scope_read on lms.centres
as restrictive for select to lms_application
using ((select current_setting('app.role')) <> 'nobody');

create policy scope_insert on lms.centres
as restrictive for insert to lms_application
with check ((select current_setting('app.role')) = 'admin');

create policy scope_update on lms.centres
as restrictive for update to lms_application
using ((select current_setting('app.role')) = 'admin');

create policy scope_read on lms.tenant_sequences
as restrictive for select to lms_application
using ((select current_setting('app.role')) <> 'nobody');

-- Row scope of idempotency keys: they are one's own, an admin's too.

create policy scope_all on lms.idempotency_keys
as restrictive for all to lms_application
using (user_id = current_setting('app.user_id')::uuid);

-- Row scope of idempotency keys: every user, including an admin, sees only their own.

create policy scope_all on lms.idempotency_keys
as restrictive for all to lms_application
using (user_id = current_setting('app.user_id')::uuid);

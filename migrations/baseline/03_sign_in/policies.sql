-- Row scope of the tables of sign-in, which are mostly used by functions that bypass it.

-- Every user, including an admin, sees only their own sessions.
create policy scope_all on lms.sessions
as restrictive for all to lms_application
using (user_id = current_setting('app.user_id')::uuid);

-- Only the functions of sign-in use these tables. The application has no privileges on them; the
-- policies are a second safeguard.
create policy scope_all on lms.refresh_tokens
as restrictive for all to lms_application
using (false);

create policy scope_all on lms.one_use_tokens
as restrictive for all to lms_application
using (false);

create policy scope_all on lms.sign_in_failures
as restrictive for all to lms_application
using (false);

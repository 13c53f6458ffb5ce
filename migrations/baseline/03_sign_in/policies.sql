-- Row scope of what sign-in keeps. Functions that look past it do nearly all of the work.

-- Sessions are one's own, an admin's too.
create policy scope_all on lms.sessions
as restrictive for all to lms_application
using (user_id = current_setting('app.user_id')::uuid);

-- These are reached by the functions of sign-in alone. The application has no right on them at all; this is the second lock.
create policy scope_all on lms.refresh_tokens
as restrictive for all to lms_application
using (false);

create policy scope_all on lms.one_use_tokens
as restrictive for all to lms_application
using (false);

create policy scope_all on lms.sign_in_failures
as restrictive for all to lms_application
using (false);

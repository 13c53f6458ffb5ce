-- Row scope of calendar feeds: users see only their own.

create policy scope_all on lms.calendar_feeds
as restrictive for all to lms_application
using (user_id = current_setting('app.user_id')::uuid);

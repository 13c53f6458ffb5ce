-- Row scope of calendar feeds: they are one's own.

create policy scope_all on lms.calendar_feeds
as restrictive for all to lms_application
using (user_id = current_setting('app.user_id')::uuid);

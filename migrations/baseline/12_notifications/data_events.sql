-- The events that notifications can be about, with their placeholders.

insert into lms_private.notification_events (key, placeholders, optional, lists, secret, is_security)
values
  ('announcement', '{name,tenant,title,text}', '{}', '{}', null, false),
  (
    'class_students_changed',
    '{name,tenant,lesson,tutor,centre,first_at,subject,room,joined,joined_count,left,left_count}',
    '{subject,room,joined,joined_count,left,left_count}',
    '{joined,left}',
    null,
    false
  ),
  ('email_change', '{hours,token}', '{}', '{}', 'token', true),
  ('email_change_asked', '{name,tenant}', '{}', '{}', null, true),
  ('email_changed', '{name,tenant}', '{}', '{}', null, true),
  (
    'lesson_added',
    '{name,tenant,lesson,tutor,centre,starts_at,students,subject,room,joined,joined_count,left,left_count}',
    '{students,subject,room,joined,joined_count,left,left_count}',
    '{students,joined,left}',
    null,
    false
  ),
  (
    'lesson_cancelled',
    '{name,tenant,lesson,tutor,centre,starts_at,reason,students,subject,room,more,more_count,joined,joined_count,left,left_count}',
    '{reason,students,subject,room,more,more_count,joined,joined_count,left,left_count}',
    '{students,more,joined,left}',
    null,
    false
  ),
  (
    'lesson_changed',
    '{name,tenant,lesson,tutor,centre,starts_at,reason,students,subject,room,was_room,was_tutor,until,was_until,fewer,fewer_count,more,more_count,joined,joined_count,left,left_count}',
    '{reason,students,subject,room,was_room,was_tutor,until,was_until,fewer,fewer_count,more,more_count,joined,joined_count,left,left_count}',
    '{students,fewer,more,joined,left}',
    null,
    false
  ),
  (
    'lesson_moved',
    '{name,tenant,lesson,tutor,centre,was_at,starts_at,reason,students,subject,room,was_room,was_tutor,until,was_until,fewer,fewer_count,more,more_count,joined,joined_count,left,left_count}',
    '{reason,students,subject,room,was_room,was_tutor,until,was_until,fewer,fewer_count,more,more_count,joined,joined_count,left,left_count}',
    '{students,fewer,more,joined,left}',
    null,
    false
  ),
  (
    'lessons_added',
    '{name,tenant,lesson,tutor,centre,count,first_at,last_at,students,subject,room,joined,joined_count,left,left_count}',
    '{students,subject,room,joined,joined_count,left,left_count}',
    '{students,joined,left}',
    null,
    false
  ),
  (
    'lessons_cancelled',
    '{name,tenant,lesson,tutor,centre,count,first_at,last_at,reason,students,subject,room,more,more_count,joined,joined_count,left,left_count}',
    '{reason,students,subject,room,more,more_count,joined,joined_count,left,left_count}',
    '{students,more,joined,left}',
    null,
    false
  ),
  (
    'lessons_changed',
    '{name,tenant,lesson,tutor,centre,count,first_at,last_at,reason,students,subject,room,was_room,was_tutor,until,was_until,fewer,fewer_count,more,more_count,joined,joined_count,left,left_count}',
    '{reason,students,subject,room,was_room,was_tutor,until,was_until,fewer,fewer_count,more,more_count,joined,joined_count,left,left_count}',
    '{students,fewer,more,joined,left}',
    null,
    false
  ),
  (
    'lessons_moved',
    '{name,tenant,lesson,tutor,centre,count,was_at,starts_at,was_last_at,last_at,reason,students,subject,room,was_room,was_tutor,until,was_until,fewer,fewer_count,more,more_count,joined,joined_count,left,left_count}',
    '{reason,students,subject,room,was_room,was_tutor,until,was_until,fewer,fewer_count,more,more_count,joined,joined_count,left,left_count}',
    '{students,fewer,more,joined,left}',
    null,
    false
  ),
  ('loan_made', '{name,tenant,item,quantity,due_on,centre}', '{}', '{}', null, false),
  ('loan_overdue', '{name,tenant,item,quantity,due_on,centre}', '{}', '{}', null, false),
  ('low_stock', '{name,tenant,number,details,centre}', '{}', '{}', null, false),
  ('password_reset', '{minutes,token}', '{}', '{}', 'token', true),
  ('request_assigned', '{name,tenant,number,details,priority,centre,due_at}', '{}', '{}', null, false),
  ('request_escalated', '{name,tenant,number,details,priority,centre,due_at}', '{}', '{}', null, false),
  ('request_resolved', '{name,tenant,number,details,resolution,centre}', '{}', '{}', null, false),
  ('webhook_disabled', '{name,tenant,webhook,reason}', '{}', '{}', null, false);

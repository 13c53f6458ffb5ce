-- Notifications: what was sent to whom, and the secrets that must not stand in that log.
set local role lms_owner;

create table lms.notifications (
  like lms_private.row_template including all,
  user_id uuid not null,
  type text not null
    constraint notifications_type_check check (type in ('email', 'sms', 'push')),
  subject text
    constraint notifications_subject_check check (char_length(subject) <= 500),
  message text not null
    constraint notifications_message_check check (char_length(message) between 1 and 20000),
  status text not null default 'sent'
    constraint notifications_status_check check (status in ('sent', 'failed')),
  constraint notifications_user_id_fkey foreign key (tenant_id, user_id) references lms.users (tenant_id, id)
);

create index idx_notifications_user_id
on lms.notifications (tenant_id, user_id)
where deleted_at is null;

comment on table lms.notifications is 'Log of notifications.';
comment on column lms.notifications.message is
  'Without secrets: {{token}} stands where one goes, and lms_private.notification_secrets has it until it is sent.';

create table lms_private.notification_secrets (
  tenant_id uuid not null,
  notification_id uuid not null,
  token text not null,
  expires_at timestamptz not null,
  primary key (tenant_id, notification_id),
  foreign key (tenant_id, notification_id) references lms.notifications (tenant_id, id) on delete cascade
);

create index idx_notification_secrets_expires_at
on lms_private.notification_secrets (expires_at);

comment on table lms_private.notification_secrets is
  'What replaces {{token}} in a notification when it is delivered: not in notifications, which support staff read, nor in the event log, which is for ever. Deleted when delivered, used or expired.';

call lms_private.adopt('notifications', 'notification');

grant select, insert, update on lms.notifications to lms_application;
grant select, insert on lms.notifications to lms_definer;
grant select, insert, delete on lms_private.notification_secrets to lms_definer;

-- Notifications: events and default texts, templates and preferences, the log of messages, their
-- secrets, which the log must not contain, and the outbox.

create table lms_private.notification_events (
  key text primary key
    constraint notification_events_key_check check (key ~ '^[a-z]+(_[a-z]+)*$'),
  placeholders text[] not null,
  optional text[] not null default '{}',
  lists text[] not null default '{}',
  secret text,
  is_security boolean not null default false
);

comment on table lms_private.notification_events is
  'The events that notifications can be about: the values of notification_templates.key.';
comment on column lms_private.notification_events.placeholders is
  'The placeholders that a template may use in double braces. name (of the recipient) and tenant are filled in automatically.';
comment on column lms_private.notification_events.optional is
  'Placeholders that may have no value: their sections are omitted then, and outside a section a dash is shown.';
comment on column lms_private.notification_events.lists is
  'Placeholders whose value may be a list of texts, which is joined in the language of the message.';
comment on column lms_private.notification_events.secret is
  'A placeholder that stays in the message until delivery; its value is in lms_private.notification_secrets.';
comment on column lms_private.notification_events.is_security is
  'True for security notifications: users cannot opt out of them, and they are sent by e-mail.';

grant select on lms_private.notification_events to lms_definer;

create table lms_private.notification_texts (
  key text not null references lms_private.notification_events (key),
  language text not null,
  subject text not null,
  message text not null,
  primary key (key, language)
);

comment on table lms_private.notification_texts is 'Default texts for all channels, used when a tenant has no template of its own.';

grant select on lms_private.notification_texts to lms_definer;

create table lms.notification_templates (
  like lms_private.row_template including all,
  key text not null
    constraint notification_templates_key_check check (
      key in (
        'announcement', 'class_students_changed', 'email_change', 'email_change_asked', 'email_changed',
        'lesson_added', 'lesson_cancelled', 'lesson_changed', 'lesson_moved', 'lessons_added',
        'lessons_cancelled', 'lessons_changed', 'lessons_moved', 'loan_made', 'loan_overdue', 'low_stock',
        'password_reset', 'request_assigned', 'request_escalated', 'request_resolved', 'webhook_disabled'
      )
    ),
  type text not null
    constraint notification_templates_type_check check (type in ('email', 'sms', 'push')),
  language text not null
    constraint notification_templates_language_check check (
      language ~ '^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$' and char_length(language) <= 35
    ),
  subject text
    constraint notification_templates_subject_check check (char_length(subject) between 1 and 300),
  message text not null
    constraint notification_templates_message_check check (char_length(message) between 1 and 5000)
);

create unique index notification_templates_language_key
on lms.notification_templates (tenant_id, key, type, lower(language))
where deleted_at is null;

comment on table lms.notification_templates is 'A tenant''s own texts for an event, by channel and language.';
comment on column lms.notification_templates.key is 'The event: a key of lms_private.notification_events.';
comment on column lms.notification_templates.language is 'BCP 47, compared without regard to case.';
comment on column lms.notification_templates.subject is 'Null for the default subject.';

call lms_private.register_table('notification_templates', 'notification_template');
call lms_private.create_retention_index('notification_templates');

grant select, insert, update on lms.notification_templates to lms_application;
grant select on lms.notification_templates to lms_definer;

create table lms.notification_preferences (
  like lms_private.row_template including all,
  user_id uuid not null,
  email boolean not null default true,
  sms boolean not null default true,
  push boolean not null default true,
  constraint notification_preferences_user_id_fkey
    foreign key (tenant_id, user_id) references lms.users (tenant_id, id) on delete cascade
);

create unique index notification_preferences_user_id_key
on lms.notification_preferences (tenant_id, user_id);

comment on table lms.notification_preferences is
  'The channels through which a user may be notified; a user without a row accepts all.';

call lms_private.register_table('notification_preferences', 'notification_preference', listed => false);
call lms_private.create_retention_index('notification_preferences');

grant select, insert, update on lms.notification_preferences to lms_application;
grant select on lms.notification_preferences to lms_definer;

create table lms.notifications (
  like lms_private.row_template including all,
  user_id uuid not null,
  type text not null
    constraint notifications_type_check check (type in ('email', 'sms', 'push')),
  template text,
  language text,
  data jsonb
    constraint notifications_data_check check (jsonb_typeof(data) = 'object' and octet_length(data::text) <= 16384),
  subject text
    constraint notifications_subject_check check (char_length(subject) <= 500),
  message text not null
    constraint notifications_message_check check (char_length(message) between 1 and 20000),
  status text
    constraint notifications_status_check check (status in ('sent', 'failed')),
  delivered_at timestamptz,
  attempts integer,
  failure text
    constraint notifications_failure_check check (char_length(failure) between 1 and 500),
  constraint notifications_user_id_fkey
    foreign key (tenant_id, user_id) references lms.users (tenant_id, id) on delete cascade
);

create index idx_notifications_failed
on lms.notifications (tenant_id, created_at, id)
where status = 'failed' and deleted_at is null;

create index idx_notifications_user_id
on lms.notifications (tenant_id, user_id, created_at, id);

comment on table lms.notifications is 'Log of notifications.';
comment on column lms.notifications.template is 'The event whose template was used; null for a free text.';
comment on column lms.notifications.language is 'The language of the template that was used.';
comment on column lms.notifications.data is 'The values that were filled into the template.';
comment on column lms.notifications.message is
  'The message without secrets: it contains {{token}}, whose value is in lms_private.notification_secrets until delivery.';
comment on column lms.notifications.status is 'Null until there is an outcome.';
comment on column lms.notifications.attempts is 'Number of attempts; set with the outcome.';
comment on column lms.notifications.failure is 'Why the notification could not be delivered, in plain words.';

call lms_private.register_table('notifications', 'notification');
call lms_private.create_retention_index('notifications');

grant
  select,
  insert (id, user_id, type, subject, message, template, data),
  update (status, attempts, failure)
on lms.notifications to lms_application;
grant select, insert, update (status, failure) on lms.notifications to lms_definer;

create table lms_private.notification_secrets (
  tenant_id uuid not null,
  notification_id uuid not null,
  token text,
  address text
    constraint notification_secrets_address_check check (char_length(address) <= 254),
  expires_at timestamptz not null,
  primary key (tenant_id, notification_id),
  foreign key (tenant_id, notification_id) references lms.notifications (tenant_id, id) on delete cascade
);

create index idx_notification_secrets_expires_at
on lms_private.notification_secrets (expires_at);

-- A user's codes are ended by digest. Without the index the digest of every waiting code of the
-- tenant would be computed.
create index idx_notification_secrets_token
on lms_private.notification_secrets (tenant_id, lms_private.sha256_of_lines(token));

comment on table lms_private.notification_secrets is
  'The secret that replaces {{token}} in a notification on delivery. It is stored neither in notifications, which support staff read, nor in the event log, which is permanent. Deleted when delivered, used or expired.';
comment on column lms_private.notification_secrets.token is
  'The secret that replaces {{token}}; null when the row only holds an address.';
comment on column lms_private.notification_secrets.address is
  'The address for the notification if it is not the user''s present one: an address to be confirmed, or the former address.';

grant select, insert, delete on lms_private.notification_secrets to lms_definer;

create table lms.notification_deliveries (
  like lms_private.row_template including all,
  notification_id uuid not null,
  type text not null
    constraint notification_deliveries_type_check check (type in ('email', 'sms', 'push')),
  attempts integer not null default 0,
  next_attempt_at timestamptz not null default now(),
  last_error text
    constraint notification_deliveries_last_error_check check (char_length(last_error) between 1 and 500),
  provider text,
  provider_id text,
  delivered_at timestamptz,
  dead_at timestamptz,
  constraint notification_deliveries_notification_id_fkey
    foreign key (tenant_id, notification_id) references lms.notifications (tenant_id, id) on delete cascade
);

create unique index notification_deliveries_notification_id_key
on lms.notification_deliveries (tenant_id, notification_id);

create index idx_notification_deliveries_due
on lms.notification_deliveries (tenant_id, type, next_attempt_at)
where delivered_at is null and dead_at is null;

create index idx_notification_deliveries_dead_at
on lms.notification_deliveries (tenant_id, type)
where dead_at is not null;

create index idx_notification_deliveries_delivered_at
on lms.notification_deliveries (delivered_at)
where delivered_at is not null;

comment on table lms.notification_deliveries is
  'The outbox: one row for each notification to deliver. These rows belong to the worker and have no events; the outcome in notifications has.';
comment on column lms.notification_deliveries.id is
  'The delivery key: the same in every attempt, so that a provider can drop duplicates.';
comment on column lms.notification_deliveries.attempts is
  'Number of attempts that have begun. A recorded outcome names its attempt, so that an attempt that was considered lost cannot overwrite a later one.';
comment on column lms.notification_deliveries.next_attempt_at is
  'When the next attempt is due. During an attempt: when it is considered lost.';
comment on column lms.notification_deliveries.last_error is 'The last error in plain words, without addresses, texts or secrets.';
comment on column lms.notification_deliveries.provider_id is 'The provider''s id of the message.';
comment on column lms.notification_deliveries.dead_at is 'When delivery was given up: a dead letter, which can be queued again.';

call lms_private.register_table('notification_deliveries', listed => false);

grant select, insert, update, delete on lms.notification_deliveries to lms_definer;

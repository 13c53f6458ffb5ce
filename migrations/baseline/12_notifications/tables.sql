-- Notifications: the events they are about and their words, the preferences of users, the messages that were sent, the secrets that
-- must not stand in that log, and the outbox.

create table lms_private.notification_events (
  key text primary key
    constraint notification_events_key_check check (key ~ '^[a-z]+(_[a-z]+)*$'),
  placeholders text[] not null,
  optional text[] not null default '{}',
  lists text[] not null default '{}',
  secret text,
  is_security boolean not null default false
);

comment on table lms_private.notification_events is 'The events that a notification can be about. The set of keys is that of notification_templates.key.';
comment on column lms_private.notification_events.placeholders is
  'The values that a template may name in double braces. name (the recipient''s) and tenant are filled in by themselves.';
comment on column lms_private.notification_events.optional is
  'Placeholders that may be without a value: their sections are left out then, and outside of one there is a dash.';
comment on column lms_private.notification_events.lists is 'Placeholders whose value may be a list of texts, which is joined in the language of the message.';
comment on column lms_private.notification_events.secret is
  'A placeholder that stays in the message until it is delivered: lms_private.notification_secrets has what goes there.';
comment on column lms_private.notification_events.is_security is 'Nobody can opt out of it, and it goes by e-mail.';

grant select on lms_private.notification_events to lms_definer;

create table lms_private.notification_texts (
  key text not null references lms_private.notification_events (key),
  language text not null,
  subject text not null,
  message text not null,
  primary key (key, language)
);

comment on table lms_private.notification_texts is 'Words that stand in, for each type alike, where a tenant has no template of its own.';

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

comment on table lms.notification_templates is 'A tenant''s own words for an event, by type and language.';
comment on column lms.notification_templates.key is 'The event: one of lms_private.notification_events.';
comment on column lms.notification_templates.language is 'BCP 47. Compared without regard to case.';
comment on column lms.notification_templates.subject is 'Null: the subject that comes with the schema.';

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

comment on table lms.notification_preferences is 'By which ways a user is to be reached; who has no row is reached by all.';

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
comment on column lms.notifications.template is 'The event whose words it has; null when its words were given.';
comment on column lms.notifications.language is 'The language of the template that was taken.';
comment on column lms.notifications.data is 'The values that were filled into the template.';
comment on column lms.notifications.message is
  'Without secrets: {{token}} stands where one goes, and lms_private.notification_secrets has it until it is sent.';
comment on column lms.notifications.status is 'Null as long as it is under way.';
comment on column lms.notifications.attempts is 'How often it was handed to the provider; known with the outcome.';
comment on column lms.notifications.failure is 'Why it could not be delivered, in plain words.';

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

-- The codes of a user end by their digest: without the index, one would be computed for each code that waits in the tenant.
create index idx_notification_secrets_token
on lms_private.notification_secrets (tenant_id, lms_private.sha256_of_lines(token));

comment on table lms_private.notification_secrets is
  'The secret that replaces {{token}} in a notification when it is delivered: not in notifications, which support staff read, nor in the event log, which is for ever. Deleted when delivered, used or expired.';
comment on column lms_private.notification_secrets.token is 'The secret that replaces {{token}}; null when the row is there for its address.';
comment on column lms_private.notification_secrets.address is
  'Where the notification goes if not to the user''s present address: to one that is to be confirmed, or to the one before.';

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

create index idx_notification_deliveries_delivered_at
on lms.notification_deliveries (delivered_at)
where delivered_at is not null;

comment on table lms.notification_deliveries is
  'One row for each notification that has to be delivered. Bookkeeping of the worker, so its changes are no events: the outcome is, in notifications.';
comment on column lms.notification_deliveries.id is 'The delivery key: the same in every attempt, so that a provider can drop doubles.';
comment on column lms.notification_deliveries.attempts is 'How many have begun; whoever records an outcome names their own, so that one that was given up for lost overwrites nothing.';
comment on column lms.notification_deliveries.next_attempt_at is 'When it is due. While an attempt is under way: when that is given up for lost.';
comment on column lms.notification_deliveries.last_error is 'In plain words, without addresses, texts or secrets.';
comment on column lms.notification_deliveries.provider_id is 'The provider''s name for it.';
comment on column lms.notification_deliveries.dead_at is 'When it was given up: a dead letter, which can be queued anew.';

call lms_private.register_table('notification_deliveries', listed => false);

grant select, insert, update, delete on lms.notification_deliveries to lms_definer;

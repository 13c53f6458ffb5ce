-- Webhooks: their addresses, the secrets that sign requests, and one delivery for each event and
-- webhook, which the worker queues and sends.

create table lms.webhooks (
  like lms_private.row_template including all,
  url text not null
    constraint webhooks_url_check check (url ~ '^https?://' and char_length(url) <= 2048),
  description text
    constraint webhooks_description_check check (char_length(description) between 1 and 500),
  kinds jsonb not null default '[]'
    constraint webhooks_kinds_check check (jsonb_typeof(kinds) = 'array'),
  status text not null default 'active'
    constraint webhooks_status_check check (status in ('active', 'disabled')),
  disabled_at timestamptz,
  disabled_reason text
    constraint webhooks_disabled_reason_check check (char_length(disabled_reason) between 1 and 500),
  secret_changed_at timestamptz not null default now(),
  constraint webhooks_disabled_at_check check ((status = 'disabled') = (disabled_at is not null))
);

create unique index webhooks_url_key
on lms.webhooks (tenant_id, url)
where deleted_at is null;

comment on table lms.webhooks is 'Endpoints that receive events. webhook_queues has the position of each.';
comment on column lms.webhooks.url is
  'Where events are posted, as normalised when it was checked. It is checked again with every attempt.';
comment on column lms.webhooks.kinds is 'The kinds (student.created) and entities (students) to receive; all when it is empty.';
comment on column lms.webhooks.disabled_reason is 'Why the webhook was disabled, in plain words.';
comment on column lms.webhooks.secret_changed_at is 'When the secret was last rotated. The secrets are in webhook_secrets.';

call lms_private.register_table('webhooks', 'webhook');
call lms_private.create_retention_index('webhooks');

grant
  select,
  insert (id, url, description, kinds),
  update (url, description, kinds, status, disabled_at, disabled_reason, secret_changed_at, deleted_at)
on lms.webhooks to lms_application;
grant select on lms.webhooks to lms_definer;

create table lms.webhook_secrets (
  like lms_private.row_template including all,
  webhook_id uuid not null,
  secret bytea not null
    constraint webhook_secrets_secret_check check (octet_length(secret) between 24 and 64),
  expires_at timestamptz,
  constraint webhook_secrets_webhook_id_fkey
    foreign key (tenant_id, webhook_id) references lms.webhooks (tenant_id, id) on delete cascade
);

create unique index webhook_secrets_webhook_id_key
on lms.webhook_secrets (tenant_id, webhook_id)
where expires_at is null;

create index idx_webhook_secrets_webhook_id
on lms.webhook_secrets (tenant_id, webhook_id);

create index idx_webhook_secrets_expires_at
on lms.webhook_secrets (expires_at)
where expires_at is not null;

comment on table lms.webhook_secrets is
  'Secrets that sign requests. The application writes them but cannot read them. Changes have no events of their own; webhooks.secret_changed_at has.';
comment on column lms.webhook_secrets.secret is 'Random bytes, shown once, as whsec_ and base64, when they are generated.';
comment on column lms.webhook_secrets.expires_at is 'Until when a former secret signs in addition; null for the present one.';

call lms_private.register_table('webhook_secrets', listed => false);

grant
  select (tenant_id, id, webhook_id, expires_at),
  insert (id, webhook_id, secret),
  update (expires_at)
on lms.webhook_secrets to lms_application;
grant select, delete on lms.webhook_secrets to lms_definer;

create table lms.webhook_queues (
  like lms_private.row_template including all,
  position bigint not null
    constraint webhook_queues_position_check check (position >= 0),
  succeeded_at timestamptz not null default now(),
  constraint webhook_queues_id_fkey
    foreign key (tenant_id, id) references lms.webhooks (tenant_id, id) on delete cascade
);

comment on table lms.webhook_queues is
  'The position up to which the log has been queued for each webhook, with the webhook''s id. These rows belong to the worker and have no events.';
comment on column lms.webhook_queues.position is 'The position of the last event that was processed.';
comment on column lms.webhook_queues.succeeded_at is
  'When an event was last delivered, to within a minute; initially when the webhook was created or enabled.';

call lms_private.register_table('webhook_queues', listed => false);

grant select, update (position) on lms.webhook_queues to lms_application;
grant select, insert, update on lms.webhook_queues to lms_definer;

create table lms.webhook_deliveries (
  like lms_private.row_template including all,
  webhook_id uuid not null,
  position bigint not null,
  event_id uuid not null,
  event_at timestamptz not null,
  kind text not null,
  attempts integer not null default 0,
  next_attempt_at timestamptz not null,
  last_attempt_at timestamptz,
  last_status integer,
  last_error text
    constraint webhook_deliveries_last_error_check check (char_length(last_error) between 1 and 500),
  delivered_at timestamptz,
  dead_at timestamptz,
  constraint webhook_deliveries_webhook_id_fkey
    foreign key (tenant_id, webhook_id) references lms.webhooks (tenant_id, id) on delete cascade,
  constraint webhook_deliveries_position_key unique (tenant_id, webhook_id, position)
);

create index idx_webhook_deliveries_due
on lms.webhook_deliveries (tenant_id, webhook_id, next_attempt_at)
where delivered_at is null and dead_at is null;

create index idx_webhook_deliveries_last_attempt_at
on lms.webhook_deliveries (tenant_id, webhook_id, last_attempt_at)
include (dead_at)
where delivered_at is null and last_error is not null;

create index idx_webhook_deliveries_updated_at
on lms.webhook_deliveries (updated_at);

comment on table lms.webhook_deliveries is
  'One row for each event to deliver to a webhook. These rows belong to the worker and have no events. The body is read from the log in each attempt.';
comment on column lms.webhook_deliveries.event_id is
  'The id of the message: the same in every attempt, so that a receiver can drop duplicates.';
comment on column lms.webhook_deliveries.event_at is 'The time of the event, which determines its partition of the log.';
comment on column lms.webhook_deliveries.attempts is
  'Number of attempts that have begun. A recorded outcome names its attempt, so that an attempt that was considered lost cannot overwrite a later one.';
comment on column lms.webhook_deliveries.next_attempt_at is
  'When the next attempt is due. During an attempt: when it is considered lost.';
comment on column lms.webhook_deliveries.last_status is 'The HTTP status of the last response; null when there was none.';
comment on column lms.webhook_deliveries.last_error is 'The last error in plain words, without the response.';
comment on column lms.webhook_deliveries.dead_at is 'When delivery was given up.';

call lms_private.register_table('webhook_deliveries', listed => false);

grant select on lms.webhook_deliveries to lms_application;
grant select, delete on lms.webhook_deliveries to lms_definer;

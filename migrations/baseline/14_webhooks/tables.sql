-- Webhooks tell receivers outside of a tenant's events: their addresses, the secrets that sign what they are told, and one row for
-- each event and webhook, queued and worked off by the worker.

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

comment on table lms.webhooks is 'Endpoints that are told of events, by the worker. How far that has come is in webhook_queues.';
comment on column lms.webhooks.url is 'Where events are posted. As it was normalised when it was checked; checked again with every attempt.';
comment on column lms.webhooks.kinds is 'Kinds (student.created) and entities (students) to be told of; all when it is empty.';
comment on column lms.webhooks.disabled_reason is 'Why, in plain words.';
comment on column lms.webhooks.secret_changed_at is 'When there was a new secret. The secrets themselves are in webhook_secrets.';

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
  'The secrets that sign. The application writes secrets and cannot read them; its changes are no events, that a secret was changed is one of webhooks.';
comment on column lms.webhook_secrets.secret is 'Random bytes. Shown once, as whsec_ and base64, when it is made.';
comment on column lms.webhook_secrets.expires_at is 'Until when a former secret signs beside the present one, whose is null.';

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
  'How far the log has been queued for each webhook, under its id. Bookkeeping of the worker, so its changes are no events.';
comment on column lms.webhook_queues.position is 'The position of the last event that was looked at.';
comment on column lms.webhook_queues.succeeded_at is 'When something was last delivered, to within a minute; at first when it was made or enabled.';

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

create index idx_webhook_deliveries_updated_at
on lms.webhook_deliveries (updated_at);

comment on table lms.webhook_deliveries is
  'One row for each event that a webhook is to be told of. Bookkeeping of the worker, so its changes are no events. What is told is read from the log with each attempt.';
comment on column lms.webhook_deliveries.event_id is 'The message''s id: the same in every attempt, so that a receiver can drop doubles.';
comment on column lms.webhook_deliveries.event_at is 'The event''s time, which leads to its partition of the log.';
comment on column lms.webhook_deliveries.attempts is 'How many have begun; whoever records an outcome names their own, so that one that was given up for lost overwrites nothing.';
comment on column lms.webhook_deliveries.next_attempt_at is 'When it is due. While an attempt is under way: when that is given up for lost.';
comment on column lms.webhook_deliveries.last_status is 'The HTTP status of the last answer; null when there was none.';
comment on column lms.webhook_deliveries.last_error is 'In plain words, without what was answered.';
comment on column lms.webhook_deliveries.dead_at is 'When it was given up.';

call lms_private.register_table('webhook_deliveries', listed => false);

grant select on lms.webhook_deliveries to lms_application;
grant select, delete on lms.webhook_deliveries to lms_definer;

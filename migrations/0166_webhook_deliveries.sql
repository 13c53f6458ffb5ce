-- What webhooks are to be told: one row for each event and webhook, queued and worked off by the worker.
set local role lms_owner;

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
comment on column lms.webhook_deliveries.attempts is 'How many have begun; who records an outcome names his, so that one who was given up for lost overwrites nothing.';
comment on column lms.webhook_deliveries.next_attempt_at is 'When it is due. While an attempt is under way: when that is given up for lost.';
comment on column lms.webhook_deliveries.last_status is 'The HTTP status of the last answer; null when there was none.';
comment on column lms.webhook_deliveries.last_error is 'In plain words, without what was answered.';
comment on column lms.webhook_deliveries.dead_at is 'When it was given up.';

call lms_private.adopt('webhook_deliveries', listed => false);

create policy scope_all on lms.webhook_deliveries
as restrictive for all to lms_application
using ((select current_setting('app.role')) = 'admin');

grant select on lms.webhook_deliveries to lms_application;
grant select, delete on lms.webhook_deliveries to lms_definer;

create function lms_private.webhook_body(e lms.event_log) returns text
language sql
stable
return json_build_object(
  'type', e.kind,
  'timestamp', lms.utc(e.at),
  'data', lms.event_json(e)
)::text;

comment on function lms_private.webhook_body is 'What a webhook is told of an event, which is in it as GET /v1/events shows it.';

create function lms_private.webhooks_to_queue_for() returns table (tenant_id uuid, webhook_id uuid)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select w.tenant_id, w.id
  from lms.webhooks as w
  join lms.webhook_queues as q
    on q.tenant_id = w.tenant_id
    and q.id = w.id
  join lms.event_heads as h
    on h.tenant_id = w.tenant_id
  join lms.tenants as t
    on t.tenant_id = w.tenant_id
  where w.status = 'active'
    and w.deleted_at is null
    and q.position < h.position
    and t.status = 'active'
    and t.deleted_at is null
  order by w.tenant_id, w.id
$$;

comment on function lms_private.webhooks_to_queue_for is 'The active webhooks of active tenants behind whose position there are sealed events.';

create function lms_private.webhooks_to_deliver_to(at timestamptz, busy uuid[]) returns table (tenant_id uuid, webhook_id uuid)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select w.tenant_id, w.id
  from lms.webhooks as w
  join lms.tenants as t
    on t.tenant_id = w.tenant_id
  where w.status = 'active'
    and w.deleted_at is null
    and w.id <> all (busy)
    and t.status = 'active'
    and t.deleted_at is null
    and exists (
      select
      from lms.webhook_deliveries as d
      where d.tenant_id = w.tenant_id
        and d.webhook_id = w.id
        and d.delivered_at is null
        and d.dead_at is null
        and d.next_attempt_at <= webhooks_to_deliver_to.at
    )
  order by w.tenant_id, w.id
$$;

comment on function lms_private.webhooks_to_deliver_to is
  'The active webhooks of active tenants that have something due, without those that have enough under way. Costs what their number costs and not what waits.';

alter function lms_private.webhooks_to_queue_for owner to lms_definer;
alter function lms_private.webhooks_to_deliver_to owner to lms_definer;

grant execute on function lms_private.webhooks_to_queue_for, lms_private.webhooks_to_deliver_to to lms_owner;

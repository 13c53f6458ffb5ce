-- The outbox: what is to be handed to a provider, in the same transaction as what caused it.
set local role lms_owner;

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
    foreign key (tenant_id, notification_id) references lms.notifications (tenant_id, id)
);

create unique index notification_deliveries_notification_id_key
on lms.notification_deliveries (tenant_id, notification_id);

create index idx_notification_deliveries_due
on lms.notification_deliveries (tenant_id, type, next_attempt_at)
where delivered_at is null and dead_at is null;

comment on table lms.notification_deliveries is
  'One row for each notification that has to be delivered. Bookkeeping of the worker, so its changes are no events: the outcome is, in notifications.';
comment on column lms.notification_deliveries.id is 'The delivery key: the same in every attempt, so that a provider can drop doubles.';
comment on column lms.notification_deliveries.attempts is 'How many have begun; who records an outcome names his, so that one who was given up for lost overwrites nothing.';
comment on column lms.notification_deliveries.next_attempt_at is 'When it is due. While an attempt is under way: when that is given up for lost.';
comment on column lms.notification_deliveries.last_error is 'In plain words, without addresses, texts or secrets.';
comment on column lms.notification_deliveries.provider_id is 'What the provider calls it.';
comment on column lms.notification_deliveries.dead_at is 'When it was given up: a dead letter, which can be queued anew.';

call lms_private.adopt('notification_deliveries', listed => false);

-- No request reads or writes it by itself; this is the second lock.
create policy scope_all on lms.notification_deliveries
as restrictive for all to lms_application
using (false);

create function lms_private.queue_notification() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- A code that is gone can't be sent again.
  if tg_op = 'UPDATE'
    and exists (
      select
      from lms_private.notification_events as e
      where e.key = new.template
        and e.secret is not null
    )
    and not exists (
      select
      from lms_private.notification_secrets as k
      where k.tenant_id = new.tenant_id
        and k.notification_id = new.id
        and k.expires_at > now()
    )
  then
    raise exception using errcode = 'LM409', message = 'The code in it has expired: a new one must be asked for.', column = 'status';
  end if;
  insert into lms.notification_deliveries as d (tenant_id, notification_id, type)
  values (new.tenant_id, new.id, new.type)
  on conflict (tenant_id, notification_id) do update
  set
    attempts = 0,
    next_attempt_at = now(),
    delivered_at = null,
    dead_at = null;
  return null;
end
$$;

comment on function lms_private.queue_notification is 'Puts a notification without an outcome into the outbox: a new one, or one that is tried again with its former key.';

create function lms.retry_notification(notification uuid) returns lms.notifications
language plpgsql
as $$
declare
  n lms.notifications;
begin
  select r.*
  into n
  from lms.notifications as r
  where r.id = notification
    and r.deleted_at is null
  for update;
  if not found then
    raise exception using errcode = 'LM404';
  end if;
  if n.status is distinct from 'failed' then
    raise exception using
      errcode = 'LM409',
      message = case when n.status is null then 'It is under way.' else 'It was sent.' end,
      column = 'status';
  end if;
  update lms.notifications as r
  set
    status = null,
    attempts = null,
    failure = null
  where r.id = n.id
  returning r.*
  into n;
  return n;
end
$$;

comment on function lms.retry_notification is 'Queues a failed notification anew; LM409 when it has not failed.';

create function lms_private.tenants_to_deliver_for(type text) returns table (tenant_id uuid)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  with recursive step as (
    (
      select d.tenant_id
      from lms.notification_deliveries as d
      where d.delivered_at is null
        and d.dead_at is null
      order by d.tenant_id
      limit 1
    )
    union all
    select (
      select d.tenant_id
      from lms.notification_deliveries as d
      where d.delivered_at is null
        and d.dead_at is null
        and d.tenant_id > step.tenant_id
      order by d.tenant_id
      limit 1
    )
    from step
    where step.tenant_id is not null
  )
  select t.tenant_id
  from step
  join lms.tenants as t
    on t.tenant_id = step.tenant_id
  where t.status = 'active'
    and t.deleted_at is null
    and exists (
      select
      from lms.notification_deliveries as d
      where d.tenant_id = t.tenant_id
        and d.type = tenants_to_deliver_for.type
        and d.delivered_at is null
        and d.dead_at is null
        and d.next_attempt_at <= now()
    )
$$;

comment on function lms_private.tenants_to_deliver_for is
  'The active tenants with deliveries of a type that are due. Steps from tenant to tenant, so it costs what their number costs and not what waits.';

alter function lms_private.queue_notification owner to lms_definer;
alter function lms_private.tenants_to_deliver_for owner to lms_definer;

create trigger queue_notification
after insert on lms.notifications
for each row
when (new.status is null)
execute function lms_private.queue_notification();

create trigger queue_notification_again
after update of status on lms.notifications
for each row
when (old.status is not null and new.status is null)
execute function lms_private.queue_notification();

grant select, insert, update on lms.notification_deliveries to lms_definer;
grant execute on function lms.retry_notification to lms_application;
grant execute on function lms_private.tenants_to_deliver_for to lms_owner;

-- Delivery of notifications. A trigger renders the text of a new notification and puts it into the
-- outbox, in the transaction that caused it; the worker sends it.

create function lms_private.notification_obstacle(tenant uuid, recipient uuid, type text, template text) returns text
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  person record;
begin
  select
    u.status = 'active' and u.deleted_at is null as is_active,
    u.phone,
    coalesce(case notification_obstacle.type when 'email' then p.email when 'sms' then p.sms else p.push end, true)
      as is_wanted,
    coalesce(e.is_security, false) as is_security
  into person
  from lms.users as u
  left join lms.notification_preferences as p
    on p.tenant_id = u.tenant_id
    and p.user_id = u.id
  left join lms_private.notification_events as e
    on e.key = notification_obstacle.template
  where u.tenant_id = tenant
    and u.id = recipient;
  return case
    when not person.is_active then 'inactive'
    when notification_obstacle.type = 'sms' and person.phone is null then 'no_phone'
    when not person.is_wanted and not person.is_security then 'opted_out'
  end;
end
$$;

comment on function lms_private.notification_obstacle is
  'Why a user cannot be notified: inactive, no_phone or opted_out; null when nothing prevents it.';

alter function lms_private.notification_obstacle owner to lms_definer;
grant execute on function lms_private.notification_obstacle to lms_owner;

create function lms_private.prepare_notification() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  obstacle text;
begin
  -- A notification that is inserted with an outcome is only logged.
  if new.status is not null then
    return new;
  end if;
  obstacle := lms_private.notification_obstacle(new.tenant_id, new.user_id, new.type, new.template);
  if obstacle is not null then
    raise exception using
      errcode = case obstacle when 'opted_out' then 'LM409' else 'LM422' end,
      message = case obstacle
        when 'opted_out' then format('The user has opted out of %s.', new.type)
        when 'no_phone' then 'The user has no telephone number.'
        else 'The user is not active.'
      end,
      column = case obstacle when 'inactive' then 'user_id' else 'type' end;
  end if;
  if new.template is not null then
    new := lms_private.render_message(new);
  end if;
  if new.type = 'sms' and char_length(new.message) > 1600 then
    raise exception using errcode = 'LM422', message = 'The message of an SMS must have at most 1600 characters.', column = 'message';
  end if;
  return new;
end
$$;

comment on function lms_private.prepare_notification is
  'Refuses a notification that cannot be sent (LM409, LM422) and renders one that has a template.';

alter function lms_private.prepare_notification owner to lms_definer;

create function lms_private.notify(tenant uuid, recipient uuid, template text, data jsonb) returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into lms.notifications (tenant_id, user_id, type, template, data)
  select notify.tenant, recipient, w.type, notify.template, notify.data
  from unnest(array['email', 'push', 'sms']) with ordinality as w (type, place)
  where lms_private.notification_obstacle(notify.tenant, recipient, w.type, notify.template) is null
  order by w.place
  limit 1;
end
$$;

comment on function lms_private.notify is
  'Notifies a user of an event through the first channel that is available: e-mail, push, SMS. Does nothing when the user has opted out of all of them or is not active.';

alter function lms_private.notify owner to lms_definer;

create function lms_private.queue_notification() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- A code that is deleted cannot be sent again.
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
    raise exception using errcode = 'LM409', message = 'The code in the notification has expired. Request a new one.', column = 'status';
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

comment on function lms_private.queue_notification is
  'Puts a notification without an outcome into the outbox, new or to be retried; a retry keeps its delivery key.';

alter function lms_private.queue_notification owner to lms_definer;

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
      message = case when n.status is null then 'The notification is already being delivered.' else 'The notification has already been sent.' end,
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

comment on function lms.retry_notification is 'Queues a failed notification again; LM409 when it has not failed.';

grant execute on function lms.retry_notification to lms_application;

create function lms_private.tenants_with_due_deliveries(type text) returns table (tenant_id uuid)
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
    and not exists (select from lms_private.relocated_tenants as a where a.tenant_id = t.tenant_id)
    and exists (
      select
      from lms.notification_deliveries as d
      where d.tenant_id = t.tenant_id
        and d.type = tenants_with_due_deliveries.type
        and d.delivered_at is null
        and d.dead_at is null
        and d.next_attempt_at <= now()
    )
$$;

comment on function lms_private.tenants_with_due_deliveries is
  'The active tenants with due deliveries of a type. It steps from tenant to tenant in an index, so its cost depends on the number of tenants, not of deliveries.';

alter function lms_private.tenants_with_due_deliveries owner to lms_definer;
grant execute on function lms_private.tenants_with_due_deliveries to lms_owner;

create function lms_private.measure_outbox() returns table (
  type text,
  depth bigint,
  oldest_due_at timestamptz,
  dead_letters bigint
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  with served as materialized (
    select t.tenant_id
    from lms.tenants as t
    where t.status = 'active'
      and t.deleted_at is null
      and not exists (select from lms_private.relocated_tenants as a where a.tenant_id = t.tenant_id)
  ), due as (
    select d.type, count(*) as depth, min(d.next_attempt_at) as oldest_due_at
    from lms.notification_deliveries as d
    join served as s
      on s.tenant_id = d.tenant_id
    where d.delivered_at is null
      and d.dead_at is null
      and d.next_attempt_at <= now()
    group by d.type
  ), dead as (
    select d.type, count(*) as dead_letters
    from lms.notification_deliveries as d
    join served as s
      on s.tenant_id = d.tenant_id
    where d.dead_at is not null
    group by d.type
  )
  select w.type, coalesce(due.depth, 0), due.oldest_due_at, coalesce(dead.dead_letters, 0)
  from unnest(array['email', 'sms', 'push']) as w (type)
  left join due
    on due.type = w.type
  left join dead
    on dead.type = w.type
$$;

comment on function lms_private.measure_outbox is
  'For each type of notification: the number of due deliveries of active tenants, when the first of them became due, and the number of dead letters. For the worker.';

alter function lms_private.measure_outbox owner to lms_definer;
grant execute on function lms_private.measure_outbox to lms_owner;

-- The warning about a requested address goes to the address at the time of the request. Looking the
-- recipient up when the message is sent could find the new address.
create function lms_private.notify_address(tenant uuid, account uuid, event text, address text) returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  notification uuid;
begin
  if lms_private.notification_obstacle(tenant, account, 'email', event) is not null then
    return;
  end if;
  insert into lms.notifications (tenant_id, user_id, type, template)
  values (tenant, account, 'email', event)
  returning id into notification;
  insert into lms_private.notification_secrets (tenant_id, notification_id, address, expires_at)
  values (tenant, notification, address, now() + interval '30 days');
end
$$;

comment on function lms_private.notify_address is
  'Queues the notification of an event to the given address, whatever address the user has when it is sent. Does nothing if the user cannot be notified.';

alter function lms_private.notify_address owner to lms_definer;

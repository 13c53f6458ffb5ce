-- Notifications about requests.

create function lms_private.notify_request(r lms.requests, event text, told uuid[]) returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  actor constant uuid := nullif(current_setting('app.user_id', true), '')::uuid;
  centre record;
  person uuid;
begin
  select c.name, c.time_zone
  into centre
  from lms.centres as c
  where c.tenant_id = r.tenant_id
    and c.id = r.centre_id;
  for person in
    select distinct t.id
    from unnest(told) as t (id)
    where t.id is not null
      and t.id is distinct from actor
    order by t.id
  loop
    perform lms_private.notify(
      r.tenant_id,
      person,
      event,
      jsonb_build_object('number', r.number, 'details', left(r.details, 300), 'centre', centre.name) || case event
        when 'request_resolved' then jsonb_build_object('resolution', left(coalesce(r.resolution, '—'), 300))
        when 'low_stock' then '{}'
        else jsonb_build_object('priority', r.priority, 'due_at', lms_private.format_local_time(r.due_at, centre.time_zone))
      end
    );
  end loop;
end
$$;

comment on function lms_private.notify_request is
  'Notifies users of an event of a request, each once, except for the user who caused it.';

alter function lms_private.notify_request owner to lms_definer;

create function lms_private.notify_new_requests() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  r lms.requests;
begin
  for r in
    select n.*
    from new_rows as n
    where n.by_rule
    order by n.tenant_id, n.number
  loop
    perform lms_private.notify_request(r, 'low_stock', lms_private.centre_supervisors(r.tenant_id, r.centre_id));
  end loop;
  return null;
end
$$;

comment on function lms_private.notify_new_requests is
  'Notifies a centre''s supervisors of requests that were opened because stock is low.';

alter function lms_private.notify_new_requests owner to lms_definer;

create function lms_private.notify_request_changes() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  one record;
  r lms.requests;
  assignee uuid;
begin
  for one in
    select
      n as request,
      n.assigned_to is distinct from o.assigned_to as is_assigned,
      n.status = 'resolved' and o.status <> 'resolved' as is_resolved,
      n.escalated_at is not null and o.escalated_at is null as is_escalated
    from old_rows as o
    join new_rows as n
      on n.tenant_id = o.tenant_id
      and n.id = o.id
    where n.deleted_at is null
      and (
        n.assigned_to is distinct from o.assigned_to
        or n.status <> o.status
        or n.escalated_at is distinct from o.escalated_at
      )
    order by n.tenant_id, n.number
  loop
    r := one.request;
    select s.user_id
    into assignee
    from lms.staff as s
    where s.tenant_id = r.tenant_id
      and s.id = r.assigned_to
      and s.deleted_at is null;
    if one.is_assigned then
      perform lms_private.notify_request(r, 'request_assigned', array[assignee]);
    end if;
    if one.is_resolved then
      perform lms_private.notify_request(r, 'request_resolved', array[r.created_by]);
    end if;
    if one.is_escalated then
      perform lms_private.notify_request(
        r, 'request_escalated', lms_private.centre_supervisors(r.tenant_id, r.centre_id) || assignee
      );
    end if;
  end loop;
  return null;
end
$$;

comment on function lms_private.notify_request_changes is
  'Notifies the assignee of an assignment, the requester of a resolution, and the assignee and the supervisors of an escalation.';

alter function lms_private.notify_request_changes owner to lms_definer;

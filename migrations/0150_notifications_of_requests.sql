-- What requests, stock and loans tell people by themselves.
set local role lms_owner;

alter table lms.notification_templates
drop constraint notification_templates_key_check,
add constraint notification_templates_key_check check (
  key in (
    'announcement', 'lesson_cancelled', 'lesson_moved', 'lessons_cancelled', 'loan_made', 'loan_overdue', 'low_stock',
    'password_reset', 'request_assigned', 'request_escalated', 'request_resolved'
  )
);

insert into lms_private.notification_events (key, placeholders)
values
  ('loan_made', '{name,tenant,item,quantity,due_on,centre}'),
  ('loan_overdue', '{name,tenant,item,quantity,due_on,centre}'),
  ('low_stock', '{name,tenant,number,details,centre}'),
  ('request_assigned', '{name,tenant,number,details,priority,centre,due_at}'),
  ('request_escalated', '{name,tenant,number,details,priority,centre,due_at}'),
  ('request_resolved', '{name,tenant,number,details,resolution,centre}');

insert into lms_private.notification_words (key, language, subject, message)
values
  (
    'loan_made', 'en', 'Lent to you: {{item}}',
    'Hello {{name}}, {{centre}} has lent you {{quantity}} × {{item}}. Please bring it back by {{due_on}}.'
  ),
  (
    'loan_made', 'de', 'An Sie verliehen: {{item}}',
    'Guten Tag {{name}}, {{centre}} hat Ihnen {{quantity}} × {{item}} geliehen. Bitte bringen Sie es bis zum {{due_on}} zurück.'
  ),
  (
    'loan_made', 'es', 'Préstamo: {{item}}',
    'Hola, {{name}}: {{centre}} le ha prestado {{quantity}} × {{item}}. Devuélvalo, por favor, a más tardar el {{due_on}}.'
  ),
  (
    'loan_overdue', 'en', 'Please bring back: {{item}}',
    'Hello {{name}}, {{quantity}} × {{item}} of {{centre}} was to be back by {{due_on}}. Please bring it back.'
  ),
  (
    'loan_overdue', 'de', 'Bitte zurückbringen: {{item}}',
    'Guten Tag {{name}}, {{quantity}} × {{item}} von {{centre}} sollte bis zum {{due_on}} zurück sein. Bitte bringen Sie es zurück.'
  ),
  (
    'loan_overdue', 'es', 'Devolución pendiente: {{item}}',
    'Hola, {{name}}: {{quantity}} × {{item}} de {{centre}} tenía que devolverse a más tardar el {{due_on}}. Devuélvalo, por favor.'
  ),
  ('low_stock', 'en', 'Low stock at {{centre}}', 'Hello {{name}}, request {{number}} was opened by itself. {{details}}'),
  (
    'low_stock', 'de', 'Bestand knapp: {{centre}}',
    'Guten Tag {{name}}, die Anfrage {{number}} wurde von selbst gestellt. {{details}}'
  ),
  (
    'low_stock', 'es', 'Pocas existencias en {{centre}}',
    'Hola, {{name}}: la solicitud {{number}} se abrió por sí sola. {{details}}'
  ),
  (
    'request_assigned', 'en', 'Request {{number}} is yours',
    'Hello {{name}}, request {{number}} at {{centre}} is assigned to you. Priority: {{priority}}, due {{due_at}}. {{details}}'
  ),
  (
    'request_assigned', 'de', 'Anfrage {{number}} für Sie',
    'Guten Tag {{name}}, die Anfrage {{number}} in {{centre}} ist Ihnen zugewiesen. Dringlichkeit: {{priority}}, fällig {{due_at}}. {{details}}'
  ),
  (
    'request_assigned', 'es', 'Solicitud {{number}} para usted',
    'Hola, {{name}}: se le ha asignado la solicitud {{number}} de {{centre}}. Prioridad: {{priority}}, plazo: {{due_at}}. {{details}}'
  ),
  (
    'request_escalated', 'en', 'Request {{number}} is overdue',
    'Hello {{name}}, request {{number}} at {{centre}} was due {{due_at}}. Priority now: {{priority}}. {{details}}'
  ),
  (
    'request_escalated', 'de', 'Anfrage {{number}} ist überfällig',
    'Guten Tag {{name}}, die Anfrage {{number}} in {{centre}} war fällig {{due_at}}. Dringlichkeit jetzt: {{priority}}. {{details}}'
  ),
  (
    'request_escalated', 'es', 'Solicitud {{number}} fuera de plazo',
    'Hola, {{name}}: el plazo de la solicitud {{number}} de {{centre}} era {{due_at}}. Prioridad ahora: {{priority}}. {{details}}'
  ),
  (
    'request_resolved', 'en', 'Request {{number}} is resolved',
    'Hello {{name}}, your request {{number}} at {{centre}} is resolved. {{resolution}} You asked: {{details}}'
  ),
  (
    'request_resolved', 'de', 'Anfrage {{number}} ist erledigt',
    'Guten Tag {{name}}, Ihre Anfrage {{number}} in {{centre}} ist erledigt. {{resolution}} Ihre Anfrage: {{details}}'
  ),
  (
    'request_resolved', 'es', 'Solicitud {{number}} resuelta',
    'Hola, {{name}}: su solicitud {{number}} de {{centre}} está resuelta. {{resolution}} Su solicitud: {{details}}'
  );

create function lms_private.tell_of_request(r lms.requests, event text, told uuid[]) returns void
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
        else jsonb_build_object('priority', r.priority, 'due_at', lms_private.local_time(r.due_at, centre.time_zone))
      end
    );
  end loop;
end
$$;

comment on function lms_private.tell_of_request is 'Tells people, each once and not who did it, of what happened to a request.';

create function lms_private.supervisors_of(tenant uuid, centre uuid) returns uuid[]
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(u.id), '{}')
  from lms.users as u
  where u.tenant_id = supervisors_of.tenant
    and u.centre_id = supervisors_of.centre
    and u.role = 'supervisor'
    and u.deleted_at is null
$$;

comment on function lms_private.supervisors_of is 'The users who supervise a centre.';

create function lms_private.tell_of_new_requests() returns trigger
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
    perform lms_private.tell_of_request(r, 'low_stock', lms_private.supervisors_of(r.tenant_id, r.centre_id));
  end loop;
  return null;
end
$$;

create function lms_private.tell_of_requests() returns trigger
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
      perform lms_private.tell_of_request(r, 'request_assigned', array[assignee]);
    end if;
    if one.is_resolved then
      perform lms_private.tell_of_request(r, 'request_resolved', array[r.created_by]);
    end if;
    if one.is_escalated then
      perform lms_private.tell_of_request(
        r, 'request_escalated', lms_private.supervisors_of(r.tenant_id, r.centre_id) || assignee
      );
    end if;
  end loop;
  return null;
end
$$;

comment on function lms_private.tell_of_new_requests is 'Tells a centre''s supervisors of what is asked for because stock is low.';
comment on function lms_private.tell_of_requests is
  'Tells who is to work on a request, who asked when it is resolved, and the assignee and the supervisors when it is escalated.';

alter function lms_private.tell_of_request owner to lms_definer;
alter function lms_private.supervisors_of owner to lms_definer;
alter function lms_private.tell_of_new_requests owner to lms_definer;
alter function lms_private.tell_of_requests owner to lms_definer;

-- Named to fire behind what follows from a request.
create trigger then_tell_of_new_requests
after insert on lms.requests
referencing new table as new_rows
for each statement execute function lms_private.tell_of_new_requests();

create trigger then_tell_of_requests
after update on lms.requests
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.tell_of_requests();

alter table lms.inventory_loans
add column reminded_at timestamptz;

comment on column lms.inventory_loans.reminded_at is 'When the worker found that it was overdue; once.';

create function lms_private.tell_of_loan() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  item record;
begin
  select i.item_name, c.name as centre
  into item
  from lms.inventory as i
  join lms.centres as c
    on c.tenant_id = i.tenant_id
    and c.id = i.centre_id
  where i.tenant_id = new.tenant_id
    and i.id = new.inventory_id;
  perform lms_private.notify(
    new.tenant_id,
    new.user_id,
    tg_argv[0],
    jsonb_build_object('item', item.item_name, 'quantity', new.quantity, 'due_on', new.due_on, 'centre', item.centre)
  );
  return null;
end
$$;

comment on function lms_private.tell_of_loan is 'Tells who has borrowed something about the event that is its argument.';

alter function lms_private.tell_of_loan owner to lms_definer;

create trigger then_tell_of_loan
after insert on lms.inventory_loans
for each row
when (new.returned_at is null)
execute function lms_private.tell_of_loan('loan_made');

create trigger then_tell_of_overdue_loan
after update of reminded_at on lms.inventory_loans
for each row
when (old.reminded_at is null and new.reminded_at is not null)
execute function lms_private.tell_of_loan('loan_overdue');

-- The state machine of requests: its transitions, and the rules that a trigger enforces for every
-- writer.

create function lms_private.request_transitions() returns table (transition text, from_status text, to_status text)
language sql
immutable
parallel safe
rows 7
begin atomic
  select m.transition, m.from_status, m.to_status
  from (
    values
      ('assign', 'open', 'open'),
      ('assign', 'in_progress', 'in_progress'),
      ('start', 'open', 'in_progress'),
      ('resolve', 'in_progress', 'resolved'),
      ('close', 'resolved', 'closed'),
      ('reopen', 'resolved', 'open'),
      ('reopen', 'closed', 'open')
  ) as m (transition, from_status, to_status);
end;

comment on function lms_private.request_transitions is
  'The allowed transitions of requests: from which status to which each of them leads.';

grant execute on function lms_private.request_transitions to lms_application, lms_definer;

create function lms_private.raise_invalid_transition(status text) returns boolean
language plpgsql
immutable
as $$
begin
  raise exception using
    errcode = 'LM409',
    message = format(
      'A request with the status %s allows these operations: %s.',
      status,
      (select string_agg(m.transition, ', ') from lms_private.request_transitions() as m where m.from_status = status)
    ),
    column = 'status';
end
$$;

comment on function lms_private.raise_invalid_transition is 'LM409 with the transitions that a request allows in its status.';

grant execute on function lms_private.raise_invalid_transition to lms_application, lms_definer;

create function lms_private.assignment_problem(tenant uuid, centre uuid, staff uuid) returns text
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  found record;
begin
  select s.centre_id, s.status = 'active' and u.status = 'active' as works
  into found
  from lms.staff as s
  join lms.users as u
    on u.tenant_id = s.tenant_id
    and u.id = s.user_id
  where lms_private.is_current_tenant(tenant)
    and s.tenant_id = tenant
    and s.id = staff
    and s.deleted_at is null
    and u.deleted_at is null;
  return case
    when found is null then 'No such staff member.'
    when not found.works then 'The staff member is not active.'
    -- Staff without a centre work for the whole tenant.
    when found.centre_id <> centre then 'The staff member works at another centre.'
  end;
end
$$;

comment on function lms_private.assignment_problem is
  'Why a request of the centre cannot be assigned to this staff member; null when it can. It bypasses row security, because a tutor does not see the accounts of staff.';

alter function lms_private.assignment_problem owner to lms_definer;
grant execute on function lms_private.assignment_problem to lms_application;

create function lms_private.check_request_references(r lms.requests) returns void
language plpgsql
as $$
begin
  if exists (
    select from lms.classes as c where c.tenant_id = r.tenant_id and c.id = r.class_id and c.centre_id <> r.centre_id
  ) then
    raise exception using errcode = 'LM422', message = 'The class belongs to another centre.', detail = r.id, column = 'class_id';
  end if;
  if r.occurrence_start is not null and not exists (
    select
    from lms.occurrences as o
    where o.tenant_id = r.tenant_id
      and o.class_id = r.class_id
      and o.original_start = r.occurrence_start
      and o.deleted_at is null
  ) then
    raise exception using
      errcode = 'LM422',
      message = 'No such lesson in the class.',
      detail = r.id,
      column = 'occurrence_start';
  end if;
  if exists (
    select from lms.inventory as i where i.tenant_id = r.tenant_id and i.id = r.inventory_id and i.centre_id <> r.centre_id
  ) then
    raise exception using errcode = 'LM422', message = 'The item belongs to another centre.', detail = r.id, column = 'inventory_id';
  end if;
end
$$;

comment on function lms_private.check_request_references is
  'LM422 for a class, a lesson or an item that does not belong to the request''s centre.';

grant execute on function lms_private.check_request_references to lms_application, lms_definer;

create function lms_private.open_request() returns trigger
language plpgsql
as $$
begin
  if new.status <> 'open' then
    raise exception using errcode = 'LM409', message = 'A new request must have the status open.', column = 'status';
  end if;
  if num_nonnulls(new.class_id, new.occurrence_start, new.inventory_id) > 0 then
    perform lms_private.check_request_references(new);
  end if;
  new.opened_at := now();
  -- For a missing centre the foreign key raises the error.
  new.due_at := coalesce(
    lms_private.request_due_at(new.tenant_id, new.centre_id, new.type, new.priority, new.opened_at),
    new.opened_at
  );
  return new;
end
$$;

comment on function lms_private.open_request is 'Checks that a new request is open and sets when it is due.';

-- A request that is reopened or restored becomes unassigned if its assignee has left, is inactive
-- or works at another centre, like the open requests of an assignee who leaves.
create function lms_private.enforce_request_rules() returns trigger
language plpgsql
as $$
declare
  problem text;
begin
  if new.status <> old.status then
    if not exists (
      select from lms_private.request_transitions() as m where m.from_status = old.status and m.to_status = new.status
    ) then
      perform lms_private.raise_invalid_transition(old.status);
    end if;
    case new.status
      when 'open' then
        new.opened_at := now();
        new.resolved_at := null;
        new.closed_at := null;
        new.resolution := null;
      when 'resolved' then
        new.resolved_at := now();
      when 'closed' then
        new.closed_at := now();
      else null;
    end case;
  elsif old.status = 'closed' and (new.type, new.details, new.priority, new.class_id, new.occurrence_start, new.inventory_id)
    is distinct from (old.type, old.details, old.priority, old.class_id, old.occurrence_start, old.inventory_id)
  then
    raise exception using
      errcode = 'LM409',
      message = 'The request is closed. Reopen it to change it.',
      column = 'status';
  end if;

  if new.assigned_to = old.assigned_to
    and new.status in ('open', 'in_progress')
    and new.deleted_at is null
    and (old.status not in ('open', 'in_progress') or old.deleted_at is not null)
    and lms_private.assignment_problem(new.tenant_id, new.centre_id, new.assigned_to) is not null
  then
    new.assigned_to := null;
  elsif new.assigned_to is distinct from old.assigned_to then
    if not exists (select from lms_private.request_transitions() as m where m.transition = 'assign' and m.from_status = new.status) then
      perform lms_private.raise_invalid_transition(new.status);
    end if;
    problem := lms_private.assignment_problem(new.tenant_id, new.centre_id, new.assigned_to);
    if new.assigned_to is not null and problem is not null then
      raise exception using errcode = 'LM422', message = problem, column = 'staff_id';
    end if;
  end if;

  if (new.class_id, new.occurrence_start, new.inventory_id)
    is distinct from (old.class_id, old.occurrence_start, old.inventory_id)
  then
    perform lms_private.check_request_references(new);
  end if;

  -- A request that the worker escalates keeps its due time.
  if new.opened_at <> old.opened_at
    or ((new.type, new.priority) <> (old.type, old.priority) and new.escalated_at is not distinct from old.escalated_at)
  then
    new.due_at := lms_private.request_due_at(new.tenant_id, new.centre_id, new.type, new.priority, new.opened_at);
    if new.due_at > now() then
      new.escalated_at := null;
    end if;
  end if;
  return new;
end
$$;

comment on function lms_private.enforce_request_rules is
  'Enforces the transitions and the eligibility of the assignee, unassigns a request that is reopened or restored to an assignee who is no longer eligible, and computes the due time again when type or priority changes or the request is reopened.';

create function lms_private.reschedule_lesson(r lms.requests, input jsonb) returns void
language plpgsql
as $$
declare
  field text;
begin
  if r.type <> 'reschedule' or r.occurrence_start is null then
    raise exception using
      errcode = 'LM422',
      message = 'Only a reschedule request with `class_id` and `occurrence_start` can move a lesson.',
      column = 'move';
  end if;
  perform lms.reschedule_occurrence(r.class_id, r.occurrence_start, input);
exception
  when sqlstate 'LM404' then
    raise exception using errcode = 'LM403', message = 'The lesson no longer exists, or you are not allowed to move it.';
  when sqlstate 'LM422' then
    get stacked diagnostics field = column_name;
    if field = 'ends_at' then
      field := 'move/ends_at';
    end if;
    raise exception using errcode = 'LM422', message = sqlerrm, column = field;
end
$$;

comment on function lms_private.reschedule_lesson is 'Reschedules the lesson of a reschedule request with the caller''s rights.';

grant execute on function lms_private.reschedule_lesson to lms_application, lms_definer;

create function lms.transition_request(request uuid, transition text, input jsonb, versions jsonb) returns lms.requests
language plpgsql
as $$
#variable_conflict use_variable
declare
  former lms.requests;
  r lms.requests;
  fresh text;
begin
  loop
    select q.*
    into former
    from lms.requests as q
    where q.id = request
      and q.deleted_at is null;
    if not found then
      raise exception using errcode = 'LM404';
    end if;
    perform lms.check_version(
      former.version,
      case when versions @> to_jsonb(former.version) then former.version else (versions ->> 0)::bigint end
    );
    select m.to_status
    into fresh
    from lms_private.request_transitions() as m
    where m.transition = transition
      and m.from_status = former.status;
    if not found then
      perform lms_private.raise_invalid_transition(former.status);
    end if;
    -- The row is not locked before this statement, because writers take the write lock of the
    -- tenant before they lock rows.
    update lms.requests as q
    set
      status = fresh,
      assigned_to = case
        when transition = 'assign' then lms.check_reference(
          'staff_id',
          (input ->> 'staff_id')::uuid,
          exists (select from lms.staff as s where s.id = (input ->> 'staff_id')::uuid and s.deleted_at is null)
        )
        else q.assigned_to
      end,
      resolution = case when transition = 'resolve' then input ->> 'resolution' else q.resolution end
    where q.id = request
      and q.version = former.version
      and q.deleted_at is null
    returning q.*
    into r;
    exit when found;
    -- Either the caller may not change the row, or it was changed concurrently; in the latter case
    -- the loop tries again.
    if exists (select from lms.requests as q where q.id = request and q.version = former.version and q.deleted_at is null) then
      raise exception using errcode = 'LM404';
    end if;
  end loop;
  if transition = 'resolve' and input ? 'move' then
    perform lms_private.reschedule_lesson(r, input -> 'move');
  end if;
  return r;
end
$$;

comment on function lms.transition_request is
  'Applies a transition to a request: assign with staff_id, start, resolve with resolution and optionally move (start, end, room of its lesson), close, reopen.';

grant execute on function lms.transition_request to lms_application;

-- A request that is opened again, or restored, came back onto the desk of whoever had it, be it somebody who has left since, is inactive or
-- works at another centre by now. It is nobody's then, as the open requests of somebody who leaves are.
set local role lms_owner;

create or replace function lms_private.keep_request() returns trigger
language plpgsql
as $$
declare
  problem text;
begin
  if new.status <> old.status then
    if not exists (
      select from lms_private.request_moves() as m where m.former = old.status and m.fresh = new.status
    ) then
      perform lms_private.refuse_move(old.status);
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
      message = 'This request is closed; reopen it to change it.',
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
    if not exists (select from lms_private.request_moves() as m where m.move = 'assign' and m.former = new.status) then
      perform lms_private.refuse_move(new.status);
    end if;
    problem := lms_private.assignment_problem(new.tenant_id, new.centre_id, new.assigned_to);
    if new.assigned_to is not null and problem is not null then
      raise exception using errcode = 'LM422', message = problem, column = 'staff_id';
    end if;
  end if;

  if (new.class_id, new.occurrence_start, new.inventory_id)
    is distinct from (old.class_id, old.occurrence_start, old.inventory_id)
  then
    perform lms_private.check_request_links(new);
  end if;

  -- A request that the worker escalates stays as late as it is.
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

comment on function lms_private.keep_request is
  'A request moves by the state table, is assigned to those who can do it, is nobody''s when it comes back to somebody who cannot, and is due anew when its type or priority changes or it is reopened.';

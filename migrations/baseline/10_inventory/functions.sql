-- Stock, loans and automatic requests. Items on loan can be neither lent again nor removed from
-- stock. When stock runs low, one request is opened for each item.

create function lms_private.add_opening_stock() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into lms.inventory_adjustments (tenant_id, inventory_id, change, reason, quantity_after)
  select n.tenant_id, n.id, n.quantity, 'Opening stock', n.quantity
  from new_rows as n
  where n.quantity > 0;
  return null;
end
$$;

comment on function lms_private.add_opening_stock is 'Records the initial quantity of an item as its first adjustment.';

alter function lms_private.add_opening_stock owner to lms_definer;

create function lms_private.adjust_stock() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  item lms.inventory;
begin
  if new.quantity_after is not null then
    return new;
  end if;
  if new.change = 0 then
    raise exception using errcode = 'LM422', message = 'Must not be 0.', column = 'change';
  end if;
  update lms.inventory as i
  set quantity = i.quantity + new.change
  where i.tenant_id = new.tenant_id
    and i.id = new.inventory_id
    and i.quantity + new.change between i.lent and 1000000000
    and i.deleted_at is null
  returning i.quantity
  into new.quantity_after;
  if found then
    return new;
  end if;
  select i.*
  into item
  from lms.inventory as i
  where i.tenant_id = new.tenant_id
    and i.id = new.inventory_id
    and i.deleted_at is null;
  if not found then
    raise exception using errcode = 'LM404';
  end if;
  raise exception using
    errcode = 'LM409',
    message = case
      when new.change > 0 then 'The quantity must not exceed 1000000000.'
      else format(
        'The quantity of the item is %s, and %s on loan. At most %s can be removed.',
        item.quantity, item.lent, item.available
      )
    end,
    column = 'change';
end
$$;

comment on function lms_private.adjust_stock is
  'Changes the quantity by an adjustment. LM409 when the remaining quantity would be less than what is on loan. Adjustments with quantity_after, which the application cannot write, have been applied already.';

alter function lms_private.adjust_stock owner to lms_definer;

create function lms.adjust_inventory(item uuid, input jsonb, versions jsonb) returns lms.inventory
language plpgsql
as $$
#variable_conflict use_variable
declare
  r lms.inventory;
begin
  if not exists (select from lms.inventory as i where i.id = item and i.deleted_at is null) then
    raise exception using errcode = 'LM404';
  end if;
  insert into lms.inventory_adjustments (inventory_id, change, reason)
  values (item, (input ->> 'change')::integer, input ->> 'reason');
  select i.*
  into r
  from lms.inventory as i
  where i.id = item;
  -- The version is that of the item before the adjustment, which nobody else can have changed
  -- since.
  perform lms.check_version(
    r.version - 1,
    case when versions @> to_jsonb(r.version - 1) then r.version - 1 else (versions ->> 0)::bigint end
  );
  return r;
end
$$;

comment on function lms.adjust_inventory is 'Writes an adjustment {change, reason} and returns the item.';

grant execute on function lms.adjust_inventory to lms_application;

create function lms_private.lend_item() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  item lms.inventory;
begin
  update lms.inventory as i
  set lent = i.lent + new.quantity
  where i.tenant_id = new.tenant_id
    and i.id = new.inventory_id
    and i.quantity - i.lent >= new.quantity
    and i.deleted_at is null
  returning i.centre_id
  into new.centre_id;
  if not found then
    select i.*
    into item
    from lms.inventory as i
    where i.tenant_id = new.tenant_id
      and i.id = new.inventory_id
      and i.deleted_at is null;
    if not found then
      raise exception using errcode = 'LM404';
    end if;
    raise exception using
      errcode = 'LM409',
      message = format('At most %s can be lent.', item.available),
      column = 'quantity';
  end if;
  if new.due_on < (
    select (now() at time zone c.time_zone)::date
    from lms.centres as c
    where c.tenant_id = new.tenant_id
      and c.id = new.centre_id
  ) then
    raise exception using errcode = 'LM422', message = 'Must not be in the past.', column = 'due_on';
  end if;
  new.returned_at := null;
  return new;
end
$$;

comment on function lms_private.lend_item is
  'LM409 when fewer are available than are to be lent; LM422 for a due date in the past.';

alter function lms_private.lend_item owner to lms_definer;

create function lms_private.return_item() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if old.returned_at is not null then
    raise exception using errcode = 'LM409', message = 'The loan has already been returned.', column = 'returned_at';
  end if;
  if new.returned_at is not null then
    new.returned_at := now();
    update lms.inventory as i
    set lent = i.lent - old.quantity
    where i.tenant_id = old.tenant_id
      and i.id = old.inventory_id;
  end if;
  return new;
end
$$;

comment on function lms_private.return_item is
  'Makes a returned item available again. LM409 when the loan has been returned already.';

alter function lms_private.return_item owner to lms_definer;

create function lms_private.protect_lent_items() returns trigger
language plpgsql
as $$
begin
  if new.deleted_at is not null and old.deleted_at is null and new.lent > 0 then
    raise exception using errcode = 'LM409', message = format('The quantity of the item on loan is %s. It must be returned first.', new.lent), column = 'lent';
  end if;
  return new;
end
$$;

comment on function lms_private.protect_lent_items is 'LM409 for deleting an item of which some are on loan.';

create function lms_private.open_low_stock_requests() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Items whose stock has become low: {"tenant_id", "id"}.
  low jsonb;
begin
  -- A branch is planned when it is first taken, so a branch may name a transition table that this
  -- trigger does not have.
  if tg_op = 'INSERT' then
    select jsonb_agg(jsonb_build_object('tenant_id', n.tenant_id, 'id', n.id))
    into low
    from new_rows as n
    where n.available <= n.low_stock_at
      and n.deleted_at is null;
  else
    select jsonb_agg(jsonb_build_object('tenant_id', n.tenant_id, 'id', n.id))
    into low
    from new_rows as n
    join old_rows as o
      on o.tenant_id = n.tenant_id
      and o.id = n.id
    where n.available <= n.low_stock_at
      and (n.available < o.available or n.low_stock_at is distinct from o.low_stock_at or o.deleted_at is not null)
      and n.deleted_at is null;
  end if;
  insert into lms.requests (tenant_id, centre_id, type, details, inventory_id, by_rule)
  select
    i.tenant_id,
    i.centre_id,
    'inventory',
    format('Low stock of %s: %s available, at or below the threshold of %s.', i.item_name, i.available, i.low_stock_at),
    i.id,
    true
  from jsonb_to_recordset(low) as l (tenant_id uuid, id uuid)
  join lms.inventory as i
    on i.tenant_id = l.tenant_id
    and i.id = l.id
  -- No request is opened in a closed centre.
  join lms.centres as c
    on c.tenant_id = i.tenant_id
    and c.id = i.centre_id
    and c.left_at is null
  where not exists (
    select
    from lms.requests as r
    where r.tenant_id = i.tenant_id
      and r.inventory_id = i.id
      and r.by_rule
      and r.status in ('open', 'in_progress')
      and r.deleted_at is null
  )
  order by i.tenant_id, i.item_name, i.id;
  return null;
end
$$;

comment on function lms_private.open_low_stock_requests is
  'Opens a request for each item whose available quantity is at most low_stock_at, unless one is open. Writers of a tenant are serialized, so two requests cannot be opened for one item.';

alter function lms_private.open_low_stock_requests owner to lms_definer;

create function lms_private.notify_loan() returns trigger
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

comment on function lms_private.notify_loan is 'Notifies the borrower of the event that is the argument.';

alter function lms_private.notify_loan owner to lms_definer;

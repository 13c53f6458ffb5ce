-- Stock that runs low is asked for by itself: one open request for each item.
set local role lms_owner;

create function lms_private.ask_for_stock() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Items that have got low: {"tenant_id", "id"}.
  low jsonb;
begin
  -- A branch is planned when it is first taken, so one that names a transition table the trigger lacks does no harm.
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
    format('Low stock of %s: %s available, %s or fewer is low.', i.item_name, i.available, i.low_stock_at),
    i.id,
    true
  from jsonb_to_recordset(low) as l (tenant_id uuid, id uuid)
  join lms.inventory as i
    on i.tenant_id = l.tenant_id
    and i.id = l.id
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

comment on function lms_private.ask_for_stock is
  'Opens a request for each item of which no more are available than low_stock_at, unless one is open. Writers of a tenant take turns, so two cannot open one each.';

alter function lms_private.ask_for_stock owner to lms_definer;

-- Named to fire behind the triggers that record the statement and begin the ledger.
create trigger then_open_request_insert
after insert on lms.inventory
referencing new table as new_rows
for each statement execute function lms_private.ask_for_stock();

create trigger then_open_request_update
after update on lms.inventory
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.ask_for_stock();

grant select on lms.requests to lms_definer;
grant insert (tenant_id, centre_id, type, details, inventory_id, by_rule) on lms.requests to lms_definer;

-- Inventory: how many there are follows from a ledger of adjustments with their reasons, and is never below what is lent.
set local role lms_owner;

alter table lms.inventory no force row level security;

alter table lms.inventory
add column lent integer not null default 0,
add column available integer not null generated always as (quantity - lent) stored,
add column low_stock_at integer
  constraint inventory_low_stock_at_check check (low_stock_at between 0 and 1000000000),
add constraint inventory_lent_check check (lent between 0 and quantity);

create table lms.inventory_adjustments (
  like lms_private.row_template including all,
  inventory_id uuid not null,
  change integer not null
    constraint inventory_adjustments_change_check check (change <> 0 and abs(change) <= 1000000000),
  reason text not null
    constraint inventory_adjustments_reason_check check (char_length(reason) between 1 and 1000),
  quantity_after integer not null
    constraint inventory_adjustments_quantity_after_check check (quantity_after >= 0),
  constraint inventory_adjustments_inventory_id_fkey
    foreign key (tenant_id, inventory_id) references lms.inventory (tenant_id, id)
);

create index idx_inventory_adjustments_inventory_id
on lms.inventory_adjustments (tenant_id, inventory_id, id)
where deleted_at is null;

comment on column lms.inventory.quantity is 'How many there are: the sum of its adjustments.';
comment on column lms.inventory.lent is 'How many of them are lent: the sum of its loans that are out.';
comment on column lms.inventory.available is 'How many can be lent or taken away.';
comment on column lms.inventory.low_stock_at is
  'When no more than so many are available, a request opens by itself; null for never.';
comment on table lms.inventory_adjustments is 'The ledger of each item''s quantity. Append-only.';
comment on column lms.inventory_adjustments.quantity_after is 'How many there were after it.';

call lms_private.adopt('inventory_adjustments', 'inventory_adjustment', listed => false);

-- What was there before there was a ledger.
alter table lms.inventory_adjustments no force row level security;
alter table lms.inventory_adjustments disable trigger stamp;

insert into lms.inventory_adjustments (tenant_id, inventory_id, change, reason, quantity_after, created_at, created_by)
select i.tenant_id, i.id, i.quantity, 'Opening stock', i.quantity, i.created_at, i.created_by
from lms.inventory as i
where i.quantity > 0
order by i.tenant_id;

alter table lms.inventory_adjustments enable trigger stamp;
alter table lms.inventory_adjustments force row level security;
alter table lms.inventory force row level security;

create trigger append_only
before update or delete or truncate on lms.inventory_adjustments
for each statement execute function lms_private.forbid_change();

create function lms_private.begin_stock() returns trigger
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
    raise exception using errcode = 'LM422', message = 'An adjustment changes something.', column = 'change';
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
      when new.change > 0 then 'There is no place for more than 1000000000.'
      else format(
        'There are %s, of which %s are lent: no more than %s can be taken away.',
        item.quantity, item.lent, item.available
      )
    end,
    column = 'change';
end
$$;

comment on function lms_private.begin_stock is 'The quantity that an item is made with is the first entry of its ledger.';
comment on function lms_private.adjust_stock is
  'Changes the quantity by an entry of the ledger; LM409 when less would be there than is lent. Entries that know what was there after them, which the application can''t write, have been counted.';

alter function lms_private.begin_stock owner to lms_definer;
alter function lms_private.adjust_stock owner to lms_definer;

create trigger then_begin_stock
after insert on lms.inventory
referencing new table as new_rows
for each statement execute function lms_private.begin_stock();

create trigger adjust_stock
before insert on lms.inventory_adjustments
for each row execute function lms_private.adjust_stock();

-- An adjustment is its item's, whose own policy is asked.
create policy scope_read on lms.inventory_adjustments
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'finance' then true
    when 'support' then true
    when 'tutor' then true
    when 'supervisor' then exists (
      select
      from lms.inventory as i
      where i.tenant_id = inventory_adjustments.tenant_id
        and i.id = inventory_adjustments.inventory_id
    )
    else false
  end
);

create policy scope_insert on lms.inventory_adjustments
as restrictive for insert to lms_application
with check (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'support' then true
    when 'supervisor' then exists (
      select
      from lms.inventory as i
      where i.tenant_id = inventory_adjustments.tenant_id
        and i.id = inventory_adjustments.inventory_id
    )
    else false
  end
);

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
  -- Of the version that was adjusted, which nobody else can have changed since.
  perform lms.check_version(
    r.version - 1,
    case when versions @> to_jsonb(r.version - 1) then r.version - 1 else (versions ->> 0)::bigint end
  );
  return r;
end
$$;

comment on function lms.adjust_inventory is 'Writes an adjustment {change, reason} and gives the item as it is then.';

grant execute on function lms.adjust_inventory to lms_application;

revoke insert, update on lms.inventory from lms_application;
grant insert (id, centre_id, item_name, category, quantity, condition, low_stock_at, metadata)
on lms.inventory to lms_application;
grant update (item_name, category, condition, low_stock_at, metadata, deleted_at)
on lms.inventory to lms_application;
grant select, insert (inventory_id, change, reason) on lms.inventory_adjustments to lms_application;
grant select, update (quantity, lent) on lms.inventory to lms_definer;
grant select, insert on lms.inventory_adjustments to lms_definer;

-- Lending: what is lent to a person until a day can be neither lent again nor taken away.
set local role lms_owner;

create table lms.inventory_loans (
  like lms_private.row_template including all,
  inventory_id uuid not null,
  centre_id uuid not null,
  user_id uuid not null,
  quantity integer not null default 1
    constraint inventory_loans_quantity_check check (quantity between 1 and 1000000000),
  due_on date not null
    constraint inventory_loans_due_on_check check (due_on between '1900-01-01' and '2200-01-01'),
  returned_at timestamptz,
  constraint inventory_loans_inventory_id_fkey
    foreign key (tenant_id, inventory_id) references lms.inventory (tenant_id, id),
  constraint inventory_loans_centre_id_fkey foreign key (tenant_id, centre_id) references lms.centres (tenant_id, id),
  constraint inventory_loans_user_id_fkey foreign key (tenant_id, user_id) references lms.users (tenant_id, id)
);

create index idx_inventory_loans_inventory_id
on lms.inventory_loans (tenant_id, inventory_id, id)
where deleted_at is null;

create index idx_inventory_loans_centre_id
on lms.inventory_loans (tenant_id, centre_id, created_at, id)
where deleted_at is null;

create index idx_inventory_loans_user_id
on lms.inventory_loans (tenant_id, user_id, id)
where deleted_at is null;

create index idx_inventory_loans_due_on
on lms.inventory_loans (tenant_id, due_on, id)
where returned_at is null and deleted_at is null;

comment on table lms.inventory_loans is 'Who has what, and until when.';
comment on column lms.inventory_loans.centre_id is 'The item''s, which never changes; set by trigger.';
comment on column lms.inventory_loans.due_on is 'The last day, in the zone of the item''s centre.';
comment on column lms.inventory_loans.returned_at is 'When it came back; null while it is out.';

call lms_private.adopt('inventory_loans', 'inventory_loan');

create function lms_private.lend() returns trigger
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
      message = format('No more than %s can be lent.', item.available),
      column = 'quantity';
  end if;
  if new.due_on < (
    select (now() at time zone c.time_zone)::date
    from lms.centres as c
    where c.tenant_id = new.tenant_id
      and c.id = new.centre_id
  ) then
    raise exception using errcode = 'LM422', message = 'This day has passed.', column = 'due_on';
  end if;
  new.returned_at := null;
  return new;
end
$$;

create function lms_private.take_back() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if old.returned_at is not null then
    raise exception using errcode = 'LM409', message = 'This loan has come back already.', column = 'returned_at';
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

create function lms_private.keep_lent_items() returns trigger
language plpgsql
as $$
begin
  if new.deleted_at is not null and old.deleted_at is null and new.lent > 0 then
    raise exception using errcode = 'LM409', message = format('Of this item %s are lent.', new.lent), column = 'lent';
  end if;
  return new;
end
$$;

comment on function lms_private.lend is 'LM409 when fewer are available than are to be lent; LM422 for a day that has passed.';
comment on function lms_private.take_back is 'What comes back is available again; LM409 for what has come back.';
comment on function lms_private.keep_lent_items is 'LM409 for an item that is deleted while some of it are lent.';

alter function lms_private.lend owner to lms_definer;
alter function lms_private.take_back owner to lms_definer;

create trigger lend
before insert on lms.inventory_loans
for each row execute function lms_private.lend();

create trigger take_back
before update of returned_at on lms.inventory_loans
for each row execute function lms_private.take_back();

create trigger keep_lent_items
before update of deleted_at on lms.inventory
for each row execute function lms_private.keep_lent_items();

-- Who teaches reads the stock, and of loans the own ones.
create policy scope_read on lms.inventory_loans
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'finance' then true
    when 'support' then true
    when 'tutor' then user_id = current_setting('app.user_id')::uuid
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    else false
  end
);

create policy scope_insert on lms.inventory_loans
as restrictive for insert to lms_application
with check (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'support' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    else false
  end
);

create policy scope_update on lms.inventory_loans
as restrictive for update to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'support' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    else false
  end
);

grant select, insert (inventory_id, user_id, quantity, due_on), update (returned_at)
on lms.inventory_loans to lms_application;

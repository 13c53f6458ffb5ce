-- The stock of a centre. Quantities are the sums of append-only adjustments with their reasons and
-- never less than what is on loan.

create table lms.inventory (
  like lms_private.row_template including all,
  centre_id uuid not null,
  item_name text not null
    constraint inventory_item_name_check check (char_length(item_name) between 1 and 200),
  category text not null
    constraint inventory_category_check check (category in ('laptop', 'furniture', 'stationery', 'network', 'misc')),
  quantity integer not null default 0
    constraint inventory_quantity_check check (quantity between 0 and 1000000000),
  lent integer not null default 0,
  available integer not null generated always as (quantity - lent) stored,
  low_stock_at integer
    constraint inventory_low_stock_at_check check (low_stock_at between 0 and 1000000000),
  condition text not null default 'good'
    constraint inventory_condition_check check (condition in ('good', 'needs_repair', 'broken')),
  metadata jsonb not null default '{}'
    constraint inventory_metadata_check check (
      jsonb_typeof(metadata) = 'object' and octet_length(metadata::text) <= 16384
    ),
  constraint inventory_lent_check check (lent between 0 and quantity),
  constraint inventory_centre_id_fkey foreign key (tenant_id, centre_id) references lms.centres (tenant_id, id)
);

create index idx_inventory_item_name
on lms.inventory (tenant_id, item_name collate "und-x-icu", id)
where deleted_at is null;

create index idx_inventory_centre_id
on lms.inventory (tenant_id, centre_id);

comment on table lms.inventory is 'Assets and consumables, with quantities of at least zero.';
comment on column lms.inventory.quantity is 'The quantity: the sum of the adjustments.';
comment on column lms.inventory.lent is 'The quantity on loan: the sum of the loans that have not been returned.';
comment on column lms.inventory.available is 'The quantity that can be lent or removed.';
comment on column lms.inventory.low_stock_at is
  'When the available quantity is at most this, a request is opened automatically; null for never.';

call lms_private.register_table('inventory', 'inventory');
call lms_private.create_retention_index('inventory');

grant
  select,
  insert (id, centre_id, item_name, category, quantity, condition, low_stock_at, metadata),
  update (item_name, category, condition, low_stock_at, metadata, deleted_at)
on lms.inventory to lms_application;
grant select, update (quantity, lent) on lms.inventory to lms_definer;

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
on lms.inventory_adjustments (tenant_id, inventory_id, id);

comment on table lms.inventory_adjustments is 'Adjustments of each item''s quantity. Append-only.';
comment on column lms.inventory_adjustments.quantity_after is 'The quantity after the adjustment.';

call lms_private.register_table('inventory_adjustments', 'inventory_adjustment', listed => false);

grant select, insert (inventory_id, change, reason) on lms.inventory_adjustments to lms_application;
grant select, insert on lms.inventory_adjustments to lms_definer;

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
  reminded_at timestamptz,
  constraint inventory_loans_inventory_id_fkey
    foreign key (tenant_id, inventory_id) references lms.inventory (tenant_id, id),
  constraint inventory_loans_centre_id_fkey foreign key (tenant_id, centre_id) references lms.centres (tenant_id, id),
  constraint inventory_loans_user_id_fkey foreign key (tenant_id, user_id) references lms.users (tenant_id, id)
);

create index idx_inventory_loans_due_on
on lms.inventory_loans (tenant_id, due_on, id)
where returned_at is null and deleted_at is null;

create index idx_inventory_loans_inventory_id
on lms.inventory_loans (tenant_id, inventory_id, id);

create index idx_inventory_loans_centre_id
on lms.inventory_loans (tenant_id, centre_id, created_at, id);

create index idx_inventory_loans_user_id
on lms.inventory_loans (tenant_id, user_id, id);

comment on table lms.inventory_loans is 'Loans of items to users, with due dates.';
comment on column lms.inventory_loans.centre_id is 'The centre of the item, which never changes; set by trigger.';
comment on column lms.inventory_loans.due_on is 'The last day of the loan, in the time zone of the item''s centre.';
comment on column lms.inventory_loans.returned_at is 'When the loan was returned; null while it is out.';
comment on column lms.inventory_loans.reminded_at is 'When the worker found the loan overdue; set once.';

call lms_private.register_table('inventory_loans', 'inventory_loan');
call lms_private.create_retention_index('inventory_loans');

grant select, insert (inventory_id, user_id, quantity, due_on), update (returned_at) on lms.inventory_loans to lms_application;

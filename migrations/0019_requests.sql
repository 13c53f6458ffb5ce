-- Requests and inventory: what a centre asks for and what it has.
set local role lms_owner;

create table lms.requests (
  like lms_private.row_template including all,
  centre_id uuid not null,
  assigned_to uuid,
  type text not null
    constraint requests_type_check check (type in ('it', 'inventory', 'complaint', 'reschedule', 'maintenance')),
  details text not null
    constraint requests_details_check check (char_length(details) between 1 and 10000),
  priority text not null default 'medium'
    constraint requests_priority_check check (priority in ('low', 'medium', 'high')),
  status text not null default 'open'
    constraint requests_status_check check (status in ('open', 'in_progress', 'resolved', 'closed')),
  constraint requests_centre_id_fkey foreign key (tenant_id, centre_id) references lms.centres (tenant_id, id),
  constraint requests_created_by_fkey foreign key (tenant_id, created_by) references lms.users (tenant_id, id),
  constraint requests_assigned_to_fkey foreign key (tenant_id, assigned_to) references lms.staff (tenant_id, id)
);

create index idx_requests_status_priority
on lms.requests (tenant_id, status, priority)
where deleted_at is null;

create index idx_requests_centre_id
on lms.requests (tenant_id, centre_id)
where deleted_at is null;

create index idx_requests_created_by
on lms.requests (tenant_id, created_by)
where deleted_at is null;

create index idx_requests_assigned_to
on lms.requests (tenant_id, assigned_to)
where deleted_at is null;

comment on table lms.requests is 'IT, inventory, complaints, rescheduling and repairs.';
comment on column lms.requests.created_by is 'Who asked: set by trigger like every created_by, and a reference here, because it is the scope of those who may see their own.';
comment on column lms.requests.assigned_to is 'A row of staff.';

create table lms.inventory (
  like lms_private.row_template including all,
  centre_id uuid not null,
  item_name text not null
    constraint inventory_item_name_check check (char_length(item_name) between 1 and 200),
  category text not null
    constraint inventory_category_check check (category in ('laptop', 'furniture', 'stationery', 'network', 'misc')),
  quantity integer not null default 0
    constraint inventory_quantity_check check (quantity between 0 and 1000000000),
  condition text not null default 'good'
    constraint inventory_condition_check check (condition in ('good', 'needs_repair', 'broken')),
  metadata jsonb not null default '{}'
    constraint inventory_metadata_check check (
      jsonb_typeof(metadata) = 'object' and octet_length(metadata::text) <= 16384
    ),
  constraint inventory_centre_id_fkey foreign key (tenant_id, centre_id) references lms.centres (tenant_id, id)
);

create index idx_inventory_centre_id
on lms.inventory (tenant_id, centre_id)
where deleted_at is null;

comment on table lms.inventory is 'Assets and consumables. Never below zero.';

call lms_private.adopt('requests', 'request');
call lms_private.adopt('inventory', 'inventory');

grant select, insert, update on lms.requests, lms.inventory to lms_application;

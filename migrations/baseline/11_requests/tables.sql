-- Requests with their number, subject and due time, and their append-only comments, which are
-- public or internal to those who work on the request.

create table lms.requests (
  like lms_private.row_template including all,
  number bigint not null,
  centre_id uuid not null,
  assigned_to uuid,
  class_id uuid,
  occurrence_start timestamptz,
  inventory_id uuid,
  type text not null
    constraint requests_type_check check (type in ('it', 'inventory', 'complaint', 'reschedule', 'maintenance')),
  details text not null
    constraint requests_details_check check (char_length(details) between 1 and 10000),
  resolution text
    constraint requests_resolution_check check (char_length(resolution) between 1 and 10000),
  priority text not null default 'medium'
    constraint requests_priority_check check (priority in ('low', 'medium', 'high')),
  urgency integer not null
    generated always as (case priority when 'high' then 1 when 'medium' then 2 else 3 end) stored,
  status text not null default 'open'
    constraint requests_status_check check (status in ('open', 'in_progress', 'resolved', 'closed')),
  by_rule boolean not null default false,
  opened_at timestamptz not null,
  due_at timestamptz not null,
  escalated_at timestamptz,
  resolved_at timestamptz,
  closed_at timestamptz,
  constraint requests_number_key unique (tenant_id, number),
  constraint requests_centre_id_fkey foreign key (tenant_id, centre_id) references lms.centres (tenant_id, id),
  constraint requests_created_by_fkey foreign key (tenant_id, created_by) references lms.users (tenant_id, id),
  constraint requests_assigned_to_fkey foreign key (tenant_id, assigned_to) references lms.staff (tenant_id, id),
  constraint requests_class_id_fkey foreign key (tenant_id, class_id) references lms.classes (tenant_id, id),
  constraint requests_inventory_id_fkey foreign key (tenant_id, inventory_id) references lms.inventory (tenant_id, id),
  constraint requests_occurrence_start_check check (occurrence_start is null or class_id is not null)
);

-- An item with low stock has one open request that the database opened. The case excludes requests
-- of people.
create unique index requests_inventory_id_key
on lms.requests (
  tenant_id,
  (case when by_rule and status in ('open', 'in_progress') and deleted_at is null then inventory_id end)
);

-- Each index begins with what limits a role to its requests and continues in the order of lists by
-- priority, so that a page of a list is a page of an index for every role.
create index idx_requests_status_priority
on lms.requests (tenant_id, status, urgency, created_at, id)
where deleted_at is null;

create index idx_requests_due_at
on lms.requests (tenant_id, due_at, id)
where status in ('open', 'in_progress') and deleted_at is null;

create index idx_requests_created_by
on lms.requests (tenant_id, created_by, status, urgency, created_at, id);

create index idx_requests_class_id
on lms.requests (tenant_id, class_id)
where class_id is not null;

create index idx_requests_centre_id
on lms.requests (tenant_id, centre_id, status, urgency, created_at, id);

create index idx_requests_assigned_to
on lms.requests (tenant_id, assigned_to, status, urgency, created_at, id);

-- Most requests concern no item, and the foreign key never looks for those.
create index idx_requests_inventory_id
on lms.requests (tenant_id, inventory_id)
where inventory_id is not null;

comment on table lms.requests is 'Requests about IT, inventory, complaints, rescheduling and repairs.';
comment on column lms.requests.created_by is
  'The requester: set by trigger as every created_by, and a foreign key here, because requesters see their own requests.';
comment on column lms.requests.number is 'Gapless within the tenant, from 1, set by trigger.';
comment on column lms.requests.assigned_to is 'The staff member to whom the request is assigned.';
comment on column lms.requests.class_id is 'The class that the request concerns, of the same centre.';
comment on column lms.requests.occurrence_start is 'The lesson of the class that the request concerns, by its original_start.';
comment on column lms.requests.inventory_id is 'The item that the request concerns, of the same centre.';
comment on column lms.requests.resolution is 'The resolution; null until the request is resolved, and again after it is reopened.';
comment on column lms.requests.urgency is 'The rank of the priority, 1 for high, by which priorities are sorted.';
comment on column lms.requests.by_rule is 'True when the database opened the request for an item with low stock.';
comment on column lms.requests.opened_at is 'When the time allowed began: when the request was created or reopened.';
comment on column lms.requests.due_at is
  'opened_at plus the time allowed for type and priority, counted in the working hours of the centre; set by trigger.';
comment on column lms.requests.escalated_at is 'When the worker found the request overdue; once for each due time.';

call lms_private.register_table('requests', 'request');
call lms_private.create_retention_index('requests');

grant
  select,
  insert (id, centre_id, type, details, priority, class_id, occurrence_start, inventory_id),
  update (
    type, details, priority, class_id, occurrence_start, inventory_id, assigned_to, status, resolution,
    deleted_at
  )
on lms.requests to lms_application;
grant
  select,
  insert (tenant_id, centre_id, type, details, inventory_id, by_rule),
  update (assigned_to)
on lms.requests to lms_definer;

create table lms.request_comments (
  like lms_private.row_template including all,
  request_id uuid not null,
  visibility text not null default 'public'
    constraint request_comments_visibility_check check (visibility in ('public', 'internal')),
  body text not null
    constraint request_comments_body_check check (char_length(body) between 1 and 10000),
  constraint request_comments_request_id_fkey
    foreign key (tenant_id, request_id) references lms.requests (tenant_id, id)
);

create index idx_request_comments_request_id
on lms.request_comments (tenant_id, request_id, id);

comment on table lms.request_comments is 'Comments on requests. Append-only.';
comment on column lms.request_comments.visibility is
  'public: everyone who sees the request; internal: support, admins, the centre''s supervisor, and the tutor to whom it is assigned.';

call lms_private.register_table('request_comments', 'request_comment', listed => false);

grant select, insert (request_id, visibility, body) on lms.request_comments to lms_application;

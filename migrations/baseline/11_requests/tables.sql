-- Requests: their number, what they are about and when they are due. And what is said about them: to everybody who sees one, or
-- among those who work on it; added to, never changed.

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

-- An item whose stock is low has one open request of the database's own. The case keeps people's requests out of this.
create unique index requests_inventory_id_key
on lms.requests (
  tenant_id,
  (case when by_rule and status in ('open', 'in_progress') and deleted_at is null then inventory_id end)
);

-- Each begins with what makes a request one of the caller's and goes on in the order of lists by priority, so that a page of
-- such a list is a page of an index for every role, however many requests there are.
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

-- Most requests are about no item, and a foreign key never asks for those.
create index idx_requests_inventory_id
on lms.requests (tenant_id, inventory_id)
where inventory_id is not null;

comment on table lms.requests is 'IT, inventory, complaints, rescheduling and repairs.';
comment on column lms.requests.created_by is 'The user who asked: set by trigger like every created_by, and a reference here, because it is the scope of those who may see their own.';
comment on column lms.requests.number is 'The tenant''s own, from 1 and without gaps; set by trigger.';
comment on column lms.requests.assigned_to is 'A row of staff.';
comment on column lms.requests.class_id is 'The class that it is about, one of the same centre.';
comment on column lms.requests.occurrence_start is 'The lesson of the class that it is about: its original_start.';
comment on column lms.requests.inventory_id is 'The item that it is about, one of the same centre.';
comment on column lms.requests.resolution is 'The resolution, from its resolution until it is reopened.';
comment on column lms.requests.urgency is 'The rank of priority, 1 for high: priorities are sorted by it.';
comment on column lms.requests.by_rule is 'True when the database opened it by itself, for an item whose stock is low.';
comment on column lms.requests.opened_at is 'When its clock began: it was made, or reopened.';
comment on column lms.requests.due_at is
  'opened_at and the time allowed for its type and priority, in the working hours of the centre; set by trigger.';
comment on column lms.requests.escalated_at is 'When the worker found that it was overdue; once for each due time.';

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
  'public: whoever sees the request; internal: support, admins, the centre''s supervisor, and the tutor it is assigned to.';

call lms_private.register_table('request_comments', 'request_comment', listed => false);

grant select, insert (request_id, visibility, body) on lms.request_comments to lms_application;

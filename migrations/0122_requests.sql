-- Requests: their number, what they are about, when they are due, and how they move from one state to the next.
set local role lms_owner;

-- For the foreign keys, and for what was asked before there were numbers and due times.
alter table lms.requests no force row level security;
alter table lms.classes no force row level security;
alter table lms.inventory no force row level security;
alter table lms.centres no force row level security;
alter table lms.tenants no force row level security;
alter table lms.tenant_sequences no force row level security;

alter table lms.requests
add column number bigint,
add column class_id uuid,
add column occurrence_start timestamptz,
add column inventory_id uuid,
add column by_rule boolean not null default false,
add column urgency integer not null
  generated always as (case priority when 'high' then 1 when 'medium' then 2 else 3 end) stored,
add column opened_at timestamptz,
add column due_at timestamptz,
add column escalated_at timestamptz,
add column resolved_at timestamptz,
add column closed_at timestamptz,
add column resolution text
  constraint requests_resolution_check check (char_length(resolution) between 1 and 10000),
add constraint requests_occurrence_start_check check (occurrence_start is null or class_id is not null),
add constraint requests_class_id_fkey foreign key (tenant_id, class_id) references lms.classes (tenant_id, id),
add constraint requests_inventory_id_fkey foreign key (tenant_id, inventory_id) references lms.inventory (tenant_id, id);

comment on column lms.requests.number is 'The tenant''s own, from 1 and without gaps; set by trigger.';
comment on column lms.requests.class_id is 'The class that it is about, one of the same centre.';
comment on column lms.requests.occurrence_start is 'The lesson of the class that it is about: its original_start.';
comment on column lms.requests.inventory_id is 'The item that it is about, one of the same centre.';
comment on column lms.requests.by_rule is 'Whether the database opened it by itself, for an item whose stock is low.';
comment on column lms.requests.urgency is 'The rank of priority, 1 for high: priorities are sorted by it.';
comment on column lms.requests.opened_at is 'When its clock began: it was made, or reopened.';
comment on column lms.requests.due_at is
  'opened_at and the time allowed for its type and priority, in the working hours of the centre; set by trigger.';
comment on column lms.requests.escalated_at is 'When the worker found that it was overdue; once for each due time.';
comment on column lms.requests.resolution is 'What was done, from its resolution until it is reopened.';

create function lms.usual_due_times() returns jsonb
language sql
immutable
parallel safe
return jsonb_build_object(
  'it', jsonb_build_object('high', 240, 'medium', 480, 'low', 2400),
  'inventory', jsonb_build_object('high', 480, 'medium', 1440, 'low', 4800),
  'complaint', jsonb_build_object('high', 240, 'medium', 960, 'low', 2400),
  'reschedule', jsonb_build_object('high', 120, 'medium', 480, 'low', 960),
  'maintenance', jsonb_build_object('high', 240, 'medium', 1440, 'low', 4800)
);

comment on function lms.usual_due_times is
  'Minutes of working time allowed for a request by type and priority, where the tenant''s settings (due_times) say nothing else.';

create function lms_private.request_due_at(tenant uuid, centre uuid, type text, priority text, start timestamptz)
returns timestamptz
language sql
stable
return (
  select
    lms_private.due_at(
      request_due_at.start,
      (
        case
          -- Settings were once free of form.
          when jsonb_typeof(t.settings -> 'due_times' -> request_due_at.type -> request_due_at.priority) = 'number'
            then t.settings -> 'due_times' -> request_due_at.type ->> request_due_at.priority
          else lms.usual_due_times() -> request_due_at.type ->> request_due_at.priority
        end
      )::numeric::integer,
      c.working_hours,
      c.holidays,
      c.time_zone
    )
  from lms.centres as c
  join lms.tenants as t
    on t.tenant_id = c.tenant_id
  where c.tenant_id = request_due_at.tenant
    and c.id = request_due_at.centre
);

comment on function lms_private.request_due_at is 'When a request of the centre is due whose clock began at a moment.';

grant execute on function lms.usual_due_times, lms_private.request_due_at to lms_application, lms_definer;

update lms.requests as r
set
  number = n.number,
  opened_at = r.created_at,
  due_at = lms_private.request_due_at(r.tenant_id, r.centre_id, r.type, r.priority, r.created_at),
  resolved_at = case when r.status in ('resolved', 'closed') then r.updated_at end,
  closed_at = case when r.status = 'closed' then r.updated_at end
from (
  select r.tenant_id, r.id, row_number() over (partition by r.tenant_id order by r.created_at, r.id) as number
  from lms.requests as r
) as n
where r.tenant_id = n.tenant_id
  and r.id = n.id;

insert into lms.tenant_sequences (tenant_id, name, next_value)
select r.tenant_id, 'requests', max(r.number) + 1
from lms.requests as r
group by r.tenant_id;

alter table lms.tenant_sequences force row level security;
alter table lms.tenants force row level security;
alter table lms.centres force row level security;
alter table lms.inventory force row level security;
alter table lms.classes force row level security;
alter table lms.requests force row level security;

alter table lms.requests
alter column number set not null,
alter column opened_at set not null,
alter column due_at set not null,
add constraint requests_number_key unique (tenant_id, number);

-- An item whose stock is low has one open request of the database's own. The case keeps people's requests out of this.
create unique index requests_inventory_id_key
on lms.requests (
  tenant_id,
  (case when by_rule and status in ('open', 'in_progress') and deleted_at is null then inventory_id end)
);

drop index lms.idx_requests_status_priority;
drop index lms.idx_requests_centre_id;
drop index lms.idx_requests_created_by;
drop index lms.idx_requests_assigned_to;

-- Each begins with what makes a request one of the caller's and goes on in the order of lists by priority, so that a page of
-- such a list is a page of an index for every role, however many requests there are.
create index idx_requests_status_priority
on lms.requests (tenant_id, status, urgency, created_at, id)
where deleted_at is null;

create index idx_requests_centre_id
on lms.requests (tenant_id, centre_id, status, urgency, created_at, id)
where deleted_at is null;

create index idx_requests_created_by
on lms.requests (tenant_id, created_by, status, urgency, created_at, id)
where deleted_at is null;

create index idx_requests_assigned_to
on lms.requests (tenant_id, assigned_to, status, urgency, created_at, id)
where deleted_at is null;

create index idx_requests_due_at
on lms.requests (tenant_id, due_at, id)
where status in ('open', 'in_progress') and deleted_at is null;

create index idx_requests_class_id
on lms.requests (tenant_id, class_id)
where class_id is not null and deleted_at is null;

create index idx_requests_inventory_id
on lms.requests (tenant_id, inventory_id)
where inventory_id is not null and deleted_at is null;

-- A supervisor's are those of the centre, and no others: so an index finds them.
drop policy scope_read on lms.requests;

create policy scope_read on lms.requests
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'support' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    when 'tutor' then
      created_by = current_setting('app.user_id')::uuid
      or assigned_to = (select lms.caller_staff())
    when 'nobody' then false
    else created_by = current_setting('app.user_id')::uuid
  end
);

revoke insert, update on lms.requests from lms_application;
grant insert (id, centre_id, type, details, priority, class_id, occurrence_start, inventory_id)
on lms.requests to lms_application;
grant update (
  type, details, priority, class_id, occurrence_start, inventory_id, assigned_to, status, resolution, deleted_at
) on lms.requests to lms_application;

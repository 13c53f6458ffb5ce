-- Due times of requests.

create function lms.default_due_times() returns jsonb
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

comment on function lms.default_due_times is
  'Minutes of working time allowed for a request by type and priority, unless the tenant''s settings (due_times) define them.';

grant execute on function lms.default_due_times to lms_application, lms_definer;

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
          -- An invalid setting is ignored.
          when jsonb_typeof(t.settings -> 'due_times' -> request_due_at.type -> request_due_at.priority) = 'number'
            then t.settings -> 'due_times' -> request_due_at.type ->> request_due_at.priority
          else lms.default_due_times() -> request_due_at.type ->> request_due_at.priority
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

comment on function lms_private.request_due_at is 'When a request of the centre is due if its time starts at a moment.';

grant execute on function lms_private.request_due_at to lms_application, lms_definer;

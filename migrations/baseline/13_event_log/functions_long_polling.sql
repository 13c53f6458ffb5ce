-- Long polls of the event log. Their number is limited for each session, each tenant and the whole
-- cell, because all tenants share the capacity of a host. When a limit is exceeded, the oldest poll
-- is answered at once, so that a client that lost its connection need not wait for its former poll
-- to end. Beyond the limit of the cell, the tenant with the most polls gives way, so that a tenant
-- with few keeps them.

create function lms.begin_event_wait(ticket uuid, seconds integer) returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
  -- A tenant that is being relocated is read-only: its polls are answered at once.
  if current_setting('transaction_read_only')::boolean then
    return;
  end if;
  -- Removes expired rows of all tenants, except for those that another transaction is removing.
  delete from lms_private.event_waits as w
  where (w.tenant_id, w.ticket) in (
    select old.tenant_id, old.ticket
    from lms_private.event_waits as old
    where old.ends_at < now()
    for update skip locked
  );
  insert into lms_private.event_waits (tenant_id, ticket, session_id, ends_at)
  values (
    current_setting('app.tenant_id')::uuid,
    ticket,
    current_setting('app.session_id')::uuid,
    -- Five seconds more for the statements of the poll itself.
    now() + make_interval(secs => least(greatest(seconds, 0), 60) + 5)
  );
end
$$;

comment on function lms.begin_event_wait is 'Registers a request of the context''s session as waiting for events.';

alter function lms.begin_event_wait owner to lms_definer;
grant execute on function lms.begin_event_wait to lms_application;

create function lms.may_continue_event_wait(ticket uuid) returns boolean
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  with of_session as (
    select
      w.tenant_id,
      w.ticket,
      w.begun_at,
      row_number() over (partition by w.tenant_id, w.session_id order by w.begun_at desc, w.ticket desc) as place
    from lms_private.event_waits as w
    where w.ends_at >= now()
  ),
  of_tenant as (
    select
      s.tenant_id,
      s.ticket,
      s.begun_at,
      row_number() over (partition by s.tenant_id order by s.begun_at desc, s.ticket desc) as place
    from of_session as s
    where s.place <= 4
  ),
  -- The first poll of every tenant ranks before the second of any, so the polls beyond the limit
  -- are those of the tenants with the most.
  of_cell as (
    select
      t.tenant_id,
      t.ticket,
      row_number() over (order by t.place, t.begun_at desc, t.ticket desc) as place
    from of_tenant as t
    where t.place <= 32
  )
  select exists (
    select
    from of_cell as c
    where c.tenant_id = current_setting('app.tenant_id')::uuid
      and c.ticket = may_continue_event_wait.ticket
      and c.place <= 128
  );
end;

comment on function lms.may_continue_event_wait is
  'True when a request of the context''s tenant may continue to wait: it is among the newest 4 of its session, the newest 32 of its tenant, and the 128 of the cell, in which tenants with the most polls give up their oldest.';

alter function lms.may_continue_event_wait owner to lms_definer;
grant execute on function lms.may_continue_event_wait to lms_application;

create function lms.end_event_wait(ticket uuid) returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
  if current_setting('transaction_read_only')::boolean then
    return;
  end if;
  delete from lms_private.event_waits as w
  where w.tenant_id = current_setting('app.tenant_id')::uuid
    and w.ticket = ticket;
end
$$;

comment on function lms.end_event_wait is 'Removes a request of the context''s tenant from those that wait for events.';

alter function lms.end_event_wait owner to lms_definer;
grant execute on function lms.end_event_wait to lms_application;

-- Long polls of all tenants share the rooms of a host: a dozen tenants with as many as each may have took all of them, and nobody was
-- served. So those of a cell are bounded together. Beyond the bound, the tenant with most of them makes way with its oldest, so that a
-- tenant that has few keeps them however many the others begin.
set local role lms_owner;

create or replace function lms.may_wait(ticket uuid) returns boolean
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
  -- The first of every tenant come before the second of any: what is behind the bound is of those that have most.
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
      and c.ticket = may_wait.ticket
      and c.place <= 128
  );
end;

comment on function lms.may_wait is
  'Whether a request of the context''s tenant may go on waiting: it is among the newest 4 of its session, the newest 32 of its tenant, and the 128 of the cell, of which the tenants that have most give up their oldest.';

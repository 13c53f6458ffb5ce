-- Long polls of the event log: a session has a few, and a tenant not many. When one more comes, the oldest is answered at once, so
-- that whoever lost a connection need not wait until the poll that was left behind is over.
set local role lms_owner;

-- Unlogged: after a crash nobody waits any more.
create unlogged table lms_private.event_waits (
  tenant_id uuid not null,
  ticket uuid not null,
  session_id uuid not null,
  begun_at timestamptz not null default clock_timestamp(),
  ends_at timestamptz not null,
  constraint event_waits_pkey primary key (tenant_id, ticket)
);

comment on table lms_private.event_waits is 'Who waits for events, from the first look that found none to the last.';
comment on column lms_private.event_waits.ticket is 'Made by the request that waits.';
comment on column lms_private.event_waits.ends_at is
  'When the wait is over at the latest: the row of a request that was broken off counts until then.';

-- To lock a row takes the right to update it.
grant select, insert, update, delete on lms_private.event_waits to lms_definer;

create function lms.begin_waiting(ticket uuid, seconds integer) returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
  -- A tenant that is leaving can only be read: its waits are answered at once.
  if current_setting('transaction_read_only')::boolean then
    return;
  end if;
  -- Rows that were left behind go, of whichever tenant; those that another is removing at this moment are left to that one.
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
    -- The statements of the looks take their time, too.
    now() + make_interval(secs => least(greatest(seconds, 0), 60) + 5)
  );
end
$$;

comment on function lms.begin_waiting is 'Counts a request of the context''s session as one that waits for events.';

create function lms.may_wait(ticket uuid) returns boolean
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select exists (
    select
    from lms_private.event_waits as mine
    where mine.tenant_id = current_setting('app.tenant_id')::uuid
      and mine.ticket = may_wait.ticket
      and (
        select
          count(*) filter (where newer.session_id = mine.session_id) < 4
          and count(*) < 32
        from lms_private.event_waits as newer
        where newer.tenant_id = mine.tenant_id
          and newer.ends_at >= now()
          and (newer.begun_at, newer.ticket) > (mine.begun_at, mine.ticket)
      )
  );
end;

comment on function lms.may_wait is
  'Whether a request of the context''s tenant may go on waiting: it is among the newest 4 of its session and the newest 32 of its tenant.';

create function lms.end_waiting(ticket uuid) returns void
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

comment on function lms.end_waiting is 'Takes a request of the context''s tenant off those that wait for events.';

alter function lms.begin_waiting owner to lms_definer;
alter function lms.may_wait owner to lms_definer;
alter function lms.end_waiting owner to lms_definer;
grant execute on function lms.begin_waiting, lms.may_wait, lms.end_waiting to lms_application;

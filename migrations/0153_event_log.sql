-- The event log by month, and its chain over hashes of states instead of the states: an erased state can be replaced without breaking it.
-- What was logged until now is sealed anew in this form; no head of the earlier form has ever left a database.
set local role lms_owner;

alter table lms.event_log no force row level security;
alter table lms.event_heads no force row level security;

insert into lms_private.unsealed_events (tenant_id, id, entity, entity_id, kind, actor, request_id, at, state)
select l.tenant_id, l.id, coalesce(r.table_name, l.entity), l.entity_id, l.kind, l.actor, l.request_id, l.at, l.state
from lms.event_log as l
left join (
  select distinct
    c.relname::text as table_name,
    split_part(encode(t.tgargs, 'escape'), '\000', 1) as noun
  from pg_trigger as t
  join pg_class as c
    on c.oid = t.tgrelid
  where t.tgname = 'record_insert'
) as r
  on r.noun = l.entity
order by l.tenant_id, l.position;

update lms.event_heads as h
set
  position = 0,
  hash = decode(repeat('00', 32), 'hex');

alter table lms.event_heads force row level security;

drop function lms.event_chain_break();
drop function lms.event_hash(bytea, uuid, bigint, text, uuid, text, uuid, text, timestamptz, jsonb);
drop table lms.event_log;

-- No checks: one function writes it, with every write of every table, and each check would cost it.
create table lms.event_log (
  like lms_private.row_template including defaults including comments,
  position bigint not null,
  entity text not null,
  entity_id uuid not null,
  kind text not null,
  actor uuid,
  request_id text,
  at timestamptz not null,
  state jsonb not null,
  salt uuid not null,
  state_hash bytea not null,
  previous_hash bytea not null,
  hash bytea not null,
  primary key (tenant_id, id, at),
  constraint event_log_position_key unique (tenant_id, position, at)
)
partition by range (at);

create index idx_event_log_entity_id
on lms.event_log (tenant_id, entity_id, position);

comment on table lms.event_log is
  'Every change to a recorded table. Append-only and by month; lms.make_event_partitions makes the months. The application may only read it.';
comment on column lms.event_log.created_at is 'When it was sealed.';
comment on column lms.event_log.position is 'Gapless within the tenant, from 1. Behind a position that can be read nothing is ever added before it.';
comment on column lms.event_log.entity is 'The table: students, finance_records.';
comment on column lms.event_log.kind is 'Singular noun and what happened: student.created, .updated, .deleted (soft), .restored, .purged (hard); session.revoked.';
comment on column lms.event_log.actor is 'The user who did it; null when it was a tool.';
comment on column lms.event_log.at is 'When it happened, by the clock. The events of one row are in this order; those of transactions side by side need not be.';
comment on column lms.event_log.request_id is 'The request that did it; null when it was a tool.';
comment on column lms.event_log.state is 'The row after the change, without its secrets; empty for a purged row.';
comment on column lms.event_log.salt is 'What the state is hashed with.';
comment on column lms.event_log.state_hash is 'SHA-256 over the 16 bytes of the salt and the UTF-8 text of the state, as it was when it was sealed.';
comment on column lms.event_log.previous_hash is 'Hash of the event before; 32 zero bytes for the first.';
comment on column lms.event_log.hash is
  'SHA-256 over previous_hash and the UTF-8 text that lms_private.event_text builds. docs/event-log.md has it to the byte.';

call lms_private.adopt('event_log', listed => false);

create policy scope_read on lms.event_log
as restrictive for select to lms_application
using ((select current_setting('app.role')) = 'admin');

grant select on lms.event_log to lms_application;
grant select, insert on lms.event_log to lms_definer;

-- Without a month's own partition its events go here, so that no write ever fails because no worker has run.
create table lms_private.event_log_default
partition of lms.event_log default;

alter table lms_private.event_log_default enable row level security;
alter table lms_private.event_log_default force row level security;

create function lms_private.make_event_partition(name text, month date) returns integer
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Made beside the log and attached: that stops nobody, where making it as a partition would stop every writer.
  execute format('create table lms_private.%I (like lms.event_log including defaults including constraints)', name);
  execute format('alter table lms_private.%I enable row level security', name);
  execute format('alter table lms_private.%I force row level security', name);
  execute format(
    'create trigger append_only_truncate before truncate on lms_private.%I
    for each statement execute function lms_private.forbid_change()',
    name
  );
  execute format('alter table lms_private.%I enable always trigger append_only_truncate', name);
  execute format(
    'alter table lms.event_log attach partition lms_private.%I for values from (%L) to (%L)',
    name, month::timestamptz, (month + interval '1 month')::timestamptz
  );
  return 1;
exception
  -- A month of which something is in the default partition stays there: nothing is ever moved.
  when check_violation then
    return 0;
end
$$;

comment on function lms_private.make_event_partition is
  'Makes the event log''s partition of a month and returns 1, or 0 when events of it are in the default partition already.';

create function lms.make_event_partitions(until date) returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '3s'
as $$
declare
  month date := date_trunc('month', now())::date;
  name text;
  made integer := 0;
begin
  while month <= until loop
    name := 'event_log_' || to_char(month, 'YYYY_MM');
    if to_regclass('lms_private.' || name) is null then
      made := made + lms_private.make_event_partition(name, month);
    end if;
    month := month + interval '1 month';
  end loop;
  return made;
end
$$;

comment on function lms.make_event_partitions is
  'Makes the event log''s partitions of this month and the following ones, to the month of a date, and counts those that it made. For lms_migrator.';

grant execute on function lms.make_event_partitions to lms_migrator;

select lms.make_event_partitions((now() + interval '3 months')::date);

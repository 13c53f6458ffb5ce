-- The event log: one hash chain for each tenant, appended to by triggers alone.
set local role lms_owner;

create table lms.event_heads (
  like lms_private.row_template including all,
  position bigint not null default 0,
  hash bytea not null default '\x0000000000000000000000000000000000000000000000000000000000000000'
)
with (fillfactor = 50);

create unique index event_heads_tenant_id_key
on lms.event_heads (tenant_id);

comment on table lms.event_heads is
  'Where each tenant''s chain ends. Its row is locked by every write of the tenant until commit, which is what makes positions gapless.';
comment on column lms.event_heads.position is 'Position of the last event; 0 before the first.';
comment on column lms.event_heads.hash is 'Hash of the last event; 32 zero bytes before the first.';

-- No checks on these two tables: one function writes them, with every write of every table, and each check would cost it.
create table lms.event_log (
  like lms_private.row_template including all,
  position bigint not null,
  entity text not null,
  entity_id uuid not null,
  kind text not null,
  actor uuid,
  request_id text,
  at timestamptz not null,
  state jsonb not null,
  previous_hash bytea not null,
  hash bytea not null,
  constraint event_log_position_key unique (tenant_id, position)
);

create index idx_event_log_entity_id
on lms.event_log (tenant_id, entity_id, position);

comment on table lms.event_log is
  'Every change to a recorded table, in the transaction that made it. Append-only; the application may only read it.';
comment on column lms.event_log.position is 'Gapless within the tenant, from 1.';
comment on column lms.event_log.entity is 'Singular noun of the table: student, finance_record.';
comment on column lms.event_log.kind is 'Entity and what happened: student.created, .updated, .deleted (soft), .restored, .purged (hard); session.revoked.';
comment on column lms.event_log.actor is 'The user who did it; null when it was a tool.';
comment on column lms.event_log.at is 'When it happened, by the clock, after the tenant''s turn to write had come: in order of position.';
comment on column lms.event_log.request_id is 'The request that did it; null when it was a tool.';
comment on column lms.event_log.state is 'The row after the change, without its secrets; empty for a purged row.';
comment on column lms.event_log.previous_hash is 'Hash of the event before; 32 zero bytes for the first.';
comment on column lms.event_log.hash is
  'SHA-256 over previous_hash followed by the UTF-8 text of the JSON array [tenant_id, position, entity, entity_id, kind, actor, request_id, at as RFC 3339 with microseconds in UTC, state], as lms.event_hash builds it.';

create function lms.event_hash(
  previous_hash bytea,
  tenant_id uuid,
  "position" bigint,
  entity text,
  entity_id uuid,
  kind text,
  actor uuid,
  request_id text,
  at timestamptz,
  state jsonb
) returns bytea
language sql
stable
parallel safe
return sha256(
  previous_hash || convert_to(
    json_build_array(
      tenant_id, "position", entity, entity_id, kind, actor, request_id, lms.utc(at), state
    )::text,
    'UTF8'
  )
);

comment on function lms.event_hash is 'The canonical form of an event, hashed onto the one before.';

create function lms.event_chain_break() returns bigint
language sql
stable
return (
  select min(e.position)
  from (
    select
      l.position,
      l.previous_hash = lag(l.hash, 1, decode(repeat('00', 32), 'hex')) over neighbours
        and l.position = row_number() over neighbours
        and l.hash = lms.event_hash(
          l.previous_hash, l.tenant_id, l.position, l.entity, l.entity_id,
          l.kind, l.actor, l.request_id, l.at, l.state
        ) as intact
    from lms.event_log as l
    where l.tenant_id = current_setting('app.tenant_id')::uuid
    window neighbours as (order by l.position)
  ) as e
  where not e.intact
);

comment on function lms.event_chain_break is
  'Position of the first event of the context''s tenant that does not fit the chain; null when the chain is whole.';

create function lms_private.forbid_change() returns trigger
language plpgsql
as $$
begin
  raise exception using errcode = '42501', message = format('%I is append-only.', tg_table_name);
end
$$;

comment on function lms_private.forbid_change is 'Refuses to change or delete what is only ever added to, whoever asks.';

create trigger append_only
before update or delete or truncate on lms.event_log
for each statement execute function lms_private.forbid_change();

grant execute on function lms.event_hash, lms.event_chain_break to lms_application, lms_definer;
grant select on lms.event_log, lms.event_heads to lms_application;
grant select, insert on lms.event_log to lms_definer;
grant select, insert, update on lms.event_heads to lms_definer;

-- The event log: events that are not sealed yet, and the hash chain of each tenant, partitioned by
-- month. The chain covers hashes of states, so that an erased state can be replaced without
-- breaking it. Events are written without a position and sealed later; otherwise writers would hold
-- the end of the chain until commit and wait for each other.

create table lms_private.unsealed_events (
  sequence bigint generated always as identity,
  tenant_id uuid not null,
  id uuid not null default lms.new_id(),
  entity text not null,
  entity_id uuid not null,
  kind text not null,
  actor uuid,
  request_id text,
  at timestamptz not null,
  state jsonb not null,
  salt uuid not null default gen_random_uuid()
);

create index idx_unsealed_events_sequence
on lms_private.unsealed_events (tenant_id, sequence);

comment on table lms_private.unsealed_events is
  'Events without a position in their tenant''s chain. Written by the transaction that makes the change, and moved by lms_private.seal_events.';
comment on column lms_private.unsealed_events.sequence is
  'The order of writing. Events of one row are in the order of their changes, because the later writer waited for the row.';
comment on column lms_private.unsealed_events.salt is '122 random bits, so that an erased state cannot be guessed from its hash.';

grant select, insert, delete on lms_private.unsealed_events to lms_definer;

create table lms.event_heads (
  like lms_private.row_template including all,
  position bigint not null default 0,
  hash bytea not null default '\x0000000000000000000000000000000000000000000000000000000000000000',
  constraint event_heads_tenant_id_fkey foreign key (tenant_id) references lms.tenants (tenant_id)
)
with (fillfactor = 50);

create unique index event_heads_tenant_id_key
on lms.event_heads (tenant_id);

comment on table lms.event_heads is 'The end of each tenant''s chain. Sealing locks the row, so that it is serialized.';
comment on column lms.event_heads.position is 'Position of the last event; 0 before the first.';
comment on column lms.event_heads.hash is 'Hash of the last event; 32 zero bytes before the first.';

call lms_private.register_table('event_heads', listed => false);

grant select on lms.event_heads to lms_application;
grant select, insert, update on lms.event_heads to lms_definer;

-- There are no checks, because one function writes the table with every change of every table, and
-- each check would slow it down.
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
  'Every change of a recorded table. Append-only, partitioned by month; lms.make_event_partitions creates the partitions. The application may only read it.';
comment on column lms.event_log.created_at is 'When the event was sealed.';
comment on column lms.event_log.position is
  'Gapless within the tenant, from 1. Nothing is ever added before a position that has been read.';
comment on column lms.event_log.entity is 'The table, such as students or finance_records.';
comment on column lms.event_log.kind is
  'The singular noun and the change: student.created, .updated, .deleted (soft), .restored, .purged (hard); session.revoked.';
comment on column lms.event_log.actor is 'The user who made the change; null when it was a tool.';
comment on column lms.event_log.request_id is 'The request that made the change; null when it was a tool.';
comment on column lms.event_log.at is
  'The time of the change. Events of one row are in this order; events of concurrent transactions need not be.';
comment on column lms.event_log.state is 'The row after the change, without secret columns; empty for a purged row.';
comment on column lms.event_log.salt is 'The salt with which the state is hashed.';
comment on column lms.event_log.state_hash is
  'SHA-256 over the 16 bytes of the salt and the UTF-8 text of the state at the time of sealing.';
comment on column lms.event_log.previous_hash is 'Hash of the previous event; 32 zero bytes for the first.';
comment on column lms.event_log.hash is
  'SHA-256 over previous_hash and the UTF-8 text of lms_private.event_text: see docs/reference/event-log-format.md.';

call lms_private.register_table('event_log', listed => false);

grant select on lms.event_log to lms_application;
grant select, insert, update (state, salt) on lms.event_log to lms_definer;

-- Events of a month without a partition go here, so that writes do not depend on the worker.
create table lms_private.event_log_default
partition of lms.event_log default;

alter table lms_private.event_log_default enable row level security;
alter table lms_private.event_log_default force row level security;

create table lms.event_redactions (
  like lms_private.row_template including all,
  erasure_id uuid not null,
  position bigint not null,
  state_hash bytea not null
);

create unique index event_redactions_position_key
on lms.event_redactions (tenant_id, position, erasure_id);

create index idx_event_redactions_erasure_id
on lms.event_redactions (tenant_id, erasure_id, position);

comment on table lms.event_redactions is 'Redacted events, with the hashes of what replaced their states.';
comment on column lms.event_redactions.position is 'The position of the event.';
comment on column lms.event_redactions.state_hash is 'SHA-256 over the new salt and the new state, as in event_log.';

call lms_private.register_table('event_redactions', listed => false);

grant select on lms.event_redactions to lms_application;
grant select, insert on lms.event_redactions to lms_definer;

-- Unlogged, because no request is waiting after a crash.
create unlogged table lms_private.event_waits (
  tenant_id uuid not null,
  ticket uuid not null,
  session_id uuid not null,
  begun_at timestamptz not null default clock_timestamp(),
  ends_at timestamptz not null,
  constraint event_waits_pkey primary key (tenant_id, ticket)
);

comment on table lms_private.event_waits is 'Requests that wait for events.';
comment on column lms_private.event_waits.ticket is 'An id that the waiting request generates.';
comment on column lms_private.event_waits.ends_at is 'The latest end of the wait: the row of an aborted request counts until then.';

-- Locking a row requires the update privilege.
grant select, insert, update, delete on lms_private.event_waits to lms_definer;

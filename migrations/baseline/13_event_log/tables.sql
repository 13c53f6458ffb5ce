-- The event log: what happened and has no place yet, and one hash chain for each tenant, by month. The chain is over hashes of
-- states, so that an erased state can be replaced without breaking it. Events are written without a place in the chain, which
-- sealing gives them: writers who held the end of the chain until they had committed would wait for each other.

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
  'Events that have no place in its tenant''s chain yet. Written by the transaction that made the change, emptied by lms_private.seal_events.';
comment on column lms_private.unsealed_events.sequence is
  'In the order of writing. Two events of one row are in the order of their changes, because the later writer waited for the row.';
comment on column lms_private.unsealed_events.salt is '122 random bits: without them nobody can guess an erased state from its hash.';

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

comment on table lms.event_heads is
  'Where each tenant''s chain ends. Sealing locks its row, so that one at a time gives places.';
comment on column lms.event_heads.position is 'Position of the last event; 0 before the first.';
comment on column lms.event_heads.hash is 'Hash of the last event; 32 zero bytes before the first.';

call lms_private.register_table('event_heads', listed => false);

grant select on lms.event_heads to lms_application;
grant select, insert, update on lms.event_heads to lms_definer;

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
comment on column lms.event_log.request_id is 'The request that did it; null when it was a tool.';
comment on column lms.event_log.at is 'When it happened, by the clock. The events of one row are in this order; those of transactions side by side need not be.';
comment on column lms.event_log.state is 'The row after the change, without its secrets; empty for a purged row.';
comment on column lms.event_log.salt is 'The salt that the state is hashed with.';
comment on column lms.event_log.state_hash is 'SHA-256 over the 16 bytes of the salt and the UTF-8 text of the state, as it was when it was sealed.';
comment on column lms.event_log.previous_hash is 'Hash of the event before; 32 zero bytes for the first.';
comment on column lms.event_log.hash is
  'SHA-256 over previous_hash and the UTF-8 text that lms_private.event_text builds. docs/event-log.md has it to the byte.';

call lms_private.register_table('event_log', listed => false);

grant select on lms.event_log to lms_application;
grant select, insert, update (state, salt) on lms.event_log to lms_definer;

-- Without a month's own partition its events go here, so that no write ever fails because no worker has run.
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

comment on table lms.event_redactions is 'Which sealed events were erased in, and the hashes of what stands there instead.';
comment on column lms.event_redactions.position is 'The event''s.';
comment on column lms.event_redactions.state_hash is 'SHA-256 over the new salt and the new state, as in the event log.';

call lms_private.register_table('event_redactions', listed => false);

grant select on lms.event_redactions to lms_application;
grant select, insert on lms.event_redactions to lms_definer;

-- Unlogged: after a crash nobody waits.
create unlogged table lms_private.event_waits (
  tenant_id uuid not null,
  ticket uuid not null,
  session_id uuid not null,
  begun_at timestamptz not null default clock_timestamp(),
  ends_at timestamptz not null,
  constraint event_waits_pkey primary key (tenant_id, ticket)
);

comment on table lms_private.event_waits is 'Requests that wait for events, from the first look that found none to the last.';
comment on column lms_private.event_waits.ticket is 'Made by the request that waits.';
comment on column lms_private.event_waits.ends_at is
  'When the wait is over at the latest: the row of a request that was broken off counts until then.';

-- To lock a row takes the right to update it.
grant select, insert, update, delete on lms_private.event_waits to lms_definer;

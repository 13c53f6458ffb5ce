-- Idempotency keys and tenant sequences: what the pipeline keeps for its own work.
set local role lms_owner;

create table lms.idempotency_keys (
  like lms_private.row_template including all,
  user_id uuid not null,
  key text not null
    constraint idempotency_keys_key_check check (char_length(key) between 1 and 255),
  fingerprint text not null
    constraint idempotency_keys_fingerprint_check check (char_length(fingerprint) <= 255),
  body text,
  tag text,
  expires_at timestamptz not null default now() + interval '24 hours',
  constraint idempotency_keys_key_key unique (tenant_id, user_id, key),
  constraint idempotency_keys_user_id_fkey foreign key (tenant_id, user_id) references lms.users (tenant_id, id)
);

create index idx_idempotency_keys_expires_at
on lms.idempotency_keys (expires_at);

comment on table lms.idempotency_keys is 'Answers of writing requests, kept for 24 hours, so that a repeated request gets the same one.';
comment on column lms.idempotency_keys.key is 'As the client sent it; unique for the user.';
comment on column lms.idempotency_keys.fingerprint is 'Hash of method, path and body: the same key with another one is refused.';
comment on column lms.idempotency_keys.body is 'The response body, stored in the transaction that made it.';
comment on column lms.idempotency_keys.tag is 'Its ETag.';

create table lms.tenant_sequences (
  like lms_private.row_template including all,
  name text not null
    constraint tenant_sequences_name_check check (name ~ '^[a-z][a-z0-9_]{0,62}$'),
  next_value bigint not null default 1
    constraint tenant_sequences_next_value_check check (next_value > 0),
  constraint tenant_sequences_name_key unique (tenant_id, name),
  constraint tenant_sequences_tenant_id_fkey foreign key (tenant_id) references lms.tenants (tenant_id)
);

comment on column lms.idempotency_keys.expires_at is 'After this the key may be used anew.';

comment on table lms.tenant_sequences is 'Numbers for people to read, such as receipts: each tenant''s own, without gaps.';

comment on column lms.tenant_sequences.next_value is 'What lms.next_number gives out next.';

call lms_private.adopt('idempotency_keys', listed => false);
call lms_private.adopt('tenant_sequences', listed => false);

create function lms.next_number(name text) returns bigint
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  insert into lms.tenant_sequences as s (tenant_id, name, next_value)
  values (current_setting('app.tenant_id')::uuid, next_number.name, 2)
  on conflict (tenant_id, name) do update
  set next_value = s.next_value + 1
  returning s.next_value - 1
$$;

comment on function lms.next_number is
  'The next number of a sequence of the context''s tenant. Its row stays locked until commit, so that a number given back by a rollback is given out again.';

alter function lms.next_number owner to lms_definer;

grant execute on function lms.next_number to lms_application;
grant select, insert, update on lms.idempotency_keys to lms_application;
grant select on lms.tenant_sequences to lms_application;
grant select, insert, update on lms.tenant_sequences to lms_definer;
grant select, delete on lms.idempotency_keys to lms_definer;

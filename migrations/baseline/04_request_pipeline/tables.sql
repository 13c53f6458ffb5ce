-- Idempotency keys with the stored responses of requests that may be repeated.

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
  constraint idempotency_keys_user_id_fkey
    foreign key (tenant_id, user_id) references lms.users (tenant_id, id) on delete cascade
);

create index idx_idempotency_keys_expires_at
on lms.idempotency_keys (expires_at);

comment on table lms.idempotency_keys is
  'Responses of writing requests, kept for 24 hours, so that a repeated request gets the same response.';
comment on column lms.idempotency_keys.key is 'As the client sent it; unique for the user.';
comment on column lms.idempotency_keys.fingerprint is
  'Hash of method, path and body. The same key with another fingerprint is refused.';
comment on column lms.idempotency_keys.body is 'The response body, stored in the transaction that made it.';
comment on column lms.idempotency_keys.tag is 'Its ETag.';
comment on column lms.idempotency_keys.expires_at is 'After this time the key can be used again.';

call lms_private.register_table('idempotency_keys', listed => false);

grant select, insert, update on lms.idempotency_keys to lms_application;
grant select, delete on lms.idempotency_keys to lms_definer;

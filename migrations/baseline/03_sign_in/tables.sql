-- The tables of sign-in: sessions, refresh tokens, one-use tokens, attempts and requested password
-- resets.

create table lms.sessions (
  like lms_private.row_template including all,
  user_id uuid not null,
  user_agent text
    constraint sessions_user_agent_check check (char_length(user_agent) <= 500),
  address text
    constraint sessions_address_check check (char_length(address) <= 64),
  expires_at timestamptz not null,
  revoked_at timestamptz,
  last_used_at timestamptz not null default now(),
  constraint sessions_user_id_fkey
    foreign key (tenant_id, user_id) references lms.users (tenant_id, id) on delete cascade
);

create index idx_sessions_user_id
on lms.sessions (tenant_id, user_id);

comment on table lms.sessions is
  'One row for each sign-in. An access token names its session and stops working when the session is revoked.';
comment on column lms.sessions.address is 'Network address at sign-in or at the last refresh.';
comment on column lms.sessions.expires_at is 'Set at sign-in and not extended by a refresh.';
comment on column lms.sessions.revoked_at is
  'When the user signed out, or when a changed password, e-mail address, role or status or a reused refresh token ended the session.';
comment on column lms.sessions.last_used_at is
  'Time of sign-in or of the last refresh. Other requests do not update it, so that reads remain reads.';

call lms_private.register_table('sessions', listed => false);
call lms_private.create_retention_index('sessions');

grant select, update (revoked_at) on lms.sessions to lms_application;
grant select, insert, update, delete on lms.sessions to lms_definer;

create table lms_private.live_sessions (
  tenant_id uuid not null,
  session_id uuid not null,
  user_id uuid not null,
  role text not null,
  centre_id uuid,
  region text not null,
  cell text not null,
  expires_at timestamptz not null,
  primary key (tenant_id, session_id),
  constraint live_sessions_session_id_fkey
    foreign key (tenant_id, session_id) references lms.sessions (tenant_id, id) on delete cascade
);

comment on table lms_private.live_sessions is
  'Sessions that are not revoked, of users that have not changed since they signed in: one row has all that the session check of a request reads. Derived from lms.sessions, lms.users and lms_private.cell. A session without a row is checked against those.';

grant select, insert, delete on lms_private.live_sessions to lms_definer;

create table lms.refresh_tokens (
  like lms_private.row_template including all,
  session_id uuid not null,
  token_hash bytea not null
    constraint refresh_tokens_token_hash_check check (octet_length(token_hash) = 32),
  used_at timestamptz,
  constraint refresh_tokens_session_id_fkey
    foreign key (tenant_id, session_id) references lms.sessions (tenant_id, id) on delete cascade
);

create index idx_refresh_tokens_session_id
on lms.refresh_tokens (tenant_id, session_id);

create index idx_refresh_tokens_token_hash
on lms.refresh_tokens (token_hash);

comment on table lms.refresh_tokens is
  'Every refresh token of a session, including used ones: presenting a used one revokes the session.';
comment on column lms.refresh_tokens.token_hash is
  'SHA-256 of 256 random bits. It is looked up before the tenant is known, so the index begins with it.';
comment on column lms.refresh_tokens.used_at is 'When it was exchanged; it is invalid from then on.';

call lms_private.register_table('refresh_tokens', listed => false);

grant select, insert, update, delete on lms.refresh_tokens to lms_definer;

create table lms.one_use_tokens (
  like lms_private.row_template including all,
  user_id uuid not null,
  purpose text not null
    constraint one_use_tokens_purpose_check check (purpose in ('password_reset', 'email_change')),
  email text
    constraint one_use_tokens_email_check check (char_length(email) <= 254),
  token_hash bytea not null
    constraint one_use_tokens_token_hash_check check (octet_length(token_hash) = 32),
  expires_at timestamptz not null,
  used_at timestamptz,
  constraint one_use_tokens_user_id_fkey
    foreign key (tenant_id, user_id) references lms.users (tenant_id, id) on delete cascade
);

create index idx_one_use_tokens_user_id
on lms.one_use_tokens (tenant_id, user_id);

create index idx_one_use_tokens_token_hash
on lms.one_use_tokens (token_hash);

comment on table lms.one_use_tokens is 'Tokens that are sent to a user and work once.';
comment on column lms.one_use_tokens.email is 'The address that the token confirms; null for other purposes.';
comment on column lms.one_use_tokens.token_hash is
  'SHA-256 of the token. It is looked up before the tenant is known, so the index begins with it.';

call lms_private.register_table('one_use_tokens', listed => false);

grant select, insert, update, delete on lms.one_use_tokens to lms_definer;

create table lms.sign_in_failures (
  like lms_private.row_template including all,
  account bytea not null
    constraint sign_in_failures_account_check check (octet_length(account) = 32),
  address text not null
    constraint sign_in_failures_address_check check (char_length(address) <= 64),
  device bytea
    constraint sign_in_failures_device_check check (octet_length(device) = 32),
  origin bytea
    constraint sign_in_failures_origin_check check (octet_length(origin) = 32),
  failed boolean not null default false
);

create index idx_sign_in_failures_account
on lms.sign_in_failures (account, created_at);

create index idx_sign_in_failures_id
on lms.sign_in_failures (id);

create index idx_sign_in_failures_origin
on lms.sign_in_failures (origin, created_at)
where origin is not null;

comment on table lms.sign_in_failures is
  'One row for each attempt, written before the password is checked and removed when it was correct. An attempt without an outcome counts as failed after ten seconds, so that dropping the connection early gains nothing.';
comment on column lms.sign_in_failures.tenant_id is 'The nil UUID when no tenant has the slug.';
comment on column lms.sign_in_failures.account is
  'SHA-256 of slug and e-mail address as typed, in lower case. Accounts that do not exist are limited like others, and mistyped addresses are not stored.';
comment on column lms.sign_in_failures.device is
  'SHA-256 of address and user agent if the account had a session with both before, or of another reason to count the attempt separately; null for unknown devices.';
comment on column lms.sign_in_failures.origin is
  'SHA-256 of the kind of attempt, the tenant''s slug and the network that it came from; null when the network is not limited.';
comment on column lms.sign_in_failures.failed is 'True when the attempt is known to have failed.';

call lms_private.register_table('sign_in_failures', listed => false);

grant select, insert, update, delete on lms.sign_in_failures to lms_definer;

create table lms_private.reset_requests (
  id bigint generated always as identity primary key,
  tenant_slug text not null,
  email text not null,
  requested_at timestamptz not null default now()
);

comment on table lms_private.reset_requests is
  'Password resets that were requested, for any address. The worker removes them within a second or two.';

-- Update privilege is required to lock the rows.
grant select, insert, update, delete on lms_private.reset_requests to lms_definer;

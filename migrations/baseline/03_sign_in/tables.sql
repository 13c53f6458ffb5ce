-- The tables of sign-in: sessions, refresh tokens, one-use tokens, attempts, and resets that were asked for.

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

comment on table lms.sessions is 'One sign-in each. An access token names its session, and stops working when that is revoked.';
comment on column lms.sessions.address is 'Network address at sign-in or at the last refresh.';
comment on column lms.sessions.expires_at is 'Fixed at sign-in: a refresh does not move it.';
comment on column lms.sessions.revoked_at is
  'Signed out, or ended by a changed password, e-mail, role or status, or by a dead refresh token.';
comment on column lms.sessions.last_used_at is 'Sign-in or last refresh; requests do not touch it, so that reads stay reads.';

call lms_private.register_table('sessions', listed => false);
call lms_private.create_retention_index('sessions');

grant select, update (revoked_at) on lms.sessions to lms_application;
grant select, insert, update, delete on lms.sessions to lms_definer;

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
  'Every refresh token of a session, the dead ones too: presenting a dead one revokes the session.';
comment on column lms.refresh_tokens.token_hash is 'SHA-256 of 256 random bits. Found without a tenant, so its index starts with it.';
comment on column lms.refresh_tokens.used_at is 'When it was exchanged, and died.';

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

comment on table lms.one_use_tokens is 'Tokens that were sent to a person and work once.';
comment on column lms.one_use_tokens.email is 'The address that the token confirms; null when it is for something else.';
comment on column lms.one_use_tokens.token_hash is 'SHA-256 of the token. Found without a tenant, so its index starts with it.';

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
  'One row for each attempt, written before the password is checked and taken away when it was right. One without an outcome counts as failed after ten seconds, so that hanging up in time gains nothing.';
comment on column lms.sign_in_failures.tenant_id is 'The nil UUID when the slug is nobody''s.';
comment on column lms.sign_in_failures.account is
  'SHA-256 of slug and e-mail as typed, in lower case: accounts that do not exist are limited like those that do, and nothing typed by mistake is kept.';
comment on column lms.sign_in_failures.device is
  'SHA-256 of address and user agent where the account had a session with both before, or of another ground to count the attempt apart; null for strangers.';
comment on column lms.sign_in_failures.origin is
  'SHA-256 of what was tried, the tenant''s slug and the network that the attempt came from; null where the network is not limited.';
comment on column lms.sign_in_failures.failed is 'True when it is known to have failed.';

call lms_private.register_table('sign_in_failures', listed => false);

grant select, insert, update, delete on lms.sign_in_failures to lms_definer;

create table lms_private.reset_requests (
  id bigint generated always as identity primary key,
  tenant_slug text not null,
  email text not null,
  requested_at timestamptz not null default now()
);

comment on table lms_private.reset_requests is
  'Password resets that were asked for, whoever they are for. The worker takes them out within a second or two.';

-- With update, whoever takes one out holds it.
grant select, insert, update, delete on lms_private.reset_requests to lms_definer;

-- What sign-in keeps: sessions, refresh tokens, one-use tokens, attempts. The functions are in 0027 and 0028.
set local role lms_owner;

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
  constraint sessions_user_id_fkey foreign key (tenant_id, user_id) references lms.users (tenant_id, id)
);

create index idx_sessions_user_id
on lms.sessions (tenant_id, user_id)
where revoked_at is null;

comment on table lms.sessions is 'One sign-in each. An access token names its session, and stops working when that is revoked.';
comment on column lms.sessions.address is 'Network address at sign-in or at the last refresh.';
comment on column lms.sessions.expires_at is 'Fixed at sign-in: a refresh does not move it.';
comment on column lms.sessions.revoked_at is 'Signed out, or ended by a changed password, role or status, or by a dead refresh token.';
comment on column lms.sessions.last_used_at is 'Sign-in or last refresh; requests do not touch it, so that reads stay reads.';

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

create table lms.one_use_tokens (
  like lms_private.row_template including all,
  user_id uuid not null,
  purpose text not null
    constraint one_use_tokens_purpose_check check (purpose in ('password_reset')),
  token_hash bytea not null
    constraint one_use_tokens_token_hash_check check (octet_length(token_hash) = 32),
  expires_at timestamptz not null,
  used_at timestamptz,
  constraint one_use_tokens_user_id_fkey foreign key (tenant_id, user_id) references lms.users (tenant_id, id)
);

create index idx_one_use_tokens_user_id
on lms.one_use_tokens (tenant_id, user_id);

create index idx_one_use_tokens_token_hash
on lms.one_use_tokens (token_hash);

comment on table lms.one_use_tokens is 'Tokens that were sent to a person and work once.';
comment on column lms.one_use_tokens.token_hash is 'SHA-256 of the token. Found without a tenant, so its index starts with it.';

create table lms.sign_in_failures (
  like lms_private.row_template including all,
  account bytea not null
    constraint sign_in_failures_account_check check (octet_length(account) = 32),
  address text not null
    constraint sign_in_failures_address_check check (char_length(address) <= 64)
);

create index idx_sign_in_failures_account
on lms.sign_in_failures (account, created_at);

create index idx_sign_in_failures_address
on lms.sign_in_failures (address, created_at);

comment on table lms.sign_in_failures is
  'One row for each attempt, written before the password is checked and taken away when it was right, so that attempts made at the same time count too.';
comment on column lms.sign_in_failures.tenant_id is 'The nil UUID when the slug is nobody''s.';
comment on column lms.sign_in_failures.account is
  'SHA-256 of slug and e-mail as typed, in lower case: accounts that do not exist are limited like those that do, and nothing typed by mistake is kept.';

call lms_private.adopt('sessions', listed => false);
call lms_private.adopt('refresh_tokens', listed => false);
call lms_private.adopt('one_use_tokens', listed => false);
call lms_private.adopt('sign_in_failures', listed => false);

grant select on lms.sessions to lms_application;
grant update (revoked_at) on lms.sessions to lms_application;
grant select, insert, update, delete on lms.sessions, lms.refresh_tokens, lms.one_use_tokens, lms.sign_in_failures
to lms_definer;

-- The secret addresses under which calendar programs read the classes of a user.

create table lms.calendar_feeds (
  like lms_private.row_template including all,
  user_id uuid not null,
  token_hash bytea not null
    constraint calendar_feeds_token_hash_check check (octet_length(token_hash) = 32),
  constraint calendar_feeds_user_id_fkey
    foreign key (tenant_id, user_id) references lms.users (tenant_id, id) on delete cascade
);

create unique index calendar_feeds_user_id_key
on lms.calendar_feeds (tenant_id, user_id)
where deleted_at is null;

create index idx_calendar_feeds_token_hash
on lms.calendar_feeds (token_hash)
where deleted_at is null;

create index idx_calendar_feeds_user_id
on lms.calendar_feeds (tenant_id, user_id);

comment on table lms.calendar_feeds is 'Secret addresses of calendars; deleted when they are revoked.';
comment on column lms.calendar_feeds.token_hash is
  'SHA-256 of 256 random bits as base64url. It is looked up before the tenant is known, so the index begins with it.';

call lms_private.register_table('calendar_feeds', 'calendar_feed', secrets => '{token_hash}', listed => false);
call lms_private.create_retention_index('calendar_feeds');

-- The application may write the hash but not read it.
grant
  select (tenant_id, id, user_id, created_at, updated_at, deleted_at, version),
  insert (tenant_id, id, user_id, token_hash),
  update (token_hash, deleted_at)
on lms.calendar_feeds to lms_application;
grant select, delete on lms.calendar_feeds to lms_definer;

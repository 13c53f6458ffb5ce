-- The addresses under which users read their classes with calendar programs. What is read there is in 0081.
set local role lms_owner;

create table lms.calendar_feeds (
  like lms_private.row_template including all,
  user_id uuid not null,
  token_hash bytea not null
    constraint calendar_feeds_token_hash_check check (octet_length(token_hash) = 32),
  constraint calendar_feeds_user_id_fkey foreign key (tenant_id, user_id) references lms.users (tenant_id, id)
);

create unique index calendar_feeds_user_id_key
on lms.calendar_feeds (tenant_id, user_id)
where deleted_at is null;

create index idx_calendar_feeds_token_hash
on lms.calendar_feeds (token_hash)
where deleted_at is null;

comment on table lms.calendar_feeds is 'One secret address each; deleted when it is revoked.';
comment on column lms.calendar_feeds.token_hash is
  'SHA-256 of 256 random bits as base64url. Found without a tenant, so its index starts with it.';

call lms_private.adopt('calendar_feeds', 'calendar_feed', secrets => '{token_hash}', listed => false);

-- The application may write the hash and not read it.
grant select (tenant_id, id, user_id, created_at, updated_at, deleted_at, version) on lms.calendar_feeds to lms_application;
grant insert (tenant_id, id, user_id, token_hash), update (token_hash, deleted_at) on lms.calendar_feeds to lms_application;
grant select on lms.calendar_feeds to lms_definer;

create policy scope_all on lms.calendar_feeds
as restrictive for all to lms_application
using (user_id = current_setting('app.user_id')::uuid);

create function lms.calendar_feed_begin(token_hash bytea) returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  nobody constant text := '00000000-0000-0000-0000-000000000000';
  reader record;
begin
  select f.tenant_id, u.id, u.role, u.centre_id
  into reader
  from lms.calendar_feeds as f
  join lms.users as u
    on u.tenant_id = f.tenant_id
    and u.id = f.user_id
  join lms.tenants as t
    on t.tenant_id = f.tenant_id
  where f.token_hash = token_hash
    and f.deleted_at is null
    and u.status = 'active'
    and u.deleted_at is null
    and t.status = 'active'
    and t.deleted_at is null;
  if not found then
    return false;
  end if;
  perform
    set_config('app.tenant_id', reader.tenant_id::text, true),
    set_config('app.user_id', reader.id::text, true),
    set_config('app.role', reader.role, true),
    set_config('app.centre_id', coalesce(reader.centre_id::text, nobody), true);
  return true;
end
$$;

comment on function lms.calendar_feed_begin is
  'Whether this is the hash of a live address whose user and tenant are active. From then on the transaction is in that user''s context.';

alter function lms.calendar_feed_begin owner to lms_definer;

grant execute on function lms.calendar_feed_begin to lms_application;

-- Tenants whose home is not simply this cell: those that are about to leave it, and those that live in another.
set local role lms_owner;

create table lms_private.tenants_away (
  tenant_id uuid primary key,
  slug text not null unique,
  state text not null
    constraint tenants_away_state_check check (state in ('leaving', 'closed', 'elsewhere')),
  url text
    constraint tenants_away_url_check check (char_length(url) between 1 and 2000),
  forgotten_at timestamptz,
  constraint tenants_away_elsewhere_check check ((state = 'elsewhere') = (url is not null))
);

comment on table lms_private.tenants_away is
  'The directory: no row of a tenant that simply lives here. Kept by `lms tenant move`. It holds no personal data, and stays for good.';
comment on column lms_private.tenants_away.state is
  'leaving: served here, to be read only. closed: about to be served here, 503 until then. elsewhere: served at the URL, 421.';
comment on column lms_private.tenants_away.url is 'The base URL of the cell where the tenant lives.';
comment on column lms_private.tenants_away.forgotten_at is
  'The time of the transaction that erases the tenant''s rows here: that one may delete what is append-only.';

create table lms_private.tenant_moves (
  id uuid primary key,
  tenant_id uuid not null,
  slug text not null,
  direction text not null
    constraint tenant_moves_direction_check check (direction in ('out', 'in')),
  state text not null,
  receipt jsonb not null
    constraint tenant_moves_receipt_check check (jsonb_typeof(receipt) = 'object'),
  started_at timestamptz not null default now(),
  changed_at timestamptz not null default now(),
  constraint tenant_moves_state_check check (
    (direction, state) in (
      ('out', 'leaving'), ('out', 'left'), ('out', 'forgotten'),
      ('in', 'arrived'), ('in', 'awaited'), ('in', 'served')
    )
  )
);

create index tenant_moves_tenant_id_idx
on lms_private.tenant_moves (tenant_id);

comment on table lms_private.tenant_moves is
  'How far each move of a tenant out of this cell or into it has come: who runs `lms tenant move` again goes on from here.';
comment on column lms_private.tenant_moves.id is 'The same in both cells.';
comment on column lms_private.tenant_moves.receipt is 'What the receipt says: cells, counts and hashes. No personal data.';

grant select on lms_private.tenants_away to lms_definer;

create function lms_private.check_home(tenant uuid, slug text default null) returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  away lms_private.tenants_away;
begin
  select a.*
  into away
  from lms_private.tenants_away as a
  where a.tenant_id = tenant
    or a.slug = slug;
  if not found then
    return;
  end if;
  if away.state = 'elsewhere' then
    raise exception using errcode = 'LM421', message = 'This tenant lives in another cell.', detail = away.url;
  elsif away.state = 'closed' then
    raise exception using errcode = 'LM503', message = format('The move of tenant %s to this cell has not been finished.', away.slug);
  end if;
  -- Whatever writes from here on is refused with 25006.
  perform set_config('transaction_read_only', 'on', true);
end
$$;

comment on function lms_private.check_home is
  'LM421 with the URL as detail for a tenant that lives elsewhere, LM503 for one that is not here yet; of one that is leaving the transaction can only read.';

alter function lms_private.check_home owner to lms_definer;

-- Of the tenant's context, for tools.
create function lms_private.enter_home() returns void
language sql
volatile
return lms_private.check_home(current_setting('app.tenant_id')::uuid);

comment on function lms_private.enter_home is 'check_home of the context''s tenant, for the operator''s tools.';

grant execute on function lms_private.check_home to lms_owner;

-- Whoever signs in with the slug of a tenant that has moved is sent there, so nobody else may take it.
create or replace function lms_private.keep_slug() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (
    select from lms_private.tenants_away as a
    where a.slug = new.slug
      and a.tenant_id <> new.tenant_id
  )
  then
    raise exception using errcode = 'LM409', message = 'This slug belongs to a tenant that has moved.', column = 'slug';
  end if;
  insert into lms_private.tenant_slugs as kept (slug, tenant_id)
  values (new.slug, new.tenant_id)
  on conflict (tenant_id) do update
  set slug = excluded.slug;
  return null;
exception
  when unique_violation then
    raise exception using errcode = 'LM409', message = 'This slug is taken.', column = 'slug';
end
$$;

comment on function lms_private.keep_slug is
  'Keeps lms_private.tenant_slugs; LM409 when the slug is taken, or is that of a tenant that has moved to another cell.';

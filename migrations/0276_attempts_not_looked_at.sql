-- An attempt whose password was not looked at, because too many were being hashed, counts for nothing. Guesses at tenants that do not exist
-- are counted as those at one tenant: of a slug that was made up for each there is never a hundredth.
set local role lms_owner;

create function lms.attempt_dropped(attempt_id uuid) returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
  delete from lms.sign_in_failures as f
  where f.id = attempt_id
    and not f.failed;
  return found;
end
$$;

comment on function lms.attempt_dropped is 'Takes an attempt back whose password was not looked at.';

alter function lms.attempt_dropped owner to lms_definer;
grant execute on function lms.attempt_dropped to lms_application;

create or replace function lms.sign_in_begin(
  tenant_slug text, email text, address text, user_agent text
) returns table (
  attempt_id uuid, tenant_id uuid, user_id uuid, password_hash text, role text, status text, region text
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  nobody constant uuid := '00000000-0000-0000-0000-000000000000';
  from_address constant text := left(sign_in_begin.address, 64);
  program constant text := left(sign_in_begin.user_agent, 500);
  is_known boolean;
begin
  perform lms_private.check_home(null, lower(sign_in_begin.tenant_slug));

  select s.tenant_id
  into sign_in_begin.tenant_id
  from lms_private.tenant_slugs as s
  where s.slug = lower(sign_in_begin.tenant_slug);

  select
    u.id,
    u.password_hash,
    u.role,
    case when u.status = 'active' and t.status = 'active' and t.deleted_at is null then 'active' else 'inactive' end,
    t.region
  into
    sign_in_begin.user_id,
    sign_in_begin.password_hash,
    sign_in_begin.role,
    sign_in_begin.status,
    sign_in_begin.region
  from lms.users as u
  join lms.tenants as t
    on t.tenant_id = u.tenant_id
  where u.tenant_id = sign_in_begin.tenant_id
    and u.id = lms_private.account_of(sign_in_begin.tenant_id, sign_in_begin.email);

  -- Asked of accounts that do not exist as well: it takes the same steps.
  is_known := exists (
    select
    from lms.sessions as s
    where s.tenant_id = coalesce(sign_in_begin.tenant_id, nobody)
      and s.user_id = coalesce(sign_in_begin.user_id, nobody)
      and s.address = from_address
      and s.user_agent is not distinct from program
  );

  attempt_id := lms_private.begin_attempt(
    sign_in_begin.tenant_id,
    lms_private.account_key(coalesce(tenant_slug, ''), coalesce(sign_in_begin.email, '')),
    case when is_known then lms_private.digest_of('device', from_address, program) end,
    lms_private.digest_of(
      'sign_in',
      case when sign_in_begin.tenant_id is not null then lower(tenant_slug) end,
      lms_private.network_of(from_address)
    ),
    from_address
  );
  return next;
end
$$;

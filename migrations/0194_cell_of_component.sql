-- A component says which cell it is set to serve, not only which region: a region may have several. Components of the release before this
-- say their region alone, and are still served.
set local role lms_owner;

-- Without SET search_path, which would be a fifth of its price: the names of tables, types and functions say their schema, and
-- an operator is never looked for among temporary objects, the only ones that the application can make.
create or replace function lms_private.admit(given pg_catalog.jsonb) returns pg_catalog.text
language plpgsql
stable
security definer
as $$
declare
  nobody constant pg_catalog.uuid := '00000000-0000-0000-0000-000000000000';
  tenant constant pg_catalog.uuid := (given ->> 'tenant')::pg_catalog.uuid;
  caller constant pg_catalog.uuid := (given ->> 'user')::pg_catalog.uuid;
  session constant pg_catalog.uuid := (given ->> 'session')::pg_catalog.uuid;
  home record;
  centre pg_catalog.uuid;
begin
  if session is not null then
    select u.centre_id
    into centre
    from lms.sessions as s
    join lms.users as u
      on u.tenant_id = s.tenant_id
      and u.id = s.user_id
    where s.tenant_id = tenant
      and s.id = session
      and s.user_id = caller
      and s.revoked_at is null
      and s.expires_at > pg_catalog.now()
      and u.role = given ->> 'role'
      and u.status = 'active'
      and u.deleted_at is null
      and exists (
        select from lms_private.cell as c
        where c.region = given ->> 'region'
          and c.name = coalesce(given ->> 'cell', c.name)
      );
    if found then
      return coalesce(centre, nobody);
    end if;
  end if;

  select c.name, c.region
  into home
  from lms_private.cell as c;
  if home.region is distinct from given ->> 'region'
    or home.name is distinct from coalesce(given ->> 'cell', home.name)
  then
    raise exception using
      errcode = 'LM503',
      message = pg_catalog.format(
        'This cell is %s, in region %s; the component serves %s, in %s.',
        coalesce(home.name, '(none)'),
        coalesce(home.region, '(none)'),
        coalesce(given ->> 'cell', '(any)'),
        given ->> 'region'
      );
  end if;
  if session is not null then
    raise exception using errcode = 'LM401', message = 'This session has ended.';
  end if;
  if caller is not null then
    select u.centre_id
    into centre
    from lms.users as u
    where u.tenant_id = tenant
      and u.id = caller;
  end if;
  return coalesce(centre, nobody);
end
$$;

comment on function lms_private.admit is
  'Whether this cell serves this context: LM503 for another cell or region, LM401 for a session that is not live. Returns the user''s centre. Security definer because the policies would cost more than the look-up.';

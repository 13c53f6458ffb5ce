-- The session check in fewer steps: it is part of every request.
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
  home pg_catalog.text;
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
      and given ->> 'region' = (select c.region from lms_private.cell as c);
    if found then
      return coalesce(centre, nobody);
    end if;
  end if;

  select c.region
  into home
  from lms_private.cell as c;
  if home is distinct from given ->> 'region' then
    raise exception using
      errcode = 'LM503',
      message = pg_catalog.format(
        'This cell is in region %s, the component in %s.',
        coalesce(home, '(none)'),
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

-- Rules for accounts: e-mail addresses are in lower case, and the last active admin of a tenant
-- cannot be removed, because nobody else could create another one. A trigger enforces this for
-- every way to deactivate, demote, delete or erase an account, and for concurrent ones.

create function lms_private.normalize_email() returns trigger
language plpgsql
as $$
begin
  new.email := lower(new.email);
  return new;
end
$$;

comment on function lms_private.normalize_email is 'Converts e-mail addresses to lower case.';

create function lms_private.require_active_admin() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Transactions that remove an admin wait for each other. Otherwise each of two could rely on the
  -- admin that the other one removes.
  perform pg_advisory_xact_lock(hashtextextended('admins of ' || new.tenant_id::text, 0));
  if exists (
    select
    from lms.users as u
    where u.tenant_id = new.tenant_id
      and u.role = 'admin'
      and u.status = 'active'
      and u.deleted_at is null
  )
  then
    return null;
  end if;
  raise exception using
    errcode = 'LM409',
    message = 'This is the last admin who can sign in. Create another admin first.',
    column = case
      when new.role <> old.role then 'role'
      when new.status <> old.status then 'status'
      else 'id'
    end;
end
$$;

comment on function lms_private.require_active_admin is 'LM409 for a change that leaves a tenant without an active admin.';

alter function lms_private.require_active_admin owner to lms_definer;

-- A student, tutor or staff row requires the role of its account: a tutor whose account became a
-- parent's would still have lessons.
create function lms_private.check_role_change() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  rule record;
  row_id uuid;
begin
  for rule in
    select d.child, d.child_column
    from lms_private.dependency_rules as d
    where d.parent = 'users'
      and new.role <> all (d.allowed_roles)
    order by d.child, d.child_column
  loop
    execute format(
      'select c.id from lms.%I as c where c.tenant_id = $1 and c.%I = $2 and c.deleted_at is null',
      rule.child, rule.child_column
    )
    into row_id
    using new.tenant_id, new.id;
    if row_id is not null then
      raise exception using
        errcode = 'LM409',
        message = format(
          'The person is still a %1$s. Delete the %1$s (%2$s) first.',
          case rule.child when 'staff' then 'staff member' else left(rule.child, -1) end,
          row_id
        ),
        column = 'role';
    end if;
  end loop;
  return new;
end
$$;

comment on function lms_private.check_role_change is
  'LM409 when the role of an account would no longer match its student, tutor or staff row: see lms_private.dependency_rules.allowed_roles.';

alter function lms_private.check_role_change owner to lms_definer;

create function lms_private.centre_supervisors(tenant uuid, centre uuid) returns uuid[]
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(u.id), '{}')
  from lms.users as u
  where u.tenant_id = centre_supervisors.tenant
    and u.centre_id = centre_supervisors.centre
    and u.role = 'supervisor'
    and u.deleted_at is null
$$;

comment on function lms_private.centre_supervisors is 'The supervisors of a centre.';

alter function lms_private.centre_supervisors owner to lms_definer;

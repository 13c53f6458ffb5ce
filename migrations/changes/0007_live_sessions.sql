-- One row for each live session with all that the session check of a request needs.

set local role lms_owner;

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

create function lms_private.add_live_session() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- The lock makes a concurrent change of the user wait. Its trigger then sees and removes the row.
  insert into lms_private.live_sessions (
    tenant_id, session_id, user_id, role, centre_id, region, cell, expires_at
  )
  select new.tenant_id, new.id, u.id, u.role, u.centre_id, c.region, c.name, new.expires_at
  from lms.users as u
  cross join lms_private.cell as c
  where u.tenant_id = new.tenant_id
    and u.id = new.user_id
    and u.status = 'active'
    and u.deleted_at is null
    and new.revoked_at is null
  for share of u;
  return null;
end
$$;

comment on function lms_private.add_live_session is 'Creates the row of a new session in lms_private.live_sessions.';

alter function lms_private.add_live_session owner to lms_definer;

-- A session of a user who has changed has no row until the next sign-in. To write its row anew, the
-- trigger would have to lock what a concurrent sign-out has locked.
create function lms_private.remove_live_sessions() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_table_name = 'sessions' then
    delete from lms_private.live_sessions as l
    where l.tenant_id = new.tenant_id
      and l.session_id = new.id;
  else
    delete from lms_private.live_sessions as l
    using lms.sessions as s
    where s.tenant_id = new.tenant_id
      and s.user_id = new.id
      and l.tenant_id = s.tenant_id
      and l.session_id = s.id;
  end if;
  return null;
end
$$;

comment on function lms_private.remove_live_sessions is
  'Removes rows of lms_private.live_sessions: that of a session that changes, or those of a user who changes.';

alter function lms_private.remove_live_sessions owner to lms_definer;

create procedure lms_private.rebuild_live_sessions(tenant uuid default null)
language sql
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  delete from lms_private.live_sessions as l
  where tenant is null
    or l.tenant_id = tenant;
  insert into lms_private.live_sessions (
    tenant_id, session_id, user_id, role, centre_id, region, cell, expires_at
  )
  select s.tenant_id, s.id, u.id, u.role, u.centre_id, c.region, c.name, s.expires_at
  from lms.sessions as s
  join lms.users as u
    on u.tenant_id = s.tenant_id
    and u.id = s.user_id
  cross join lms_private.cell as c
  where s.revoked_at is null
    and s.expires_at > now()
    and u.status = 'active'
    and u.deleted_at is null
    and (tenant is null or s.tenant_id = tenant);
end;

comment on procedure lms_private.rebuild_live_sessions is
  'Rebuilds lms_private.live_sessions, for a tenant or for all, after rows were restored while triggers were off.';

alter procedure lms_private.rebuild_live_sessions owner to lms_definer;
grant execute on procedure lms_private.rebuild_live_sessions to lms_owner;

-- Fires before record_insert, so that the user is locked before the tenant's sequence of events, as
-- by a change of the user.
create trigger add_live_session
after insert on lms.sessions
for each row execute function lms_private.add_live_session();

create trigger remove_live_session
after update of revoked_at, expires_at on lms.sessions
for each row execute function lms_private.remove_live_sessions();

create trigger remove_live_sessions
after update of role, status, centre_id, deleted_at on lms.users
for each row
when ((old.role, old.status, old.centre_id, old.deleted_at)
  is distinct from (new.role, new.status, new.centre_id, new.deleted_at))
execute function lms_private.remove_live_sessions();

call lms_private.rebuild_live_sessions();

-- Most requests need only the row of lms_private.live_sessions. The rest of the function answers
-- for a session without one, and says why a request is not served. Without SET search_path, which
-- would account for a fifth of the cost of each session check; all names are schema-qualified
-- instead.
create or replace function lms_private.check_session(context pg_catalog.jsonb) returns pg_catalog.text
language plpgsql
stable
security definer
as $$
declare
  nil_id constant pg_catalog.uuid := '00000000-0000-0000-0000-000000000000';
  tenant constant pg_catalog.uuid := (context ->> 'tenant')::pg_catalog.uuid;
  caller constant pg_catalog.uuid := (context ->> 'user')::pg_catalog.uuid;
  session constant pg_catalog.uuid := (context ->> 'session')::pg_catalog.uuid;
  home record;
  centre pg_catalog.uuid;
begin
  if session is not null then
    select l.centre_id
    into centre
    from lms_private.live_sessions as l
    where l.tenant_id = tenant
      and l.session_id = session
      and l.user_id = caller
      and l.role = context ->> 'role'
      and l.region = context ->> 'region'
      and l.cell = coalesce(context ->> 'cell', l.cell)
      and l.expires_at > pg_catalog.now()
      and not exists (select from lms_private.relocated_tenants as a where a.tenant_id = l.tenant_id);
    if found then
      return coalesce(centre, nil_id);
    end if;
  end if;

  select c.name, c.region
  into home
  from lms_private.cell as c;
  if home.region is distinct from context ->> 'region'
    or home.name is distinct from coalesce(context ->> 'cell', home.name)
  then
    raise exception using
      errcode = 'LM503',
      message = pg_catalog.format(
        'This cell is %s, in region %s; the component serves %s, in %s.',
        coalesce(home.name, '(none)'),
        coalesce(home.region, '(none)'),
        coalesce(context ->> 'cell', '(any)'),
        context ->> 'region'
      );
  end if;
  if tenant is not null then
    perform lms_private.check_tenant_location(tenant);
  end if;
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
      and u.role = context ->> 'role'
      and u.status = 'active'
      and u.deleted_at is null;
    if not found then
      raise exception using errcode = 'LM401', message = 'The session has ended. Sign in again.';
    end if;
  elsif caller is not null then
    select u.centre_id
    into centre
    from lms.users as u
    where u.tenant_id = tenant
      and u.id = caller;
  end if;
  return coalesce(centre, nil_id);
end
$$;

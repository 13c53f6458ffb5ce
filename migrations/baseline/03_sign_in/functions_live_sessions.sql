-- Rows of lms_private.live_sessions, which the session check of every request reads. Triggers maintain
-- them: each sign-in adds a row, and whatever could make the row untrue removes it.

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

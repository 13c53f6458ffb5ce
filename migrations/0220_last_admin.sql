-- The last admin who can sign in stays, because nobody else could make another one. The table keeps this rule, so that it holds for every
-- way to deactivate, demote, delete or erase an account, and for two that are under way at once.
set local role lms_owner;

create function lms_private.keep_an_admin() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Transactions that take an admin away wait for each other: each of two would otherwise count on the admin that the other one takes.
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
    message = 'This is the last admin who can sign in. Make another one first.',
    column = case
      when new.role <> old.role then 'role'
      when new.status <> old.status then 'status'
      else 'id'
    end;
end
$$;

comment on function lms_private.keep_an_admin is 'LM409 for a change that leaves a tenant without an active admin.';

alter function lms_private.keep_an_admin owner to lms_definer;

create trigger keep_an_admin
after update of role, status, deleted_at on lms.users
for each row
when (
  old.role = 'admin'
  and old.status = 'active'
  and old.deleted_at is null
  and (new.role <> 'admin' or new.status <> 'active' or new.deleted_at is not null)
)
execute function lms_private.keep_an_admin();

-- Between asking for another e-mail address and its code, the asker may lose the right to ask: the person comes to belong to other centres
-- too, or moves, or the asker is no supervisor any more. The account would be the asker's mailbox's all the same. So the right is asked
-- again when the code comes, of the asker as they are then; the asker is who made the token. A code without that right is none.
set local role lms_owner;

create function lms_private.may_change_email(tenant uuid, person uuid, asker uuid) returns boolean
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select
    from lms.users as u
    join lms.users as a
      on a.tenant_id = u.tenant_id
    where u.tenant_id = tenant
      and u.id = person
      and u.deleted_at is null
      and a.id = asker
      and a.status = 'active'
      and a.deleted_at is null
      and (
        a.id = u.id
        or a.role = 'admin'
        or (
          a.role = 'supervisor'
          and a.centre_id = u.centre_id
          and u.role not in ('admin', 'finance', 'support')
          and not lms_private.belongs_elsewhere(tenant, u.id, a.centre_id)
        )
      )
  )
$$;

comment on function lms_private.may_change_email is
  'Whether a user may change the e-mail address of a person now: their own, as an admin, or as the supervisor of a person who belongs to no other centre.';

alter function lms_private.may_change_email owner to lms_definer;

create or replace function lms.email_change_end(token_hash bytea, address text) returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  used record;
begin
  -- The account before its token, as whoever changes the account takes them.
  perform
  from lms.users as u
  where (u.tenant_id, u.id) in (
    select o.tenant_id, o.user_id
    from lms.one_use_tokens as o
    where o.token_hash = token_hash
      and o.purpose = 'email_change'
  )
  for no key update;
  select o.tenant_id, o.user_id, o.created_by, o.email
  into used
  from lms.one_use_tokens as o
  where o.token_hash = token_hash
    and o.purpose = 'email_change'
    and o.used_at is null
    and o.expires_at > now()
  for update;
  if not found or lms_private.identity_json(used.tenant_id, used.user_id) is null then
    perform lms_private.refuse_code(address);
    return false;
  end if;
  perform set_config('app.tenant_id', used.tenant_id::text, true);
  if not lms_private.may_change_email(used.tenant_id, used.user_id, used.created_by) then
    -- By trigger, the code ends with it.
    update lms.users as u
    set pending_email = null
    where u.tenant_id = used.tenant_id
      and u.id = used.user_id;
    perform lms_private.refuse_code(address);
    return false;
  end if;
  perform set_config('app.user_id', used.user_id::text, true);
  -- By trigger, the former address is told, and every session and every code of the user ends, this one too.
  update lms.users as u
  set email = used.email
  where u.tenant_id = used.tenant_id
    and u.id = used.user_id;
  return true;
end
$$;

comment on function lms.email_change_end is
  'Lets a changed address take effect if the token (SHA-256 of its text) is the one that was sent there, and whoever asked for it may still do so; otherwise the token ends. False otherwise; LM429.';

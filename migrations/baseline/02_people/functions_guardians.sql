-- Rules for guardians. Only guardians see a child as a parent does. students.parent_id says which
-- of them is the first contact, and triggers keep the two consistent: the first contact is always a
-- guardian.

create function lms_private.check_guardian() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  account record;
  first_contact uuid;
  -- For a link that was created with the first contact, the error names the student, because that
  -- is the row that was written.
  refused constant uuid := case when new.by_first_contact then new.student_id else new.id end;
  field constant text := case when new.by_first_contact then 'parent_id' else 'user_id' end;
begin
  if new.deleted_at is not null then
    return new;
  end if;
  -- The account is locked, so that it cannot become a student's account concurrently.
  select
    u.role,
    u.left_at,
    u.deleted_at,
    s.id is not null as is_the_child,
    exists (
      select
      from lms.students as a
      where a.tenant_id = u.tenant_id
        and a.user_id = u.id
        and a.deleted_at is null
    ) as is_a_child
  into account
  from lms.users as u
  left join lms.students as s
    on s.tenant_id = u.tenant_id
    and s.id = new.student_id
    and s.user_id = u.id
  where u.tenant_id = new.tenant_id
    and u.id = new.user_id
  for share of u;
  if account.role = 'student' or account.is_the_child or account.is_a_child then
    raise exception using
      errcode = 'LM422',
      message = 'A student cannot be a guardian. Give the account of an adult.',
      detail = refused,
      column = field;
  end if;
  -- The first contact is checked where it is set, because restoring a deactivated account restores
  -- it as the first contact.
  if tg_op = 'INSERT' and (account.deleted_at is not null or (account.left_at is not null and not new.by_first_contact)) then
    raise exception using errcode = 'LM422', message = 'The person has left.', detail = refused, column = field;
  end if;
  -- A link that is written explicitly replaces the one that was created with the first contact.
  if tg_op = 'INSERT' and not new.by_first_contact then
    delete from lms.guardians as g
    where g.tenant_id = new.tenant_id
      and g.user_id = new.user_id
      and g.student_id = new.student_id
      and g.by_first_contact
      and g.deleted_at is null;
  end if;
  if tg_op = 'UPDATE' and old.deleted_at is not null and new.by_first_contact then
    select s.parent_id
    into first_contact
    from lms.students as s
    where s.tenant_id = new.tenant_id
      and s.id = new.student_id
    for no key update of s;
    if first_contact <> new.user_id then
      raise exception using
        errcode = 'LM409',
        message = 'The link belonged to the first contact, and the student has another first contact now. Create a new link.',
        column = 'user_id';
    end if;
  end if;
  return new;
end
$$;

comment on function lms_private.check_guardian is
  'LM422 for a guardian who is a student, and for a new link of a person who has left. LM409 for restoring the link of a former first contact when another one has been set.';

alter function lms_private.check_guardian owner to lms_definer;

create function lms_private.check_guardian_role() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (
    select
    from lms.guardians as g
    where g.tenant_id = new.tenant_id
      and g.user_id = new.id
      and g.deleted_at is null
  ) then
    raise exception using
      errcode = 'LM422',
      message = 'The user is a guardian of a student, so the account cannot become a student''s. Delete the guardian links first.',
      detail = new.id,
      column = 'role';
  end if;
  return new;
end
$$;

comment on function lms_private.check_guardian_role is 'LM422 when the account of a guardian would become a student''s account.';

alter function lms_private.check_guardian_role owner to lms_definer;

create function lms_private.ensure_first_contact_guardian() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Students whose first contact has changed, with the former one: {"tenant_id", "id", "parent_id",
  -- "former"}.
  changed jsonb;
begin
  -- A branch is planned when it is first taken, so a branch may name a transition table that this
  -- trigger does not have.
  if tg_op = 'INSERT' then
    select jsonb_agg(jsonb_build_object('tenant_id', n.tenant_id, 'id', n.id, 'parent_id', n.parent_id))
    into changed
    from new_rows as n
    where n.parent_id is not null;
  else
    select jsonb_agg(
      jsonb_build_object('tenant_id', n.tenant_id, 'id', n.id, 'parent_id', n.parent_id, 'former', o.parent_id)
    )
    into changed
    from new_rows as n
    join old_rows as o
      on o.tenant_id = n.tenant_id
      and o.id = n.id
    where n.parent_id is distinct from o.parent_id;
  end if;
  if changed is null then
    return null;
  end if;
  update lms.guardians as g
  set deleted_at = now()
  from jsonb_to_recordset(changed) as c (tenant_id uuid, id uuid, former uuid)
  where g.tenant_id = c.tenant_id
    and g.user_id = c.former
    and g.student_id = c.id
    and g.by_first_contact
    and g.deleted_at is null;
  -- An existing link is locked and left unchanged: a concurrent deletion waits, and then clears
  -- parent_id.
  insert into lms.guardians as g (tenant_id, user_id, student_id, relationship, by_first_contact)
  select c.tenant_id, c.parent_id, c.id, 'parent', true
  from jsonb_to_recordset(changed) as c (tenant_id uuid, id uuid, parent_id uuid)
  where c.parent_id is not null
  on conflict (tenant_id, user_id, student_id) where deleted_at is null do update
  set relationship = g.relationship
  where false;
  return null;
end
$$;

comment on function lms_private.ensure_first_contact_guardian is
  'Makes the first contact a guardian, and ends the link of the former first contact if it was created that way.';

alter function lms_private.ensure_first_contact_guardian owner to lms_definer;

create function lms_private.sync_first_contact() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update lms.students as s
  set parent_id = null
  from new_rows as n
  join old_rows as o
    on o.tenant_id = n.tenant_id
    and o.id = n.id
  where o.deleted_at is null
    and n.deleted_at is not null
    and s.tenant_id = n.tenant_id
    and s.id = n.student_id
    and s.parent_id = n.user_id;
  update lms.students as s
  set parent_id = n.user_id
  from new_rows as n
  join old_rows as o
    on o.tenant_id = n.tenant_id
    and o.id = n.id
  where o.deleted_at is not null
    and n.deleted_at is null
    and n.by_first_contact
    and s.tenant_id = n.tenant_id
    and s.id = n.student_id
    and s.parent_id is null;
  return null;
end
$$;

comment on function lms_private.sync_first_contact is
  'Clears the first contact when its link is deleted, and sets it again when a link that was created with it is restored.';

alter function lms_private.sync_first_contact owner to lms_definer;

create function lms_private.check_first_contact() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- The account is locked, so that it cannot be deactivated concurrently.
  perform
  from lms.users as u
  where u.tenant_id = new.tenant_id
    and u.id = new.parent_id
  for share of u;
  if exists (
    select
    from lms.users as u
    where u.tenant_id = new.tenant_id
      and u.id = new.parent_id
      and u.left_at is not null
  ) then
    raise exception using errcode = 'LM422', message = 'The person has left.', detail = new.id, column = 'parent_id';
  end if;
  return null;
end
$$;

comment on function lms_private.check_first_contact is 'LM422 for a first contact who has left.';

alter function lms_private.check_first_contact owner to lms_definer;

-- Guardians alone decide who sees a child as a parent does. students.parent_id says which of them is the first contact, and the database
-- keeps the two together: whoever is named as first contact is a guardian, and whoever is a guardian no more is no first contact.
set local role lms_owner;

alter table lms.guardians
add column by_first_contact boolean not null default false;

comment on table lms.guardians is 'Who is responsible for a student and sees the student as a child, whatever the role of the account.';
comment on column lms.guardians.by_first_contact is
  'Whether the link was made by naming the user as the student''s first contact: then it ends when another is named.';
comment on column lms.students.parent_id is 'Which of the student''s guardians is the first contact. Naming somebody else makes a guardian of that user.';

-- The application does not say where a link comes from.
revoke insert, update on lms.guardians from lms_application;
grant insert (id, user_id, student_id, relationship) on lms.guardians to lms_application;
grant update (relationship, deleted_at) on lms.guardians to lms_application;
grant insert, delete, update (relationship, deleted_at) on lms.guardians to lms_definer;
grant update (parent_id) on lms.students to lms_definer;

-- Rows that were written before there was a rule: first contacts without a link get one, and no student is a guardian.
alter table lms.guardians no force row level security;
alter table lms.students no force row level security;
alter table lms.users no force row level security;

update lms.guardians as g
set deleted_at = now()
from lms.users as u
where u.tenant_id = g.tenant_id
  and u.id = g.user_id
  and u.role = 'student'
  and g.deleted_at is null;

update lms.students as s
set parent_id = null
from lms.users as u
where u.tenant_id = s.tenant_id
  and u.id = s.parent_id
  and u.role = 'student';

insert into lms.guardians (tenant_id, user_id, student_id, relationship, by_first_contact)
select s.tenant_id, s.parent_id, s.id, 'parent', true
from lms.students as s
where s.parent_id is not null
on conflict (tenant_id, user_id, student_id) where deleted_at is null do nothing;

alter table lms.users force row level security;
alter table lms.students force row level security;
alter table lms.guardians force row level security;

create function lms_private.check_guardian() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  account record;
begin
  if new.deleted_at is not null then
    return new;
  end if;
  -- The account is locked, so that it does not become a student's at the same moment.
  select u.role, s.id is not null as is_the_child
  into account
  from lms.users as u
  left join lms.students as s
    on s.tenant_id = u.tenant_id
    and s.id = new.student_id
    and s.user_id = u.id
  where u.tenant_id = new.tenant_id
    and u.id = new.user_id
  for share of u;
  if account.role = 'student' or account.is_the_child then
    raise exception using
      errcode = 'LM422',
      message = 'A student is nobody''s guardian: name the account of a grown-up.',
      detail = new.id,
      column = 'user_id';
  end if;
  -- A link that somebody writes takes the place of the one that came with the first contact.
  if tg_op = 'INSERT' and not new.by_first_contact then
    delete from lms.guardians as g
    where g.tenant_id = new.tenant_id
      and g.user_id = new.user_id
      and g.student_id = new.student_id
      and g.by_first_contact
      and g.deleted_at is null;
  end if;
  return new;
end
$$;

comment on function lms_private.check_guardian is 'LM422 for a student as guardian, be it the child''s own account or another''s.';

create trigger check_guardian
before insert or update on lms.guardians
for each row execute function lms_private.check_guardian();

create function lms_private.check_role_of_guardian() returns trigger
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
      message = 'This user is a guardian of a student, so this is no student''s account: delete the links first.',
      detail = new.id,
      column = 'role';
  end if;
  return new;
end
$$;

comment on function lms_private.check_role_of_guardian is 'LM422 for a guardian whose account would become a student''s.';

create trigger check_role_of_guardian
before update of role on lms.users
for each row
when (new.role = 'student' and old.role <> 'student')
execute function lms_private.check_role_of_guardian();

create function lms_private.keep_first_contact() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Students whose first contact is new, with the former one: {"tenant_id", "id", "parent_id", "former"}.
  changed jsonb;
begin
  -- A branch is planned when it is first taken, so one that names a transition table the trigger lacks does no harm.
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
  -- A link that is there is locked and stays as it is: whoever deletes it at the same moment comes after, and clears parent_id.
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

comment on function lms_private.keep_first_contact is
  'Makes a guardian of the first contact, and ends the link of a former one who was a guardian by that alone.';

-- Named to fire behind the trigger that records the statement: in the log the cause comes first.
create trigger then_keep_first_contact_insert
after insert on lms.students
referencing new table as new_rows
for each statement execute function lms_private.keep_first_contact();

create trigger then_keep_first_contact_update
after update on lms.students
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.keep_first_contact();

create function lms_private.clear_first_contact() returns trigger
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
  return null;
end
$$;

comment on function lms_private.clear_first_contact is 'Whoever is no guardian any more is not the first contact.';

create trigger then_clear_first_contact
after update on lms.guardians
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.clear_first_contact();

-- As in 0072, but that a guardian of the student may be the first contact in any role: a tutor can be a parent, too.
create or replace function lms_private.check_accounts() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  wrong text;
  refused uuid;
begin
  -- A branch is planned when it is first taken, so one that names a transition table the trigger lacks does no harm.
  if tg_op = 'INSERT' then
    select n.id, case when u.role <> 'student' then 'user_id' else 'parent_id' end
    into refused, wrong
    from new_rows as n
    join lms.users as u
      on u.tenant_id = n.tenant_id
      and u.id = n.user_id
    left join lms.users as p
      on p.tenant_id = n.tenant_id
      and p.id = n.parent_id
    where u.role <> 'student'
      or p.role <> 'parent'
    order by n.id
    limit 1;
  else
    select n.id, 'parent_id'
    into refused, wrong
    from new_rows as n
    join old_rows as o
      on o.tenant_id = n.tenant_id
      and o.id = n.id
    join lms.users as p
      on p.tenant_id = n.tenant_id
      and p.id = n.parent_id
    where n.parent_id is distinct from o.parent_id
      and p.role <> 'parent'
      and not exists (
        select
        from lms.guardians as g
        where g.tenant_id = n.tenant_id
          and g.user_id = n.parent_id
          and g.student_id = n.id
          and g.deleted_at is null
      )
    limit 1;
  end if;
  if wrong is not null then
    raise exception using
      errcode = 'LM422',
      message = case wrong when 'user_id' then 'This account is not a student''s.' else 'This account is not a parent''s.' end,
      detail = refused,
      column = wrong;
  end if;
  return null;
end
$$;

comment on function lms_private.check_accounts is
  'A student''s account is one of a student, the first contact''s one of a parent or of a guardian of the student.';

alter function lms_private.check_guardian owner to lms_definer;
alter function lms_private.check_role_of_guardian owner to lms_definer;
alter function lms_private.keep_first_contact owner to lms_definer;
alter function lms_private.clear_first_contact owner to lms_definer;

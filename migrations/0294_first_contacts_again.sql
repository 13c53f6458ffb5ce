-- A link that came with the first contact ends when another is named, also when its account is deleted meanwhile: restoring the account brought
-- it back beside the new one. It comes back where nobody was named since, and its holder is the first contact again. And no account that was
-- deactivated is named as guardian or first contact; links that it has stay, as its other rows do.
set local role lms_owner;

update lms_private.dependants
set condition = 'not c.by_first_contact or exists (
    select
    from lms.students as s
    where s.tenant_id = c.tenant_id
      and s.id = c.student_id
      and coalesce(s.parent_id, c.user_id) = c.user_id
  )'
where child = 'guardians'
  and child_column = 'user_id';

comment on column lms_private.dependants.condition is 'Which rows count, by the alias c; of rule delete: which come back.';

-- Of lms_private.leave_one only the condition changes by which rows come back with their account.
do $$
declare
  former constant text := pg_get_functiondef('lms_private.leave_one(text, jsonb, jsonb)'::regprocedure);
  fresh constant text := regexp_replace(
    former,
    '(c\.deleted_at is not distinct from \$4)('',\s+dependant\.child, dependant\.child_column)',
    '\1 and ($3 is not null or (%s))\2, dependant.condition'
  );
begin
  if fresh = former then
    raise exception 'lms_private.leave_one has no rows that are restored with their account';
  end if;
  execute fresh;
end
$$;

create or replace function lms_private.check_guardian() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  account record;
  first_contact uuid;
  -- Of a link that comes with the first contact, the student is what somebody has written.
  refused constant uuid := case when new.by_first_contact then new.student_id else new.id end;
  field constant text := case when new.by_first_contact then 'parent_id' else 'user_id' end;
begin
  if new.deleted_at is not null then
    return new;
  end if;
  -- The account is locked, so that it does not become a student's at the same moment.
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
      message = 'A student is nobody''s guardian: name the account of a grown-up.',
      detail = refused,
      column = field;
  end if;
  -- The first contact is looked at where it is named: an account that is restored deactivated is that again.
  if tg_op = 'INSERT' and (account.deleted_at is not null or (account.left_at is not null and not new.by_first_contact)) then
    raise exception using errcode = 'LM422', message = 'This person has left.', detail = refused, column = field;
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
        message = 'This link came with being the first contact, and another is that by now: make a new link.',
        column = 'user_id';
    end if;
  end if;
  return new;
end
$$;

comment on function lms_private.check_guardian is
  'LM422 for a student as guardian, be it the child''s own account or another''s, and for a new link of somebody who has left. LM409 for the link of a former first contact that would come back though another was named.';

create or replace function lms_private.clear_first_contact() returns trigger
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

comment on function lms_private.clear_first_contact is
  'Whoever is no guardian any more is not the first contact, and a link that came with being that brings it back.';

create function lms_private.check_first_contact() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- The account is locked, so that it is not deactivated at the same moment.
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
    raise exception using errcode = 'LM422', message = 'This person has left.', detail = new.id, column = 'parent_id';
  end if;
  return null;
end
$$;

comment on function lms_private.check_first_contact is 'LM422 for a first contact who has left.';

alter function lms_private.check_first_contact owner to lms_definer;

-- A link that was restored where nobody is the first contact makes its newest holder that again, a deactivated one too: so before the triggers
-- below. Links of former first contacts that have come back beside the present one end.
alter table lms.guardians no force row level security;
alter table lms.students no force row level security;

update lms.students as s
set parent_id = l.user_id
from (
  select distinct on (g.tenant_id, g.student_id) g.tenant_id, g.student_id, g.user_id
  from lms.guardians as g
  where g.by_first_contact
    and g.deleted_at is null
  order by g.tenant_id, g.student_id, g.created_at desc, g.id desc
) as l
where s.tenant_id = l.tenant_id
  and s.id = l.student_id
  and s.parent_id is null
  and s.deleted_at is null;

update lms.guardians as g
set deleted_at = now()
from lms.students as s
where s.tenant_id = g.tenant_id
  and s.id = g.student_id
  and s.parent_id <> g.user_id
  and g.by_first_contact
  and g.deleted_at is null;

alter table lms.students force row level security;
alter table lms.guardians force row level security;

create trigger then_check_first_contact_insert
after insert on lms.students
for each row
when (new.parent_id is not null)
execute function lms_private.check_first_contact();

-- A first contact that comes back with an account or with its link comes by a trigger, and is named by nobody.
create trigger then_check_first_contact_update
after update of parent_id on lms.students
for each row
when (new.parent_id is distinct from old.parent_id and new.parent_id is not null and pg_trigger_depth() = 0)
execute function lms_private.check_first_contact();

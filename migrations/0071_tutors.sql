-- Tutors: the name that others may see, subjects with their level, and availability as weekly windows with dated exceptions.
set local role lms_owner;

alter table lms.tutors
drop constraint tutors_availability_check,
alter column availability set default '{}',
add column name text;

-- What was written before there was a rule: lists of words, and lists of weekly windows.
alter table lms.tutors no force row level security;
alter table lms.users no force row level security;

update lms.tutors as t
set
  name = u.name,
  subjects = (
    select coalesce(
      jsonb_agg(
        case
          when jsonb_typeof(s.subject) = 'string' then jsonb_build_object('subject', s.subject, 'level', null)
          else s.subject
        end
        order by s.place
      ),
      '[]'
    )
    from jsonb_array_elements(t.subjects) with ordinality as s (subject, place)
  ),
  availability = case
    when jsonb_typeof(t.availability) = 'object' then t.availability
    when t.availability = '[]' then '{}'
    else jsonb_build_object(
      'weekly', (
        select jsonb_agg(
          jsonb_build_object('weekday', w.slot -> 'day', 'start', w.slot -> 'start', 'end', w.slot -> 'end')
          order by w.place
        )
        from jsonb_array_elements(t.availability) with ordinality as w (slot, place)
      )
    )
  end
from lms.users as u
where u.tenant_id = t.tenant_id
  and u.id = t.user_id;

alter table lms.users force row level security;
alter table lms.tutors force row level security;

alter table lms.tutors
alter column name set not null,
add constraint tutors_availability_check check (
  jsonb_typeof(availability) = 'object'
  and availability - array['weekly', 'exceptions'] = '{}'
  and coalesce(jsonb_typeof(availability -> 'weekly'), 'array') = 'array'
  and coalesce(jsonb_typeof(availability -> 'exceptions'), 'array') = 'array'
  and octet_length(availability::text) <= 65536
);

comment on column lms.tutors.name is 'The user''s, kept by trigger: students and parents see it here, and nothing else of the user.';
comment on column lms.tutors.subjects is 'Array of {"subject", "level"}; a level of null is every level.';
comment on column lms.tutors.availability is
  'Object: weekly windows {"weekday", "start", "end"} and exceptions {"date", "available", "start", "end"}, in the zone of the centre. Nothing said is not available.';

create function lms_private.keep_tutor() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  role text;
begin
  select u.name, u.role
  into new.name, role
  from lms.users as u
  where u.tenant_id = new.tenant_id
    and u.id = new.user_id;
  if not found then
    -- The foreign key is checked after this, and has the words for it.
    new.name := '';
  elsif role <> 'tutor' and tg_op = 'INSERT' then
    raise exception using
      errcode = 'LM422',
      message = 'This account is not a tutor''s.',
      detail = new.id,
      column = 'user_id';
  end if;
  if tg_op = 'INSERT' then
    new.current_students := 0;
  elsif new.max_students < new.current_students then
    raise exception using
      errcode = 'LM409',
      message = format('The tutor has %s students already.', new.current_students),
      column = 'max_students';
  end if;
  return new;
end
$$;

comment on function lms_private.keep_tutor is 'Name of a new tutor and no students yet; LM409 for fewer places than there are students.';

create trigger keep_tutor
before insert or update of user_id, max_students on lms.tutors
for each row execute function lms_private.keep_tutor();

create function lms_private.keep_tutor_names() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update lms.tutors as t
  set name = new.name
  where t.tenant_id = new.tenant_id
    and t.user_id = new.id
    and t.name <> new.name;
  return null;
end
$$;

comment on function lms_private.keep_tutor_names is 'A tutor''s name is the user''s.';

create trigger keep_tutor_names
after update of name on lms.users
for each row
when (new.name <> old.name)
execute function lms_private.keep_tutor_names();

alter function lms_private.keep_tutor owner to lms_definer;
alter function lms_private.keep_tutor_names owner to lms_definer;

grant update (name, current_students) on lms.tutors to lms_definer;

-- The count and the name are the database's: the application writes every other column.
revoke insert, update on lms.tutors from lms_application;
grant insert (id, user_id, centre_id, subjects, max_students, availability) on lms.tutors to lms_application;
grant update (user_id, centre_id, subjects, max_students, availability, deleted_at) on lms.tutors to lms_application;

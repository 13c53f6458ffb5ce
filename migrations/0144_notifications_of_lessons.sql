-- What tells people by itself: lessons that are cancelled or moved, and the reset of a password.
set local role lms_owner;

create function lms_private.local_time(moment timestamptz, zone text) returns text
language sql
stable
strict
parallel safe
return to_char(moment at time zone zone, 'YYYY-MM-DD HH24:MI') || ' (' || zone || ')';

comment on function lms_private.local_time is 'As people read it: the date, the clock on the wall, and where that wall is.';

create function lms_private.tell_of_lessons() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  actor constant uuid := nullif(current_setting('app.user_id', true), '')::uuid;
  one record;
begin
  for one in
    with changed as materialized (
      select n.*, o.starts_at as was_at
      from old_rows as o
      join new_rows as n
        on n.tenant_id = o.tenant_id
        and n.id = o.id
      where o.starts_at > now()
        and o.status = 'scheduled'
        and o.deleted_at is null
        and n.deleted_at is null
        and (n.status = 'cancelled' or n.status = 'scheduled' and n.starts_at <> o.starts_at)
    ), told as (
      select c.id, s.user_id
      from changed as c
      join lms.attendances as a
        on a.tenant_id = c.tenant_id
        and a.occurrence_id = c.id
        and a.deleted_at is null
      join lms.students as s
        on s.tenant_id = a.tenant_id
        and s.id = a.student_id
        and s.deleted_at is null
      union
      select c.id, p.user_id
      from changed as c
      join lms.attendances as a
        on a.tenant_id = c.tenant_id
        and a.occurrence_id = c.id
        and a.deleted_at is null
      join lms.students as s
        on s.tenant_id = a.tenant_id
        and s.id = a.student_id
        and s.deleted_at is null
      cross join lateral (
        select s.parent_id
        where s.parent_id is not null
        union
        select g.user_id
        from lms.guardians as g
        where g.tenant_id = s.tenant_id
          and g.student_id = s.id
          and g.deleted_at is null
      ) as p (user_id)
      union
      select c.id, t.user_id
      from changed as c
      join lms.tutors as t
        on t.tenant_id = c.tenant_id
        and t.id = c.tutor_id
        and t.deleted_at is null
    )
    -- Of one class that loses many lessons each person is told once.
    select
      c.tenant_id,
      told.user_id,
      c.status,
      count(*) as lessons,
      min(c.was_at) as was_at,
      max(c.was_at) as last_at,
      min(c.starts_at) as starts_at,
      min(c.reason) as reason,
      coalesce(min(l.subject), min(t.name)) as lesson,
      min(t.name) as tutor,
      min(r.name) as centre,
      min(r.time_zone) as zone
    from told
    join changed as c
      on c.id = told.id
    join lms.classes as l
      on l.tenant_id = c.tenant_id
      and l.id = c.class_id
    join lms.tutors as t
      on t.tenant_id = c.tenant_id
      and t.id = c.tutor_id
    join lms.centres as r
      on r.tenant_id = c.tenant_id
      and r.id = c.centre_id
    where told.user_id is distinct from actor
    group by c.tenant_id, told.user_id, c.class_id, c.status, case when c.status = 'scheduled' then c.id end
    order by c.tenant_id, told.user_id
  loop
    perform lms_private.notify(
      one.tenant_id,
      one.user_id,
      case
        when one.status = 'scheduled' then 'lesson_moved'
        when one.lessons > 1 then 'lessons_cancelled'
        else 'lesson_cancelled'
      end,
      jsonb_build_object(
        'lesson', one.lesson,
        'tutor', one.tutor,
        'centre', one.centre,
        'reason', coalesce(one.reason, '—')
      ) || case
        when one.status = 'scheduled' then jsonb_build_object(
          'was_at', lms_private.local_time(one.was_at, one.zone),
          'starts_at', lms_private.local_time(one.starts_at, one.zone)
        )
        when one.lessons > 1 then jsonb_build_object(
          'count', one.lessons,
          'first_at', lms_private.local_time(one.was_at, one.zone),
          'last_at', lms_private.local_time(one.last_at, one.zone)
        )
        else jsonb_build_object('starts_at', lms_private.local_time(one.was_at, one.zone))
      end
    );
  end loop;
  return null;
end
$$;

comment on function lms_private.tell_of_lessons is
  'Tells students, their parents and the tutor of lessons ahead that were cancelled or moved; not who did it, and each person once.';

alter function lms_private.tell_of_lessons owner to lms_definer;

grant execute on function lms_private.local_time to lms_definer;

-- Behind then_rebook, in the order of the alphabet: first what follows from it, then the telling.
create trigger then_tell_of_lessons
after update on lms.occurrences
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.tell_of_lessons();

create or replace function lms.password_reset_begin(
  tenant_slug text, email text, token text
) returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  span constant interval := interval '30 minutes';
  person record;
  notification uuid;
begin
  select u.tenant_id, u.id
  into person
  from lms_private.tenant_slugs as s
  join lms.tenants as t
    on t.tenant_id = s.tenant_id
  join lms.users as u
    on u.tenant_id = s.tenant_id
  where s.slug = lower(tenant_slug)
    and u.email = lower(password_reset_begin.email)
    and u.status = 'active'
    and u.deleted_at is null
    and t.status = 'active'
    and t.deleted_at is null;
  if not found then
    return true;
  end if;
  perform set_config('app.tenant_id', person.tenant_id::text, true);

  -- Nobody can fill somebody else's mailbox.
  if (
    select count(*)
    from lms.one_use_tokens as o
    where o.tenant_id = person.tenant_id
      and o.user_id = person.id
      and o.created_at > now() - span
  ) >= 3 then
    return true;
  end if;

  insert into lms.notifications (tenant_id, user_id, type, template, data)
  values (
    person.tenant_id,
    person.id,
    'email',
    'password_reset',
    jsonb_build_object('minutes', extract(epoch from span)::integer / 60)
  )
  returning id into notification;
  insert into lms_private.notification_secrets (tenant_id, notification_id, token, expires_at)
  values (person.tenant_id, notification, token, now() + span);
  insert into lms.one_use_tokens (tenant_id, user_id, purpose, token_hash, expires_at)
  values (person.tenant_id, person.id, 'password_reset', sha256(convert_to(token, 'UTF8')), now() + span);
  return true;
end
$$;

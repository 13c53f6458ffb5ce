-- Messages about lessons say whose lesson it is, of what, where and when, and read well without a subject, a room or a reason. Another room
-- and another tutor are told as well, many lessons of a class at once.
set local role lms_owner;

insert into lms_private.notification_events (key, placeholders)
values
  ('lesson_changed', '{name,tenant,lesson,tutor,centre,starts_at,reason,students,subject,room,was_room,was_tutor}'),
  ('lessons_changed', '{name,tenant,lesson,tutor,centre,count,first_at,last_at,reason,students,subject,room,was_room,was_tutor}');

update lms_private.notification_events as e
set placeholders = e.placeholders || '{students,subject,room}'
where e.key in ('lesson_cancelled', 'lessons_cancelled');

update lms_private.notification_events as e
set placeholders = e.placeholders || '{students,subject,room,was_room,was_tutor}'
where e.key = 'lesson_moved';

update lms_private.notification_events as e
set
  optional = array(
    select p.name
    from unnest(e.placeholders) as p (name)
    where p.name in ('students', 'subject', 'room', 'was_room', 'was_tutor', 'reason')
  ),
  lists = '{students}'
where e.key in ('lesson_cancelled', 'lesson_changed', 'lesson_moved', 'lessons_cancelled', 'lessons_changed');

-- Every event can have a template.
do $$
begin
  alter table lms.notification_templates drop constraint notification_templates_key_check;
  execute format(
    'alter table lms.notification_templates add constraint notification_templates_key_check check (key in (%s))',
    (select string_agg(quote_literal(e.key), ', ' order by e.key) from lms_private.notification_events as e)
  );
end
$$;

insert into lms_private.notification_words (key, language, subject, message)
values
  (
    'lesson_cancelled', 'en', 'Lesson cancelled{{#subject}}: {{subject}}{{/subject}}',
    'Hello {{name}}, the {{#subject}}{{subject}} {{/subject}}lesson{{#students}} of {{students}}{{/students}} with {{tutor}} at {{centre}}{{#room}} (room: {{room}}){{/room}} on {{starts_at}} is cancelled.{{#reason}} Reason: {{reason}}{{/reason}}'
  ),
  (
    'lesson_cancelled', 'de', 'Stunde entfällt{{#subject}}: {{subject}}{{/subject}}',
    'Guten Tag {{name}}, die Stunde{{#subject}} {{subject}}{{/subject}}{{#students}} von {{students}}{{/students}} mit {{tutor}}, {{centre}}{{#room}} (Raum: {{room}}){{/room}}, am {{starts_at}} entfällt.{{#reason}} Grund: {{reason}}{{/reason}}'
  ),
  (
    'lesson_cancelled', 'es', 'Clase cancelada{{#subject}}: {{subject}}{{/subject}}',
    'Hola, {{name}}: la clase{{#subject}} de {{subject}}{{/subject}}{{#students}} para {{students}}{{/students}} con {{tutor}} en {{centre}}{{#room}} (aula: {{room}}){{/room}} del {{starts_at}} se cancela.{{#reason}} Motivo: {{reason}}{{/reason}}'
  ),
  (
    'lessons_cancelled', 'en', '{{count}} lessons cancelled{{#subject}}: {{subject}}{{/subject}}',
    'Hello {{name}}, {{count}} lessons{{#subject}} in {{subject}}{{/subject}}{{#students}} for {{students}}{{/students}} with {{tutor}} at {{centre}}{{#room}} (room: {{room}}){{/room}}, from {{first_at}} to {{last_at}}, are cancelled.{{#reason}} Reason: {{reason}}{{/reason}}'
  ),
  (
    'lessons_cancelled', 'de', '{{count}} Stunden entfallen{{#subject}}: {{subject}}{{/subject}}',
    'Guten Tag {{name}}, {{count}} Stunden{{#subject}} {{subject}}{{/subject}}{{#students}} von {{students}}{{/students}} mit {{tutor}}, {{centre}}{{#room}} (Raum: {{room}}){{/room}}, vom {{first_at}} bis zum {{last_at}} entfallen.{{#reason}} Grund: {{reason}}{{/reason}}'
  ),
  (
    'lessons_cancelled', 'es', '{{count}} clases canceladas{{#subject}}: {{subject}}{{/subject}}',
    'Hola, {{name}}: {{count}} clases{{#subject}} de {{subject}}{{/subject}}{{#students}} para {{students}}{{/students}} con {{tutor}} en {{centre}}{{#room}} (aula: {{room}}){{/room}}, del {{first_at}} al {{last_at}}, se cancelan.{{#reason}} Motivo: {{reason}}{{/reason}}'
  ),
  (
    'lesson_moved', 'en', 'Lesson moved{{#subject}}: {{subject}}{{/subject}}',
    'Hello {{name}}, the {{#subject}}{{subject}} {{/subject}}lesson{{#students}} of {{students}}{{/students}} with {{tutor}} at {{centre}}{{#room}} (room: {{room}}){{/room}} moves from {{was_at}} to {{starts_at}}.{{#was_room}} The room was {{was_room}}.{{/was_room}}{{#was_tutor}} The tutor was {{was_tutor}}.{{/was_tutor}}{{#reason}} Reason: {{reason}}{{/reason}}'
  ),
  (
    'lesson_moved', 'de', 'Stunde verlegt{{#subject}}: {{subject}}{{/subject}}',
    'Guten Tag {{name}}, die Stunde{{#subject}} {{subject}}{{/subject}}{{#students}} von {{students}}{{/students}} mit {{tutor}}, {{centre}}{{#room}} (Raum: {{room}}){{/room}}, wird vom {{was_at}} auf den {{starts_at}} verlegt.{{#was_room}} Der Raum war {{was_room}}.{{/was_room}}{{#was_tutor}} Bisher: {{was_tutor}}.{{/was_tutor}}{{#reason}} Grund: {{reason}}{{/reason}}'
  ),
  (
    'lesson_moved', 'es', 'Clase aplazada{{#subject}}: {{subject}}{{/subject}}',
    'Hola, {{name}}: la clase{{#subject}} de {{subject}}{{/subject}}{{#students}} para {{students}}{{/students}} con {{tutor}} en {{centre}}{{#room}} (aula: {{room}}){{/room}} pasa del {{was_at}} al {{starts_at}}.{{#was_room}} Antes era en el aula {{was_room}}.{{/was_room}}{{#was_tutor}} Antes era con {{was_tutor}}.{{/was_tutor}}{{#reason}} Motivo: {{reason}}{{/reason}}'
  ),
  (
    'lesson_changed', 'en', 'Lesson changed{{#subject}}: {{subject}}{{/subject}}',
    'Hello {{name}}, the {{#subject}}{{subject}} {{/subject}}lesson{{#students}} of {{students}}{{/students}} at {{centre}} on {{starts_at}} has changed. It is with {{tutor}}{{#was_tutor}} (before: {{was_tutor}}){{/was_tutor}}{{#room}}, in the room {{room}}{{/room}}{{^room}}, without a room{{/room}}{{#was_room}} (before: {{was_room}}){{/was_room}}.{{#reason}} Reason: {{reason}}{{/reason}}'
  ),
  (
    'lesson_changed', 'de', 'Stunde geändert{{#subject}}: {{subject}}{{/subject}}',
    'Guten Tag {{name}}, die Stunde{{#subject}} {{subject}}{{/subject}}{{#students}} von {{students}}{{/students}} ({{centre}}) am {{starts_at}} hat sich geändert. Sie findet mit {{tutor}}{{#was_tutor}} (bisher: {{was_tutor}}){{/was_tutor}} statt{{#room}}, Raum: {{room}}{{/room}}{{^room}}, ohne Raum{{/room}}{{#was_room}} (bisher: {{was_room}}){{/was_room}}.{{#reason}} Grund: {{reason}}{{/reason}}'
  ),
  (
    'lesson_changed', 'es', 'Cambio de clase{{#subject}}: {{subject}}{{/subject}}',
    'Hola, {{name}}: la clase{{#subject}} de {{subject}}{{/subject}}{{#students}} para {{students}}{{/students}} en {{centre}} del {{starts_at}} ha cambiado. Es con {{tutor}}{{#was_tutor}} (antes: {{was_tutor}}){{/was_tutor}}{{#room}}, aula: {{room}}{{/room}}{{^room}}, sin aula{{/room}}{{#was_room}} (antes: {{was_room}}){{/was_room}}.{{#reason}} Motivo: {{reason}}{{/reason}}'
  ),
  (
    'lessons_changed', 'en', '{{count}} lessons changed{{#subject}}: {{subject}}{{/subject}}',
    'Hello {{name}}, {{count}} lessons{{#subject}} in {{subject}}{{/subject}}{{#students}} for {{students}}{{/students}} at {{centre}}, from {{first_at}} to {{last_at}}, have changed. They are with {{tutor}}{{#was_tutor}} (before: {{was_tutor}}){{/was_tutor}}{{#room}}, in the room {{room}}{{/room}}{{^room}}, without a room{{/room}}{{#was_room}} (before: {{was_room}}){{/was_room}}.{{#reason}} Reason: {{reason}}{{/reason}}'
  ),
  (
    'lessons_changed', 'de', '{{count}} Stunden geändert{{#subject}}: {{subject}}{{/subject}}',
    'Guten Tag {{name}}, {{count}} Stunden{{#subject}} {{subject}}{{/subject}}{{#students}} von {{students}}{{/students}} ({{centre}}) vom {{first_at}} bis zum {{last_at}} haben sich geändert. Sie finden mit {{tutor}}{{#was_tutor}} (bisher: {{was_tutor}}){{/was_tutor}} statt{{#room}}, Raum: {{room}}{{/room}}{{^room}}, ohne Raum{{/room}}{{#was_room}} (bisher: {{was_room}}){{/was_room}}.{{#reason}} Grund: {{reason}}{{/reason}}'
  ),
  (
    'lessons_changed', 'es', 'Cambio de {{count}} clases{{#subject}}: {{subject}}{{/subject}}',
    'Hola, {{name}}: {{count}} clases{{#subject}} de {{subject}}{{/subject}}{{#students}} para {{students}}{{/students}} en {{centre}}, del {{first_at}} al {{last_at}}, han cambiado. Son con {{tutor}}{{#was_tutor}} (antes: {{was_tutor}}){{/was_tutor}}{{#room}}, aula: {{room}}{{/room}}{{^room}}, sin aula{{/room}}{{#was_room}} (antes: {{was_room}}){{/was_room}}.{{#reason}} Motivo: {{reason}}{{/reason}}'
  )
on conflict (key, language) do update
set
  subject = excluded.subject,
  message = excluded.message;

create or replace function lms_private.tell_of_lessons() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  actor constant uuid := nullif(current_setting('app.user_id', true), '')::uuid;
  -- So many students are named to a tutor; of more the class says enough.
  max_named constant integer := 3;
  one record;
begin
  -- A name that goes out of a room or a reason changes no lesson.
  if lms_private.is_erasing() then
    return null;
  end if;
  for one in
    with changed as materialized (
      select
        n.*,
        o.starts_at as was_at,
        -- One that was given for something else before stays in the row.
        case when n.reason is distinct from o.reason then n.reason end as fresh_reason,
        case when n.room is distinct from o.room then o.room end as was_room,
        case when n.tutor_id <> o.tutor_id then o.tutor_id end as was_tutor_id,
        case
          when n.status = 'cancelled' then 'cancelled'
          when n.starts_at <> o.starts_at then 'moved'
          else 'changed'
        end as what
      from old_rows as o
      join new_rows as n
        on n.tenant_id = o.tenant_id
        and n.id = o.id
      where o.starts_at > now()
        and o.status = 'scheduled'
        and o.deleted_at is null
        and n.deleted_at is null
        and (
          n.status = 'cancelled'
          or n.status = 'scheduled'
          and (n.starts_at, n.room, n.tutor_id) is distinct from (o.starts_at, o.room, o.tutor_id)
        )
    ), learning as materialized (
      select c.tenant_id, c.id, s.id as student_id, s.user_id, u.name
      from changed as c
      join lms.attendances as a
        on a.tenant_id = c.tenant_id
        and a.occurrence_id = c.id
        and a.deleted_at is null
      join lms.students as s
        on s.tenant_id = a.tenant_id
        and s.id = a.student_id
        and s.deleted_at is null
      join lms.users as u
        on u.tenant_id = s.tenant_id
        and u.id = s.user_id
    ), teaching as (
      select c.id, t.user_id
      from changed as c
      join lms.tutors as t
        on t.tenant_id = c.tenant_id
        and t.id in (c.tutor_id, c.was_tutor_id)
        and t.deleted_at is null
    ), told as (
      -- The students whose lesson it is: to a student nobody's but the own, to a parent the children's, to a tutor the students' if they are few.
      select l.id, l.user_id, null as student
      from learning as l
      union
      select l.id, p.user_id, l.name
      from learning as l
      join lms.guardians as p
        on p.tenant_id = l.tenant_id
        and p.student_id = l.student_id
        and p.deleted_at is null
      union
      select t.id, t.user_id, l.name
      from teaching as t
      left join (
        select l.id, l.name, count(*) over (partition by l.id) as students
        from learning as l
      ) as l
        on l.id = t.id
        and l.students <= max_named
    )
    -- Of one class that loses or changes many lessons alike each person is told once.
    select
      c.tenant_id,
      told.user_id,
      c.what,
      count(distinct c.id) as lessons,
      min(c.was_at) as was_at,
      max(c.was_at) as last_at,
      min(c.starts_at) as starts_at,
      min(c.fresh_reason) as reason,
      to_jsonb(array_agg(distinct told.student) filter (where told.student is not null)) as students,
      min(l.subject) as subject,
      case when count(distinct coalesce(c.room, '')) = 1 then min(c.room) end as room,
      min(c.was_room) as was_room,
      min(t.name) as tutor,
      min(w.name) as was_tutor,
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
    left join lms.tutors as w
      on w.tenant_id = c.tenant_id
      and w.id = c.was_tutor_id
    join lms.centres as r
      on r.tenant_id = c.tenant_id
      and r.id = c.centre_id
    where told.user_id is distinct from actor
    group by
      c.tenant_id,
      told.user_id,
      c.class_id,
      c.what,
      case when c.what = 'moved' then c.id end,
      case when c.what = 'changed' then array[c.tutor_id::text, c.was_tutor_id::text, c.room, c.was_room] end
    order by c.tenant_id, told.user_id, min(c.was_at)
  loop
    perform lms_private.notify(
      one.tenant_id,
      one.user_id,
      case
        when one.what = 'moved' then 'lesson_moved'
        when one.lessons > 1 then 'lessons_' || one.what
        else 'lesson_' || one.what
      end,
      jsonb_strip_nulls(
        jsonb_build_object(
          'lesson', coalesce(one.subject, one.tutor),
          'tutor', one.tutor,
          'centre', one.centre,
          'reason', one.reason,
          'students', one.students,
          'subject', one.subject,
          'room', one.room
        ) || case
          when one.what = 'cancelled' then '{}'
          else jsonb_build_object('was_room', one.was_room, 'was_tutor', one.was_tutor)
        end || case
          when one.what = 'moved' then jsonb_build_object(
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
      )
    );
  end loop;
  return null;
end
$$;

comment on function lms_private.tell_of_lessons is
  'Tells students, their guardians and the tutors, former ones too, of lessons ahead that were cancelled, moved, or have another room or tutor; not who did it, and each person once.';

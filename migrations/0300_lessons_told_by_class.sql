-- Lessons that change through their class are told as well: another schedule moves, adds and takes away lessons, a class is deleted and comes
-- back, students join and leave it. A plan that is made anew has new rows, so what was there is compared with what is there, class by class,
-- and whomever it concerns is told of each change of a class once. Another end of a lesson is a change, too.
set local role lms_owner;

insert into lms_private.notification_events (key, placeholders)
values
  (
    'lessons_moved',
    '{name,tenant,lesson,tutor,centre,count,was_at,starts_at,was_last_at,last_at,reason,students,subject,room,was_room,was_tutor}'
  ),
  ('lesson_added', '{name,tenant,lesson,tutor,centre,starts_at,students,subject,room}'),
  ('lessons_added', '{name,tenant,lesson,tutor,centre,count,first_at,last_at,students,subject,room}'),
  ('class_students_changed', '{name,tenant,lesson,tutor,centre,first_at,subject,room}');

update lms_private.notification_events as e
set placeholders = e.placeholders || '{until,was_until,fewer}'
where e.key in ('lesson_moved', 'lessons_moved', 'lesson_changed', 'lessons_changed');

update lms_private.notification_events as e
set placeholders = e.placeholders || '{more}'
where e.key in ('lesson_moved', 'lessons_moved', 'lesson_changed', 'lessons_changed', 'lesson_cancelled', 'lessons_cancelled');

update lms_private.notification_events as e
set placeholders = e.placeholders || '{joined,left}'
where e.key ~ '^lessons?_'
  or e.key = 'class_students_changed';

update lms_private.notification_events as e
set
  optional = array(
    select p.name
    from unnest(e.placeholders) as p (name)
    where p.name in (
      'students', 'subject', 'room', 'was_room', 'was_tutor', 'reason', 'until', 'was_until', 'fewer', 'more', 'joined', 'left'
    )
  ),
  lists = array(
    select p.name
    from unnest(e.placeholders) as p (name)
    where p.name in ('students', 'fewer', 'more', 'joined', 'left')
  )
where e.key ~ '^lessons?_'
  or e.key = 'class_students_changed';

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
    'lessons_moved', 'en', '{{count}} lessons moved{{#subject}}: {{subject}}{{/subject}}',
    'Hello {{name}}, {{count}} lessons{{#subject}} in {{subject}}{{/subject}}{{#students}} for {{students}}{{/students}} with {{tutor}} at {{centre}}{{#room}} (room: {{room}}){{/room}} move: the first from {{was_at}} to {{starts_at}}, the last from {{was_last_at}} to {{last_at}}.{{#was_room}} The room was {{was_room}}.{{/was_room}}{{#was_tutor}} The tutor was {{was_tutor}}.{{/was_tutor}}{{#reason}} Reason: {{reason}}{{/reason}}'
  ),
  (
    'lessons_moved', 'de', '{{count}} Stunden verlegt{{#subject}}: {{subject}}{{/subject}}',
    'Guten Tag {{name}}, {{count}} Stunden{{#subject}} {{subject}}{{/subject}}{{#students}} von {{students}}{{/students}} mit {{tutor}}, {{centre}}{{#room}} (Raum: {{room}}){{/room}}, werden verlegt: die erste vom {{was_at}} auf den {{starts_at}}, die letzte vom {{was_last_at}} auf den {{last_at}}.{{#was_room}} Der Raum war {{was_room}}.{{/was_room}}{{#was_tutor}} Bisher: {{was_tutor}}.{{/was_tutor}}{{#reason}} Grund: {{reason}}{{/reason}}'
  ),
  (
    'lessons_moved', 'es', 'Cambio de horario de {{count}} clases{{#subject}}: {{subject}}{{/subject}}',
    'Hola, {{name}}: {{count}} clases{{#subject}} de {{subject}}{{/subject}}{{#students}} para {{students}}{{/students}} con {{tutor}} en {{centre}}{{#room}} (aula: {{room}}){{/room}} cambian de horario: la primera pasa del {{was_at}} al {{starts_at}}, la última del {{was_last_at}} al {{last_at}}.{{#was_room}} Antes eran en el aula {{was_room}}.{{/was_room}}{{#was_tutor}} Antes eran con {{was_tutor}}.{{/was_tutor}}{{#reason}} Motivo: {{reason}}{{/reason}}'
  ),
  (
    'lesson_added', 'en', 'Lesson added{{#subject}}: {{subject}}{{/subject}}',
    'Hello {{name}}, a lesson{{#subject}} in {{subject}}{{/subject}}{{#students}} for {{students}}{{/students}} with {{tutor}} at {{centre}}{{#room}} (room: {{room}}){{/room}} has been added, on {{starts_at}}.'
  ),
  (
    'lesson_added', 'de', 'Weitere Stunde{{#subject}}: {{subject}}{{/subject}}',
    'Guten Tag {{name}}, eine weitere Stunde{{#subject}} {{subject}}{{/subject}}{{#students}} von {{students}}{{/students}} mit {{tutor}}, {{centre}}{{#room}} (Raum: {{room}}){{/room}}, findet am {{starts_at}} statt.'
  ),
  (
    'lesson_added', 'es', 'Una clase más{{#subject}}: {{subject}}{{/subject}}',
    'Hola, {{name}}: hay una clase más{{#subject}} de {{subject}}{{/subject}}{{#students}} para {{students}}{{/students}} con {{tutor}} en {{centre}}{{#room}} (aula: {{room}}){{/room}}, el {{starts_at}}.'
  ),
  (
    'lessons_added', 'en', '{{count}} lessons added{{#subject}}: {{subject}}{{/subject}}',
    'Hello {{name}}, {{count}} lessons{{#subject}} in {{subject}}{{/subject}}{{#students}} for {{students}}{{/students}} with {{tutor}} at {{centre}}{{#room}} (room: {{room}}){{/room}} have been added, from {{first_at}} to {{last_at}}.'
  ),
  (
    'lessons_added', 'de', '{{count}} weitere Stunden{{#subject}}: {{subject}}{{/subject}}',
    'Guten Tag {{name}}, {{count}} weitere Stunden{{#subject}} {{subject}}{{/subject}}{{#students}} von {{students}}{{/students}} mit {{tutor}}, {{centre}}{{#room}} (Raum: {{room}}){{/room}}, finden statt: vom {{first_at}} bis zum {{last_at}}.'
  ),
  (
    'lessons_added', 'es', '{{count}} clases más{{#subject}}: {{subject}}{{/subject}}',
    'Hola, {{name}}: hay {{count}} clases más{{#subject}} de {{subject}}{{/subject}}{{#students}} para {{students}}{{/students}} con {{tutor}} en {{centre}}{{#room}} (aula: {{room}}){{/room}}, del {{first_at}} al {{last_at}}.'
  ),
  (
    'class_students_changed', 'en', 'Students of a class changed{{#subject}}: {{subject}}{{/subject}}',
    'Hello {{name}}, the students of the {{#subject}}{{subject}} {{/subject}}class with {{tutor}} at {{centre}}{{#room}} (room: {{room}}){{/room}} change from the lesson on {{first_at}} on.'
  ),
  (
    'class_students_changed', 'de', 'Wechsel in einer Gruppe{{#subject}}: {{subject}}{{/subject}}',
    'Guten Tag {{name}}, in den Stunden{{#subject}} {{subject}}{{/subject}} mit {{tutor}}, {{centre}}{{#room}} (Raum: {{room}}){{/room}}, gibt es ab dem {{first_at}} einen Wechsel.'
  ),
  (
    'class_students_changed', 'es', 'Cambio de alumnos{{#subject}}: {{subject}}{{/subject}}',
    'Hola, {{name}}: en la clase{{#subject}} de {{subject}}{{/subject}} con {{tutor}} en {{centre}}{{#room}} (aula: {{room}}){{/room}} cambian los alumnos a partir del {{first_at}}.'
  )
on conflict (key, language) do update
set
  subject = excluded.subject,
  message = excluded.message;

-- Another end stands before the reason, what else the change of a class brought behind it.
update lms_private.notification_words as w
set message = replace(
  w.message,
  '{{#reason}}',
  case
    when w.key like 'lessons%' then case w.language
      when 'en' then '{{#until}} The first ends at {{until}} (before: {{was_until}}).{{/until}}'
      when 'de' then '{{#until}} Die erste endet am {{until}} (bisher: {{was_until}}).{{/until}}'
      when 'es' then '{{#until}} La primera termina el {{until}} (antes: {{was_until}}).{{/until}}'
    end
    else case w.language
      when 'en' then '{{#until}} It ends at {{until}} (before: {{was_until}}).{{/until}}'
      when 'de' then '{{#until}} Ende: {{until}} (bisher: {{was_until}}).{{/until}}'
      when 'es' then '{{#until}} Termina el {{until}} (antes: {{was_until}}).{{/until}}'
    end
  end || '{{#reason}}'
)
where w.key in ('lesson_moved', 'lessons_moved', 'lesson_changed', 'lessons_changed')
  and w.language in ('en', 'de', 'es');

update lms_private.notification_words as w
set message = w.message || (
  select string_agg(f.words, '' order by f.place)
  from (
    values
      (1, 'fewer', 'en', '{{#fewer}} No longer taking place: {{fewer}}.{{/fewer}}'),
      (1, 'fewer', 'de', '{{#fewer}} Es entfallen: {{fewer}}.{{/fewer}}'),
      (1, 'fewer', 'es', '{{#fewer}} Ya no se dan: {{fewer}}.{{/fewer}}'),
      (2, 'more', 'en', '{{#more}} Added: {{more}}.{{/more}}'),
      (2, 'more', 'de', '{{#more}} Hinzu kommen: {{more}}.{{/more}}'),
      (2, 'more', 'es', '{{#more}} Se añaden: {{more}}.{{/more}}'),
      (3, 'joined', 'en', '{{#joined}} Now in the class: {{joined}}.{{/joined}}'),
      (3, 'joined', 'de', '{{#joined}} Neu dabei: {{joined}}.{{/joined}}'),
      (3, 'joined', 'es', '{{#joined}} Altas: {{joined}}.{{/joined}}'),
      (4, 'left', 'en', '{{#left}} No longer in the class: {{left}}.{{/left}}'),
      (4, 'left', 'de', '{{#left}} Nicht mehr dabei: {{left}}.{{/left}}'),
      (4, 'left', 'es', '{{#left}} Bajas: {{left}}.{{/left}}')
  ) as f (place, name, language, words)
  where f.language = w.language
    and f.name = any (e.placeholders)
)
from lms_private.notification_events as e
where e.key = w.key
  and (e.key ~ '^lessons?_' or e.key = 'class_students_changed')
  and w.language in ('en', 'de', 'es');

create function lms_private.note_lessons() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  notes jsonb;
begin
  select jsonb_object_agg(
    n.id,
    coalesce(
      (
        select jsonb_agg(
          jsonb_build_object(
            'id', l.id,
            'original_start', l.original_start,
            'starts_at', l.starts_at,
            'ends_at', l.ends_at,
            'centre_id', l.centre_id,
            'tutor_id', l.tutor_id,
            'room', l.room,
            'status', l.status
          )
        )
        from lms.occurrences as l
        where l.tenant_id = n.tenant_id
          and l.class_id = n.id
          and l.starts_at > now()
          and l.deleted_at is null
          and o.deleted_at is null
      ),
      '[]'
    )
  )
  into notes
  from old_rows as o
  join new_rows as n
    on n.tenant_id = o.tenant_id
    and n.id = o.id
  where (n.deleted_at, n.status, n.centre_id, n.tutor_id, n.student_ids, n.room, n.planned)
    is distinct from (o.deleted_at, o.status, o.centre_id, o.tutor_id, o.student_ids, o.room, o.planned);
  perform set_config('app.lessons_before', coalesce(notes::text, ''), true);
  return null;
end
$$;

comment on function lms_private.note_lessons is
  'Notes the lessons ahead of classes that are changed, before they are planned anew, for lms_private.tell_of_classes.';

alter function lms_private.note_lessons owner to lms_definer;

create function lms_private.some_of(items text[], most integer) returns jsonb
language sql
immutable
parallel safe
return case
  when cardinality(items) = 0 then null
  when cardinality(items) <= most then to_jsonb(items)
  else to_jsonb(cardinality(items))
end;

comment on function lms_private.some_of is
  'A list for a message, or how many there are when they are too many to be named; null when there are none.';

create function lms_private.tell_of_class(former lms.classes, fresh lms.classes, lessons jsonb) returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  actor constant uuid := nullif(current_setting('app.user_id', true), '')::uuid;
  zone constant text := (select c.time_zone from lms.centres as c where c.tenant_id = fresh.tenant_id and c.id = fresh.centre_id);
  -- A series that only comes into sight is no news, and one without an end has no more lessons because it was planned anew.
  may_add constant boolean := fresh.schedule <> former.schedule or former.deleted_at is not null;
  is_endless constant boolean := fresh.planned_until is not null and former.planned_until is not null;
  -- So many students are named to a tutor, and so many times and rooms to everybody; of more the number says enough.
  max_named constant integer := 3;
  change record;
  words jsonb;
  told_key text;
  one record;
begin
  with before as materialized (
    select b.*
    from jsonb_to_recordset(lessons) as b (
      id uuid,
      original_start timestamptz,
      starts_at timestamptz,
      ends_at timestamptz,
      centre_id uuid,
      tutor_id uuid,
      room text,
      status text
    )
  ), after as materialized (
    select o.id, o.original_start, o.starts_at, o.ends_at, o.centre_id, o.tutor_id, o.room, o.status
    from lms.occurrences as o
    where o.tenant_id = fresh.tenant_id
      and o.class_id = fresh.id
      and o.deleted_at is null
      and (o.starts_at > now() or o.id in (select b.id from before as b))
  ), gone as (
    select b.*, row_number() over (order by b.original_start, b.id) as place
    from before as b
    where not exists (select from after as a where a.id = b.id)
  ), come as (
    select a.*, row_number() over (order by a.original_start, a.id) as place
    from after as a
    where not exists (select from before as b where b.id = a.id)
  ), pairs as (
    -- Lessons that a plan no longer has, and those that it has instead, one by one in their order.
    select
      coalesce(b.status = 'scheduled', false) as was_on,
      coalesce(a.status = 'scheduled', false) as is_on,
      b.starts_at as was_at,
      b.ends_at as was_until,
      b.centre_id as was_centre_id,
      b.tutor_id as was_tutor_id,
      b.room as was_room,
      a.starts_at,
      a.ends_at,
      a.centre_id,
      a.tutor_id,
      a.room
    from (
      select k.id as b_id, k.id as a_id
      from before as k
      join after as c
        on c.id = k.id
      union all
      select g.id, c.id
      from gone as g
      full join come as c
        on c.place = g.place
    ) as p
    left join before as b
      on b.id = p.b_id
    left join after as a
      on a.id = p.a_id
  ), lessons as (
    select
      p.*,
      case
        when p.was_on and not p.is_on then 'cancelled'
        when p.was_on and p.starts_at <> p.was_at then 'moved'
        when p.was_on
          and (p.ends_at, p.centre_id, p.tutor_id, p.room)
            is distinct from (p.was_until, p.was_centre_id, p.was_tutor_id, p.was_room)
          then 'changed'
        when p.is_on
          and not p.was_on
          and may_add
          and p.starts_at > now()
          and not (is_endless and p.starts_at > (select max(b.starts_at) from before as b))
          then 'added'
      end as what
    from pairs as p
  ), main as (
    select l.what
    from lessons as l
    where l.what is not null
    order by array_position(array['moved', 'changed', 'cancelled', 'added'], l.what)
    limit 1
  )
  select
    (select m.what from main as m) as what,
    count(*) filter (where l.is_main) as count,
    min(coalesce(l.was_at, l.starts_at)) filter (where l.is_main) as first_at,
    max(coalesce(l.was_at, l.starts_at)) filter (where l.is_main) as last_at,
    (array_agg(l.starts_at order by l.was_at, l.starts_at) filter (where l.is_main))[1] as starts_at,
    (array_agg(l.starts_at order by l.was_at desc, l.starts_at desc) filter (where l.is_main))[1] as last_starts_at,
    (array_agg(l.ends_at order by l.was_at, l.starts_at) filter (where l.is_main and l.has_other_length))[1] as until,
    (array_agg(l.was_until order by l.was_at, l.starts_at) filter (where l.is_main and l.has_other_length))[1] as was_until,
    array(
      select case r.what when 'cancelled' then r.was_room else r.room end
      from lessons as r
      where r.what = (select m.what from main as m)
        and case r.what when 'cancelled' then r.was_room else r.room end is not null
      group by 1
      order by min(coalesce(r.starts_at, r.was_at))
    ) as rooms,
    array(
      select r.was_room
      from lessons as r
      where r.what = (select m.what from main as m)
        and r.was_room <> coalesce(r.room, '')
      group by r.was_room
      order by min(r.was_at)
    ) as was_rooms,
    array(
      select lms_private.local_time(f.was_at, zone)
      from lessons as f
      where f.what = 'cancelled'
      order by f.was_at
    ) as fewer,
    array(
      select lms_private.local_time(f.starts_at, zone)
      from lessons as f
      where f.what = 'added'
      order by f.starts_at
    ) as more,
    min(l.was_at) filter (where l.was_on) as first_before,
    min(l.starts_at) filter (where l.is_on and l.starts_at > now()) as first_after
  into change
  from (
    select
      l.*,
      coalesce(l.what = (select m.what from main as m), false) as is_main,
      coalesce(l.ends_at - l.starts_at <> l.was_until - l.was_at, false) as has_other_length
    from lessons as l
  ) as l;
  if change.what is null and fresh.student_ids = former.student_ids then
    return;
  end if;

  select jsonb_strip_nulls(jsonb_build_object(
    'lesson', coalesce(fresh.subject, t.name),
    'subject', fresh.subject,
    'tutor', t.name,
    'was_tutor', w.name,
    'centre', c.name,
    -- Lessons in several rooms name them.
    'room', case
      when change.what is null then fresh.room
      else nullif(
        array_to_string((change.rooms)[:max_named], ', ') || case when cardinality(change.rooms) > max_named then ' …' else '' end,
        ''
      )
    end,
    'was_room', nullif(
      array_to_string((change.was_rooms)[:max_named], ', ') || case when cardinality(change.was_rooms) > max_named then ' …' else '' end,
      ''
    ),
    'count', change.count,
    'first_at', lms_private.local_time(change.first_at, zone),
    'was_at', lms_private.local_time(change.first_at, zone),
    'starts_at', lms_private.local_time(case when change.what = 'moved' then change.starts_at else change.first_at end, zone),
    'was_last_at', lms_private.local_time(change.last_at, zone),
    'last_at', lms_private.local_time(case when change.what = 'moved' then change.last_starts_at else change.last_at end, zone),
    'until', lms_private.local_time(change.until, zone),
    'was_until', lms_private.local_time(change.was_until, zone),
    'fewer', lms_private.some_of(change.fewer, max_named),
    'more', lms_private.some_of(change.more, max_named)
  ))
  into words
  from lms.tutors as t
  join lms.centres as c
    on c.tenant_id = t.tenant_id
    and c.id = fresh.centre_id
  left join lms.tutors as w
    on w.tenant_id = t.tenant_id
    and w.id = former.tutor_id
    and w.id <> fresh.tutor_id
  where t.tenant_id = fresh.tenant_id
    and t.id = fresh.tutor_id;

  for one in
    with learners as materialized (
      select
        s.id,
        s.user_id,
        u.name,
        s.deleted_at is null as is_there,
        former.student_ids ? s.id::text as was_in,
        fresh.student_ids ? s.id::text as is_in
      from lms.students as s
      join lms.users as u
        on u.tenant_id = s.tenant_id
        and u.id = s.user_id
      where s.tenant_id = fresh.tenant_id
        and s.id in (select i.id::uuid from jsonb_array_elements_text(former.student_ids || fresh.student_ids) as i (id))
    ), told as (
      -- To a student nobody's but the own, to a parent the children's, to a tutor the students' if they are few.
      select l.user_id, l.name, l.was_in, l.is_in, true as is_self, false as is_tutor
      from learners as l
      where l.is_there
      union all
      select g.user_id, l.name, l.was_in, l.is_in, false, false
      from learners as l
      join lms.guardians as g
        on g.tenant_id = fresh.tenant_id
        and g.student_id = l.id
        and g.deleted_at is null
      where l.is_there
      union all
      select t.user_id, l.name, l.was_in, l.is_in, false, true
      from lms.tutors as t
      left join learners as l
        on true
      where t.tenant_id = fresh.tenant_id
        and t.id in (former.tutor_id, fresh.tutor_id)
        and t.deleted_at is null
    )
    select
      t.user_id,
      bool_or(t.is_tutor or t.was_in and t.is_in) as is_of_lessons,
      bool_or(t.is_tutor) as is_tutor,
      array(
        select distinct s.name
        from told as s
        where s.user_id = t.user_id
          and s.was_in
          and s.is_in
          and not s.is_self
        order by s.name
      ) as students,
      array(
        select distinct s.name
        from told as s
        where s.user_id = t.user_id
          and s.is_in
          and not s.was_in
          and change.first_after is not null
        order by s.name
      ) as joined,
      array(
        select distinct s.name
        from told as s
        where s.user_id = t.user_id
          and s.was_in
          and not s.is_in
          and change.first_before is not null
        order by s.name
      ) as gone
    from told as t
    where t.user_id is distinct from actor
    group by t.user_id
    order by t.user_id
  loop
    if change.what is not null and one.is_of_lessons then
      told_key := case when change.count > 1 then 'lessons_' else 'lesson_' end || change.what;
    elsif one.joined <> '{}' or one.gone <> '{}' then
      told_key := 'class_students_changed';
    else
      continue;
    end if;
    -- As much as the event has room for.
    perform lms_private.notify(
      fresh.tenant_id,
      one.user_id,
      told_key,
      (
        select jsonb_object_agg(v.name, v.value)
        from jsonb_each(jsonb_strip_nulls(
          words
          || jsonb_build_object(
            'students', case
              when one.students <> '{}' and not (one.is_tutor and cardinality(one.students) > max_named) then to_jsonb(one.students)
            end,
            'joined', lms_private.some_of(one.joined, case when one.is_tutor then max_named else 200 end),
            'left', lms_private.some_of(one.gone, case when one.is_tutor then max_named else 200 end)
          )
          || case told_key
            when 'class_students_changed' then jsonb_build_object(
              'first_at', lms_private.local_time(
                least(
                  case when one.joined <> '{}' then change.first_after end,
                  case when one.gone <> '{}' then change.first_before end
                ),
                zone
              ),
              'room', fresh.room
            )
            else '{}'
          end
        )) as v (name, value)
        join lms_private.notification_events as e
          on e.key = told_key
          and v.name = any (e.placeholders)
          -- What the message is about anyway is not said twice.
          and v.name is distinct from case change.what when 'cancelled' then 'fewer' when 'added' then 'more' end
      )
    );
  end loop;
end
$$;

comment on function lms_private.tell_of_class is
  'Tells students, their guardians and the tutors, former ones too, of what a change of a class did to its lessons ahead and to who is in it: each person once, and not who did it. Lessons are compared with those that were noted before.';

alter function lms_private.tell_of_class owner to lms_definer;

create function lms_private.tell_of_classes() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  notes constant jsonb := nullif(current_setting('app.lessons_before', true), '');
  change record;
begin
  perform set_config('app.lessons_before', '', true);
  if notes is null then
    return null;
  end if;
  for change in
    select row(o.*)::lms.classes as former, row(n.*)::lms.classes as fresh, notes -> n.id::text as lessons
    from new_rows as n
    join old_rows as o
      on o.tenant_id = n.tenant_id
      and o.id = n.id
    where notes ? n.id::text
    order by n.tenant_id, n.id
  loop
    perform lms_private.tell_of_class(change.former, change.fresh, change.lessons);
  end loop;
  return null;
end
$$;

comment on function lms_private.tell_of_classes is 'Tells of classes that were changed, when their lessons are planned anew.';

alter function lms_private.tell_of_classes owner to lms_definer;

-- Before and behind then_replan, in the order of the alphabet.
create trigger then_note_lessons
after update on lms.classes
referencing old table as old_rows new table as new_rows
for each statement
when (not lms_private.is_erasing())
execute function lms_private.note_lessons();

create trigger then_tell_of_classes
after update on lms.classes
referencing old table as old_rows new table as new_rows
for each statement
when (not lms_private.is_erasing())
execute function lms_private.tell_of_classes();

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
  -- A class tells of its changes to its own lessons itself.
  if nullif(current_setting('app.lessons_before', true), '') is not null then
    return null;
  end if;
  for one in
    with changed as materialized (
      select
        n.*,
        o.starts_at as was_at,
        case when n.ends_at - n.starts_at <> o.ends_at - o.starts_at then o.ends_at end as was_until,
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
          and (n.starts_at, n.ends_at, n.room, n.tutor_id) is distinct from (o.starts_at, o.ends_at, o.room, o.tutor_id)
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
      min(c.was_until) as was_until,
      min(c.ends_at) filter (where c.was_until is not null) as until,
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
          else jsonb_build_object(
            'was_room', one.was_room,
            'was_tutor', one.was_tutor,
            'until', lms_private.local_time(one.until, one.zone),
            'was_until', lms_private.local_time(one.was_until, one.zone)
          )
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
  'Tells students, their guardians and the tutors, former ones too, of lessons ahead that were cancelled, moved, or have another end, room or tutor; not who did it, and each person once.';

grant execute on function lms_private.some_of to lms_definer;

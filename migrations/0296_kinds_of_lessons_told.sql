-- Kinds of message for lessons that change through their class, and their words in every language.
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

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
set placeholders = e.placeholders || '{until,was_until,fewer,fewer_count}'
where e.key in ('lesson_moved', 'lessons_moved', 'lesson_changed', 'lessons_changed');

update lms_private.notification_events as e
set placeholders = e.placeholders || '{more,more_count}'
where e.key in ('lesson_moved', 'lessons_moved', 'lesson_changed', 'lessons_changed', 'lesson_cancelled', 'lessons_cancelled');

update lms_private.notification_events as e
set placeholders = e.placeholders || '{joined,joined_count,left,left_count}'
where e.key ~ '^lessons?_'
  or e.key = 'class_students_changed';

update lms_private.notification_events as e
set
  optional = array(
    select p.name
    from unnest(e.placeholders) as p (name)
    where p.name in (
      'students', 'subject', 'room', 'was_room', 'was_tutor', 'reason', 'until', 'was_until',
      'fewer', 'fewer_count', 'more', 'more_count', 'joined', 'joined_count', 'left', 'left_count'
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
    'class_students_changed', 'de', 'Wechsel in einer Klasse{{#subject}}: {{subject}}{{/subject}}',
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
      (2, 'fewer_count', 'en', '{{#fewer_count}} {{fewer_count}} lessons no longer take place.{{/fewer_count}}'),
      (2, 'fewer_count', 'de', '{{#fewer_count}} {{fewer_count}} Stunden entfallen.{{/fewer_count}}'),
      (2, 'fewer_count', 'es', '{{#fewer_count}} Ya no se dan {{fewer_count}} clases.{{/fewer_count}}'),
      (3, 'more', 'en', '{{#more}} Added: {{more}}.{{/more}}'),
      (3, 'more', 'de', '{{#more}} Hinzu kommen: {{more}}.{{/more}}'),
      (3, 'more', 'es', '{{#more}} Se añaden: {{more}}.{{/more}}'),
      (4, 'more_count', 'en', '{{#more_count}} {{more_count}} lessons are added.{{/more_count}}'),
      (4, 'more_count', 'de', '{{#more_count}} {{more_count}} Stunden kommen hinzu.{{/more_count}}'),
      (4, 'more_count', 'es', '{{#more_count}} Se añaden {{more_count}} clases.{{/more_count}}'),
      (5, 'joined', 'en', '{{#joined}} New to the class: {{joined}}.{{/joined}}'),
      (5, 'joined', 'de', '{{#joined}} Neu in der Klasse: {{joined}}.{{/joined}}'),
      (5, 'joined', 'es', '{{#joined}} Altas en la clase: {{joined}}.{{/joined}}'),
      (6, 'joined_count', 'en', '{{#joined_count}} {{joined_count}} students are new to the class.{{/joined_count}}'),
      (6, 'joined_count', 'de', '{{#joined_count}} {{joined_count}} Lernende sind neu in der Klasse.{{/joined_count}}'),
      (6, 'joined_count', 'es', '{{#joined_count}} Altas en la clase: {{joined_count}} alumnos.{{/joined_count}}'),
      (7, 'left', 'en', '{{#left}} No longer in the class: {{left}}.{{/left}}'),
      (7, 'left', 'de', '{{#left}} Nicht mehr in der Klasse: {{left}}.{{/left}}'),
      (7, 'left', 'es', '{{#left}} Bajas en la clase: {{left}}.{{/left}}'),
      (8, 'left_count', 'en', '{{#left_count}} {{left_count}} students are no longer in the class.{{/left_count}}'),
      (8, 'left_count', 'de', '{{#left_count}} {{left_count}} Lernende sind nicht mehr in der Klasse.{{/left_count}}'),
      (8, 'left_count', 'es', '{{#left_count}} Bajas en la clase: {{left_count}} alumnos.{{/left_count}}')
  ) as f (place, name, language, words)
  where f.language = w.language
    and f.name = any (e.placeholders)
)
from lms_private.notification_events as e
where e.key = w.key
  and (e.key ~ '^lessons?_' or e.key = 'class_students_changed')
  and w.language in ('en', 'de', 'es');

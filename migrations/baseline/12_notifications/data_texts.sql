-- The default texts of notifications in each language.

insert into lms_private.notification_texts (key, language, subject, message)
values
  ('announcement', 'en', '{{title}}', 'Hello {{name}}, {{text}} – {{tenant}}'),
  ('announcement', 'de', '{{title}}', 'Guten Tag {{name}}, {{text}} – {{tenant}}'),
  ('announcement', 'es', '{{title}}', 'Hola, {{name}}: {{text}} – {{tenant}}'),
  (
    'class_students_changed', 'en', 'Students of a class changed{{#subject}}: {{subject}}{{/subject}}',
    'Hello {{name}}, the students of the {{#subject}}{{subject}} {{/subject}}class with {{tutor}} at {{centre}}{{#room}} (room: {{room}}){{/room}} change from the lesson on {{first_at}} on.{{#joined}} New to the class: {{joined}}.{{/joined}}{{#joined_count}} {{joined_count}} students are new to the class.{{/joined_count}}{{#left}} No longer in the class: {{left}}.{{/left}}{{#left_count}} {{left_count}} students are no longer in the class.{{/left_count}}'
  ),
  (
    'class_students_changed', 'de', 'Wechsel in einer Klasse{{#subject}}: {{subject}}{{/subject}}',
    'Guten Tag {{name}}, in den Stunden{{#subject}} {{subject}}{{/subject}} mit {{tutor}}, {{centre}}{{#room}} (Raum: {{room}}){{/room}}, gibt es ab dem {{first_at}} einen Wechsel.{{#joined}} Neu in der Klasse: {{joined}}.{{/joined}}{{#joined_count}} {{joined_count}} Lernende sind neu in der Klasse.{{/joined_count}}{{#left}} Nicht mehr in der Klasse: {{left}}.{{/left}}{{#left_count}} {{left_count}} Lernende sind nicht mehr in der Klasse.{{/left_count}}'
  ),
  (
    'class_students_changed', 'es', 'Cambio de alumnos{{#subject}}: {{subject}}{{/subject}}',
    'Hola, {{name}}: en la clase{{#subject}} de {{subject}}{{/subject}} con {{tutor}} en {{centre}}{{#room}} (aula: {{room}}){{/room}} cambian los alumnos a partir del {{first_at}}.{{#joined}} Altas en la clase: {{joined}}.{{/joined}}{{#joined_count}} Altas en la clase: {{joined_count}} alumnos.{{/joined_count}}{{#left}} Bajas en la clase: {{left}}.{{/left}}{{#left_count}} Bajas en la clase: {{left_count}} alumnos.{{/left_count}}'
  ),
  (
    'email_change', 'en', 'Confirm your e-mail address',
    'To use this e-mail address for your account, confirm it with this code within {{hours}} hours: {{token}}. If you did not request this, ignore this message.'
  ),
  (
    'email_change', 'de', 'E-Mail-Adresse bestätigen',
    'Damit diese E-Mail-Adresse für Ihr Konto gilt, bestätigen Sie sie innerhalb von {{hours}} Stunden mit diesem Code: {{token}}. Wenn Sie davon nichts wissen, beachten Sie diese Nachricht nicht.'
  ),
  (
    'email_change', 'es', 'Confirme su correo electrónico',
    'Para usar esta dirección en su cuenta, confírmela antes de {{hours}} horas con este código: {{token}}. Si no sabe de qué se trata, no haga caso de este mensaje.'
  ),
  (
    'email_change_asked', 'en', 'A change of your e-mail address was requested',
    'Hello {{name}}, another e-mail address was requested for your account at {{tenant}}. It will replace this one as soon as it is confirmed. If you did not expect this, contact {{tenant}} now.'
  ),
  (
    'email_change_asked', 'de', 'Ihre E-Mail-Adresse soll geändert werden',
    'Guten Tag {{name}}, für Ihr Konto bei {{tenant}} wurde eine andere E-Mail-Adresse verlangt. Sie tritt an die Stelle dieser Adresse, sobald sie bestätigt ist. Wenn das nicht stimmt, wenden Sie sich gleich an {{tenant}}.'
  ),
  (
    'email_change_asked', 'es', 'Se ha pedido cambiar su correo electrónico',
    'Hola, {{name}}: se ha pedido otra dirección de correo para su cuenta en {{tenant}}. Sustituirá a esta en cuanto se confirme. Si no es correcto, avise ahora a {{tenant}}.'
  ),
  (
    'email_changed', 'en', 'Your e-mail address was changed',
    'Hello {{name}}, the e-mail address of your account at {{tenant}} was changed; this message goes to the former address. You have been signed out everywhere. If you did not expect this, contact {{tenant}} now.'
  ),
  (
    'email_changed', 'de', 'Ihre E-Mail-Adresse wurde geändert',
    'Guten Tag {{name}}, die E-Mail-Adresse Ihres Kontos bei {{tenant}} wurde geändert; diese Nachricht geht an die bisherige. Sie wurden überall abgemeldet. Wenn das nicht stimmt, wenden Sie sich gleich an {{tenant}}.'
  ),
  (
    'email_changed', 'es', 'Su correo electrónico ha cambiado',
    'Hola, {{name}}: la dirección de correo de su cuenta en {{tenant}} ha cambiado; este mensaje va a la anterior. Se han cerrado todas sus sesiones. Si no es correcto, avise ahora a {{tenant}}.'
  ),
  (
    'lesson_added', 'en', 'Lesson added{{#subject}}: {{subject}}{{/subject}}',
    'Hello {{name}}, a lesson{{#subject}} in {{subject}}{{/subject}}{{#students}} for {{students}}{{/students}} with {{tutor}} at {{centre}}{{#room}} (room: {{room}}){{/room}} has been added, on {{starts_at}}.{{#joined}} New to the class: {{joined}}.{{/joined}}{{#joined_count}} {{joined_count}} students are new to the class.{{/joined_count}}{{#left}} No longer in the class: {{left}}.{{/left}}{{#left_count}} {{left_count}} students are no longer in the class.{{/left_count}}'
  ),
  (
    'lesson_added', 'de', 'Weitere Stunde{{#subject}}: {{subject}}{{/subject}}',
    'Guten Tag {{name}}, eine weitere Stunde{{#subject}} {{subject}}{{/subject}}{{#students}} von {{students}}{{/students}} mit {{tutor}}, {{centre}}{{#room}} (Raum: {{room}}){{/room}}, findet am {{starts_at}} statt.{{#joined}} Neu in der Klasse: {{joined}}.{{/joined}}{{#joined_count}} {{joined_count}} Lernende sind neu in der Klasse.{{/joined_count}}{{#left}} Nicht mehr in der Klasse: {{left}}.{{/left}}{{#left_count}} {{left_count}} Lernende sind nicht mehr in der Klasse.{{/left_count}}'
  ),
  (
    'lesson_added', 'es', 'Una clase más{{#subject}}: {{subject}}{{/subject}}',
    'Hola, {{name}}: hay una clase más{{#subject}} de {{subject}}{{/subject}}{{#students}} para {{students}}{{/students}} con {{tutor}} en {{centre}}{{#room}} (aula: {{room}}){{/room}}, el {{starts_at}}.{{#joined}} Altas en la clase: {{joined}}.{{/joined}}{{#joined_count}} Altas en la clase: {{joined_count}} alumnos.{{/joined_count}}{{#left}} Bajas en la clase: {{left}}.{{/left}}{{#left_count}} Bajas en la clase: {{left_count}} alumnos.{{/left_count}}'
  ),
  (
    'lesson_cancelled', 'en', 'Lesson cancelled{{#subject}}: {{subject}}{{/subject}}',
    'Hello {{name}}, the {{#subject}}{{subject}} {{/subject}}lesson{{#students}} of {{students}}{{/students}} with {{tutor}} at {{centre}}{{#room}} (room: {{room}}){{/room}} on {{starts_at}} is cancelled.{{#reason}} Reason: {{reason}}{{/reason}}{{#more}} Added: {{more}}.{{/more}}{{#more_count}} {{more_count}} lessons are added.{{/more_count}}{{#joined}} New to the class: {{joined}}.{{/joined}}{{#joined_count}} {{joined_count}} students are new to the class.{{/joined_count}}{{#left}} No longer in the class: {{left}}.{{/left}}{{#left_count}} {{left_count}} students are no longer in the class.{{/left_count}}'
  ),
  (
    'lesson_cancelled', 'de', 'Stunde entfällt{{#subject}}: {{subject}}{{/subject}}',
    'Guten Tag {{name}}, die Stunde{{#subject}} {{subject}}{{/subject}}{{#students}} von {{students}}{{/students}} mit {{tutor}}, {{centre}}{{#room}} (Raum: {{room}}){{/room}}, am {{starts_at}} entfällt.{{#reason}} Grund: {{reason}}{{/reason}}{{#more}} Hinzu kommen: {{more}}.{{/more}}{{#more_count}} {{more_count}} Stunden kommen hinzu.{{/more_count}}{{#joined}} Neu in der Klasse: {{joined}}.{{/joined}}{{#joined_count}} {{joined_count}} Lernende sind neu in der Klasse.{{/joined_count}}{{#left}} Nicht mehr in der Klasse: {{left}}.{{/left}}{{#left_count}} {{left_count}} Lernende sind nicht mehr in der Klasse.{{/left_count}}'
  ),
  (
    'lesson_cancelled', 'es', 'Clase cancelada{{#subject}}: {{subject}}{{/subject}}',
    'Hola, {{name}}: la clase{{#subject}} de {{subject}}{{/subject}}{{#students}} para {{students}}{{/students}} con {{tutor}} en {{centre}}{{#room}} (aula: {{room}}){{/room}} del {{starts_at}} se cancela.{{#reason}} Motivo: {{reason}}{{/reason}}{{#more}} Se añaden: {{more}}.{{/more}}{{#more_count}} Se añaden {{more_count}} clases.{{/more_count}}{{#joined}} Altas en la clase: {{joined}}.{{/joined}}{{#joined_count}} Altas en la clase: {{joined_count}} alumnos.{{/joined_count}}{{#left}} Bajas en la clase: {{left}}.{{/left}}{{#left_count}} Bajas en la clase: {{left_count}} alumnos.{{/left_count}}'
  ),
  (
    'lesson_changed', 'en', 'Lesson changed{{#subject}}: {{subject}}{{/subject}}',
    'Hello {{name}}, the {{#subject}}{{subject}} {{/subject}}lesson{{#students}} of {{students}}{{/students}} at {{centre}} on {{starts_at}} has changed. It is with {{tutor}}{{#was_tutor}} (before: {{was_tutor}}){{/was_tutor}}{{#room}}, in the room {{room}}{{/room}}{{^room}}, without a room{{/room}}{{#was_room}} (before: {{was_room}}){{/was_room}}.{{#until}} It ends at {{until}} (before: {{was_until}}).{{/until}}{{#reason}} Reason: {{reason}}{{/reason}}{{#fewer}} No longer taking place: {{fewer}}.{{/fewer}}{{#fewer_count}} {{fewer_count}} lessons no longer take place.{{/fewer_count}}{{#more}} Added: {{more}}.{{/more}}{{#more_count}} {{more_count}} lessons are added.{{/more_count}}{{#joined}} New to the class: {{joined}}.{{/joined}}{{#joined_count}} {{joined_count}} students are new to the class.{{/joined_count}}{{#left}} No longer in the class: {{left}}.{{/left}}{{#left_count}} {{left_count}} students are no longer in the class.{{/left_count}}'
  ),
  (
    'lesson_changed', 'de', 'Stunde geändert{{#subject}}: {{subject}}{{/subject}}',
    'Guten Tag {{name}}, die Stunde{{#subject}} {{subject}}{{/subject}}{{#students}} von {{students}}{{/students}} ({{centre}}) am {{starts_at}} hat sich geändert. Sie findet mit {{tutor}}{{#was_tutor}} (bisher: {{was_tutor}}){{/was_tutor}} statt{{#room}}, Raum: {{room}}{{/room}}{{^room}}, ohne Raum{{/room}}{{#was_room}} (bisher: {{was_room}}){{/was_room}}.{{#until}} Ende: {{until}} (bisher: {{was_until}}).{{/until}}{{#reason}} Grund: {{reason}}{{/reason}}{{#fewer}} Es entfallen: {{fewer}}.{{/fewer}}{{#fewer_count}} {{fewer_count}} Stunden entfallen.{{/fewer_count}}{{#more}} Hinzu kommen: {{more}}.{{/more}}{{#more_count}} {{more_count}} Stunden kommen hinzu.{{/more_count}}{{#joined}} Neu in der Klasse: {{joined}}.{{/joined}}{{#joined_count}} {{joined_count}} Lernende sind neu in der Klasse.{{/joined_count}}{{#left}} Nicht mehr in der Klasse: {{left}}.{{/left}}{{#left_count}} {{left_count}} Lernende sind nicht mehr in der Klasse.{{/left_count}}'
  ),
  (
    'lesson_changed', 'es', 'Cambio de clase{{#subject}}: {{subject}}{{/subject}}',
    'Hola, {{name}}: la clase{{#subject}} de {{subject}}{{/subject}}{{#students}} para {{students}}{{/students}} en {{centre}} del {{starts_at}} ha cambiado. Es con {{tutor}}{{#was_tutor}} (antes: {{was_tutor}}){{/was_tutor}}{{#room}}, aula: {{room}}{{/room}}{{^room}}, sin aula{{/room}}{{#was_room}} (antes: {{was_room}}){{/was_room}}.{{#until}} Termina el {{until}} (antes: {{was_until}}).{{/until}}{{#reason}} Motivo: {{reason}}{{/reason}}{{#fewer}} Ya no se dan: {{fewer}}.{{/fewer}}{{#fewer_count}} Ya no se dan {{fewer_count}} clases.{{/fewer_count}}{{#more}} Se añaden: {{more}}.{{/more}}{{#more_count}} Se añaden {{more_count}} clases.{{/more_count}}{{#joined}} Altas en la clase: {{joined}}.{{/joined}}{{#joined_count}} Altas en la clase: {{joined_count}} alumnos.{{/joined_count}}{{#left}} Bajas en la clase: {{left}}.{{/left}}{{#left_count}} Bajas en la clase: {{left_count}} alumnos.{{/left_count}}'
  ),
  (
    'lesson_moved', 'en', 'Lesson moved{{#subject}}: {{subject}}{{/subject}}',
    'Hello {{name}}, the {{#subject}}{{subject}} {{/subject}}lesson{{#students}} of {{students}}{{/students}} with {{tutor}} at {{centre}}{{#room}} (room: {{room}}){{/room}} moves from {{was_at}} to {{starts_at}}.{{#was_room}} The room was {{was_room}}.{{/was_room}}{{#was_tutor}} The tutor was {{was_tutor}}.{{/was_tutor}}{{#until}} It ends at {{until}} (before: {{was_until}}).{{/until}}{{#reason}} Reason: {{reason}}{{/reason}}{{#fewer}} No longer taking place: {{fewer}}.{{/fewer}}{{#fewer_count}} {{fewer_count}} lessons no longer take place.{{/fewer_count}}{{#more}} Added: {{more}}.{{/more}}{{#more_count}} {{more_count}} lessons are added.{{/more_count}}{{#joined}} New to the class: {{joined}}.{{/joined}}{{#joined_count}} {{joined_count}} students are new to the class.{{/joined_count}}{{#left}} No longer in the class: {{left}}.{{/left}}{{#left_count}} {{left_count}} students are no longer in the class.{{/left_count}}'
  ),
  (
    'lesson_moved', 'de', 'Stunde verlegt{{#subject}}: {{subject}}{{/subject}}',
    'Guten Tag {{name}}, die Stunde{{#subject}} {{subject}}{{/subject}}{{#students}} von {{students}}{{/students}} mit {{tutor}}, {{centre}}{{#room}} (Raum: {{room}}){{/room}}, wird vom {{was_at}} auf den {{starts_at}} verlegt.{{#was_room}} Der Raum war {{was_room}}.{{/was_room}}{{#was_tutor}} Bisher: {{was_tutor}}.{{/was_tutor}}{{#until}} Ende: {{until}} (bisher: {{was_until}}).{{/until}}{{#reason}} Grund: {{reason}}{{/reason}}{{#fewer}} Es entfallen: {{fewer}}.{{/fewer}}{{#fewer_count}} {{fewer_count}} Stunden entfallen.{{/fewer_count}}{{#more}} Hinzu kommen: {{more}}.{{/more}}{{#more_count}} {{more_count}} Stunden kommen hinzu.{{/more_count}}{{#joined}} Neu in der Klasse: {{joined}}.{{/joined}}{{#joined_count}} {{joined_count}} Lernende sind neu in der Klasse.{{/joined_count}}{{#left}} Nicht mehr in der Klasse: {{left}}.{{/left}}{{#left_count}} {{left_count}} Lernende sind nicht mehr in der Klasse.{{/left_count}}'
  ),
  (
    'lesson_moved', 'es', 'Clase aplazada{{#subject}}: {{subject}}{{/subject}}',
    'Hola, {{name}}: la clase{{#subject}} de {{subject}}{{/subject}}{{#students}} para {{students}}{{/students}} con {{tutor}} en {{centre}}{{#room}} (aula: {{room}}){{/room}} pasa del {{was_at}} al {{starts_at}}.{{#was_room}} Antes era en el aula {{was_room}}.{{/was_room}}{{#was_tutor}} Antes era con {{was_tutor}}.{{/was_tutor}}{{#until}} Termina el {{until}} (antes: {{was_until}}).{{/until}}{{#reason}} Motivo: {{reason}}{{/reason}}{{#fewer}} Ya no se dan: {{fewer}}.{{/fewer}}{{#fewer_count}} Ya no se dan {{fewer_count}} clases.{{/fewer_count}}{{#more}} Se añaden: {{more}}.{{/more}}{{#more_count}} Se añaden {{more_count}} clases.{{/more_count}}{{#joined}} Altas en la clase: {{joined}}.{{/joined}}{{#joined_count}} Altas en la clase: {{joined_count}} alumnos.{{/joined_count}}{{#left}} Bajas en la clase: {{left}}.{{/left}}{{#left_count}} Bajas en la clase: {{left_count}} alumnos.{{/left_count}}'
  ),
  (
    'lessons_added', 'en', '{{count}} lessons added{{#subject}}: {{subject}}{{/subject}}',
    'Hello {{name}}, {{count}} lessons{{#subject}} in {{subject}}{{/subject}}{{#students}} for {{students}}{{/students}} with {{tutor}} at {{centre}}{{#room}} (room: {{room}}){{/room}} have been added, from {{first_at}} to {{last_at}}.{{#joined}} New to the class: {{joined}}.{{/joined}}{{#joined_count}} {{joined_count}} students are new to the class.{{/joined_count}}{{#left}} No longer in the class: {{left}}.{{/left}}{{#left_count}} {{left_count}} students are no longer in the class.{{/left_count}}'
  ),
  (
    'lessons_added', 'de', '{{count}} weitere Stunden{{#subject}}: {{subject}}{{/subject}}',
    'Guten Tag {{name}}, {{count}} weitere Stunden{{#subject}} {{subject}}{{/subject}}{{#students}} von {{students}}{{/students}} mit {{tutor}}, {{centre}}{{#room}} (Raum: {{room}}){{/room}}, finden statt: vom {{first_at}} bis zum {{last_at}}.{{#joined}} Neu in der Klasse: {{joined}}.{{/joined}}{{#joined_count}} {{joined_count}} Lernende sind neu in der Klasse.{{/joined_count}}{{#left}} Nicht mehr in der Klasse: {{left}}.{{/left}}{{#left_count}} {{left_count}} Lernende sind nicht mehr in der Klasse.{{/left_count}}'
  ),
  (
    'lessons_added', 'es', '{{count}} clases más{{#subject}}: {{subject}}{{/subject}}',
    'Hola, {{name}}: hay {{count}} clases más{{#subject}} de {{subject}}{{/subject}}{{#students}} para {{students}}{{/students}} con {{tutor}} en {{centre}}{{#room}} (aula: {{room}}){{/room}}, del {{first_at}} al {{last_at}}.{{#joined}} Altas en la clase: {{joined}}.{{/joined}}{{#joined_count}} Altas en la clase: {{joined_count}} alumnos.{{/joined_count}}{{#left}} Bajas en la clase: {{left}}.{{/left}}{{#left_count}} Bajas en la clase: {{left_count}} alumnos.{{/left_count}}'
  ),
  (
    'lessons_cancelled', 'en', '{{count}} lessons cancelled{{#subject}}: {{subject}}{{/subject}}',
    'Hello {{name}}, {{count}} lessons{{#subject}} in {{subject}}{{/subject}}{{#students}} for {{students}}{{/students}} with {{tutor}} at {{centre}}{{#room}} (room: {{room}}){{/room}}, from {{first_at}} to {{last_at}}, are cancelled.{{#reason}} Reason: {{reason}}{{/reason}}{{#more}} Added: {{more}}.{{/more}}{{#more_count}} {{more_count}} lessons are added.{{/more_count}}{{#joined}} New to the class: {{joined}}.{{/joined}}{{#joined_count}} {{joined_count}} students are new to the class.{{/joined_count}}{{#left}} No longer in the class: {{left}}.{{/left}}{{#left_count}} {{left_count}} students are no longer in the class.{{/left_count}}'
  ),
  (
    'lessons_cancelled', 'de', '{{count}} Stunden entfallen{{#subject}}: {{subject}}{{/subject}}',
    'Guten Tag {{name}}, {{count}} Stunden{{#subject}} {{subject}}{{/subject}}{{#students}} von {{students}}{{/students}} mit {{tutor}}, {{centre}}{{#room}} (Raum: {{room}}){{/room}}, vom {{first_at}} bis zum {{last_at}} entfallen.{{#reason}} Grund: {{reason}}{{/reason}}{{#more}} Hinzu kommen: {{more}}.{{/more}}{{#more_count}} {{more_count}} Stunden kommen hinzu.{{/more_count}}{{#joined}} Neu in der Klasse: {{joined}}.{{/joined}}{{#joined_count}} {{joined_count}} Lernende sind neu in der Klasse.{{/joined_count}}{{#left}} Nicht mehr in der Klasse: {{left}}.{{/left}}{{#left_count}} {{left_count}} Lernende sind nicht mehr in der Klasse.{{/left_count}}'
  ),
  (
    'lessons_cancelled', 'es', '{{count}} clases canceladas{{#subject}}: {{subject}}{{/subject}}',
    'Hola, {{name}}: {{count}} clases{{#subject}} de {{subject}}{{/subject}}{{#students}} para {{students}}{{/students}} con {{tutor}} en {{centre}}{{#room}} (aula: {{room}}){{/room}}, del {{first_at}} al {{last_at}}, se cancelan.{{#reason}} Motivo: {{reason}}{{/reason}}{{#more}} Se añaden: {{more}}.{{/more}}{{#more_count}} Se añaden {{more_count}} clases.{{/more_count}}{{#joined}} Altas en la clase: {{joined}}.{{/joined}}{{#joined_count}} Altas en la clase: {{joined_count}} alumnos.{{/joined_count}}{{#left}} Bajas en la clase: {{left}}.{{/left}}{{#left_count}} Bajas en la clase: {{left_count}} alumnos.{{/left_count}}'
  ),
  (
    'lessons_changed', 'en', '{{count}} lessons changed{{#subject}}: {{subject}}{{/subject}}',
    'Hello {{name}}, {{count}} lessons{{#subject}} in {{subject}}{{/subject}}{{#students}} for {{students}}{{/students}} at {{centre}}, from {{first_at}} to {{last_at}}, have changed. They are with {{tutor}}{{#was_tutor}} (before: {{was_tutor}}){{/was_tutor}}{{#room}}, in the room {{room}}{{/room}}{{^room}}, without a room{{/room}}{{#was_room}} (before: {{was_room}}){{/was_room}}.{{#until}} The first ends at {{until}} (before: {{was_until}}).{{/until}}{{#reason}} Reason: {{reason}}{{/reason}}{{#fewer}} No longer taking place: {{fewer}}.{{/fewer}}{{#fewer_count}} {{fewer_count}} lessons no longer take place.{{/fewer_count}}{{#more}} Added: {{more}}.{{/more}}{{#more_count}} {{more_count}} lessons are added.{{/more_count}}{{#joined}} New to the class: {{joined}}.{{/joined}}{{#joined_count}} {{joined_count}} students are new to the class.{{/joined_count}}{{#left}} No longer in the class: {{left}}.{{/left}}{{#left_count}} {{left_count}} students are no longer in the class.{{/left_count}}'
  ),
  (
    'lessons_changed', 'de', '{{count}} Stunden geändert{{#subject}}: {{subject}}{{/subject}}',
    'Guten Tag {{name}}, {{count}} Stunden{{#subject}} {{subject}}{{/subject}}{{#students}} von {{students}}{{/students}} ({{centre}}) vom {{first_at}} bis zum {{last_at}} haben sich geändert. Sie finden mit {{tutor}}{{#was_tutor}} (bisher: {{was_tutor}}){{/was_tutor}} statt{{#room}}, Raum: {{room}}{{/room}}{{^room}}, ohne Raum{{/room}}{{#was_room}} (bisher: {{was_room}}){{/was_room}}.{{#until}} Die erste endet am {{until}} (bisher: {{was_until}}).{{/until}}{{#reason}} Grund: {{reason}}{{/reason}}{{#fewer}} Es entfallen: {{fewer}}.{{/fewer}}{{#fewer_count}} {{fewer_count}} Stunden entfallen.{{/fewer_count}}{{#more}} Hinzu kommen: {{more}}.{{/more}}{{#more_count}} {{more_count}} Stunden kommen hinzu.{{/more_count}}{{#joined}} Neu in der Klasse: {{joined}}.{{/joined}}{{#joined_count}} {{joined_count}} Lernende sind neu in der Klasse.{{/joined_count}}{{#left}} Nicht mehr in der Klasse: {{left}}.{{/left}}{{#left_count}} {{left_count}} Lernende sind nicht mehr in der Klasse.{{/left_count}}'
  ),
  (
    'lessons_changed', 'es', 'Cambio de {{count}} clases{{#subject}}: {{subject}}{{/subject}}',
    'Hola, {{name}}: {{count}} clases{{#subject}} de {{subject}}{{/subject}}{{#students}} para {{students}}{{/students}} en {{centre}}, del {{first_at}} al {{last_at}}, han cambiado. Son con {{tutor}}{{#was_tutor}} (antes: {{was_tutor}}){{/was_tutor}}{{#room}}, aula: {{room}}{{/room}}{{^room}}, sin aula{{/room}}{{#was_room}} (antes: {{was_room}}){{/was_room}}.{{#until}} La primera termina el {{until}} (antes: {{was_until}}).{{/until}}{{#reason}} Motivo: {{reason}}{{/reason}}{{#fewer}} Ya no se dan: {{fewer}}.{{/fewer}}{{#fewer_count}} Ya no se dan {{fewer_count}} clases.{{/fewer_count}}{{#more}} Se añaden: {{more}}.{{/more}}{{#more_count}} Se añaden {{more_count}} clases.{{/more_count}}{{#joined}} Altas en la clase: {{joined}}.{{/joined}}{{#joined_count}} Altas en la clase: {{joined_count}} alumnos.{{/joined_count}}{{#left}} Bajas en la clase: {{left}}.{{/left}}{{#left_count}} Bajas en la clase: {{left_count}} alumnos.{{/left_count}}'
  ),
  (
    'lessons_moved', 'en', '{{count}} lessons moved{{#subject}}: {{subject}}{{/subject}}',
    'Hello {{name}}, {{count}} lessons{{#subject}} in {{subject}}{{/subject}}{{#students}} for {{students}}{{/students}} with {{tutor}} at {{centre}}{{#room}} (room: {{room}}){{/room}} move: the first from {{was_at}} to {{starts_at}}, the last from {{was_last_at}} to {{last_at}}.{{#was_room}} The room was {{was_room}}.{{/was_room}}{{#was_tutor}} The tutor was {{was_tutor}}.{{/was_tutor}}{{#until}} The first ends at {{until}} (before: {{was_until}}).{{/until}}{{#reason}} Reason: {{reason}}{{/reason}}{{#fewer}} No longer taking place: {{fewer}}.{{/fewer}}{{#fewer_count}} {{fewer_count}} lessons no longer take place.{{/fewer_count}}{{#more}} Added: {{more}}.{{/more}}{{#more_count}} {{more_count}} lessons are added.{{/more_count}}{{#joined}} New to the class: {{joined}}.{{/joined}}{{#joined_count}} {{joined_count}} students are new to the class.{{/joined_count}}{{#left}} No longer in the class: {{left}}.{{/left}}{{#left_count}} {{left_count}} students are no longer in the class.{{/left_count}}'
  ),
  (
    'lessons_moved', 'de', '{{count}} Stunden verlegt{{#subject}}: {{subject}}{{/subject}}',
    'Guten Tag {{name}}, {{count}} Stunden{{#subject}} {{subject}}{{/subject}}{{#students}} von {{students}}{{/students}} mit {{tutor}}, {{centre}}{{#room}} (Raum: {{room}}){{/room}}, werden verlegt: die erste vom {{was_at}} auf den {{starts_at}}, die letzte vom {{was_last_at}} auf den {{last_at}}.{{#was_room}} Der Raum war {{was_room}}.{{/was_room}}{{#was_tutor}} Bisher: {{was_tutor}}.{{/was_tutor}}{{#until}} Die erste endet am {{until}} (bisher: {{was_until}}).{{/until}}{{#reason}} Grund: {{reason}}{{/reason}}{{#fewer}} Es entfallen: {{fewer}}.{{/fewer}}{{#fewer_count}} {{fewer_count}} Stunden entfallen.{{/fewer_count}}{{#more}} Hinzu kommen: {{more}}.{{/more}}{{#more_count}} {{more_count}} Stunden kommen hinzu.{{/more_count}}{{#joined}} Neu in der Klasse: {{joined}}.{{/joined}}{{#joined_count}} {{joined_count}} Lernende sind neu in der Klasse.{{/joined_count}}{{#left}} Nicht mehr in der Klasse: {{left}}.{{/left}}{{#left_count}} {{left_count}} Lernende sind nicht mehr in der Klasse.{{/left_count}}'
  ),
  (
    'lessons_moved', 'es', 'Cambio de horario de {{count}} clases{{#subject}}: {{subject}}{{/subject}}',
    'Hola, {{name}}: {{count}} clases{{#subject}} de {{subject}}{{/subject}}{{#students}} para {{students}}{{/students}} con {{tutor}} en {{centre}}{{#room}} (aula: {{room}}){{/room}} cambian de horario: la primera pasa del {{was_at}} al {{starts_at}}, la última del {{was_last_at}} al {{last_at}}.{{#was_room}} Antes eran en el aula {{was_room}}.{{/was_room}}{{#was_tutor}} Antes eran con {{was_tutor}}.{{/was_tutor}}{{#until}} La primera termina el {{until}} (antes: {{was_until}}).{{/until}}{{#reason}} Motivo: {{reason}}{{/reason}}{{#fewer}} Ya no se dan: {{fewer}}.{{/fewer}}{{#fewer_count}} Ya no se dan {{fewer_count}} clases.{{/fewer_count}}{{#more}} Se añaden: {{more}}.{{/more}}{{#more_count}} Se añaden {{more_count}} clases.{{/more_count}}{{#joined}} Altas en la clase: {{joined}}.{{/joined}}{{#joined_count}} Altas en la clase: {{joined_count}} alumnos.{{/joined_count}}{{#left}} Bajas en la clase: {{left}}.{{/left}}{{#left_count}} Bajas en la clase: {{left_count}} alumnos.{{/left_count}}'
  ),
  (
    'loan_made', 'en', 'Lent to you: {{item}}',
    'Hello {{name}}, {{centre}} has lent you {{quantity}} × {{item}}. Please return by {{due_on}}.'
  ),
  (
    'loan_made', 'de', 'An Sie verliehen: {{item}}',
    'Guten Tag {{name}}, {{centre}} hat Ihnen {{quantity}} × {{item}} geliehen. Bitte bringen Sie es bis zum {{due_on}} zurück.'
  ),
  (
    'loan_made', 'es', 'Préstamo: {{item}}',
    'Hola, {{name}}: {{centre}} le ha prestado {{quantity}} × {{item}}. Devuélvalo, por favor, a más tardar el {{due_on}}.'
  ),
  (
    'loan_overdue', 'en', 'Please return: {{item}}',
    'Hello {{name}}, {{quantity}} × {{item}} from {{centre}} was due back by {{due_on}}. Please return now.'
  ),
  (
    'loan_overdue', 'de', 'Bitte zurückbringen: {{item}}',
    'Guten Tag {{name}}, {{quantity}} × {{item}} von {{centre}} sollte bis zum {{due_on}} zurück sein. Bitte bringen Sie es zurück.'
  ),
  (
    'loan_overdue', 'es', 'Devolución pendiente: {{item}}',
    'Hola, {{name}}: {{quantity}} × {{item}} de {{centre}} tenía que devolverse a más tardar el {{due_on}}. Devuélvalo, por favor.'
  ),
  ('low_stock', 'en', 'Low stock at {{centre}}', 'Hello {{name}}, request {{number}} was opened automatically. {{details}}'),
  (
    'low_stock', 'de', 'Bestand knapp: {{centre}}',
    'Guten Tag {{name}}, die Anfrage {{number}} wurde automatisch gestellt. {{details}}'
  ),
  (
    'low_stock', 'es', 'Pocas existencias en {{centre}}',
    'Hola, {{name}}: la solicitud {{number}} se abrió automáticamente. {{details}}'
  ),
  (
    'password_reset', 'en', 'Reset your password',
    'To choose a new password, use this code within {{minutes}} minutes: {{token}}. If you did not request this, ignore this message.'
  ),
  (
    'password_reset', 'de', 'Neues Passwort',
    'Mit diesem Code können Sie innerhalb von {{minutes}} Minuten ein neues Passwort wählen: {{token}}. Wenn Sie das nicht verlangt haben, beachten Sie diese Nachricht nicht.'
  ),
  (
    'password_reset', 'es', 'Restablecer la contraseña',
    'Para elegir una contraseña nueva, use este código antes de {{minutes}} minutos: {{token}}. Si no lo ha pedido, no haga caso de este mensaje.'
  ),
  (
    'request_assigned', 'en', 'Request {{number}} is assigned to you',
    'Hello {{name}}, request {{number}} at {{centre}} is assigned to you. Priority: {{priority}}, due {{due_at}}. {{details}}'
  ),
  (
    'request_assigned', 'de', 'Anfrage {{number}} für Sie',
    'Guten Tag {{name}}, die Anfrage {{number}} in {{centre}} ist Ihnen zugewiesen. Dringlichkeit: {{priority}}, fällig {{due_at}}. {{details}}'
  ),
  (
    'request_assigned', 'es', 'Solicitud {{number}} para usted',
    'Hola, {{name}}: se le ha asignado la solicitud {{number}} de {{centre}}. Prioridad: {{priority}}, plazo: {{due_at}}. {{details}}'
  ),
  (
    'request_escalated', 'en', 'Request {{number}} is overdue',
    'Hello {{name}}, request {{number}} at {{centre}} was due {{due_at}}. Priority now: {{priority}}. {{details}}'
  ),
  (
    'request_escalated', 'de', 'Anfrage {{number}} ist überfällig',
    'Guten Tag {{name}}, die Anfrage {{number}} in {{centre}} war fällig {{due_at}}. Dringlichkeit jetzt: {{priority}}. {{details}}'
  ),
  (
    'request_escalated', 'es', 'Solicitud {{number}} fuera de plazo',
    'Hola, {{name}}: el plazo de la solicitud {{number}} de {{centre}} era {{due_at}}. Prioridad ahora: {{priority}}. {{details}}'
  ),
  (
    'request_resolved', 'en', 'Request {{number}} is resolved',
    'Hello {{name}}, your request {{number}} at {{centre}} is resolved. {{resolution}} You asked: {{details}}'
  ),
  (
    'request_resolved', 'de', 'Anfrage {{number}} ist erledigt',
    'Guten Tag {{name}}, Ihre Anfrage {{number}} in {{centre}} ist erledigt. {{resolution}} Ihre Anfrage: {{details}}'
  ),
  (
    'request_resolved', 'es', 'Solicitud {{number}} resuelta',
    'Hola, {{name}}: su solicitud {{number}} de {{centre}} está resuelta. {{resolution}} Su solicitud: {{details}}'
  ),
  (
    'webhook_disabled', 'en', 'A webhook was disabled',
    'Hello {{name}}, the webhook {{webhook}} of {{tenant}} was disabled. Reason: {{reason}}. When the endpoint works again, enable the webhook; delivery then continues where it stopped.'
  ),
  (
    'webhook_disabled', 'de', 'Ein Webhook wurde abgeschaltet',
    'Guten Tag {{name}}, der Webhook {{webhook}} von {{tenant}} wurde abgeschaltet. Grund: {{reason}}. Wenn er wieder arbeitet, schalten Sie ihn ein: Dann geht es dort weiter, wo es aufgehört hat.'
  ),
  (
    'webhook_disabled', 'es', 'Un webhook se ha desactivado',
    'Hola, {{name}}: el webhook {{webhook}} de {{tenant}} se ha desactivado. Motivo: {{reason}}. Cuando vuelva a funcionar, actívelo: continuará donde se detuvo.'
  );

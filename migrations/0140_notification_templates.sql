-- What notifications say: the events that have words, the words that come with the schema, and those of a tenant.
set local role lms_owner;

create table lms_private.notification_events (
  key text primary key
    constraint notification_events_key_check check (key ~ '^[a-z]+(_[a-z]+)*$'),
  placeholders text[] not null,
  secret text,
  is_security boolean not null default false
);

comment on table lms_private.notification_events is 'What a notification can be about. The set of keys is that of notification_templates.key.';
comment on column lms_private.notification_events.placeholders is
  'What a template may name in double braces. name (the recipient''s) and tenant are filled in by themselves.';
comment on column lms_private.notification_events.secret is
  'A placeholder that stays in the message until it is delivered: lms_private.notification_secrets has what goes there.';
comment on column lms_private.notification_events.is_security is 'Nobody can opt out of it, and it goes by e-mail.';

create table lms_private.notification_words (
  key text not null references lms_private.notification_events (key),
  language text not null,
  subject text not null,
  message text not null,
  primary key (key, language)
);

comment on table lms_private.notification_words is 'Words that stand in, for each type alike, where a tenant has no template of its own.';

create table lms.notification_templates (
  like lms_private.row_template including all,
  key text not null
    constraint notification_templates_key_check check (
      key in ('announcement', 'lesson_cancelled', 'lesson_moved', 'lessons_cancelled', 'password_reset')
    ),
  type text not null
    constraint notification_templates_type_check check (type in ('email', 'sms', 'push')),
  language text not null
    constraint notification_templates_language_check check (
      language ~ '^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$' and char_length(language) <= 35
    ),
  subject text
    constraint notification_templates_subject_check check (char_length(subject) between 1 and 300),
  message text not null
    constraint notification_templates_message_check check (char_length(message) between 1 and 5000)
);

create unique index notification_templates_language_key
on lms.notification_templates (tenant_id, key, type, lower(language))
where deleted_at is null;

comment on table lms.notification_templates is 'A tenant''s own words for an event, by type and language.';
comment on column lms.notification_templates.key is 'The event: one of lms_private.notification_events.';
comment on column lms.notification_templates.language is 'BCP 47. Compared without regard to case.';
comment on column lms.notification_templates.subject is 'Null: the subject that comes with the schema.';

create function lms_private.check_words(words text, allowed text[], field text, id uuid) returns void
language plpgsql
immutable
as $$
declare
  placeholder text;
begin
  for placeholder in
    select btrim(m.match[1])
    from regexp_matches(words, '\{\{([^{}]*)\}\}', 'g') as m (match)
  loop
    if placeholder <> all (allowed) then
      raise exception using
        errcode = 'LM422',
        message = format(
          'There is no placeholder {{%s}} here. There are: {{%s}}.',
          left(placeholder, 50),
          array_to_string(allowed, '}}, {{')
        ),
        detail = check_words.id,
        column = field;
    end if;
  end loop;
  if regexp_replace(words, '\{\{[^{}]*\}\}', '', 'g') ~ '\{\{|\}\}' then
    raise exception using
      errcode = 'LM422',
      message = 'Double braces stand in pairs around the name of a placeholder, as in {{name}}.',
      detail = check_words.id,
      column = field;
  end if;
end
$$;

comment on function lms_private.check_words is 'LM422 for a placeholder that is not among those allowed, and for double braces that are none.';

create function lms_private.check_template() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  event lms_private.notification_events;
begin
  select e.*
  into event
  from lms_private.notification_events as e
  where e.key = new.key;
  perform
    lms_private.check_words(new.message, event.placeholders, 'message', new.id),
    lms_private.check_words(new.subject, array_remove(event.placeholders, event.secret), 'subject', new.id);
  if event.secret is not null and new.message !~ format('\{\{\s*%s\s*\}\}', event.secret) then
    raise exception using
      errcode = 'LM422',
      message = format('The message must have {{%s}} in it.', event.secret),
      detail = new.id,
      column = 'message';
  end if;
  return new;
end
$$;

comment on function lms_private.check_template is 'LM422 for a template whose placeholders are not those of its event.';

alter function lms_private.check_template owner to lms_definer;

create trigger check_template
before insert or update of key, subject, message on lms.notification_templates
for each row execute function lms_private.check_template();

call lms_private.adopt('notification_templates', 'notification_template');

create policy scope_read on lms.notification_templates
as restrictive for select to lms_application
using ((select current_setting('app.role')) in ('admin', 'support', 'supervisor'));

create policy scope_insert on lms.notification_templates
as restrictive for insert to lms_application
with check ((select current_setting('app.role')) = 'admin');

create policy scope_update on lms.notification_templates
as restrictive for update to lms_application
using ((select current_setting('app.role')) = 'admin');

grant select, insert, update on lms.notification_templates to lms_application;
grant select on lms.notification_templates, lms_private.notification_events, lms_private.notification_words to lms_definer;
grant execute on function lms_private.check_words to lms_definer;

insert into lms_private.notification_events (key, placeholders, secret, is_security)
values
  ('announcement', '{name,tenant,title,text}', null, false),
  ('lesson_cancelled', '{name,tenant,lesson,tutor,centre,starts_at,reason}', null, false),
  ('lesson_moved', '{name,tenant,lesson,tutor,centre,was_at,starts_at,reason}', null, false),
  ('lessons_cancelled', '{name,tenant,lesson,tutor,centre,count,first_at,last_at,reason}', null, false),
  ('password_reset', '{minutes,token}', 'token', true);

insert into lms_private.notification_words (key, language, subject, message)
values
  ('announcement', 'en', '{{title}}', 'Hello {{name}}, {{text}} – {{tenant}}'),
  ('announcement', 'de', '{{title}}', 'Guten Tag {{name}}, {{text}} – {{tenant}}'),
  ('announcement', 'es', '{{title}}', 'Hola, {{name}}: {{text}} – {{tenant}}'),
  (
    'lesson_cancelled', 'en', 'Lesson cancelled: {{lesson}}',
    'Hello {{name}}, the lesson {{lesson}} with {{tutor}} at {{centre}} on {{starts_at}} is cancelled. Reason: {{reason}}'
  ),
  (
    'lesson_cancelled', 'de', 'Stunde entfällt: {{lesson}}',
    'Guten Tag {{name}}, die Stunde {{lesson}} mit {{tutor}}, {{centre}}, am {{starts_at}} entfällt. Grund: {{reason}}'
  ),
  (
    'lesson_cancelled', 'es', 'Clase cancelada: {{lesson}}',
    'Hola, {{name}}: la clase {{lesson}} con {{tutor}} en {{centre}} del {{starts_at}} se cancela. Motivo: {{reason}}'
  ),
  (
    'lesson_moved', 'en', 'Lesson moved: {{lesson}}',
    'Hello {{name}}, the lesson {{lesson}} with {{tutor}} at {{centre}} moves from {{was_at}} to {{starts_at}}. Reason: {{reason}}'
  ),
  (
    'lesson_moved', 'de', 'Stunde verlegt: {{lesson}}',
    'Guten Tag {{name}}, die Stunde {{lesson}} mit {{tutor}}, {{centre}}, wird vom {{was_at}} auf den {{starts_at}} verlegt. Grund: {{reason}}'
  ),
  (
    'lesson_moved', 'es', 'Clase aplazada: {{lesson}}',
    'Hola, {{name}}: la clase {{lesson}} con {{tutor}} en {{centre}} pasa del {{was_at}} al {{starts_at}}. Motivo: {{reason}}'
  ),
  (
    'lessons_cancelled', 'en', '{{count}} lessons cancelled: {{lesson}}',
    'Hello {{name}}, {{count}} lessons {{lesson}} with {{tutor}} at {{centre}}, from {{first_at}} to {{last_at}}, are cancelled. Reason: {{reason}}'
  ),
  (
    'lessons_cancelled', 'de', '{{count}} Stunden entfallen: {{lesson}}',
    'Guten Tag {{name}}, {{count}} Stunden {{lesson}} mit {{tutor}}, {{centre}}, vom {{first_at}} bis zum {{last_at}}, entfallen. Grund: {{reason}}'
  ),
  (
    'lessons_cancelled', 'es', '{{count}} clases canceladas: {{lesson}}',
    'Hola, {{name}}: {{count}} clases {{lesson}} con {{tutor}} en {{centre}}, del {{first_at}} al {{last_at}}, se cancelan. Motivo: {{reason}}'
  ),
  (
    'password_reset', 'en', 'Reset your password',
    'To choose a new password, use this code within {{minutes}} minutes: {{token}}. If you did not ask for it, ignore this message.'
  ),
  (
    'password_reset', 'de', 'Neues Passwort',
    'Mit diesem Code können Sie innerhalb von {{minutes}} Minuten ein neues Passwort wählen: {{token}}. Wenn Sie das nicht verlangt haben, beachten Sie diese Nachricht nicht.'
  ),
  (
    'password_reset', 'es', 'Restablecer la contraseña',
    'Para elegir una contraseña nueva, use este código antes de {{minutes}} minutos: {{token}}. Si no lo ha pedido, no haga caso de este mensaje.'
  );

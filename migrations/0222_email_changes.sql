-- A changed e-mail address is confirmed by the new address and told to the old one. Without that, whoever may change an address could
-- have the account's password sent to themselves, and reach everything that its owner reaches elsewhere. An admin, who reaches the whole
-- tenant anyway, changes the addresses of others at once.
set local role lms_owner;

alter table lms.users
add column pending_email text
  constraint users_pending_email_check check (
    char_length(pending_email) <= 254
    and pending_email ~ '^[^@[:space:]]+@[^@[:space:]]+$'
    and pending_email = lower(pending_email)
  );

comment on column lms.users.pending_email is 'The address that was asked for and is not confirmed yet. Set by trigger alone.';

grant select (pending_email) on lms.users to lms_application;

insert into lms_private.personal_columns (table_name, column_name, class, replacement)
values ('users', 'pending_email', 'personal', 'null');

call lms_private.let_erase();

insert into lms_private.notification_events (key, placeholders, secret, is_security)
values
  ('email_change', '{hours,token}', 'token', true),
  ('email_change_asked', '{name,tenant}', null, true),
  ('email_changed', '{name,tenant}', null, true);

insert into lms_private.notification_words (key, language, subject, message)
values
  (
    'email_change', 'en', 'Confirm your e-mail address',
    'To use this e-mail address for your account, confirm it with this code within {{hours}} hours: {{token}}. If you do not know of it, ignore this message.'
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
    'email_change_asked', 'en', 'Your e-mail address is to be changed',
    'Hello {{name}}, another e-mail address was asked for your account at {{tenant}}. It takes the place of this one as soon as it is confirmed. If this is wrong, tell {{tenant}} now.'
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
    'Hello {{name}}, the e-mail address of your account at {{tenant}} was changed; this message goes to the former one. You have been signed out everywhere. If this is wrong, tell {{tenant}} now.'
  ),
  (
    'email_changed', 'de', 'Ihre E-Mail-Adresse wurde geändert',
    'Guten Tag {{name}}, die E-Mail-Adresse Ihres Kontos bei {{tenant}} wurde geändert; diese Nachricht geht an die bisherige. Sie wurden überall abgemeldet. Wenn das nicht stimmt, wenden Sie sich gleich an {{tenant}}.'
  ),
  (
    'email_changed', 'es', 'Su correo electrónico ha cambiado',
    'Hola, {{name}}: la dirección de correo de su cuenta en {{tenant}} ha cambiado; este mensaje va a la anterior. Se han cerrado todas sus sesiones. Si no es correcto, avise ahora a {{tenant}}.'
  );

do $$
begin
  -- The keys are those of the events, whichever migrations have added some.
  alter table lms.notification_templates drop constraint notification_templates_key_check;
  execute format(
    'alter table lms.notification_templates add constraint notification_templates_key_check check (key in (%s))',
    (select string_agg(quote_literal(e.key), ', ' order by e.key) from lms_private.notification_events as e)
  );
end
$$;

create function lms_private.belongs_elsewhere(tenant uuid, person uuid, centre uuid) returns boolean
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select
    from lms.students as s
    where s.tenant_id = tenant
      and s.deleted_at is null
      and s.centre_id is distinct from centre
      and (
        s.user_id = person
        or s.parent_id = person
        or s.id in (
          select g.student_id
          from lms.guardians as g
          where g.tenant_id = tenant
            and g.user_id = person
            and g.deleted_at is null
        )
      )
  )
  or exists (
    select
    from lms.tutors as t
    where t.tenant_id = tenant
      and t.user_id = person
      and t.deleted_at is null
      and (
        t.centre_id is distinct from centre
        or exists (
          select
          from lms.classes as c
          where c.tenant_id = tenant
            and c.tutor_id = t.id
            and c.deleted_at is null
            and c.centre_id is distinct from centre
        )
      )
  )
  or exists (
    select
    from lms.staff as f
    where f.tenant_id = tenant
      and f.user_id = person
      and f.deleted_at is null
      and f.centre_id is distinct from centre
  )
$$;

comment on function lms_private.belongs_elsewhere is
  'Whether a user has children, pupils, classes or a post at another centre than this one.';

alter function lms_private.belongs_elsewhere owner to lms_definer;

create function lms_private.confirm_email() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  role constant text := coalesce(nullif(current_setting('app.role', true), ''), 'nobody');
  caller constant uuid := nullif(current_setting('app.user_id', true), '')::uuid;
begin
  new.pending_email := old.pending_email;
  -- The code that would confirm it ends with any of these.
  if (new.status, new.role, new.deleted_at, new.password_hash)
    is distinct from (old.status, old.role, old.deleted_at, old.password_hash)
  then
    new.pending_email := null;
  end if;
  if new.email = old.email then
    return new;
  end if;
  new.pending_email := null;
  -- Nobody is who confirms an address, and the operator's tools; an admin answers for the addresses of others.
  if role = 'nobody' or (role = 'admin' and caller is distinct from new.id) then
    return new;
  end if;
  if caller is distinct from new.id
    and lms_private.belongs_elsewhere(new.tenant_id, new.id, nullif(current_setting('app.centre_id', true), '')::uuid)
  then
    raise exception using
      errcode = 'LM403',
      message = 'This person belongs to other centres too: only an admin can change their e-mail address.';
  end if;
  if lms_private.account_of(new.tenant_id, new.email) <> new.id then
    raise exception using
      errcode = '23505', message = 'This address is taken.', schema = 'lms', table = 'users', constraint = 'idx_users_email';
  end if;
  -- Nobody's mailbox is filled with codes.
  if (
    select count(*)
    from lms.one_use_tokens as o
    where o.tenant_id = new.tenant_id
      and o.user_id = new.id
      and o.purpose = 'email_change'
      and o.created_at > now() - interval '30 minutes'
  ) >= 5
  then
    raise exception using
      errcode = 'LM409',
      message = 'Five addresses were asked for within half an hour; ask for another one later.',
      column = 'email';
  end if;
  new.pending_email := new.email;
  new.email := old.email;
  perform lms_private.send_code(
    new.tenant_id, new.id, 'email_change', interval '24 hours', jsonb_build_object('hours', 24), new.pending_email
  );
  insert into lms.notifications (tenant_id, user_id, type, template)
  values (new.tenant_id, new.id, 'email', 'email_change_asked');
  return new;
end
$$;

comment on function lms_private.confirm_email is
  'Keeps a changed address aside until it is confirmed, sends it a code and tells the present address. An admin''s change of somebody else''s address is let through, as is what nobody in particular changes: a confirmation, or one of the operator''s tools. LM403 for a person who belongs to other centres too, LM409.';

alter function lms_private.confirm_email owner to lms_definer;

-- Behind lower_email by its name: what is kept aside is the address as it is stored.
create trigger then_confirm_email
before update of email, pending_email, status, role, deleted_at, password_hash on lms.users
for each row execute function lms_private.confirm_email();

create function lms_private.tell_former_address() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  notification uuid;
begin
  if lms_private.is_erasing() then
    delete from lms_private.reset_requests as r where r.email = old.email;
    return null;
  end if;
  if lms_private.notification_obstacle(new.tenant_id, new.id, 'email', 'email_changed') is not null then
    return null;
  end if;
  insert into lms.notifications (tenant_id, user_id, type, template)
  values (new.tenant_id, new.id, 'email', 'email_changed')
  returning id into notification;
  insert into lms_private.notification_secrets (tenant_id, notification_id, address, expires_at)
  values (new.tenant_id, notification, old.email, now() + interval '30 days');
  return null;
end
$$;

comment on function lms_private.tell_former_address is 'Tells the former address of a user that it is the former one, but not when the user is erased.';

alter function lms_private.tell_former_address owner to lms_definer;

create trigger then_tell_former_address
after update of email on lms.users
for each row
when (old.email <> new.email)
execute function lms_private.tell_former_address();

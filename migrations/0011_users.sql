-- Users: every account, whatever its role.
set local role lms_owner;

create table lms.users (
  like lms_private.row_template including all,
  centre_id uuid,
  name text not null
    constraint users_name_check check (char_length(name) between 1 and 200),
  email text not null
    constraint users_email_check check (
      char_length(email) <= 254
      and email ~ '^[^@[:space:]]+@[^@[:space:]]+$'
      and email = lower(email)
    ),
  phone text
    constraint users_phone_check check (char_length(phone) between 1 and 32),
  role text not null
    constraint users_role_check check (
      role in ('student', 'tutor', 'supervisor', 'admin', 'finance', 'parent', 'assessor', 'support')
    ),
  password_hash text
    constraint users_password_hash_check check (password_hash like '$argon2id$%' and char_length(password_hash) <= 255),
  language_preferences jsonb not null default '[]'
    constraint users_language_preferences_check check (
      jsonb_typeof(language_preferences) = 'array' and octet_length(language_preferences::text) <= 4096
    ),
  accessibility_settings jsonb not null default '{}'
    constraint users_accessibility_settings_check check (
      jsonb_typeof(accessibility_settings) = 'object' and octet_length(accessibility_settings::text) <= 4096
    ),
  status text not null default 'active'
    constraint users_status_check check (status in ('active', 'inactive')),
  constraint users_tenant_id_fkey foreign key (tenant_id) references lms.tenants (tenant_id),
  constraint users_centre_id_fkey foreign key (tenant_id, centre_id) references lms.centres (tenant_id, id)
);

create unique index idx_users_email
on lms.users (tenant_id, email)
where deleted_at is null;

create index idx_users_centre_id
on lms.users (tenant_id, centre_id)
where deleted_at is null;

comment on table lms.users is 'Every account. What is particular to a student, tutor or member of staff stands in that table.';
comment on column lms.users.centre_id is 'Home centre: the scope of a supervisor or an assessor. Null for those who belong to none.';
comment on column lms.users.email is 'Kept in lower case by trigger, so that equality finds it by index; unique in the tenant among live users.';
comment on column lms.users.language_preferences is 'Array of language tags, the preferred one first.';
comment on column lms.users.accessibility_settings is 'Object: screen_reader, high_contrast.';
comment on column lms.users.password_hash is
  'Argon2id, as a PHC string. Null until a password is set. The application may write it, never read it, and no event holds it.';

create function lms_private.lower_email() returns trigger
language plpgsql
as $$
begin
  new.email := lower(new.email);
  return new;
end
$$;

comment on function lms_private.lower_email is 'Keeps e-mail addresses in lower case.';

create trigger lower_email
before insert or update of email on lms.users
for each row execute function lms_private.lower_email();

call lms_private.adopt('users', 'user', array['password_hash']);

grant select (
  tenant_id, id, created_at, updated_at, created_by, updated_by, deleted_at, version, centre_id, name, email, phone, role,
  language_preferences, accessibility_settings, status
) on lms.users to lms_application;
grant insert, update on lms.users to lms_application;
grant select, update on lms.users to lms_definer;
grant select on lms.users to lms_refresher;

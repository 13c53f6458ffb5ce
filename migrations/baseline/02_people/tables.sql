-- Accounts, and the data of staff, tutors, students and guardians.

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
  pending_email text
    constraint users_pending_email_check check (
      char_length(pending_email) <= 254
      and pending_email ~ '^[^@[:space:]]+@[^@[:space:]]+$'
      and pending_email = lower(pending_email)
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
  left_at timestamptz,
  left_with jsonb,
  constraint users_tenant_id_fkey foreign key (tenant_id) references lms.tenants (tenant_id),
  constraint users_centre_id_fkey foreign key (tenant_id, centre_id) references lms.centres (tenant_id, id)
);

create unique index idx_users_email
on lms.users (tenant_id, email)
where deleted_at is null;

-- Uniqueness of normalized addresses; idx_users_email serves filters and sorting.
create unique index users_email_key
on lms.users (tenant_id, lms_private.email_key(email))
where deleted_at is null;

-- Names are sorted as people expect: upper and lower case together, accented letters after their
-- base letter. This is the root collation of Unicode (CLDR) by ICU. Its text comparison is
-- leakproof, so a page after a cursor starts at its place in the index.
create index idx_users_name
on lms.users (tenant_id, name collate "und-x-icu", id)
where deleted_at is null;

create index idx_users_centre_id
on lms.users (tenant_id, centre_id);

-- A tenant has few admins and many accounts, and require_active_admin looks for one while others
-- wait.
create index idx_users_admin
on lms.users (tenant_id)
where role = 'admin'
  and status = 'active'
  and deleted_at is null;

comment on table lms.users is 'Every account. The data of students, tutors and staff is in their own tables.';
comment on column lms.users.centre_id is
  'Home centre, and the scope of a supervisor or an assessor. Null for accounts that belong to no centre.';
comment on column lms.users.email is
  'Converted to lower case by trigger, so that equality can use an index. Unique among the live users of the tenant.';
comment on column lms.users.pending_email is
  'A requested address that is not confirmed yet. Set by trigger only; setting it to null withdraws the request.';
comment on column lms.users.password_hash is
  'Argon2id as a PHC string. Null until a password is set. The application may write it but not read it, and no event contains it.';
comment on column lms.users.language_preferences is 'Array of language tags, the preferred one first.';
comment on column lms.users.accessibility_settings is 'Object: screen_reader, high_contrast.';
comment on column lms.users.left_at is
  'When the account was deactivated or deleted; null while it is active. Maintained by trigger.';
comment on column lms.users.left_with is
  'Ids of the rows that ended when the account left, by "table.column" of lms_private.dependency_rules. They are restored when the account is restored.';

call lms_private.register_table('users', 'user', array['password_hash']);
call lms_private.create_retention_index('users');

grant
  select (
    tenant_id, id, created_at, updated_at, created_by, updated_by, deleted_at, version, centre_id, name,
    email, phone, role, language_preferences, accessibility_settings, status, pending_email
  ),
  insert,
  update
on lms.users to lms_application;
grant select, update on lms.users to lms_definer;
grant select on lms.users to lms_refresher;

create table lms.staff (
  like lms_private.row_template including all,
  user_id uuid not null,
  centre_id uuid,
  title text
    constraint staff_title_check check (char_length(title) between 1 and 200),
  department text
    constraint staff_department_check check (char_length(department) between 1 and 200),
  hired_on date
    constraint staff_hired_on_check check (hired_on between '1900-01-01' and '2200-01-01'),
  status text not null default 'active'
    constraint staff_status_check check (status in ('active', 'inactive')),
  left_at timestamptz,
  left_with jsonb,
  constraint staff_user_id_fkey foreign key (tenant_id, user_id) references lms.users (tenant_id, id),
  constraint staff_centre_id_fkey foreign key (tenant_id, centre_id) references lms.centres (tenant_id, id)
);

create unique index staff_user_id_key
on lms.staff (tenant_id, user_id)
where deleted_at is null;

create index idx_staff_user_id
on lms.staff (tenant_id, user_id);

create index idx_staff_centre_id
on lms.staff (tenant_id, centre_id);

comment on table lms.staff is 'Supervisors, admins, finance, assessors and support. Requests are assigned to staff.';
comment on column lms.staff.user_id is 'One live row for each user.';
comment on column lms.staff.centre_id is 'Null for staff who work for the whole tenant.';
comment on column lms.staff.left_at is 'As students.left_at. An inactive staff member has left as well.';
comment on column lms.staff.left_with is 'See users.left_with.';

call lms_private.register_table('staff', 'staff');
call lms_private.create_retention_index('staff');

grant select, insert, update on lms.staff to lms_application;
grant select, update (left_at, left_with, deleted_at) on lms.staff to lms_definer;

create table lms.tutors (
  like lms_private.row_template including all,
  user_id uuid not null,
  centre_id uuid not null,
  name text not null,
  subjects jsonb not null default '[]'
    constraint tutors_subjects_check check (jsonb_typeof(subjects) = 'array' and octet_length(subjects::text) <= 8192),
  max_students integer not null default 10
    constraint tutors_max_students_check check (max_students between 0 and 1000),
  current_students integer not null default 0,
  availability jsonb not null default '{}'
    constraint tutors_availability_check check (
      jsonb_typeof(availability) = 'object'
      and availability - array['weekly', 'exceptions'] = '{}'
      and coalesce(jsonb_typeof(availability -> 'weekly'), 'array') = 'array'
      and coalesce(jsonb_typeof(availability -> 'exceptions'), 'array') = 'array'
      and octet_length(availability::text) <= 65536
    ),
  left_at timestamptz,
  left_with jsonb,
  constraint tutors_current_students_check check (current_students between 0 and max_students),
  constraint tutors_user_id_fkey foreign key (tenant_id, user_id) references lms.users (tenant_id, id),
  constraint tutors_centre_id_fkey foreign key (tenant_id, centre_id) references lms.centres (tenant_id, id)
);

create unique index tutors_user_id_key
on lms.tutors (tenant_id, user_id)
where deleted_at is null;

create index idx_tutors_subjects
on lms.tutors using gin (subjects)
where deleted_at is null;

create index idx_tutors_name
on lms.tutors (tenant_id, name collate "und-x-icu", id)
where deleted_at is null;

create index idx_tutors_user_id
on lms.tutors (tenant_id, user_id);

create index idx_tutors_centre_id
on lms.tutors (tenant_id, centre_id);

comment on table lms.tutors is 'One live row for each user who teaches.';
comment on column lms.tutors.name is
  'The user''s name, maintained by trigger: students and parents may read it and nothing else of the user.';
comment on column lms.tutors.subjects is 'Array of {"subject", "level"}; a null level means all levels.';
comment on column lms.tutors.current_students is 'Never above max_students.';
comment on column lms.tutors.availability is
  'Object: weekly windows {"weekday", "start", "end"} and exceptions {"date", "available", "start", "end"} in the centre''s time zone. All other times count as not available.';
comment on column lms.tutors.left_at is 'See students.left_at.';
comment on column lms.tutors.left_with is 'See users.left_with.';

call lms_private.register_table('tutors', 'tutor');
call lms_private.create_retention_index('tutors');

-- The database maintains the count and the name; the application writes all other columns.
grant
  select,
  insert (id, user_id, centre_id, subjects, max_students, availability),
  update (user_id, centre_id, subjects, max_students, availability, deleted_at)
on lms.tutors to lms_application;
grant select, update (name, current_students, left_at, left_with, deleted_at) on lms.tutors to lms_definer;
grant select on lms.tutors to lms_refresher;

create table lms.students (
  like lms_private.row_template including all,
  user_id uuid not null,
  centre_id uuid not null,
  assigned_tutor_id uuid,
  parent_id uuid,
  dob date
    constraint students_dob_check check (dob between '1900-01-01' and '2200-01-01'),
  languages jsonb not null default '[]'
    constraint students_languages_check check (
      jsonb_typeof(languages) = 'array' and octet_length(languages::text) <= 4096
    ),
  special_needs jsonb not null default '[]'
    constraint students_special_needs_check check (
      jsonb_typeof(special_needs) = 'array' and octet_length(special_needs::text) <= 8192
    ),
  academic_age jsonb not null default '{}'
    constraint students_academic_age_check check (
      jsonb_typeof(academic_age) = 'object'
      and academic_age - array['reading', 'spelling', 'numeracy'] = '{}'
      and coalesce(jsonb_typeof(academic_age -> 'reading'), 'number') = 'number'
      and coalesce(jsonb_typeof(academic_age -> 'spelling'), 'number') = 'number'
      and coalesce(jsonb_typeof(academic_age -> 'numeracy'), 'number') = 'number'
    ),
  academic_age_reading double precision
    generated always as ((academic_age ->> 'reading')::double precision) stored,
  academic_age_spelling double precision
    generated always as ((academic_age ->> 'spelling')::double precision) stored,
  academic_age_numeracy double precision
    generated always as ((academic_age ->> 'numeracy')::double precision) stored,
  history jsonb not null default '[]',
  leaderboard_name text
    constraint students_leaderboard_name_check check (char_length(leaderboard_name) between 1 and 50),
  left_at timestamptz,
  left_with jsonb,
  constraint students_history_check check (
    case when jsonb_typeof(history) = 'array' then jsonb_array_length(history) <= 5 else false end
    and octet_length(history::text) <= 65536
  ),
  constraint students_user_id_fkey foreign key (tenant_id, user_id) references lms.users (tenant_id, id),
  constraint students_centre_id_fkey foreign key (tenant_id, centre_id) references lms.centres (tenant_id, id),
  constraint students_assigned_tutor_id_fkey
    foreign key (tenant_id, assigned_tutor_id) references lms.tutors (tenant_id, id),
  constraint students_parent_id_fkey foreign key (tenant_id, parent_id) references lms.users (tenant_id, id)
);

create unique index students_user_id_key
on lms.students (tenant_id, user_id)
where deleted_at is null;

create index idx_students_academic_age
on lms.students using gin (academic_age)
where deleted_at is null;

-- Comparison of double precision is leakproof, so a plain index is used under row security;
-- comparison of numeric is not.
create index idx_students_academic_age_reading
on lms.students (tenant_id, academic_age_reading)
where deleted_at is null;

create index idx_students_academic_age_spelling
on lms.students (tenant_id, academic_age_spelling)
where deleted_at is null;

create index idx_students_academic_age_numeracy
on lms.students (tenant_id, academic_age_numeracy)
where deleted_at is null;

-- Containment is not leakproof, so row security prevents the application's queries from using this
-- index. lms.students_by_need uses it.
create index idx_students_special_needs
on lms.students using gin (lms_private.tenant_prefixed_keys(tenant_id, special_needs))
where deleted_at is null;

create index idx_students_user_id
on lms.students (tenant_id, user_id);

create index idx_students_centre_id
on lms.students (tenant_id, centre_id);

create index idx_students_parent_id
on lms.students (tenant_id, parent_id);

create index idx_students_assigned_tutor
on lms.students (tenant_id, assigned_tutor_id);

comment on table lms.students is 'One live row for each user who learns.';
comment on column lms.students.assigned_tutor_id is 'The tutor whose own student this is.';
comment on column lms.students.parent_id is 'The guardian who is the first contact. Setting it makes that user a guardian.';
comment on column lms.students.special_needs is 'Array, such as ["Autism", "ADHD"].';
comment on column lms.students.academic_age is 'Object of years, with decimals: reading, spelling, numeracy.';
comment on column lms.students.academic_age_reading is
  'The value in academic_age, as a column whose index can be used under row security.';
comment on column lms.students.academic_age_spelling is 'See academic_age_reading.';
comment on column lms.students.academic_age_numeracy is 'See academic_age_reading.';
comment on column lms.students.history is
  'The last five lessons with recorded attendance, {"class_id", "start", "status", "note"}, latest first. Maintained by trigger.';
comment on column lms.students.leaderboard_name is
  'The name that other families see on leaderboards, chosen by the family; null for first name and initial.';
comment on column lms.students.left_at is
  'When the student or the account was deactivated or deleted; null while the student is active. Maintained by trigger.';
comment on column lms.students.left_with is 'See users.left_with.';

call lms_private.register_table('students', 'student');
call lms_private.create_retention_index('students');

grant select, insert, update on lms.students to lms_application;
grant select, update (academic_age, history, parent_id, left_at, left_with, deleted_at) on lms.students to lms_definer;
grant select on lms.students to lms_refresher;

create table lms.guardians (
  like lms_private.row_template including all,
  user_id uuid not null,
  student_id uuid not null,
  relationship text not null
    constraint guardians_relationship_check check (relationship in ('parent', 'guardian')),
  by_first_contact boolean not null default false,
  constraint guardians_user_id_fkey foreign key (tenant_id, user_id) references lms.users (tenant_id, id),
  constraint guardians_student_id_fkey foreign key (tenant_id, student_id) references lms.students (tenant_id, id)
);

create unique index guardians_student_id_key
on lms.guardians (tenant_id, user_id, student_id)
where deleted_at is null;

create index idx_guardians_user_id
on lms.guardians (tenant_id, user_id);

create index idx_guardians_student_id
on lms.guardians (tenant_id, student_id);

comment on table lms.guardians is
  'Users who are responsible for a student and see the student as their child, whatever the role of the account.';
comment on column lms.guardians.by_first_contact is
  'True when the link was created by setting the first contact. It ends when another first contact is set.';

call lms_private.register_table('guardians', 'guardian');
call lms_private.create_retention_index('guardians');

-- The application cannot set by_first_contact.
grant
  select,
  insert (id, user_id, student_id, relationship),
  update (relationship, deleted_at)
on lms.guardians to lms_application;
grant select, insert, update (relationship, deleted_at), delete on lms.guardians to lms_definer;

-- The tables of a database with this schema, as PostgreSQL has them: columns, constraints and indexes, by subject.
-- Not executed; UPDATE_GOLDEN=1 cargo test --release --workspace --test guarantees -- schema writes it anew.

-- 00_foundation

-- Template that tables are created like, including all. It never holds a row.
create table lms_private.row_template (
  tenant_id uuid not null default (current_setting('app.tenant_id'::text))::uuid,
  id uuid not null default lms.new_id(),
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  created_by uuid,
  updated_by uuid,
  deleted_at timestamp with time zone,
  version bigint not null default 1,
  constraint row_template_pkey PRIMARY KEY (tenant_id, id)
);

-- 01_tenancy

-- One row, written once by the operator's tool. Without it, or when its region is not that of the component, no request is served.
create table lms_private.cell (
  is_only_row boolean not null default true,
  name text not null,
  region text not null,
  retention_class text not null,
  constraint cell_pkey PRIMARY KEY (is_only_row),
  constraint cell_is_only_row_check CHECK (is_only_row),
  constraint cell_name_check CHECK ((name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'::text)),
  constraint cell_region_check CHECK ((region = ANY (ARRAY['eu'::text, 'au'::text, 'us'::text]))),
  constraint cell_retention_class_check CHECK ((retention_class = ANY (ARRAY['standard'::text, 'regulated'::text])))
);

-- Organisations. Each row is its own tenant, so that row security shows a tenant only itself.
create table lms.tenants (
  like lms_private.row_template,
  slug text not null,
  name text not null,
  region text not null,
  retention_class text not null default 'standard'::text,
  settings jsonb not null default '{}'::jsonb,
  status text not null default 'active'::text,
  constraint tenants_tenant_id_key UNIQUE (tenant_id),
  constraint tenants_id_check CHECK ((id = tenant_id)),
  constraint tenants_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200))),
  constraint tenants_region_check CHECK ((region = ANY (ARRAY['eu'::text, 'au'::text, 'us'::text]))),
  constraint tenants_retention_class_check CHECK ((retention_class = ANY (ARRAY['standard'::text, 'regulated'::text]))),
  constraint tenants_settings_check CHECK (((jsonb_typeof(settings) = 'object'::text) AND (octet_length((settings)::text) <= 65536))),
  constraint tenants_slug_check CHECK ((slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'::text)),
  constraint tenants_status_check CHECK ((status = ANY (ARRAY['active'::text, 'inactive'::text])))
);

-- Maps slugs to tenants, maintained by trigger: sign-in starts here, before the tenant is known.
create table lms_private.tenant_slugs (
  slug text not null,
  tenant_id uuid not null,
  constraint tenant_slugs_pkey PRIMARY KEY (slug),
  constraint tenant_slugs_tenant_id_key UNIQUE (tenant_id),
  constraint tenant_slugs_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES lms.tenants(tenant_id) ON DELETE CASCADE
);

-- Locations of a tenant, and the scope of supervisors and assessors.
create table lms.centres (
  like lms_private.row_template,
  name text not null,
  code text not null,
  time_zone text not null default 'UTC'::text,
  working_hours jsonb not null default lms.default_working_hours(),
  holidays jsonb not null default '[]'::jsonb,
  currency text not null,
  address jsonb not null default '{}'::jsonb,
  phone text,
  email text,
  status text not null default 'active'::text,
  left_at timestamp with time zone,
  left_with jsonb,
  constraint centres_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES lms.tenants(tenant_id),
  constraint centres_address_check CHECK (((jsonb_typeof(address) = 'object'::text) AND (octet_length((address)::text) <= 16384))),
  constraint centres_code_check CHECK (((code ~ '^[a-z0-9]+(-[a-z0-9]+)*$'::text) AND ((char_length(code) >= 2) AND (char_length(code) <= 63)))),
  constraint centres_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
  constraint centres_email_check CHECK (((char_length(email) <= 254) AND (email ~ '^[^@[:space:]]+@[^@[:space:]]+$'::text))),
  constraint centres_holidays_check CHECK (((jsonb_typeof(holidays) = 'array'::text) AND (octet_length((holidays)::text) <= 65536))),
  constraint centres_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200))),
  constraint centres_phone_check CHECK (((char_length(phone) >= 1) AND (char_length(phone) <= 32))),
  constraint centres_status_check CHECK ((status = ANY (ARRAY['active'::text, 'inactive'::text]))),
  constraint centres_time_zone_check CHECK (lms_private.is_time_zone(time_zone)),
  constraint centres_working_hours_check CHECK (((jsonb_typeof(working_hours) = 'array'::text) AND (octet_length((working_hours)::text) <= 65536)))
);
create unique index centres_code_key on lms.centres (tenant_id, code) where (deleted_at IS NULL);
create index idx_centres_deleted on lms.centres (tenant_id, deleted_at) where (deleted_at IS NOT NULL);
create index idx_centres_keyset on lms.centres (tenant_id, created_at, id) where (deleted_at IS NULL);
create index idx_centres_name on lms.centres (tenant_id, name COLLATE "und-x-icu", id) where (deleted_at IS NULL);

-- Gapless sequences of each tenant for numbers that people read, such as receipt numbers.
create table lms.tenant_sequences (
  like lms_private.row_template,
  name text not null,
  next_value bigint not null default 1,
  constraint tenant_sequences_name_key UNIQUE (tenant_id, name),
  constraint tenant_sequences_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES lms.tenants(tenant_id),
  constraint tenant_sequences_name_check CHECK ((name ~ '^[a-z][a-z0-9_]{0,62}$'::text)),
  constraint tenant_sequences_next_value_check CHECK ((next_value > 0))
);

-- 02_people

-- Every account. The data of students, tutors and staff is in their own tables.
create table lms.users (
  like lms_private.row_template,
  centre_id uuid,
  name text not null,
  email text not null,
  pending_email text,
  phone text,
  role text not null,
  password_hash text,
  language_preferences jsonb not null default '[]'::jsonb,
  accessibility_settings jsonb not null default '{}'::jsonb,
  status text not null default 'active'::text,
  left_at timestamp with time zone,
  left_with jsonb,
  constraint users_centre_id_fkey FOREIGN KEY (tenant_id, centre_id) REFERENCES lms.centres(tenant_id, id),
  constraint users_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES lms.tenants(tenant_id),
  constraint users_accessibility_settings_check CHECK (((jsonb_typeof(accessibility_settings) = 'object'::text) AND (octet_length((accessibility_settings)::text) <= 4096))),
  constraint users_email_check CHECK (((char_length(email) <= 254) AND (email ~ '^[^@[:space:]]+@[^@[:space:]]+$'::text) AND (email = lower(email)))),
  constraint users_language_preferences_check CHECK (((jsonb_typeof(language_preferences) = 'array'::text) AND (octet_length((language_preferences)::text) <= 4096))),
  constraint users_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200))),
  constraint users_password_hash_check CHECK (((password_hash ~~ '$argon2id$%'::text) AND (char_length(password_hash) <= 255))),
  constraint users_pending_email_check CHECK (((char_length(pending_email) <= 254) AND (pending_email ~ '^[^@[:space:]]+@[^@[:space:]]+$'::text) AND (pending_email = lower(pending_email)))),
  constraint users_phone_check CHECK (((char_length(phone) >= 1) AND (char_length(phone) <= 32))),
  constraint users_role_check CHECK ((role = ANY (ARRAY['student'::text, 'tutor'::text, 'supervisor'::text, 'admin'::text, 'finance'::text, 'parent'::text, 'assessor'::text, 'support'::text]))),
  constraint users_status_check CHECK ((status = ANY (ARRAY['active'::text, 'inactive'::text])))
);
create index idx_users_admin on lms.users (tenant_id) where ((role = 'admin'::text) AND (status = 'active'::text) AND (deleted_at IS NULL));
create index idx_users_centre_id on lms.users (tenant_id, centre_id);
create index idx_users_deleted on lms.users (tenant_id, deleted_at) where (deleted_at IS NOT NULL);
create unique index idx_users_email on lms.users (tenant_id, email) where (deleted_at IS NULL);
create index idx_users_keyset on lms.users (tenant_id, created_at, id) where (deleted_at IS NULL);
create index idx_users_name on lms.users (tenant_id, name COLLATE "und-x-icu", id) where (deleted_at IS NULL);
create unique index users_email_key on lms.users (tenant_id, lms_private.email_key(email)) where (deleted_at IS NULL);

-- Supervisors, admins, finance, assessors and support. Requests are assigned to staff.
create table lms.staff (
  like lms_private.row_template,
  user_id uuid not null,
  centre_id uuid,
  title text,
  department text,
  hired_on date,
  status text not null default 'active'::text,
  left_at timestamp with time zone,
  left_with jsonb,
  constraint staff_centre_id_fkey FOREIGN KEY (tenant_id, centre_id) REFERENCES lms.centres(tenant_id, id),
  constraint staff_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES lms.users(tenant_id, id),
  constraint staff_department_check CHECK (((char_length(department) >= 1) AND (char_length(department) <= 200))),
  constraint staff_hired_on_check CHECK (((hired_on >= '1900-01-01'::date) AND (hired_on <= '2200-01-01'::date))),
  constraint staff_status_check CHECK ((status = ANY (ARRAY['active'::text, 'inactive'::text]))),
  constraint staff_title_check CHECK (((char_length(title) >= 1) AND (char_length(title) <= 200)))
);
create index idx_staff_centre_id on lms.staff (tenant_id, centre_id);
create index idx_staff_deleted on lms.staff (tenant_id, deleted_at) where (deleted_at IS NOT NULL);
create index idx_staff_keyset on lms.staff (tenant_id, created_at, id) where (deleted_at IS NULL);
create index idx_staff_user_id on lms.staff (tenant_id, user_id);
create unique index staff_user_id_key on lms.staff (tenant_id, user_id) where (deleted_at IS NULL);

-- One live row for each user who teaches.
create table lms.tutors (
  like lms_private.row_template,
  user_id uuid not null,
  centre_id uuid not null,
  name text not null,
  subjects jsonb not null default '[]'::jsonb,
  max_students integer not null default 10,
  current_students integer not null default 0,
  availability jsonb not null default '{}'::jsonb,
  left_at timestamp with time zone,
  left_with jsonb,
  constraint tutors_centre_id_fkey FOREIGN KEY (tenant_id, centre_id) REFERENCES lms.centres(tenant_id, id),
  constraint tutors_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES lms.users(tenant_id, id),
  constraint tutors_availability_check CHECK (((jsonb_typeof(availability) = 'object'::text) AND ((availability - ARRAY['weekly'::text, 'exceptions'::text]) = '{}'::jsonb) AND (COALESCE(jsonb_typeof((availability -> 'weekly'::text)), 'array'::text) = 'array'::text) AND (COALESCE(jsonb_typeof((availability -> 'exceptions'::text)), 'array'::text) = 'array'::text) AND (octet_length((availability)::text) <= 65536))),
  constraint tutors_current_students_check CHECK (((current_students >= 0) AND (current_students <= max_students))),
  constraint tutors_max_students_check CHECK (((max_students >= 0) AND (max_students <= 1000))),
  constraint tutors_subjects_check CHECK (((jsonb_typeof(subjects) = 'array'::text) AND (octet_length((subjects)::text) <= 8192)))
);
create index idx_tutors_centre_id on lms.tutors (tenant_id, centre_id);
create index idx_tutors_deleted on lms.tutors (tenant_id, deleted_at) where (deleted_at IS NOT NULL);
create index idx_tutors_keyset on lms.tutors (tenant_id, created_at, id) where (deleted_at IS NULL);
create index idx_tutors_name on lms.tutors (tenant_id, name COLLATE "und-x-icu", id) where (deleted_at IS NULL);
create index idx_tutors_subjects on lms.tutors using gin (subjects) where (deleted_at IS NULL);
create index idx_tutors_user_id on lms.tutors (tenant_id, user_id);
create unique index tutors_user_id_key on lms.tutors (tenant_id, user_id) where (deleted_at IS NULL);

-- One live row for each user who learns.
create table lms.students (
  like lms_private.row_template,
  user_id uuid not null,
  centre_id uuid not null,
  assigned_tutor_id uuid,
  parent_id uuid,
  dob date,
  languages jsonb not null default '[]'::jsonb,
  special_needs jsonb not null default '[]'::jsonb,
  academic_age jsonb not null default '{}'::jsonb,
  academic_age_reading double precision generated always as (((academic_age ->> 'reading'::text))::double precision) stored,
  academic_age_spelling double precision generated always as (((academic_age ->> 'spelling'::text))::double precision) stored,
  academic_age_numeracy double precision generated always as (((academic_age ->> 'numeracy'::text))::double precision) stored,
  history jsonb not null default '[]'::jsonb,
  leaderboard_name text,
  left_at timestamp with time zone,
  left_with jsonb,
  constraint students_assigned_tutor_id_fkey FOREIGN KEY (tenant_id, assigned_tutor_id) REFERENCES lms.tutors(tenant_id, id),
  constraint students_centre_id_fkey FOREIGN KEY (tenant_id, centre_id) REFERENCES lms.centres(tenant_id, id),
  constraint students_parent_id_fkey FOREIGN KEY (tenant_id, parent_id) REFERENCES lms.users(tenant_id, id),
  constraint students_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES lms.users(tenant_id, id),
  constraint students_academic_age_check CHECK (((jsonb_typeof(academic_age) = 'object'::text) AND ((academic_age - ARRAY['reading'::text, 'spelling'::text, 'numeracy'::text]) = '{}'::jsonb) AND (COALESCE(jsonb_typeof((academic_age -> 'reading'::text)), 'number'::text) = 'number'::text) AND (COALESCE(jsonb_typeof((academic_age -> 'spelling'::text)), 'number'::text) = 'number'::text) AND (COALESCE(jsonb_typeof((academic_age -> 'numeracy'::text)), 'number'::text) = 'number'::text))),
  constraint students_dob_check CHECK (((dob >= '1900-01-01'::date) AND (dob <= '2200-01-01'::date))),
  constraint students_history_check CHECK (( CASE WHEN (jsonb_typeof(history) = 'array'::text) THEN (jsonb_array_length(history) <= 5) ELSE false END AND (octet_length((history)::text) <= 65536))),
  constraint students_languages_check CHECK (((jsonb_typeof(languages) = 'array'::text) AND (octet_length((languages)::text) <= 4096))),
  constraint students_leaderboard_name_check CHECK (((char_length(leaderboard_name) >= 1) AND (char_length(leaderboard_name) <= 50))),
  constraint students_special_needs_check CHECK (((jsonb_typeof(special_needs) = 'array'::text) AND (octet_length((special_needs)::text) <= 8192)))
);
create index idx_students_academic_age on lms.students using gin (academic_age) where (deleted_at IS NULL);
create index idx_students_academic_age_numeracy on lms.students (tenant_id, academic_age_numeracy) where (deleted_at IS NULL);
create index idx_students_academic_age_reading on lms.students (tenant_id, academic_age_reading) where (deleted_at IS NULL);
create index idx_students_academic_age_spelling on lms.students (tenant_id, academic_age_spelling) where (deleted_at IS NULL);
create index idx_students_assigned_tutor on lms.students (tenant_id, assigned_tutor_id);
create index idx_students_centre_id on lms.students (tenant_id, centre_id);
create index idx_students_deleted on lms.students (tenant_id, deleted_at) where (deleted_at IS NOT NULL);
create index idx_students_keyset on lms.students (tenant_id, created_at, id) where (deleted_at IS NULL);
create index idx_students_parent_id on lms.students (tenant_id, parent_id);
create index idx_students_special_needs on lms.students using gin (lms_private.tenant_prefixed_keys(tenant_id, special_needs)) where (deleted_at IS NULL);
create index idx_students_user_id on lms.students (tenant_id, user_id);
create unique index students_user_id_key on lms.students (tenant_id, user_id) where (deleted_at IS NULL);

-- Users who are responsible for a student and see the student as their child, whatever the role of the account.
create table lms.guardians (
  like lms_private.row_template,
  user_id uuid not null,
  student_id uuid not null,
  relationship text not null,
  by_first_contact boolean not null default false,
  constraint guardians_student_id_fkey FOREIGN KEY (tenant_id, student_id) REFERENCES lms.students(tenant_id, id),
  constraint guardians_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES lms.users(tenant_id, id),
  constraint guardians_relationship_check CHECK ((relationship = ANY (ARRAY['parent'::text, 'guardian'::text])))
);
create unique index guardians_student_id_key on lms.guardians (tenant_id, user_id, student_id) where (deleted_at IS NULL);
create index idx_guardians_deleted on lms.guardians (tenant_id, deleted_at) where (deleted_at IS NOT NULL);
create index idx_guardians_keyset on lms.guardians (tenant_id, created_at, id) where (deleted_at IS NULL);
create index idx_guardians_student_id on lms.guardians (tenant_id, student_id);
create index idx_guardians_user_id on lms.guardians (tenant_id, user_id);

-- 03_sign_in

-- One row for each sign-in. An access token names its session and stops working when the session is revoked.
create table lms.sessions (
  like lms_private.row_template,
  user_id uuid not null,
  user_agent text,
  address text,
  expires_at timestamp with time zone not null,
  revoked_at timestamp with time zone,
  last_used_at timestamp with time zone not null default now(),
  constraint sessions_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES lms.users(tenant_id, id) ON DELETE CASCADE,
  constraint sessions_address_check CHECK ((char_length(address) <= 64)),
  constraint sessions_user_agent_check CHECK ((char_length(user_agent) <= 500))
);
create index idx_sessions_deleted on lms.sessions (tenant_id, deleted_at) where (deleted_at IS NOT NULL);
create index idx_sessions_user_id on lms.sessions (tenant_id, user_id);

-- Sessions that are not revoked, of users that have not changed since they signed in: one row has all that the session check of a request reads. Derived from lms.sessions, lms.users and lms_private.cell. A session without a row is checked against those.
create table lms_private.live_sessions (
  tenant_id uuid not null,
  session_id uuid not null,
  user_id uuid not null,
  role text not null,
  centre_id uuid,
  region text not null,
  cell text not null,
  expires_at timestamp with time zone not null,
  constraint live_sessions_pkey PRIMARY KEY (tenant_id, session_id),
  constraint live_sessions_session_id_fkey FOREIGN KEY (tenant_id, session_id) REFERENCES lms.sessions(tenant_id, id) ON DELETE CASCADE
);

-- Every refresh token of a session, including used ones: presenting a used one revokes the session.
create table lms.refresh_tokens (
  like lms_private.row_template,
  session_id uuid not null,
  token_hash bytea not null,
  used_at timestamp with time zone,
  constraint refresh_tokens_session_id_fkey FOREIGN KEY (tenant_id, session_id) REFERENCES lms.sessions(tenant_id, id) ON DELETE CASCADE,
  constraint refresh_tokens_token_hash_check CHECK ((octet_length(token_hash) = 32))
);
create index idx_refresh_tokens_session_id on lms.refresh_tokens (tenant_id, session_id);
create index idx_refresh_tokens_token_hash on lms.refresh_tokens (token_hash);

-- Tokens that are sent to a user and work once.
create table lms.one_use_tokens (
  like lms_private.row_template,
  user_id uuid not null,
  purpose text not null,
  email text,
  token_hash bytea not null,
  expires_at timestamp with time zone not null,
  used_at timestamp with time zone,
  constraint one_use_tokens_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES lms.users(tenant_id, id) ON DELETE CASCADE,
  constraint one_use_tokens_email_check CHECK ((char_length(email) <= 254)),
  constraint one_use_tokens_purpose_check CHECK ((purpose = ANY (ARRAY['password_reset'::text, 'email_change'::text]))),
  constraint one_use_tokens_token_hash_check CHECK ((octet_length(token_hash) = 32))
);
create index idx_one_use_tokens_token_hash on lms.one_use_tokens (token_hash);
create index idx_one_use_tokens_user_id on lms.one_use_tokens (tenant_id, user_id);

-- One row for each attempt, written before the password is checked and removed when it was correct. An attempt without an outcome counts as failed after ten seconds, so that dropping the connection early gains nothing.
create table lms.sign_in_failures (
  like lms_private.row_template,
  account bytea not null,
  address text not null,
  device bytea,
  origin bytea,
  failed boolean not null default false,
  constraint sign_in_failures_account_check CHECK ((octet_length(account) = 32)),
  constraint sign_in_failures_address_check CHECK ((char_length(address) <= 64)),
  constraint sign_in_failures_device_check CHECK ((octet_length(device) = 32)),
  constraint sign_in_failures_origin_check CHECK ((octet_length(origin) = 32))
);
create index idx_sign_in_failures_account on lms.sign_in_failures (account, created_at);
create index idx_sign_in_failures_id on lms.sign_in_failures (id);
create index idx_sign_in_failures_origin on lms.sign_in_failures (origin, created_at) where (origin IS NOT NULL);

-- Password resets that were requested, for any address. The worker removes them within a second or two.
create table lms_private.reset_requests (
  id bigint not null generated always as identity,
  tenant_slug text not null,
  email text not null,
  requested_at timestamp with time zone not null default now(),
  constraint reset_requests_pkey PRIMARY KEY (id)
);

-- 04_request_pipeline

-- Responses of writing requests, kept for 24 hours, so that a repeated request gets the same response.
create table lms.idempotency_keys (
  like lms_private.row_template,
  user_id uuid not null,
  key text not null,
  fingerprint text not null,
  body text,
  tag text,
  expires_at timestamp with time zone not null default (now() + '24:00:00'::interval),
  constraint idempotency_keys_key_key UNIQUE (tenant_id, user_id, key),
  constraint idempotency_keys_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES lms.users(tenant_id, id) ON DELETE CASCADE,
  constraint idempotency_keys_fingerprint_check CHECK ((char_length(fingerprint) <= 255)),
  constraint idempotency_keys_key_check CHECK (((char_length(key) >= 1) AND (char_length(key) <= 255)))
);
create index idx_idempotency_keys_expires_at on lms.idempotency_keys (expires_at);

-- 05_teaching

-- Class sessions.
create table lms.classes (
  like lms_private.row_template,
  centre_id uuid not null,
  tutor_id uuid not null,
  former_tutor_ids jsonb not null default '[]'::jsonb,
  student_ids jsonb not null default '[]'::jsonb,
  subject text,
  level text,
  room text,
  meeting_provider text,
  meeting_url text,
  schedule jsonb not null,
  status text not null default 'scheduled'::text,
  warnings jsonb not null default '[]'::jsonb,
  planned jsonb not null default '[]'::jsonb,
  planned_until timestamp with time zone,
  constraint classes_centre_id_fkey FOREIGN KEY (tenant_id, centre_id) REFERENCES lms.centres(tenant_id, id),
  constraint classes_tutor_id_fkey FOREIGN KEY (tenant_id, tutor_id) REFERENCES lms.tutors(tenant_id, id),
  constraint classes_former_tutor_ids_check CHECK (((jsonb_typeof(former_tutor_ids) = 'array'::text) AND (octet_length((former_tutor_ids)::text) <= 65536))),
  constraint classes_level_check CHECK (((char_length(level) >= 1) AND (char_length(level) <= 100))),
  constraint classes_meeting_provider_check CHECK ((meeting_provider = ANY (ARRAY['teams'::text, 'zoom'::text, 'chime'::text]))),
  constraint classes_meeting_url_check CHECK (((char_length(meeting_url) <= 2048) AND (meeting_url ~ '^https?://[^[:space:]]+$'::text))),
  constraint classes_planned_check CHECK ((jsonb_typeof(planned) = 'array'::text)),
  constraint classes_room_check CHECK (((char_length(room) >= 1) AND (char_length(room) <= 100))),
  constraint classes_schedule_check CHECK (((jsonb_typeof(schedule) = 'object'::text) AND (octet_length((schedule)::text) <= 65536))),
  constraint classes_status_check CHECK ((status = ANY (ARRAY['scheduled'::text, 'completed'::text, 'cancelled'::text]))),
  constraint classes_student_ids_check CHECK (((jsonb_typeof(student_ids) = 'array'::text) AND (octet_length((student_ids)::text) <= 65536))),
  constraint classes_subject_check CHECK (((char_length(subject) >= 1) AND (char_length(subject) <= 100))),
  constraint classes_warnings_check CHECK ((jsonb_typeof(warnings) = 'array'::text))
);
create index idx_classes_centre_id on lms.classes (tenant_id, centre_id);
create index idx_classes_deleted on lms.classes (tenant_id, deleted_at) where (deleted_at IS NOT NULL);
create index idx_classes_keyset on lms.classes (tenant_id, created_at, id) where (deleted_at IS NULL);
create index idx_classes_planned_until on lms.classes (planned_until) where ((planned_until IS NOT NULL) AND (status = 'scheduled'::text) AND (deleted_at IS NULL));
create index idx_classes_student_ids on lms.classes using gin (student_ids) where (deleted_at IS NULL);
create index idx_classes_tenant_planned_until on lms.classes (tenant_id, planned_until) where ((planned_until IS NOT NULL) AND (status = 'scheduled'::text) AND (deleted_at IS NULL));
create index idx_classes_tutor_id on lms.classes (tenant_id, tutor_id);

-- Lessons that the schedule of a class produces, of an endless series for a rolling horizon. Ranges are half-open: a lesson that ends at five does not clash with one that begins at five.
create table lms.occurrences (
  like lms_private.row_template,
  class_id uuid not null,
  centre_id uuid not null,
  tutor_id uuid not null,
  room text,
  original_start timestamp with time zone not null,
  starts_at timestamp with time zone not null,
  ends_at timestamp with time zone not null,
  status text not null default 'scheduled'::text,
  reason text,
  constraint occurrences_room_excl EXCLUDE USING gist (tenant_id WITH =, centre_id WITH =, lower(room) WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE (((room IS NOT NULL) AND (deleted_at IS NULL) AND (status <> 'cancelled'::text))),
  constraint occurrences_tutor_id_excl EXCLUDE USING gist (tenant_id WITH =, tutor_id WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE (((deleted_at IS NULL) AND (status <> 'cancelled'::text))),
  constraint occurrences_centre_id_fkey FOREIGN KEY (tenant_id, centre_id) REFERENCES lms.centres(tenant_id, id),
  constraint occurrences_class_id_fkey FOREIGN KEY (tenant_id, class_id) REFERENCES lms.classes(tenant_id, id) ON DELETE CASCADE,
  constraint occurrences_tutor_id_fkey FOREIGN KEY (tenant_id, tutor_id) REFERENCES lms.tutors(tenant_id, id),
  constraint occurrences_ends_at_check CHECK (((ends_at > starts_at) AND (ends_at <= (starts_at + '25:00:00'::interval)))),
  constraint occurrences_reason_check CHECK (((char_length(reason) >= 1) AND (char_length(reason) <= 500))),
  constraint occurrences_room_check CHECK (((char_length(room) >= 1) AND (char_length(room) <= 100))),
  constraint occurrences_status_check CHECK ((status = ANY (ARRAY['scheduled'::text, 'completed'::text, 'cancelled'::text])))
);
create index idx_occurrences_centre_id on lms.occurrences (tenant_id, centre_id, starts_at);
create index idx_occurrences_clash on lms.occurrences (tenant_id, starts_at) where ((status = 'cancelled'::text) AND (reason = 'clash'::text) AND (deleted_at IS NULL));
create index idx_occurrences_class_id on lms.occurrences (tenant_id, class_id);
create index idx_occurrences_deleted on lms.occurrences (tenant_id, deleted_at) where (deleted_at IS NOT NULL);
create index idx_occurrences_starts_at on lms.occurrences (tenant_id, starts_at) where (deleted_at IS NULL);
create index idx_occurrences_tutor_id on lms.occurrences (tenant_id, tutor_id, starts_at);
create unique index occurrences_original_start_key on lms.occurrences (tenant_id, class_id, original_start) where (deleted_at IS NULL);

-- The students of each class: classes.student_ids with foreign keys, maintained by trigger.
create table lms.enrolments (
  like lms_private.row_template,
  class_id uuid not null,
  student_id uuid not null,
  constraint enrolments_class_id_fkey FOREIGN KEY (tenant_id, class_id) REFERENCES lms.classes(tenant_id, id) ON DELETE CASCADE,
  constraint enrolments_student_id_fkey FOREIGN KEY (tenant_id, student_id) REFERENCES lms.students(tenant_id, id)
);
create unique index enrolments_student_id_key on lms.enrolments (tenant_id, class_id, student_id) where (deleted_at IS NULL);
create index idx_enrolments_class_id on lms.enrolments (tenant_id, class_id);
create index idx_enrolments_deleted on lms.enrolments (tenant_id, deleted_at) where (deleted_at IS NOT NULL);
create index idx_enrolments_student_id on lms.enrolments (tenant_id, student_id);

-- One live row for each student of each occurrence, created with it.
create table lms.attendances (
  like lms_private.row_template,
  occurrence_id uuid not null,
  class_id uuid not null,
  student_id uuid not null,
  starts_at timestamp with time zone not null,
  ends_at timestamp with time zone not null,
  is_booked boolean not null default true,
  status text,
  note text,
  constraint attendances_student_id_excl EXCLUDE USING gist (tenant_id WITH =, student_id WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE (((deleted_at IS NULL) AND is_booked)),
  constraint attendances_class_id_fkey FOREIGN KEY (tenant_id, class_id) REFERENCES lms.classes(tenant_id, id) ON DELETE CASCADE,
  constraint attendances_occurrence_id_fkey FOREIGN KEY (tenant_id, occurrence_id) REFERENCES lms.occurrences(tenant_id, id) ON DELETE CASCADE,
  constraint attendances_student_id_fkey FOREIGN KEY (tenant_id, student_id) REFERENCES lms.students(tenant_id, id),
  constraint attendances_note_check CHECK (((char_length(note) >= 1) AND (char_length(note) <= 1000))),
  constraint attendances_status_check CHECK ((status = ANY (ARRAY['present'::text, 'absent'::text, 'late'::text, 'excused'::text])))
);
create unique index attendances_occurrence_id_key on lms.attendances (tenant_id, occurrence_id, student_id) where (deleted_at IS NULL);
create index idx_attendances_class_id on lms.attendances (tenant_id, class_id);
create index idx_attendances_deleted on lms.attendances (tenant_id, deleted_at) where (deleted_at IS NOT NULL);
create index idx_attendances_occurrence_id on lms.attendances (tenant_id, occurrence_id);
create index idx_attendances_student_id on lms.attendances (tenant_id, student_id, starts_at);

-- Tutors and students who have at least one lesson together, past or planned. Derived from lms.attendances and lms.occurrences.
create table lms_private.taught_students (
  tenant_id uuid not null,
  tutor_id uuid not null,
  student_id uuid not null,
  constraint taught_students_pkey PRIMARY KEY (tenant_id, tutor_id, student_id)
);

-- 06_calendar_feeds

-- Secret addresses of calendars; deleted when they are revoked.
create table lms.calendar_feeds (
  like lms_private.row_template,
  user_id uuid not null,
  token_hash bytea not null,
  constraint calendar_feeds_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES lms.users(tenant_id, id) ON DELETE CASCADE,
  constraint calendar_feeds_token_hash_check CHECK ((octet_length(token_hash) = 32))
);
create unique index calendar_feeds_user_id_key on lms.calendar_feeds (tenant_id, user_id) where (deleted_at IS NULL);
create index idx_calendar_feeds_deleted on lms.calendar_feeds (tenant_id, deleted_at) where (deleted_at IS NOT NULL);
create index idx_calendar_feeds_token_hash on lms.calendar_feeds (token_hash) where (deleted_at IS NULL);
create index idx_calendar_feeds_user_id on lms.calendar_feeds (tenant_id, user_id);

-- 07_progress

-- Academic assessments.
create table lms.assessments (
  like lms_private.row_template,
  student_id uuid not null,
  tutor_id uuid,
  type text not null,
  assessed_on date not null,
  score integer not null,
  academic_age numeric,
  notes text,
  constraint assessments_student_id_fkey FOREIGN KEY (tenant_id, student_id) REFERENCES lms.students(tenant_id, id),
  constraint assessments_tutor_id_fkey FOREIGN KEY (tenant_id, tutor_id) REFERENCES lms.tutors(tenant_id, id),
  constraint assessments_academic_age_check CHECK (((academic_age IS NULL) OR (((academic_age >= (0)::numeric) AND (academic_age <= (30)::numeric)) AND (scale(academic_age) <= 2) AND (type <> 'custom'::text)))),
  constraint assessments_assessed_on_check CHECK (((assessed_on >= '1900-01-01'::date) AND (assessed_on <= '2200-01-01'::date))),
  constraint assessments_notes_check CHECK ((char_length(notes) <= 10000)),
  constraint assessments_score_check CHECK (((score >= 0) AND (score <= CASE WHEN (type = 'custom'::text) THEN 1000 ELSE 100 END))),
  constraint assessments_type_check CHECK ((type = ANY (ARRAY['reading'::text, 'spelling'::text, 'numeracy'::text, 'custom'::text])))
);
create index idx_assessments_academic_age on lms.assessments (tenant_id, student_id, type, assessed_on) where ((deleted_at IS NULL) AND (academic_age IS NOT NULL));
create index idx_assessments_deleted on lms.assessments (tenant_id, deleted_at) where (deleted_at IS NOT NULL);
create index idx_assessments_keyset on lms.assessments (tenant_id, created_at, id) where (deleted_at IS NULL);
create index idx_assessments_student_id on lms.assessments (tenant_id, student_id);
create index idx_assessments_tutor_id on lms.assessments (tenant_id, tutor_id);

-- Points and badges, one row for each award.
create table lms.gamification (
  like lms_private.row_template,
  student_id uuid not null,
  points integer not null default 0,
  reason text,
  badge text,
  by_rule boolean not null default false,
  metadata jsonb not null default '{}'::jsonb,
  constraint gamification_student_id_fkey FOREIGN KEY (tenant_id, student_id) REFERENCES lms.students(tenant_id, id),
  constraint gamification_badge_check CHECK (((char_length(badge) >= 1) AND (char_length(badge) <= 200))),
  constraint gamification_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (octet_length((metadata)::text) <= 16384))),
  constraint gamification_points_check CHECK (((points >= '-1000000'::integer) AND (points <= 1000000))),
  constraint gamification_reason_check CHECK ( CASE WHEN (reason IS NULL) THEN (points >= 0) ELSE ((char_length(reason) >= 1) AND (char_length(reason) <= 1000)) END)
);
create unique index gamification_by_rule_key on lms.gamification (tenant_id, student_id, ( CASE WHEN by_rule THEN badge ELSE NULL::text END));
create index idx_gamification_deleted on lms.gamification (tenant_id, deleted_at) where (deleted_at IS NOT NULL);
create index idx_gamification_keyset on lms.gamification (tenant_id, created_at, id) where (deleted_at IS NULL);
create index idx_gamification_student_id on lms.gamification (tenant_id, student_id);

-- 08_ledger

-- Currencies of ISO 4217. A test compares them with the list in the components.
create table lms_private.currencies (
  code text not null,
  digits integer not null,
  constraint currencies_pkey PRIMARY KEY (code),
  constraint currencies_code_check CHECK ((code ~ '^[A-Z]{3}$'::text)),
  constraint currencies_digits_check CHECK (((digits >= 0) AND (digits <= 4)))
);

-- The ledger: payments, salaries, expenses and reimbursements. Append-only; each record has two journal entries.
create table lms.finance_records (
  like lms_private.row_template,
  number bigint not null,
  centre_id uuid not null,
  student_id uuid,
  tutor_id uuid,
  amount numeric not null,
  currency text not null,
  type text not null,
  method text not null,
  effective_on date not null,
  reference text,
  reverses_id uuid,
  constraint finance_records_number_key UNIQUE (tenant_id, number),
  constraint finance_records_centre_id_fkey FOREIGN KEY (tenant_id, centre_id) REFERENCES lms.centres(tenant_id, id),
  constraint finance_records_reverses_id_fkey FOREIGN KEY (tenant_id, reverses_id) REFERENCES lms.finance_records(tenant_id, id),
  constraint finance_records_student_id_fkey FOREIGN KEY (tenant_id, student_id) REFERENCES lms.students(tenant_id, id),
  constraint finance_records_tutor_id_fkey FOREIGN KEY (tenant_id, tutor_id) REFERENCES lms.tutors(tenant_id, id),
  constraint finance_records_amount_check CHECK (((amount > (0)::numeric) AND (amount < ('1000000000000000'::bigint)::numeric) AND (scale(amount) <= 4))),
  constraint finance_records_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
  constraint finance_records_deleted_at_check CHECK ((deleted_at IS NULL)),
  constraint finance_records_method_check CHECK ((method = ANY (ARRAY['card'::text, 'cash'::text, 'transfer'::text]))),
  constraint finance_records_number_check CHECK ((number > 0)),
  constraint finance_records_reference_check CHECK ((char_length(reference) <= 200)),
  constraint finance_records_student_id_check CHECK ( CASE type WHEN 'payment'::text THEN (student_id IS NOT NULL) WHEN 'reimbursement'::text THEN true ELSE (student_id IS NULL) END),
  constraint finance_records_tutor_id_check CHECK ( CASE type WHEN 'salary'::text THEN (tutor_id IS NOT NULL) WHEN 'reimbursement'::text THEN ((student_id IS NULL) OR (tutor_id IS NULL)) ELSE (tutor_id IS NULL) END),
  constraint finance_records_type_check CHECK ((type = ANY (ARRAY['payment'::text, 'salary'::text, 'expense'::text, 'reimbursement'::text])))
);
create unique index finance_records_reverses_id_key on lms.finance_records (tenant_id, reverses_id) where (reverses_id IS NOT NULL);
create index idx_finance_centre_id on lms.finance_records (tenant_id, centre_id);
create index idx_finance_records_effective_on on lms.finance_records (tenant_id, effective_on, id) where (deleted_at IS NULL);
create index idx_finance_records_keyset on lms.finance_records (tenant_id, created_at, id) where (deleted_at IS NULL);
create index idx_finance_records_student_id on lms.finance_records (tenant_id, student_id);
create index idx_finance_records_tutor_id on lms.finance_records (tenant_id, tutor_id);

-- The amounts that each finance record posts to accounts. Only a trigger of finance_records writes them.
create table lms.journal_entries (
  like lms_private.row_template,
  record_id uuid not null,
  account text not null,
  amount numeric not null,
  currency text not null,
  constraint journal_entries_account_key UNIQUE (tenant_id, record_id, account),
  constraint journal_entries_record_id_fkey FOREIGN KEY (tenant_id, record_id) REFERENCES lms.finance_records(tenant_id, id),
  constraint journal_entries_account_check CHECK ((account = ANY (ARRAY['card_clearing'::text, 'cash'::text, 'bank'::text, 'tuition_income'::text, 'salaries'::text, 'expenses'::text, 'reimbursements'::text]))),
  constraint journal_entries_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text))
);

-- The sum of the finance records of a centre and day by currency and type. Maintained by a trigger of finance_records; lms.reconcile_finance compares it with the journal entries.
create table lms.finance_totals (
  like lms_private.row_template,
  centre_id uuid not null,
  effective_on date not null,
  currency text not null,
  type text not null,
  amount numeric not null,
  records bigint not null,
  constraint finance_totals_type_key UNIQUE (tenant_id, centre_id, effective_on, currency, type)
);

-- 09_payroll

-- The pay of tutors. A rate applies from its date until the day before the tutor's next rate.
create table lms.tutor_rates (
  like lms_private.row_template,
  tutor_id uuid not null,
  unit text not null,
  amount numeric not null,
  currency text not null,
  effective_from date not null,
  constraint tutor_rates_tutor_id_fkey FOREIGN KEY (tenant_id, tutor_id) REFERENCES lms.tutors(tenant_id, id),
  constraint tutor_rates_amount_check CHECK (((amount >= (0)::numeric) AND (amount < ('1000000000000000'::bigint)::numeric))),
  constraint tutor_rates_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
  constraint tutor_rates_unit_check CHECK ((unit = ANY (ARRAY['hour'::text, 'lesson'::text])))
);
create index idx_tutor_rates_deleted on lms.tutor_rates (tenant_id, deleted_at) where (deleted_at IS NOT NULL);
create index idx_tutor_rates_keyset on lms.tutor_rates (tenant_id, created_at, id) where (deleted_at IS NULL);
create index idx_tutor_rates_tutor_id on lms.tutor_rates (tenant_id, tutor_id);
create unique index tutor_rates_effective_from_key on lms.tutor_rates (tenant_id, tutor_id, effective_from) where (deleted_at IS NULL);

-- One run for each centre and month.
create table lms.payroll_runs (
  like lms_private.row_template,
  centre_id uuid not null,
  month date not null,
  status text not null default 'draft'::text,
  posted_at timestamp with time zone,
  constraint payroll_runs_centre_id_fkey FOREIGN KEY (tenant_id, centre_id) REFERENCES lms.centres(tenant_id, id),
  constraint payroll_runs_month_check CHECK ((EXTRACT(day FROM month) = (1)::numeric)),
  constraint payroll_runs_posted_at_check CHECK (((posted_at IS NOT NULL) = (status = 'posted'::text))),
  constraint payroll_runs_status_check CHECK ((status = ANY (ARRAY['draft'::text, 'posted'::text])))
);
create index idx_payroll_runs_centre_id on lms.payroll_runs (tenant_id, centre_id);
create index idx_payroll_runs_keyset on lms.payroll_runs (tenant_id, created_at, id) where (deleted_at IS NULL);
create unique index payroll_runs_month_key on lms.payroll_runs (tenant_id, centre_id, month) where (deleted_at IS NULL);

-- The earnings of a tutor in a run: one row for each currency, and one for lessons without a rate.
create table lms.payroll_items (
  like lms_private.row_template,
  run_id uuid not null,
  tutor_id uuid not null,
  finance_record_id uuid,
  currency text,
  lessons integer not null,
  minutes integer not null,
  amount numeric,
  first_on date not null,
  last_on date not null,
  rates jsonb not null,
  late_lessons jsonb not null default '[]'::jsonb,
  problem text,
  constraint payroll_items_finance_record_id_fkey FOREIGN KEY (tenant_id, finance_record_id) REFERENCES lms.finance_records(tenant_id, id),
  constraint payroll_items_run_id_fkey FOREIGN KEY (tenant_id, run_id) REFERENCES lms.payroll_runs(tenant_id, id),
  constraint payroll_items_tutor_id_fkey FOREIGN KEY (tenant_id, tutor_id) REFERENCES lms.tutors(tenant_id, id),
  constraint payroll_items_amount_check CHECK ((amount >= (0)::numeric)),
  constraint payroll_items_currency_check CHECK ( CASE WHEN (problem IS NULL) THEN ((currency IS NOT NULL) AND (amount IS NOT NULL)) ELSE ((currency IS NULL) AND (amount IS NULL)) END),
  constraint payroll_items_finance_record_id_check CHECK (((finance_record_id IS NULL) OR (COALESCE(amount, (0)::numeric) > (0)::numeric))),
  constraint payroll_items_last_on_check CHECK ((last_on >= first_on)),
  constraint payroll_items_late_lessons_check CHECK ((jsonb_typeof(late_lessons) = 'array'::text)),
  constraint payroll_items_lessons_check CHECK ((lessons > 0)),
  constraint payroll_items_minutes_check CHECK ((minutes >= 0)),
  constraint payroll_items_problem_check CHECK ((problem = 'no_rate'::text)),
  constraint payroll_items_rates_check CHECK ((jsonb_typeof(rates) = 'array'::text))
);
create index idx_payroll_items_finance_record_id on lms.payroll_items (tenant_id, finance_record_id) where (finance_record_id IS NOT NULL);
create index idx_payroll_items_run_id on lms.payroll_items (tenant_id, run_id);
create index idx_payroll_items_tutor_id on lms.payroll_items (tenant_id, tutor_id);
create unique index payroll_items_tutor_id_key on lms.payroll_items (tenant_id, run_id, tutor_id, COALESCE(currency, ''::text)) where (deleted_at IS NULL);

-- Lessons that posted runs have paid, each once. Append-only.
create table lms.payroll_lessons (
  like lms_private.row_template,
  run_id uuid not null,
  occurrence_id uuid not null,
  tutor_id uuid not null,
  held_on date not null,
  minutes integer not null,
  constraint payroll_lessons_occurrence_id_fkey FOREIGN KEY (tenant_id, occurrence_id) REFERENCES lms.occurrences(tenant_id, id),
  constraint payroll_lessons_run_id_fkey FOREIGN KEY (tenant_id, run_id) REFERENCES lms.payroll_runs(tenant_id, id),
  constraint payroll_lessons_tutor_id_fkey FOREIGN KEY (tenant_id, tutor_id) REFERENCES lms.tutors(tenant_id, id),
  constraint payroll_lessons_minutes_check CHECK ((minutes >= 0))
);
create index idx_payroll_lessons_run_id on lms.payroll_lessons (tenant_id, run_id);
create index idx_payroll_lessons_tutor_id on lms.payroll_lessons (tenant_id, tutor_id);
create unique index payroll_lessons_occurrence_id_key on lms.payroll_lessons (tenant_id, occurrence_id);

-- 10_inventory

-- Assets and consumables, with quantities of at least zero.
create table lms.inventory (
  like lms_private.row_template,
  centre_id uuid not null,
  item_name text not null,
  category text not null,
  quantity integer not null default 0,
  lent integer not null default 0,
  available integer not null generated always as ((quantity - lent)) stored,
  low_stock_at integer,
  condition text not null default 'good'::text,
  metadata jsonb not null default '{}'::jsonb,
  constraint inventory_centre_id_fkey FOREIGN KEY (tenant_id, centre_id) REFERENCES lms.centres(tenant_id, id),
  constraint inventory_category_check CHECK ((category = ANY (ARRAY['laptop'::text, 'furniture'::text, 'stationery'::text, 'network'::text, 'misc'::text]))),
  constraint inventory_condition_check CHECK ((condition = ANY (ARRAY['good'::text, 'needs_repair'::text, 'broken'::text]))),
  constraint inventory_item_name_check CHECK (((char_length(item_name) >= 1) AND (char_length(item_name) <= 200))),
  constraint inventory_lent_check CHECK (((lent >= 0) AND (lent <= quantity))),
  constraint inventory_low_stock_at_check CHECK (((low_stock_at >= 0) AND (low_stock_at <= 1000000000))),
  constraint inventory_metadata_check CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (octet_length((metadata)::text) <= 16384))),
  constraint inventory_quantity_check CHECK (((quantity >= 0) AND (quantity <= 1000000000)))
);
create index idx_inventory_centre_id on lms.inventory (tenant_id, centre_id);
create index idx_inventory_deleted on lms.inventory (tenant_id, deleted_at) where (deleted_at IS NOT NULL);
create index idx_inventory_item_name on lms.inventory (tenant_id, item_name COLLATE "und-x-icu", id) where (deleted_at IS NULL);
create index idx_inventory_keyset on lms.inventory (tenant_id, created_at, id) where (deleted_at IS NULL);

-- Adjustments of each item's quantity. Append-only.
create table lms.inventory_adjustments (
  like lms_private.row_template,
  inventory_id uuid not null,
  change integer not null,
  reason text not null,
  quantity_after integer not null,
  constraint inventory_adjustments_inventory_id_fkey FOREIGN KEY (tenant_id, inventory_id) REFERENCES lms.inventory(tenant_id, id),
  constraint inventory_adjustments_change_check CHECK (((change <> 0) AND (abs(change) <= 1000000000))),
  constraint inventory_adjustments_quantity_after_check CHECK ((quantity_after >= 0)),
  constraint inventory_adjustments_reason_check CHECK (((char_length(reason) >= 1) AND (char_length(reason) <= 1000)))
);
create index idx_inventory_adjustments_inventory_id on lms.inventory_adjustments (tenant_id, inventory_id, id);

-- Loans of items to users, with due dates.
create table lms.inventory_loans (
  like lms_private.row_template,
  inventory_id uuid not null,
  centre_id uuid not null,
  user_id uuid not null,
  quantity integer not null default 1,
  due_on date not null,
  returned_at timestamp with time zone,
  reminded_at timestamp with time zone,
  constraint inventory_loans_centre_id_fkey FOREIGN KEY (tenant_id, centre_id) REFERENCES lms.centres(tenant_id, id),
  constraint inventory_loans_inventory_id_fkey FOREIGN KEY (tenant_id, inventory_id) REFERENCES lms.inventory(tenant_id, id),
  constraint inventory_loans_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES lms.users(tenant_id, id),
  constraint inventory_loans_due_on_check CHECK (((due_on >= '1900-01-01'::date) AND (due_on <= '2200-01-01'::date))),
  constraint inventory_loans_quantity_check CHECK (((quantity >= 1) AND (quantity <= 1000000000)))
);
create index idx_inventory_loans_centre_id on lms.inventory_loans (tenant_id, centre_id, created_at, id);
create index idx_inventory_loans_deleted on lms.inventory_loans (tenant_id, deleted_at) where (deleted_at IS NOT NULL);
create index idx_inventory_loans_due_on on lms.inventory_loans (tenant_id, due_on, id) where ((returned_at IS NULL) AND (deleted_at IS NULL));
create index idx_inventory_loans_inventory_id on lms.inventory_loans (tenant_id, inventory_id, id);
create index idx_inventory_loans_keyset on lms.inventory_loans (tenant_id, created_at, id) where (deleted_at IS NULL);
create index idx_inventory_loans_user_id on lms.inventory_loans (tenant_id, user_id, id);

-- 11_requests

-- Requests about IT, inventory, complaints, rescheduling and repairs.
create table lms.requests (
  like lms_private.row_template,
  number bigint not null,
  centre_id uuid not null,
  assigned_to uuid,
  class_id uuid,
  occurrence_start timestamp with time zone,
  inventory_id uuid,
  type text not null,
  details text not null,
  resolution text,
  priority text not null default 'medium'::text,
  urgency integer not null generated always as ( CASE priority WHEN 'high'::text THEN 1 WHEN 'medium'::text THEN 2 ELSE 3 END) stored,
  status text not null default 'open'::text,
  by_rule boolean not null default false,
  opened_at timestamp with time zone not null,
  due_at timestamp with time zone not null,
  escalated_at timestamp with time zone,
  resolved_at timestamp with time zone,
  closed_at timestamp with time zone,
  constraint requests_number_key UNIQUE (tenant_id, number),
  constraint requests_assigned_to_fkey FOREIGN KEY (tenant_id, assigned_to) REFERENCES lms.staff(tenant_id, id),
  constraint requests_centre_id_fkey FOREIGN KEY (tenant_id, centre_id) REFERENCES lms.centres(tenant_id, id),
  constraint requests_class_id_fkey FOREIGN KEY (tenant_id, class_id) REFERENCES lms.classes(tenant_id, id),
  constraint requests_created_by_fkey FOREIGN KEY (tenant_id, created_by) REFERENCES lms.users(tenant_id, id),
  constraint requests_inventory_id_fkey FOREIGN KEY (tenant_id, inventory_id) REFERENCES lms.inventory(tenant_id, id),
  constraint requests_details_check CHECK (((char_length(details) >= 1) AND (char_length(details) <= 10000))),
  constraint requests_occurrence_start_check CHECK (((occurrence_start IS NULL) OR (class_id IS NOT NULL))),
  constraint requests_priority_check CHECK ((priority = ANY (ARRAY['low'::text, 'medium'::text, 'high'::text]))),
  constraint requests_resolution_check CHECK (((char_length(resolution) >= 1) AND (char_length(resolution) <= 10000))),
  constraint requests_status_check CHECK ((status = ANY (ARRAY['open'::text, 'in_progress'::text, 'resolved'::text, 'closed'::text]))),
  constraint requests_type_check CHECK ((type = ANY (ARRAY['it'::text, 'inventory'::text, 'complaint'::text, 'reschedule'::text, 'maintenance'::text])))
);
create index idx_requests_assigned_to on lms.requests (tenant_id, assigned_to, status, urgency, created_at, id);
create index idx_requests_centre_id on lms.requests (tenant_id, centre_id, status, urgency, created_at, id);
create index idx_requests_class_id on lms.requests (tenant_id, class_id) where (class_id IS NOT NULL);
create index idx_requests_created_by on lms.requests (tenant_id, created_by, status, urgency, created_at, id);
create index idx_requests_deleted on lms.requests (tenant_id, deleted_at) where (deleted_at IS NOT NULL);
create index idx_requests_due_at on lms.requests (tenant_id, due_at, id) where ((status = ANY (ARRAY['open'::text, 'in_progress'::text])) AND (deleted_at IS NULL));
create index idx_requests_inventory_id on lms.requests (tenant_id, inventory_id) where (inventory_id IS NOT NULL);
create index idx_requests_keyset on lms.requests (tenant_id, created_at, id) where (deleted_at IS NULL);
create index idx_requests_status_priority on lms.requests (tenant_id, status, urgency, created_at, id) where (deleted_at IS NULL);
create unique index requests_inventory_id_key on lms.requests (tenant_id, ( CASE WHEN (by_rule AND (status = ANY (ARRAY['open'::text, 'in_progress'::text])) AND (deleted_at IS NULL)) THEN inventory_id ELSE NULL::uuid END));

-- Comments on requests. Append-only.
create table lms.request_comments (
  like lms_private.row_template,
  request_id uuid not null,
  visibility text not null default 'public'::text,
  body text not null,
  constraint request_comments_request_id_fkey FOREIGN KEY (tenant_id, request_id) REFERENCES lms.requests(tenant_id, id),
  constraint request_comments_body_check CHECK (((char_length(body) >= 1) AND (char_length(body) <= 10000))),
  constraint request_comments_visibility_check CHECK ((visibility = ANY (ARRAY['public'::text, 'internal'::text])))
);
create index idx_request_comments_request_id on lms.request_comments (tenant_id, request_id, id);

-- 12_notifications

-- The events that notifications can be about: the values of notification_templates.key.
create table lms_private.notification_events (
  key text not null,
  placeholders text[] not null,
  optional text[] not null default '{}'::text[],
  lists text[] not null default '{}'::text[],
  secret text,
  is_security boolean not null default false,
  constraint notification_events_pkey PRIMARY KEY (key),
  constraint notification_events_key_check CHECK ((key ~ '^[a-z]+(_[a-z]+)*$'::text))
);

-- Default texts for all channels, used when a tenant has no template of its own.
create table lms_private.notification_texts (
  key text not null,
  language text not null,
  subject text not null,
  message text not null,
  constraint notification_texts_pkey PRIMARY KEY (key, language),
  constraint notification_texts_key_fkey FOREIGN KEY (key) REFERENCES lms_private.notification_events(key)
);

-- A tenant's own texts for an event, by channel and language.
create table lms.notification_templates (
  like lms_private.row_template,
  key text not null,
  type text not null,
  language text not null,
  subject text,
  message text not null,
  constraint notification_templates_key_check CHECK ((key = ANY (ARRAY['announcement'::text, 'class_students_changed'::text, 'email_change'::text, 'email_change_asked'::text, 'email_changed'::text, 'lesson_added'::text, 'lesson_cancelled'::text, 'lesson_changed'::text, 'lesson_moved'::text, 'lessons_added'::text, 'lessons_cancelled'::text, 'lessons_changed'::text, 'lessons_moved'::text, 'loan_made'::text, 'loan_overdue'::text, 'low_stock'::text, 'password_reset'::text, 'request_assigned'::text, 'request_escalated'::text, 'request_resolved'::text, 'webhook_disabled'::text]))),
  constraint notification_templates_language_check CHECK (((language ~ '^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$'::text) AND (char_length(language) <= 35))),
  constraint notification_templates_message_check CHECK (((char_length(message) >= 1) AND (char_length(message) <= 5000))),
  constraint notification_templates_subject_check CHECK (((char_length(subject) >= 1) AND (char_length(subject) <= 300))),
  constraint notification_templates_type_check CHECK ((type = ANY (ARRAY['email'::text, 'sms'::text, 'push'::text])))
);
create index idx_notification_templates_deleted on lms.notification_templates (tenant_id, deleted_at) where (deleted_at IS NOT NULL);
create index idx_notification_templates_keyset on lms.notification_templates (tenant_id, created_at, id) where (deleted_at IS NULL);
create unique index notification_templates_language_key on lms.notification_templates (tenant_id, key, type, lower(language)) where (deleted_at IS NULL);

-- The channels through which a user may be notified; a user without a row accepts all.
create table lms.notification_preferences (
  like lms_private.row_template,
  user_id uuid not null,
  email boolean not null default true,
  sms boolean not null default true,
  push boolean not null default true,
  constraint notification_preferences_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES lms.users(tenant_id, id) ON DELETE CASCADE
);
create index idx_notification_preferences_deleted on lms.notification_preferences (tenant_id, deleted_at) where (deleted_at IS NOT NULL);
create unique index notification_preferences_user_id_key on lms.notification_preferences (tenant_id, user_id);

-- Log of notifications.
create table lms.notifications (
  like lms_private.row_template,
  user_id uuid not null,
  type text not null,
  template text,
  language text,
  data jsonb,
  subject text,
  message text not null,
  status text,
  delivered_at timestamp with time zone,
  attempts integer,
  failure text,
  constraint notifications_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES lms.users(tenant_id, id) ON DELETE CASCADE,
  constraint notifications_data_check CHECK (((jsonb_typeof(data) = 'object'::text) AND (octet_length((data)::text) <= 16384))),
  constraint notifications_failure_check CHECK (((char_length(failure) >= 1) AND (char_length(failure) <= 500))),
  constraint notifications_message_check CHECK (((char_length(message) >= 1) AND (char_length(message) <= 20000))),
  constraint notifications_status_check CHECK ((status = ANY (ARRAY['sent'::text, 'failed'::text]))),
  constraint notifications_subject_check CHECK ((char_length(subject) <= 500)),
  constraint notifications_type_check CHECK ((type = ANY (ARRAY['email'::text, 'sms'::text, 'push'::text])))
);
create index idx_notifications_deleted on lms.notifications (tenant_id, deleted_at) where (deleted_at IS NOT NULL);
create index idx_notifications_failed on lms.notifications (tenant_id, created_at, id) where ((status = 'failed'::text) AND (deleted_at IS NULL));
create index idx_notifications_keyset on lms.notifications (tenant_id, created_at, id) where (deleted_at IS NULL);
create index idx_notifications_user_id on lms.notifications (tenant_id, user_id, created_at, id);

-- The secret that replaces {{token}} in a notification on delivery. It is stored neither in notifications, which support staff read, nor in the event log, which is permanent. Deleted when delivered, used or expired.
create table lms_private.notification_secrets (
  tenant_id uuid not null,
  notification_id uuid not null,
  token text,
  address text,
  expires_at timestamp with time zone not null,
  constraint notification_secrets_pkey PRIMARY KEY (tenant_id, notification_id),
  constraint notification_secrets_tenant_id_notification_id_fkey FOREIGN KEY (tenant_id, notification_id) REFERENCES lms.notifications(tenant_id, id) ON DELETE CASCADE,
  constraint notification_secrets_address_check CHECK ((char_length(address) <= 254))
);
create index idx_notification_secrets_expires_at on lms_private.notification_secrets (expires_at);
create index idx_notification_secrets_token on lms_private.notification_secrets (tenant_id, lms_private.sha256_of_lines(VARIADIC ARRAY[token]));

-- The outbox: one row for each notification to deliver. These rows belong to the worker and have no events; the outcome in notifications has.
create table lms.notification_deliveries (
  like lms_private.row_template,
  notification_id uuid not null,
  type text not null,
  attempts integer not null default 0,
  next_attempt_at timestamp with time zone not null default now(),
  last_error text,
  provider text,
  provider_id text,
  delivered_at timestamp with time zone,
  dead_at timestamp with time zone,
  constraint notification_deliveries_notification_id_fkey FOREIGN KEY (tenant_id, notification_id) REFERENCES lms.notifications(tenant_id, id) ON DELETE CASCADE,
  constraint notification_deliveries_last_error_check CHECK (((char_length(last_error) >= 1) AND (char_length(last_error) <= 500))),
  constraint notification_deliveries_type_check CHECK ((type = ANY (ARRAY['email'::text, 'sms'::text, 'push'::text])))
);
create index idx_notification_deliveries_dead_at on lms.notification_deliveries (tenant_id, type) where (dead_at IS NOT NULL);
create index idx_notification_deliveries_delivered_at on lms.notification_deliveries (delivered_at) where (delivered_at IS NOT NULL);
create index idx_notification_deliveries_due on lms.notification_deliveries (tenant_id, type, next_attempt_at) where ((delivered_at IS NULL) AND (dead_at IS NULL));
create unique index notification_deliveries_notification_id_key on lms.notification_deliveries (tenant_id, notification_id);

-- 13_event_log

-- Events without a position in their tenant's chain. Written by the transaction that makes the change, and moved by lms_private.seal_events.
create table lms_private.unsealed_events (
  sequence bigint not null generated always as identity,
  tenant_id uuid not null,
  id uuid not null default lms.new_id(),
  entity text not null,
  entity_id uuid not null,
  kind text not null,
  actor uuid,
  request_id text,
  at timestamp with time zone not null,
  state jsonb not null,
  salt uuid not null default gen_random_uuid()
);
create index idx_unsealed_events_sequence on lms_private.unsealed_events (tenant_id, sequence);

-- The end of each tenant's chain. Sealing locks the row, so that it is serialized.
create table lms.event_heads (
  like lms_private.row_template,
  position bigint not null default 0,
  hash bytea not null default '\x0000000000000000000000000000000000000000000000000000000000000000'::bytea,
  constraint event_heads_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES lms.tenants(tenant_id)
);
create unique index event_heads_tenant_id_key on lms.event_heads (tenant_id);

-- Every change of a recorded table. Append-only, partitioned by month; lms.make_event_partitions creates the partitions. The application may only read it.
create table lms.event_log (
  like lms_private.row_template,
  position bigint not null,
  entity text not null,
  entity_id uuid not null,
  kind text not null,
  actor uuid,
  request_id text,
  at timestamp with time zone not null,
  state jsonb not null,
  salt uuid not null,
  state_hash bytea not null,
  previous_hash bytea not null,
  hash bytea not null,
  constraint event_log_pkey PRIMARY KEY (tenant_id, id, at),
  constraint event_log_position_key UNIQUE (tenant_id, "position", at)
) partition by RANGE (at);
create index idx_event_log_entity_id on lms.event_log (tenant_id, entity_id, "position");

-- Redacted events, with the hashes of what replaced their states.
create table lms.event_redactions (
  like lms_private.row_template,
  erasure_id uuid not null,
  position bigint not null,
  state_hash bytea not null
);
create unique index event_redactions_position_key on lms.event_redactions (tenant_id, "position", erasure_id);
create index idx_event_redactions_erasure_id on lms.event_redactions (tenant_id, erasure_id, "position");

-- Requests that wait for events.
create table lms_private.event_waits (
  tenant_id uuid not null,
  ticket uuid not null,
  session_id uuid not null,
  begun_at timestamp with time zone not null default clock_timestamp(),
  ends_at timestamp with time zone not null,
  constraint event_waits_pkey PRIMARY KEY (tenant_id, ticket)
) unlogged;

-- 14_webhooks

-- Endpoints that receive events. webhook_queues has the position of each.
create table lms.webhooks (
  like lms_private.row_template,
  url text not null,
  description text,
  kinds jsonb not null default '[]'::jsonb,
  status text not null default 'active'::text,
  disabled_at timestamp with time zone,
  disabled_reason text,
  secret_changed_at timestamp with time zone not null default now(),
  constraint webhooks_description_check CHECK (((char_length(description) >= 1) AND (char_length(description) <= 500))),
  constraint webhooks_disabled_at_check CHECK (((status = 'disabled'::text) = (disabled_at IS NOT NULL))),
  constraint webhooks_disabled_reason_check CHECK (((char_length(disabled_reason) >= 1) AND (char_length(disabled_reason) <= 500))),
  constraint webhooks_kinds_check CHECK ((jsonb_typeof(kinds) = 'array'::text)),
  constraint webhooks_status_check CHECK ((status = ANY (ARRAY['active'::text, 'disabled'::text]))),
  constraint webhooks_url_check CHECK (((url ~ '^https?://'::text) AND (char_length(url) <= 2048)))
);
create index idx_webhooks_deleted on lms.webhooks (tenant_id, deleted_at) where (deleted_at IS NOT NULL);
create index idx_webhooks_keyset on lms.webhooks (tenant_id, created_at, id) where (deleted_at IS NULL);
create unique index webhooks_url_key on lms.webhooks (tenant_id, url) where (deleted_at IS NULL);

-- Secrets that sign requests. The application writes them but cannot read them. Changes have no events of their own; webhooks.secret_changed_at has.
create table lms.webhook_secrets (
  like lms_private.row_template,
  webhook_id uuid not null,
  secret bytea not null,
  expires_at timestamp with time zone,
  constraint webhook_secrets_webhook_id_fkey FOREIGN KEY (tenant_id, webhook_id) REFERENCES lms.webhooks(tenant_id, id) ON DELETE CASCADE,
  constraint webhook_secrets_secret_check CHECK (((octet_length(secret) >= 24) AND (octet_length(secret) <= 64)))
);
create index idx_webhook_secrets_expires_at on lms.webhook_secrets (expires_at) where (expires_at IS NOT NULL);
create index idx_webhook_secrets_webhook_id on lms.webhook_secrets (tenant_id, webhook_id);
create unique index webhook_secrets_webhook_id_key on lms.webhook_secrets (tenant_id, webhook_id) where (expires_at IS NULL);

-- The position up to which the log has been queued for each webhook, with the webhook's id. These rows belong to the worker and have no events.
create table lms.webhook_queues (
  like lms_private.row_template,
  position bigint not null,
  succeeded_at timestamp with time zone not null default now(),
  constraint webhook_queues_id_fkey FOREIGN KEY (tenant_id, id) REFERENCES lms.webhooks(tenant_id, id) ON DELETE CASCADE,
  constraint webhook_queues_position_check CHECK (("position" >= 0))
);

-- One row for each event to deliver to a webhook. These rows belong to the worker and have no events. The body is read from the log in each attempt.
create table lms.webhook_deliveries (
  like lms_private.row_template,
  webhook_id uuid not null,
  position bigint not null,
  event_id uuid not null,
  event_at timestamp with time zone not null,
  kind text not null,
  attempts integer not null default 0,
  next_attempt_at timestamp with time zone not null,
  last_attempt_at timestamp with time zone,
  last_status integer,
  last_error text,
  delivered_at timestamp with time zone,
  dead_at timestamp with time zone,
  constraint webhook_deliveries_position_key UNIQUE (tenant_id, webhook_id, "position"),
  constraint webhook_deliveries_webhook_id_fkey FOREIGN KEY (tenant_id, webhook_id) REFERENCES lms.webhooks(tenant_id, id) ON DELETE CASCADE,
  constraint webhook_deliveries_last_error_check CHECK (((char_length(last_error) >= 1) AND (char_length(last_error) <= 500)))
);
create index idx_webhook_deliveries_due on lms.webhook_deliveries (tenant_id, webhook_id, next_attempt_at) where ((delivered_at IS NULL) AND (dead_at IS NULL));
create index idx_webhook_deliveries_last_attempt_at on lms.webhook_deliveries (tenant_id, webhook_id, last_attempt_at) INCLUDE (dead_at) where ((delivered_at IS NULL) AND (last_error IS NOT NULL));
create index idx_webhook_deliveries_updated_at on lms.webhook_deliveries (updated_at);

-- 15_privacy

-- Every table of schema lms, with the reason if an export omits it.
create table lms_private.personal_tables (
  table_name text not null,
  withheld_reason text,
  constraint personal_tables_pkey PRIMARY KEY (table_name)
);

-- Every column of schema lms that can hold text, dates or bytes. Numbers, times, ids and booleans are never redacted.
create table lms_private.personal_columns (
  table_name text not null,
  column_name text not null,
  class text not null,
  replacement jsonb,
  constraint personal_columns_pkey PRIMARY KEY (table_name, column_name),
  constraint personal_columns_table_name_fkey FOREIGN KEY (table_name) REFERENCES lms_private.personal_tables(table_name),
  constraint personal_columns_class_check CHECK ((class = ANY (ARRAY['plain'::text, 'personal'::text, 'free_text'::text, 'other_people'::text, 'secret'::text]))),
  constraint personal_columns_replacement_check CHECK (((replacement IS NULL) OR (class = ANY (ARRAY['personal'::text, 'free_text'::text, 'secret'::text]))))
);

-- The person to whom a row belongs: the column with the person's id, and the kind of that id.
create table lms_private.personal_rows (
  table_name text not null,
  column_name text not null,
  subject_kind text not null,
  is_for_guardians boolean not null default false,
  constraint personal_rows_pkey PRIMARY KEY (table_name, column_name),
  constraint personal_rows_table_name_fkey FOREIGN KEY (table_name) REFERENCES lms_private.personal_tables(table_name),
  constraint personal_rows_subject_kind_check CHECK ((subject_kind = ANY (ARRAY['user'::text, 'student'::text, 'tutor'::text])))
);

-- People who must not be erased, with the reason. Deleting a hold releases it; several holds on one person are independent.
create table lms.legal_holds (
  like lms_private.row_template,
  user_id uuid not null,
  reason text not null,
  constraint legal_holds_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES lms.users(tenant_id, id),
  constraint legal_holds_reason_check CHECK (((char_length(reason) >= 1) AND (char_length(reason) <= 1000)))
);
create index idx_legal_holds_deleted on lms.legal_holds (tenant_id, deleted_at) where (deleted_at IS NOT NULL);
create index idx_legal_holds_keyset on lms.legal_holds (tenant_id, created_at, id) where (deleted_at IS NULL);
create index idx_legal_holds_user_id on lms.legal_holds (tenant_id, user_id);

-- People who were erased, when and why. Only lms.erase_subject writes it, as its last step.
create table lms.erasures (
  like lms_private.row_template,
  user_id uuid not null,
  reason text not null,
  counts jsonb not null,
  events bigint not null,
  redactions_hash bytea not null,
  constraint erasures_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES lms.users(tenant_id, id),
  constraint erasures_counts_check CHECK ((jsonb_typeof(counts) = 'object'::text)),
  constraint erasures_reason_check CHECK (((char_length(reason) >= 1) AND (char_length(reason) <= 1000))),
  constraint erasures_redactions_hash_check CHECK ((octet_length(redactions_hash) = 32))
);
create index idx_erasures_keyset on lms.erasures (tenant_id, created_at, id) where (deleted_at IS NULL);
create index idx_erasures_user_id on lms.erasures (tenant_id, user_id);

-- Transactions that are erasing. The transaction deletes its own row, so no other transaction ever sees one.
create table lms_private.erasures_in_progress (
  transaction_id xid8 not null default pg_current_xact_id(),
  constraint erasures_in_progress_pkey PRIMARY KEY (transaction_id)
);

-- 16_leaving

-- The rule for each reference to a person who leaves or a centre that closes. A test compares the rules with the foreign keys; keys that cascade need no rule.
create table lms_private.dependency_rules (
  parent text not null,
  child text not null,
  child_column text not null,
  rule text not null,
  only_on_deletion boolean not null default false,
  condition text not null default 'true'::text,
  label text,
  example text,
  end_statement text,
  restore_statement text,
  reason text not null,
  allowed_roles text[],
  constraint dependency_rules_pkey PRIMARY KEY (child, child_column),
  constraint dependency_rules_end_statement_check CHECK (((rule = 'end'::text) = (end_statement IS NOT NULL))),
  constraint dependency_rules_label_check CHECK (((rule = 'refuse'::text) = ((label IS NOT NULL) AND (example IS NOT NULL)))),
  constraint dependency_rules_rule_check CHECK ((rule = ANY (ARRAY['refuse'::text, 'end'::text, 'delete'::text, 'keep'::text])))
);

-- 18_analytics

-- The materialized views of analytics. A refresh locks the row of its view.
create table lms_private.view_refreshes (
  view text not null,
  refreshed_at timestamp with time zone not null,
  constraint view_refreshes_pkey PRIMARY KEY (view)
);

-- Assessments, points and badges of each live student.
create materialized view lms_private.mv_student_progress (
  tenant_id uuid,
  student_id uuid,
  centre_id uuid,
  assessments bigint,
  reading_average numeric,
  spelling_average numeric,
  numeracy_average numeric,
  reading_latest integer,
  spelling_latest integer,
  numeracy_latest integer,
  last_assessed_at timestamp with time zone,
  points bigint,
  badges bigint
);
create unique index mv_student_progress_student_id_key on lms_private.mv_student_progress (tenant_id, student_id);

-- Students and classes of each live tutor.
create materialized view lms_private.mv_tutor_load (
  tenant_id uuid,
  tutor_id uuid,
  centre_id uuid,
  max_students integer,
  students bigint,
  scheduled_classes bigint,
  completed_classes bigint,
  cancelled_classes bigint,
  load numeric
);
create unique index mv_tutor_load_tutor_id_key on lms_private.mv_tutor_load (tenant_id, tutor_id);

-- Finances of each centre by month and currency.
create materialized view lms_private.mv_centre_financials (
  tenant_id uuid,
  centre_id uuid,
  month date,
  currency text,
  income numeric,
  salaries numeric,
  expenses numeric,
  reimbursements numeric,
  net numeric,
  records bigint
);
create unique index mv_centre_financials_month_key on lms_private.mv_centre_financials (tenant_id, centre_id, month, currency);

-- 19_relocation

-- Tenants that are not simply served by this cell: those that are about to leave, to arrive, or that another cell serves. Maintained by `lms tenant move`. It contains no personal data and is permanent.
create table lms_private.relocated_tenants (
  tenant_id uuid not null,
  slug text not null,
  state text not null,
  url text,
  erased_at timestamp with time zone,
  constraint relocated_tenants_pkey PRIMARY KEY (tenant_id),
  constraint relocated_tenants_slug_key UNIQUE (slug),
  constraint relocated_tenants_elsewhere_check CHECK (((state = 'elsewhere'::text) = (url IS NOT NULL))),
  constraint relocated_tenants_state_check CHECK ((state = ANY (ARRAY['leaving'::text, 'closed'::text, 'elsewhere'::text]))),
  constraint relocated_tenants_url_check CHECK (((char_length(url) >= 1) AND (char_length(url) <= 2000)))
);

-- The progress of each relocation of a tenant out of this cell or into it, from which `lms tenant move` continues when it is run again.
create table lms_private.tenant_relocations (
  id uuid not null,
  tenant_id uuid not null,
  slug text not null,
  direction text not null,
  state text not null,
  receipt jsonb not null,
  started_at timestamp with time zone not null default now(),
  changed_at timestamp with time zone not null default now(),
  constraint tenant_relocations_pkey PRIMARY KEY (id),
  constraint tenant_relocations_direction_check CHECK ((direction = ANY (ARRAY['out'::text, 'in'::text]))),
  constraint tenant_relocations_receipt_check CHECK ((jsonb_typeof(receipt) = 'object'::text)),
  constraint tenant_relocations_state_check CHECK ((((((((direction = 'out'::text) AND (state = 'leaving'::text)) OR ((direction = 'out'::text) AND (state = 'left'::text))) OR ((direction = 'out'::text) AND (state = 'forgotten'::text))) OR ((direction = 'in'::text) AND (state = 'arrived'::text))) OR ((direction = 'in'::text) AND (state = 'awaited'::text))) OR ((direction = 'in'::text) AND (state = 'served'::text))))
);
create index idx_tenant_relocations_tenant_id on lms_private.tenant_relocations (tenant_id);

-- 20_backups

-- The last backup in each repository, by its number. Written by lms backup run, and read by the worker for its metrics.
create table lms_private.backups (
  repository integer not null,
  ended_at timestamp with time zone not null,
  constraint backups_pkey PRIMARY KEY (repository)
);

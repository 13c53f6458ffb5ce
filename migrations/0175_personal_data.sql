-- What is personal: one declaration for export and erasure, of rows and of events. A test compares it with the schema.
set local role lms_owner;

create table lms_private.personal_tables (
  table_name text primary key,
  withheld text
);

comment on table lms_private.personal_tables is 'Every table of schema lms, each with what a person is told of its rows.';
comment on column lms_private.personal_tables.withheld is
  'Why a person''s rows of it are not handed out; null where they are, or where no row is a person''s.';

create table lms_private.personal_columns (
  table_name text not null references lms_private.personal_tables (table_name),
  column_name text not null,
  class text not null
    constraint personal_columns_class_check check (class in ('plain', 'personal', 'words', 'others', 'secret')),
  replacement jsonb,
  primary key (table_name, column_name),
  constraint personal_columns_replacement_check check (replacement is null or class in ('personal', 'words', 'secret'))
);

comment on table lms_private.personal_columns is
  'Every column of schema lms that can hold words, dates or bytes. Numbers, times, ids and booleans stay as they are.';
comment on column lms_private.personal_columns.class is
  'plain: says nothing about anybody. personal: replaced in the rows of who is erased. words: free text; in anybody''s rows the names of who is erased are cut out of it. others: ids of other people, not handed out. secret: neither handed out nor in an event; one with a replacement is replaced as well.';
comment on column lms_private.personal_columns.replacement is
  'What stands in the rows of who is erased instead, {id} in it being the row''s; JSON null clears. None: words in them are cut like those in other rows.';

create table lms_private.personal_rows (
  table_name text not null references lms_private.personal_tables (table_name),
  column_name text not null,
  refers text not null
    constraint personal_rows_refers_check check (refers in ('user', 'student', 'tutor')),
  is_for_guardians boolean not null default false,
  primary key (table_name, column_name)
);

comment on table lms_private.personal_rows is 'Whose a row is: the column that names the person, and which of the person''s ids it has.';
comment on column lms_private.personal_rows.is_for_guardians is 'Whether a guardian is handed out the child''s rows as well.';

insert into lms_private.personal_tables (table_name, withheld)
values
  ('assessments', null),
  ('attendances', null),
  ('calendar_feeds', null),
  ('centres', null),
  ('classes', null),
  ('enrolments', null),
  ('event_heads', null),
  ('event_log', 'Former states of the rows that are handed out, kept to prove that nothing was changed unseen.'),
  ('event_redactions', null),
  ('finance_lines', 'They follow from finance_records.'),
  ('finance_records', null),
  ('finance_totals', null),
  ('gamification', null),
  ('guardians', null),
  ('idempotency_keys', 'Copies of answers to the person''s own requests, gone after 24 hours.'),
  ('inventory', null),
  ('inventory_adjustments', null),
  ('inventory_loans', null),
  ('notification_deliveries', 'Bookkeeping of how often sending was tried; the outcome is in notifications.'),
  ('notification_preferences', null),
  ('notification_templates', null),
  ('notifications', null),
  ('occurrences', null),
  ('one_use_tokens', 'Hashes of secrets.'),
  ('payroll_items', null),
  ('payroll_runs', null),
  ('refresh_tokens', 'Hashes of secrets.'),
  ('request_comments', null),
  ('requests', null),
  ('sessions', null),
  ('sign_in_failures', 'Failed attempts by anybody, counted by a hash of the address they were for, gone after a day.'),
  ('staff', null),
  ('students', null),
  ('tenant_sequences', null),
  ('tenants', null),
  ('tutor_rates', null),
  ('tutors', null),
  ('users', null),
  ('webhook_deliveries', null),
  ('webhook_queues', null),
  ('webhook_secrets', null),
  ('webhooks', null);

insert into lms_private.personal_columns (table_name, column_name, class, replacement)
values
  ('assessments', 'assessed_on', 'plain', null),
  ('assessments', 'notes', 'words', 'null'),
  ('assessments', 'type', 'plain', null),
  ('attendances', 'note', 'words', 'null'),
  ('attendances', 'status', 'plain', null),
  ('calendar_feeds', 'token_hash', 'secret', null),
  ('centres', 'address', 'words', null),
  ('centres', 'code', 'plain', null),
  ('centres', 'currency', 'plain', null),
  ('centres', 'email', 'words', null),
  ('centres', 'holidays', 'words', null),
  ('centres', 'name', 'words', null),
  ('centres', 'phone', 'words', null),
  ('centres', 'status', 'plain', null),
  ('centres', 'time_zone', 'plain', null),
  ('centres', 'working_hours', 'plain', null),
  ('classes', 'level', 'words', null),
  ('classes', 'meeting_provider', 'plain', null),
  ('classes', 'meeting_url', 'words', null),
  ('classes', 'planned', 'plain', null),
  ('classes', 'room', 'words', null),
  ('classes', 'schedule', 'plain', null),
  ('classes', 'status', 'plain', null),
  ('classes', 'student_ids', 'others', null),
  ('classes', 'subject', 'words', null),
  ('classes', 'warnings', 'plain', null),
  ('event_heads', 'hash', 'plain', null),
  ('event_log', 'entity', 'plain', null),
  ('event_log', 'hash', 'plain', null),
  ('event_log', 'kind', 'plain', null),
  ('event_log', 'previous_hash', 'plain', null),
  ('event_log', 'request_id', 'plain', null),
  -- By the classes of the table that it is the state of.
  ('event_log', 'state', 'others', null),
  ('event_log', 'state_hash', 'plain', null),
  ('event_redactions', 'state_hash', 'plain', null),
  ('finance_lines', 'account', 'plain', null),
  ('finance_lines', 'currency', 'plain', null),
  ('finance_records', 'currency', 'plain', null),
  ('finance_records', 'effective_on', 'plain', null),
  ('finance_records', 'method', 'plain', null),
  ('finance_records', 'reference', 'words', null),
  ('finance_records', 'type', 'plain', null),
  ('finance_totals', 'currency', 'plain', null),
  ('finance_totals', 'effective_on', 'plain', null),
  ('finance_totals', 'type', 'plain', null),
  ('gamification', 'badge', 'words', null),
  ('gamification', 'metadata', 'words', '{}'),
  ('gamification', 'reason', 'words', '"[erased]"'),
  ('guardians', 'relationship', 'plain', null),
  ('idempotency_keys', 'body', 'others', null),
  ('idempotency_keys', 'fingerprint', 'plain', null),
  ('idempotency_keys', 'key', 'plain', null),
  ('idempotency_keys', 'tag', 'plain', null),
  ('inventory', 'category', 'plain', null),
  ('inventory', 'condition', 'plain', null),
  ('inventory', 'item_name', 'words', null),
  ('inventory', 'metadata', 'words', null),
  ('inventory_adjustments', 'reason', 'words', null),
  ('inventory_loans', 'due_on', 'plain', null),
  ('notification_deliveries', 'last_error', 'words', null),
  ('notification_deliveries', 'provider', 'plain', null),
  ('notification_deliveries', 'provider_id', 'plain', null),
  ('notification_deliveries', 'type', 'plain', null),
  ('notification_templates', 'key', 'plain', null),
  ('notification_templates', 'language', 'plain', null),
  ('notification_templates', 'message', 'words', null),
  ('notification_templates', 'subject', 'words', null),
  ('notification_templates', 'type', 'plain', null),
  ('notifications', 'data', 'words', '{}'),
  ('notifications', 'failure', 'words', null),
  ('notifications', 'language', 'plain', null),
  ('notifications', 'message', 'words', '"[erased]"'),
  ('notifications', 'status', 'plain', null),
  ('notifications', 'subject', 'words', 'null'),
  ('notifications', 'template', 'plain', null),
  ('notifications', 'type', 'plain', null),
  ('occurrences', 'reason', 'words', null),
  ('occurrences', 'room', 'words', null),
  ('occurrences', 'status', 'plain', null),
  ('one_use_tokens', 'purpose', 'plain', null),
  ('one_use_tokens', 'token_hash', 'secret', null),
  ('payroll_items', 'currency', 'plain', null),
  ('payroll_items', 'first_on', 'plain', null),
  ('payroll_items', 'last_on', 'plain', null),
  ('payroll_items', 'problem', 'plain', null),
  ('payroll_items', 'rates', 'plain', null),
  ('payroll_runs', 'month', 'plain', null),
  ('payroll_runs', 'status', 'plain', null),
  ('refresh_tokens', 'token_hash', 'secret', null),
  ('request_comments', 'body', 'words', '"[erased]"'),
  ('request_comments', 'visibility', 'plain', null),
  ('requests', 'details', 'words', '"[erased]"'),
  ('requests', 'priority', 'plain', null),
  ('requests', 'resolution', 'words', null),
  ('requests', 'status', 'plain', null),
  ('requests', 'type', 'plain', null),
  ('sessions', 'address', 'personal', 'null'),
  ('sessions', 'user_agent', 'personal', 'null'),
  ('sign_in_failures', 'account', 'secret', null),
  ('sign_in_failures', 'address', 'others', null),
  ('staff', 'department', 'personal', 'null'),
  ('staff', 'hired_on', 'personal', 'null'),
  ('staff', 'status', 'plain', null),
  ('staff', 'title', 'personal', 'null'),
  ('students', 'academic_age', 'personal', '{}'),
  ('students', 'dob', 'personal', 'null'),
  ('students', 'history', 'words', '[]'),
  ('students', 'languages', 'personal', '[]'),
  ('students', 'special_needs', 'words', '[]'),
  ('tenant_sequences', 'name', 'plain', null),
  ('tenants', 'name', 'words', null),
  ('tenants', 'region', 'plain', null),
  ('tenants', 'retention_class', 'plain', null),
  ('tenants', 'settings', 'words', null),
  ('tenants', 'slug', 'plain', null),
  ('tenants', 'status', 'plain', null),
  ('tutor_rates', 'currency', 'plain', null),
  ('tutor_rates', 'effective_from', 'plain', null),
  ('tutor_rates', 'unit', 'plain', null),
  ('tutors', 'availability', 'personal', '{}'),
  ('tutors', 'name', 'personal', '"Erased"'),
  ('tutors', 'subjects', 'plain', null),
  ('users', 'accessibility_settings', 'personal', '{}'),
  ('users', 'email', 'personal', '"erased-{id}@erased.invalid"'),
  ('users', 'language_preferences', 'personal', '[]'),
  ('users', 'name', 'personal', '"Erased"'),
  ('users', 'password_hash', 'secret', 'null'),
  ('users', 'phone', 'personal', 'null'),
  ('users', 'role', 'plain', null),
  ('users', 'status', 'plain', null),
  ('webhook_deliveries', 'kind', 'plain', null),
  ('webhook_deliveries', 'last_error', 'plain', null),
  ('webhook_secrets', 'secret', 'secret', null),
  ('webhooks', 'description', 'words', null),
  ('webhooks', 'disabled_reason', 'plain', null),
  ('webhooks', 'kinds', 'plain', null),
  ('webhooks', 'status', 'plain', null),
  ('webhooks', 'url', 'plain', null);

insert into lms_private.personal_rows (table_name, column_name, refers, is_for_guardians)
values
  ('assessments', 'student_id', 'student', true),
  ('attendances', 'student_id', 'student', true),
  ('calendar_feeds', 'user_id', 'user', false),
  ('classes', 'tutor_id', 'tutor', false),
  ('enrolments', 'student_id', 'student', true),
  ('finance_records', 'student_id', 'student', true),
  ('finance_records', 'tutor_id', 'tutor', false),
  ('gamification', 'student_id', 'student', true),
  ('guardians', 'student_id', 'student', true),
  ('guardians', 'user_id', 'user', false),
  ('idempotency_keys', 'user_id', 'user', false),
  ('inventory_loans', 'user_id', 'user', false),
  ('notification_preferences', 'user_id', 'user', false),
  ('notifications', 'user_id', 'user', false),
  ('occurrences', 'tutor_id', 'tutor', false),
  ('one_use_tokens', 'user_id', 'user', false),
  ('payroll_items', 'tutor_id', 'tutor', false),
  ('request_comments', 'created_by', 'user', false),
  ('requests', 'created_by', 'user', false),
  ('sessions', 'user_id', 'user', false),
  ('staff', 'user_id', 'user', false),
  ('students', 'user_id', 'user', true),
  ('tutor_rates', 'tutor_id', 'tutor', false),
  ('tutors', 'user_id', 'user', false),
  ('users', 'id', 'user', true);

create procedure lms_private.let_erase()
language plpgsql
as $$
declare
  told record;
begin
  for told in
    select
      t.table_name,
      string_agg(format('%I', c.column_name), ', ') filter (where c.class in ('personal', 'words') or c.replacement is not null) as erased
    from lms_private.personal_tables as t
    left join lms_private.personal_columns as c
      using (table_name)
    where t.table_name not in ('event_log', 'event_heads', 'event_redactions')
    group by t.table_name
  loop
    execute format('grant select on lms.%I to lms_definer', told.table_name);
    if told.erased is not null then
      execute format('grant update (%s) on lms.%I to lms_definer', told.erased, told.table_name);
    end if;
  end loop;
end
$$;

comment on procedure lms_private.let_erase is
  'Lets lms_definer read and erase what is declared. Called again by every migration that declares more.';

call lms_private.let_erase();

grant select on lms_private.personal_tables, lms_private.personal_columns, lms_private.personal_rows to lms_definer;

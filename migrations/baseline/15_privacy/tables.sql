-- The declaration of personal data, which export and erasure share for rows and events; a test
-- compares it with the schema. Legal holds, during which nothing of a person may be erased or
-- purged, and erasures.

create type lms_private.data_subject as (
  users uuid[],
  students uuid[],
  tutors uuid[],
  ids text[],
  patterns text[],
  substitutes text[],
  anywhere text
);

comment on type lms_private.data_subject is
  'A person to search for: the ids of the person''s rows, also as text; patterns for names, e-mail addresses and telephone numbers with their substitutes; one quick pattern for JSON text.';

create table lms_private.personal_tables (
  table_name text primary key,
  withheld_reason text
);

comment on table lms_private.personal_tables is 'Every table of schema lms, with the reason if an export omits it.';
comment on column lms_private.personal_tables.withheld_reason is
  'Why an export omits the person''s rows; null when it contains them or when no rows belong to people.';

grant select on lms_private.personal_tables to lms_definer;

create table lms_private.personal_columns (
  table_name text not null references lms_private.personal_tables (table_name),
  column_name text not null,
  class text not null
    constraint personal_columns_class_check check (class in ('plain', 'personal', 'free_text', 'other_people', 'secret')),
  replacement jsonb,
  primary key (table_name, column_name),
  constraint personal_columns_replacement_check check (replacement is null or class in ('personal', 'free_text', 'secret'))
);

comment on table lms_private.personal_columns is
  'Every column of schema lms that can hold text, dates or bytes. Numbers, times, ids and booleans are never redacted.';
comment on column lms_private.personal_columns.class is
  'plain: says nothing about a person. personal: redacted in the rows of an erased person. free_text: names of an erased person are redacted in everybody''s rows. other_people: ids of other people, not exported. secret: neither exported nor in events; redacted if it has a replacement.';
comment on column lms_private.personal_columns.replacement is
  'The value that replaces the column in the erased person''s rows, in which {id} is the id of the row; JSON null clears it. Without one, free text is redacted as in other rows.';

grant select on lms_private.personal_columns to lms_definer;

create table lms_private.personal_rows (
  table_name text not null references lms_private.personal_tables (table_name),
  column_name text not null,
  subject_kind text not null
    constraint personal_rows_subject_kind_check check (subject_kind in ('user', 'student', 'tutor')),
  is_for_guardians boolean not null default false,
  primary key (table_name, column_name)
);

comment on table lms_private.personal_rows is
  'The person to whom a row belongs: the column with the person''s id, and the kind of that id.';
comment on column lms_private.personal_rows.is_for_guardians is
  'True when the export of a guardian contains the rows of the children.';

grant select on lms_private.personal_rows to lms_definer;

create table lms.legal_holds (
  like lms_private.row_template including all,
  user_id uuid not null,
  reason text not null
    constraint legal_holds_reason_check check (char_length(reason) between 1 and 1000),
  constraint legal_holds_user_id_fkey foreign key (tenant_id, user_id) references lms.users (tenant_id, id)
);

create index idx_legal_holds_user_id
on lms.legal_holds (tenant_id, user_id);

comment on table lms.legal_holds is
  'People who must not be erased, with the reason. Deleting a hold releases it; several holds on one person are independent.';

call lms_private.register_table('legal_holds', 'legal_hold');
call lms_private.create_retention_index('legal_holds');

grant select, insert, update on lms.legal_holds to lms_application;

create table lms.erasures (
  like lms_private.row_template including all,
  user_id uuid not null,
  reason text not null
    constraint erasures_reason_check check (char_length(reason) between 1 and 1000),
  counts jsonb not null
    constraint erasures_counts_check check (jsonb_typeof(counts) = 'object'),
  events bigint not null,
  redactions_hash bytea not null
    constraint erasures_redactions_hash_check check (octet_length(redactions_hash) = 32),
  constraint erasures_user_id_fkey foreign key (tenant_id, user_id) references lms.users (tenant_id, id)
);

create index idx_erasures_user_id
on lms.erasures (tenant_id, user_id);

comment on table lms.erasures is 'People who were erased, when and why. Only lms.erase_subject writes it, as its last step.';
comment on column lms.erasures.counts is 'The number of rows changed or deleted in each table.';
comment on column lms.erasures.events is 'The number of redacted events: the rows of event_redactions.';
comment on column lms.erasures.redactions_hash is
  'SHA-256 over position (8 bytes, big endian) and state_hash of each of its event_redactions, in order of position. The event of this row makes it part of the chain.';

call lms_private.register_table('erasures', 'erasure');

grant select on lms.erasures to lms_application;
grant select, insert on lms.erasures to lms_definer;

create table lms_private.erasures_in_progress (
  transaction_id xid8 primary key default pg_current_xact_id()
);

comment on table lms_private.erasures_in_progress is
  'Transactions that are erasing. The transaction deletes its own row, so no other transaction ever sees one.';

grant select, insert, delete on lms_private.erasures_in_progress to lms_definer;

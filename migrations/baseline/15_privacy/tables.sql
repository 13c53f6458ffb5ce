-- The declaration of what is personal, one for export and erasure, of rows and of events; a test compares it with the schema.
-- Beside it legal holds and erasures: while a hold is set, nothing of the person is erased or removed.

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
  'A person who is looked for. Ids of the person''s rows, all of them once more as text; patterns of names, e-mail addresses and telephone numbers with what stands there instead; one pattern that JSON text with any of these matches.';

create table lms_private.personal_tables (
  table_name text primary key,
  withheld_reason text
);

comment on table lms_private.personal_tables is 'Every table of schema lms, each with what a person is told of its rows.';
comment on column lms_private.personal_tables.withheld_reason is
  'Why a person''s rows of it are not handed out; null where they are, or where no row is a person''s.';

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
  'Every column of schema lms that can hold words, dates or bytes. Numbers, times, ids and booleans stay as they are.';
comment on column lms_private.personal_columns.class is
  'plain: says nothing about anybody. personal: replaced in the rows of who is erased. words: free text; in anybody''s rows the names of who is erased are cut out of it. others: ids of other people, not handed out. secret: neither handed out nor in an event; one with a replacement is replaced as well.';
comment on column lms_private.personal_columns.replacement is
  'The value that stands in the erased person''s rows instead, {id} in it being the row''s; JSON null clears. None: words in them are cut like those in other rows.';

grant select on lms_private.personal_columns to lms_definer;

create table lms_private.personal_rows (
  table_name text not null references lms_private.personal_tables (table_name),
  column_name text not null,
  subject_kind text not null
    constraint personal_rows_subject_kind_check check (subject_kind in ('user', 'student', 'tutor')),
  is_for_guardians boolean not null default false,
  primary key (table_name, column_name)
);

comment on table lms_private.personal_rows is 'The person of a row: the column that names the person, and which of the person''s ids it has.';
comment on column lms_private.personal_rows.is_for_guardians is 'True when a guardian is handed out the child''s rows as well.';

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

comment on table lms.legal_holds is 'People who must not be erased, and why. Deleting a hold releases it; several on one person are each on their own.';

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

comment on table lms.erasures is 'People who were erased, when and why. Added to by lms.erase_subject alone, as the last thing that it does.';
comment on column lms.erasures.counts is 'How many rows of each table were changed or deleted.';
comment on column lms.erasures.events is 'How many sealed events were erased in: the rows of event_redactions.';
comment on column lms.erasures.redactions_hash is
  'SHA-256 over position (8 bytes, big endian) and state_hash of each of its event_redactions, in order of position. The event of this row carries it into the chain.';

call lms_private.register_table('erasures', 'erasure');

grant select on lms.erasures to lms_application;
grant select, insert on lms.erasures to lms_definer;

create table lms_private.erasures_in_progress (
  transaction_id xid8 primary key default pg_current_xact_id()
);

comment on table lms_private.erasures_in_progress is
  'Which transactions are erasing. A row is deleted by the transaction that made it, so nobody else ever sees one.';

grant select, insert, delete on lms_private.erasures_in_progress to lms_definer;

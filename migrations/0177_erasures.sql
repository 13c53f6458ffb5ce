-- Erasures: what is kept of them, and the one exception that append-only tables make for them.
set local role lms_owner;

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

comment on table lms.erasures is 'Who was erased, when and why. Added to by lms.erase_subject alone, as the last thing that it does.';
comment on column lms.erasures.counts is 'How many rows of each table were changed or deleted.';
comment on column lms.erasures.events is 'How many sealed events were erased in: the rows of event_redactions.';
comment on column lms.erasures.redactions_hash is
  'SHA-256 over position (8 bytes, big endian) and state_hash of each of its event_redactions, in order of position. The event of this row carries it into the chain.';

call lms_private.adopt('erasures', 'erasure');

create policy scope_read on lms.erasures
as restrictive for select to lms_application
using ((select current_setting('app.role')) = 'admin');

grant select on lms.erasures to lms_application;
grant select, insert on lms.erasures to lms_definer;

create table lms_private.erasures_under_way (
  transaction_id xid8 primary key default pg_current_xact_id()
);

comment on table lms_private.erasures_under_way is
  'Which transactions are erasing. A row is deleted by the transaction that made it, so nobody else ever sees one.';

grant select, insert, delete on lms_private.erasures_under_way to lms_definer;

create function lms_private.is_erasing() returns boolean
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select exists (
    select
    from lms_private.erasures_under_way as e
    where e.transaction_id = pg_current_xact_id_if_assigned()
  );
end;

comment on function lms_private.is_erasing is 'Whether this very transaction erases somebody.';

alter function lms_private.is_erasing owner to lms_definer;

create function lms_private.guard_words() returns trigger
language plpgsql
as $$
begin
  if to_jsonb(new) - tg_argv[0] = to_jsonb(old) - tg_argv[0]
    and lms_private.is_erasing()
  then
    return new;
  end if;
  raise exception using errcode = '42501', message = format('%I is append-only.', tg_table_name);
end
$$;

comment on function lms_private.guard_words is
  'Refuses every change of a row, whoever asks, but that an erasure replaces the one column of free text that the argument names.';

grant execute on function lms_private.guard_words, lms_private.is_erasing to public;

create procedure lms_private.append_but_erase(table_name text, column_name text)
language plpgsql
as $$
begin
  execute format(
    'create or replace trigger append_only before delete or truncate on lms.%I
    for each statement execute function lms_private.forbid_change()',
    table_name
  );
  -- By its name it comes before stamp, which would change more than the one column.
  execute format(
    'create trigger append_only_update before update on lms.%I
    for each row execute function lms_private.guard_words(%L)',
    table_name, column_name
  );
  execute format('alter table lms.%I enable always trigger append_only', table_name);
  execute format('alter table lms.%I enable always trigger append_only_update', table_name);
end
$$;

comment on procedure lms_private.append_but_erase is
  'Makes a table append-only, but for the column of free text in which an erasure replaces a name.';

call lms_private.append_but_erase('finance_records', 'reference');
call lms_private.append_but_erase('request_comments', 'body');
call lms_private.append_but_erase('inventory_adjustments', 'reason');
call lms_private.append_but_erase('erasures', 'reason');

-- A request that is closed is changed by nobody but an erasure.
drop trigger keep_request on lms.requests;

create trigger keep_request
before update on lms.requests
for each row
when (not (old.status = 'closed' and lms_private.is_erasing()))
execute function lms_private.keep_request();

-- Who meets when and where is the same when a name in the words of a class or a lesson is gone.
create or replace trigger check_class
before insert or update on lms.classes
for each row
when (not lms_private.is_erasing())
execute function lms_private.check_class();

create or replace trigger then_replan
after update on lms.classes
referencing old table as old_rows new table as new_rows
for each statement
when (not lms_private.is_erasing())
execute function lms_private.replan_classes();

create or replace trigger then_rebook
after update on lms.occurrences
referencing old table as old_rows new table as new_rows
for each statement
when (not lms_private.is_erasing())
execute function lms_private.rebook_students();

insert into lms_private.personal_tables (table_name, withheld)
values ('erasures', null);

insert into lms_private.personal_columns (table_name, column_name, class, replacement)
values
  ('erasures', 'counts', 'plain', null),
  ('erasures', 'reason', 'words', null),
  ('erasures', 'redactions_hash', 'plain', null);

insert into lms_private.personal_rows (table_name, column_name, refers)
values ('erasures', 'user_id', 'user');

call lms_private.let_erase();

-- Triggers that complete, check and post each finance record. Nothing of the book is ever changed, whoever switches triggers off,
-- to restore a backup or to replay the log.

-- Gapless numbers.
call lms_private.serialize_writers('finance_records');

create trigger complete_record
before insert on lms.finance_records
for each row execute function lms_private.complete_finance_record();

-- By its name it comes behind complete_record, which gives the day.
create trigger complete_reversal
before insert on lms.finance_records
for each row
when (new.reverses_id is not null)
execute function lms_private.check_reversal();

create trigger number_row
before insert on lms.finance_records
for each row execute function lms_private.assign_number('finance_records');

-- Named to fire behind the trigger that records the statement.
create trigger then_advance_sequence
after insert on lms.finance_records
for each statement execute function lms_private.advance_sequence_after_insert('finance_records');

create trigger write_lines
after insert on lms.finance_records
referencing new table as new_rows
for each statement execute function lms_private.write_finance_lines();

create constraint trigger check_lines
after insert on lms.finance_records
deferrable initially deferred
for each row execute function lms_private.check_finance_lines('record');

create trigger maintain_totals
after insert on lms.finance_records
referencing new table as new_rows
for each statement execute function lms_private.maintain_finance_totals();

call lms_private.append_only_redactable('finance_records', 'reference');

create constraint trigger check_lines
after insert on lms.finance_lines
deferrable initially deferred
for each row execute function lms_private.check_finance_lines('line');

create trigger append_only
before update or delete or truncate on lms.finance_lines
for each statement execute function lms_private.forbid_change();

alter table lms.finance_lines enable always trigger append_only;

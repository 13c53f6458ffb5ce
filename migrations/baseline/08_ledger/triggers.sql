-- Triggers that complete, check and post each finance record. The append-only triggers stay enabled
-- when triggers are switched off to restore a backup or to replay the event log.

-- Gapless numbers.
call lms_private.serialize_writers('finance_records');

create trigger complete_record
before insert on lms.finance_records
for each row execute function lms_private.complete_finance_record();

-- Fires after complete_record, which sets the date.
create trigger complete_reversal
before insert on lms.finance_records
for each row
when (new.reverses_id is not null)
execute function lms_private.check_reversal();

create trigger number_row
before insert on lms.finance_records
for each row execute function lms_private.assign_number('finance_records');

-- Fires after the trigger that records the statement.
create trigger then_advance_sequence
after insert on lms.finance_records
for each statement execute function lms_private.advance_sequence_after_insert('finance_records');

create trigger post_journal_entries
after insert on lms.finance_records
referencing new table as new_rows
for each statement execute function lms_private.post_journal_entries();

create constraint trigger check_journal_entries
after insert on lms.finance_records
deferrable initially deferred
for each row execute function lms_private.check_journal_entries('record');

create trigger maintain_totals
after insert on lms.finance_records
referencing new table as new_rows
for each statement execute function lms_private.maintain_finance_totals();

call lms_private.append_only_redactable('finance_records', 'reference');

create constraint trigger check_journal_entries
after insert on lms.journal_entries
deferrable initially deferred
for each row execute function lms_private.check_journal_entries('journal_entry');

create trigger append_only
before update or delete or truncate on lms.journal_entries
for each statement execute function lms_private.forbid_change();

alter table lms.journal_entries enable always trigger append_only;

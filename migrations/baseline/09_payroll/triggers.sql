-- Triggers that complete a rate and protect a posted run.

call lms_private.serialize_writers('tutor_rates');

create trigger complete_rate
before insert or update on lms.tutor_rates
for each row execute function lms_private.complete_tutor_rate();

-- Items of a draft are computed from rows that others may be writing.
call lms_private.serialize_writers('payroll_runs');

create trigger protect_posted_run
before update on lms.payroll_runs
for each row execute function lms_private.protect_posted_run();

call lms_private.serialize_writers('payroll_items');

create trigger protect_posted_items
before insert or update on lms.payroll_items
for each row execute function lms_private.protect_posted_items();

create trigger append_only
before update or delete or truncate on lms.payroll_lessons
for each statement execute function lms_private.forbid_change();

alter table lms.payroll_lessons enable always trigger append_only;

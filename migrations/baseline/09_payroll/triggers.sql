-- Triggers that complete a rate, and that keep a posted run as it is.

call lms_private.take_turns('tutor_rates');

create trigger complete_rate
before insert or update on lms.tutor_rates
for each row execute function lms_private.complete_tutor_rate();

-- A draft is what is due.
call lms_private.take_turns('payroll_runs');

create trigger keep_posted_run
before update on lms.payroll_runs
for each row execute function lms_private.keep_posted_run();

call lms_private.take_turns('payroll_items');

create trigger keep_posted_items
before insert or update on lms.payroll_items
for each row execute function lms_private.keep_posted_items();

create trigger append_only
before update or delete or truncate on lms.payroll_lessons
for each statement execute function lms_private.forbid_change();

alter table lms.payroll_lessons enable always trigger append_only;

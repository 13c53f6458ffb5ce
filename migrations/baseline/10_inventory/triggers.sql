-- Triggers that count, lend and ask for more when inventory, adjustments and loans are written.

-- An item asks for more once.
call lms_private.take_turns('inventory');

create trigger keep_left
before update of deleted_at on lms.inventory
for each row execute function lms_private.keep_left();

create trigger then_begin_stock
after insert on lms.inventory
referencing new table as new_rows
for each statement execute function lms_private.begin_stock();

create trigger keep_lent_items
before update of deleted_at on lms.inventory
for each row execute function lms_private.keep_lent_items();

-- Named to fire behind the triggers that record the statement and begin the ledger.
create trigger then_open_request_insert
after insert on lms.inventory
referencing new table as new_rows
for each statement execute function lms_private.ask_for_stock();

create trigger then_open_request_update
after update on lms.inventory
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.ask_for_stock();

create trigger then_check_open_insert
after insert on lms.inventory
for each row
when (new.centre_id is not null)
execute function lms_private.check_open('new');

create trigger then_check_open_update
after update of centre_id on lms.inventory
for each row
when (new.centre_id is distinct from old.centre_id and new.centre_id is not null)
execute function lms_private.check_open('new');

call lms_private.take_turns('inventory_adjustments');

create trigger adjust_stock
before insert on lms.inventory_adjustments
for each row execute function lms_private.adjust_stock();

call lms_private.append_but_erase('inventory_adjustments', 'reason');

call lms_private.take_turns('inventory_loans');

create trigger lend
before insert on lms.inventory_loans
for each row execute function lms_private.lend();

create trigger take_back
before update of returned_at on lms.inventory_loans
for each row execute function lms_private.take_back();

create trigger then_tell_of_loan
after insert on lms.inventory_loans
for each row
when (new.returned_at is null)
execute function lms_private.tell_of_loan('loan_made');

create trigger then_tell_of_overdue_loan
after update of reminded_at on lms.inventory_loans
for each row
when (old.reminded_at is null and new.reminded_at is not null)
execute function lms_private.tell_of_loan('loan_overdue');

-- The centre of a loan is its item's, which a trigger writes: so this comes behind it.
create trigger then_check_open_insert
after insert on lms.inventory_loans
for each row
when (new.centre_id is not null)
execute function lms_private.check_open('new');

create trigger then_check_open_update
after update of centre_id on lms.inventory_loans
for each row
when (new.centre_id is distinct from old.centre_id and new.centre_id is not null)
execute function lms_private.check_open('new');

call lms_private.refuse_who_left(
  'inventory_loans', 'user_id', 'users', 'user_id', 'id', '%1$s.returned_at is null and %1$s.deleted_at is null'
);

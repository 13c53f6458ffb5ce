-- Triggers that maintain quantities, lend items and open requests when inventory, adjustments and
-- loans are written.

-- A request for an item with low stock is opened once.
call lms_private.serialize_writers('inventory');

create trigger maintain_left_at
before update of deleted_at on lms.inventory
for each row execute function lms_private.maintain_left_at();

create trigger then_add_opening_stock
after insert on lms.inventory
referencing new table as new_rows
for each statement execute function lms_private.add_opening_stock();

create trigger protect_lent_items
before update of deleted_at on lms.inventory
for each row execute function lms_private.protect_lent_items();

-- Fires after the triggers that record the statement and add the opening stock.
create trigger then_open_request_insert
after insert on lms.inventory
referencing new table as new_rows
for each statement execute function lms_private.open_low_stock_requests();

create trigger then_open_request_update
after update on lms.inventory
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.open_low_stock_requests();

create trigger then_check_open_insert
after insert on lms.inventory
for each row
when (new.centre_id is not null)
execute function lms_private.check_centre_open('new');

create trigger then_check_open_update
after update of centre_id on lms.inventory
for each row
when (new.centre_id is distinct from old.centre_id and new.centre_id is not null)
execute function lms_private.check_centre_open('new');

call lms_private.serialize_writers('inventory_adjustments');

create trigger adjust_stock
before insert on lms.inventory_adjustments
for each row execute function lms_private.adjust_stock();

call lms_private.append_only_redactable('inventory_adjustments', 'reason');

call lms_private.serialize_writers('inventory_loans');

create trigger lend_item
before insert on lms.inventory_loans
for each row execute function lms_private.lend_item();

create trigger then_return_item
before update of returned_at on lms.inventory_loans
for each row execute function lms_private.return_item();

create trigger then_send_loan_notification
after insert on lms.inventory_loans
for each row
when (new.returned_at is null)
execute function lms_private.notify_loan('loan_made');

create trigger then_send_overdue_notification
after update of reminded_at on lms.inventory_loans
for each row
when (old.reminded_at is null and new.reminded_at is not null)
execute function lms_private.notify_loan('loan_overdue');

-- Fires after the trigger that sets the centre of a loan.
create trigger then_check_open_insert
after insert on lms.inventory_loans
for each row
when (new.centre_id is not null)
execute function lms_private.check_centre_open('new');

create trigger then_check_open_update
after update of centre_id on lms.inventory_loans
for each row
when (new.centre_id is distinct from old.centre_id and new.centre_id is not null)
execute function lms_private.check_centre_open('new');

call lms_private.require_present(
  'inventory_loans', 'user_id', 'users', 'user_id', 'id', '%1$s.returned_at is null and %1$s.deleted_at is null'
);

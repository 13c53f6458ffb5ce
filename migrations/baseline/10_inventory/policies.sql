-- Row scope of inventory, its adjustments and its loans.

create policy scope_read on lms.inventory
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'finance' then true
    when 'support' then true
    when 'tutor' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    else false
  end
);

create policy scope_insert on lms.inventory
as restrictive for insert to lms_application
with check (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'support' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    else false
  end
);

create policy scope_update on lms.inventory
as restrictive for update to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'support' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    else false
  end
);

-- An adjustment has no centre, so the policy of its item applies.
create policy scope_read on lms.inventory_adjustments
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'finance' then true
    when 'support' then true
    when 'tutor' then true
    when 'supervisor' then exists (
      select
      from lms.inventory as i
      where i.tenant_id = inventory_adjustments.tenant_id
        and i.id = inventory_adjustments.inventory_id
    )
    else false
  end
);

create policy scope_insert on lms.inventory_adjustments
as restrictive for insert to lms_application
with check (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'support' then true
    when 'supervisor' then exists (
      select
      from lms.inventory as i
      where i.tenant_id = inventory_adjustments.tenant_id
        and i.id = inventory_adjustments.inventory_id
    )
    else false
  end
);

-- Tutors see the stock, and only their own loans.
create policy scope_read on lms.inventory_loans
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'finance' then true
    when 'support' then true
    when 'tutor' then user_id = current_setting('app.user_id')::uuid
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    else false
  end
);

create policy scope_insert on lms.inventory_loans
as restrictive for insert to lms_application
with check (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'support' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    else false
  end
);

create policy scope_update on lms.inventory_loans
as restrictive for update to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'support' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    else false
  end
);

-- Row scope of requests and their comments.

-- A supervisor sees exactly the requests of the centre, so that an index can be used.
create policy scope_read on lms.requests
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'support' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    when 'tutor' then
      created_by = current_setting('app.user_id')::uuid
      or assigned_to = (select lms.caller_staff())
    when 'nobody' then false
    else created_by = current_setting('app.user_id')::uuid
  end
);

-- Every signed-in user may create a request; a supervisor only in the own centre.
create policy scope_insert on lms.requests
as restrictive for insert to lms_application
with check (
  case (select current_setting('app.role'))
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    when 'nobody' then false
    else true
  end
);

create policy scope_update on lms.requests
as restrictive for update to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'support' then true
    when 'supervisor' then centre_id = current_setting('app.centre_id')::uuid
    when 'tutor' then
      created_by = current_setting('app.user_id')::uuid
      or assigned_to = (select lms.caller_staff())
    else false
  end
);

-- The policy of its request applies to a comment. A tutor who made a request sees only its public
-- comments, as other requesters do.
create policy scope_read on lms.request_comments
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'support' then true
    when 'supervisor' then exists (
      select from lms.requests as r where r.tenant_id = request_comments.tenant_id and r.id = request_comments.request_id
    )
    when 'tutor' then exists (
      select
      from lms.requests as r
      where r.tenant_id = request_comments.tenant_id
        and r.id = request_comments.request_id
        and (request_comments.visibility = 'public' or r.assigned_to = (select lms.caller_staff()))
    )
    when 'nobody' then false
    else visibility = 'public' and exists (
      select from lms.requests as r where r.tenant_id = request_comments.tenant_id and r.id = request_comments.request_id
    )
  end
);

create policy scope_insert on lms.request_comments
as restrictive for insert to lms_application
with check (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'support' then true
    when 'supervisor' then exists (
      select from lms.requests as r where r.tenant_id = request_comments.tenant_id and r.id = request_comments.request_id
    )
    when 'tutor' then exists (
      select
      from lms.requests as r
      where r.tenant_id = request_comments.tenant_id
        and r.id = request_comments.request_id
        and (request_comments.visibility = 'public' or r.assigned_to = (select lms.caller_staff()))
    )
    when 'nobody' then false
    else visibility = 'public' and exists (
      select from lms.requests as r where r.tenant_id = request_comments.tenant_id and r.id = request_comments.request_id
    )
  end
);

-- A tenant has few admins and many accounts; keep_an_admin (0220) asks for one of them while others wait.
set local role lms_owner;

create index idx_users_admin
on lms.users (tenant_id)
where role = 'admin'
  and status = 'active'
  and deleted_at is null;

-- Staff: what is particular to people who work for a tenant other than as tutors.
set local role lms_owner;

create table lms.staff (
  like lms_private.row_template including all,
  user_id uuid not null,
  centre_id uuid,
  title text
    constraint staff_title_check check (char_length(title) between 1 and 200),
  department text
    constraint staff_department_check check (char_length(department) between 1 and 200),
  hired_on date
    constraint staff_hired_on_check check (hired_on between '1900-01-01' and '2200-01-01'),
  status text not null default 'active'
    constraint staff_status_check check (status in ('active', 'inactive')),
  constraint staff_user_id_fkey foreign key (tenant_id, user_id) references lms.users (tenant_id, id),
  constraint staff_centre_id_fkey foreign key (tenant_id, centre_id) references lms.centres (tenant_id, id)
);

create unique index staff_user_id_key
on lms.staff (tenant_id, user_id)
where deleted_at is null;

create index idx_staff_centre_id
on lms.staff (tenant_id, centre_id)
where deleted_at is null;

comment on table lms.staff is 'Supervisors, admins, finance, assessors and support. Requests are assigned to these rows.';
comment on column lms.staff.user_id is 'One live row for each user.';
comment on column lms.staff.centre_id is 'Null for those who work for the whole tenant.';

call lms_private.adopt('staff', 'staff');

grant select, insert, update on lms.staff to lms_application;
grant select on lms.staff to lms_definer;

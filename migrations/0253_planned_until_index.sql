-- The classes without an end of a tenant, by until when they are planned: few of all, and asked for with every calendar.
set local role lms_owner;

create index idx_classes_tenant_planned_until
on lms.classes (tenant_id, planned_until)
where planned_until is not null and status = 'scheduled' and deleted_at is null;

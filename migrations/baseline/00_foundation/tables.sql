-- The template that tables are made like: the columns that every row carries.

create table lms_private.row_template (
  tenant_id uuid not null default current_setting('app.tenant_id')::uuid,
  id uuid not null default lms.new_id(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  created_by uuid,
  updated_by uuid,
  deleted_at timestamptz,
  version bigint not null default 1,
  primary key (tenant_id, id)
);

comment on table lms_private.row_template is 'Never holds a row: tables are created like it, including all.';
comment on column lms_private.row_template.tenant_id is 'The organisation. Part of every key, so that no reference can cross tenants.';
comment on column lms_private.row_template.id is 'UUID version 7, made by the component.';
comment on column lms_private.row_template.created_at is 'Set by trigger.';
comment on column lms_private.row_template.updated_at is 'Set by trigger.';
comment on column lms_private.row_template.created_by is 'The user who did it, set by trigger; null when it was a tool.';
comment on column lms_private.row_template.updated_by is 'The user who did it, set by trigger; null when it was a tool.';
comment on column lms_private.row_template.deleted_at is 'Soft delete: set means that the row is in no list and cannot be found, but can be restored.';
comment on column lms_private.row_template.version is 'Starts at 1 and grows by 1 with each update, by trigger. It is the ETag.';

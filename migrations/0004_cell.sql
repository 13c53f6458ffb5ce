-- Which cell this database is: one deployment, one region, one retention class.
set local role lms_owner;

create table lms_private.cell (
  is_only_row boolean primary key default true check (is_only_row),
  name text not null check (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
  region text not null check (region in ('eu', 'au', 'us')),
  retention_class text not null check (retention_class in ('standard', 'regulated'))
);

comment on table lms_private.cell is
  'One row, written once by the operator''s tool. Without it, or with another region than the component''s, no request is served.';
comment on column lms_private.cell.is_only_row is 'Always true: as primary key it keeps the table at one row.';

grant select on lms_private.cell to lms_application, lms_definer;

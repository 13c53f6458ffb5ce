-- The last backups, for the metrics of a cell.

set local role lms_owner;

create table lms_private.backups (
  repository integer primary key,
  ended_at timestamptz not null
);

comment on table lms_private.backups is
  'The last backup in each repository, by its number. Written by lms backup run, and read by the worker for its metrics.';
comment on column lms_private.backups.ended_at is 'When the backup ended.';

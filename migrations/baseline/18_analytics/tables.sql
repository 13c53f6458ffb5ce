-- When each materialized view was refreshed: beside them, because with the time in each row every row would differ each time and
-- be written anew.

create table lms_private.view_refreshes (
  view text primary key,
  refreshed_at timestamptz not null
);

comment on table lms_private.view_refreshes is 'The materialized views of analytics. Whoever refreshes one holds its row until that is done.';
comment on column lms_private.view_refreshes.refreshed_at is 'Everything that was committed by then is in the view.';

grant select on lms_private.view_refreshes to lms_definer;
grant select, insert, update on lms_private.view_refreshes to lms_refresher;

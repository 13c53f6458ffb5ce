-- The times of the last refreshes. A column in the views would differ in every row and cause all
-- rows to be rewritten with each refresh.

create table lms_private.view_refreshes (
  view text primary key,
  refreshed_at timestamptz not null
);

comment on table lms_private.view_refreshes is 'The materialized views of analytics. A refresh locks the row of its view.';
comment on column lms_private.view_refreshes.refreshed_at is 'Everything committed by then is in the view.';

grant select on lms_private.view_refreshes to lms_definer;
grant select, insert, update on lms_private.view_refreshes to lms_refresher;

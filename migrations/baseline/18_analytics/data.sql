-- The views were filled when they were created.

insert into lms_private.view_refreshes (view, refreshed_at)
values
  ('mv_student_progress', now()),
  ('mv_tutor_load', now()),
  ('mv_centre_financials', now());

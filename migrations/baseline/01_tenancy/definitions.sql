-- Functions on which the tables of tenants and centres are built: valid time zones and default
-- working hours.

create function lms_private.is_time_zone(name text) returns boolean
language plpgsql
immutable
strict
parallel safe
as $$
begin
  if name !~ '^(UTC|[A-Za-z]+(/[A-Za-z0-9_+-]+)+)$' then
    return false;
  end if;
  perform timestamptz 'epoch' at time zone name;
  return true;
exception
  when invalid_parameter_value then
    return false;
end
$$;

comment on function lms_private.is_time_zone is
  'True for an IANA time zone that the server knows. Declared immutable for use in checks, because time zones are added and never removed.';

grant execute on function lms_private.is_time_zone to lms_application, lms_definer;

create function lms.default_working_hours() returns jsonb
language sql
immutable
parallel safe
return jsonb_build_array(
  jsonb_build_object('weekday', 'monday', 'start', '09:00', 'end', '17:00'),
  jsonb_build_object('weekday', 'tuesday', 'start', '09:00', 'end', '17:00'),
  jsonb_build_object('weekday', 'wednesday', 'start', '09:00', 'end', '17:00'),
  jsonb_build_object('weekday', 'thursday', 'start', '09:00', 'end', '17:00'),
  jsonb_build_object('weekday', 'friday', 'start', '09:00', 'end', '17:00')
);

comment on function lms.default_working_hours is 'The working hours of a centre for which none are given.';

grant execute on function lms.default_working_hours to lms_application, lms_definer;

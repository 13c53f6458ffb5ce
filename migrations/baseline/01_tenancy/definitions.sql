-- Functions that the tables of tenants and centres are built on: which zones there are, and the hours that a centre works unless it
-- says otherwise.

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
  'True when this is an IANA time zone that the server knows. Declared immutable for use in checks: zones are added, not taken away.';

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

comment on function lms.default_working_hours is 'The working hours of a centre that says nothing of them.';

grant execute on function lms.default_working_hours to lms_application, lms_definer;

-- A class is planned in one statement. So many lessons for so many students that it could not be done in time are refused, not broken off.
set local role lms_owner;

create function lms_private.check_places() returns trigger
language plpgsql
as $$
declare
  most constant integer := 50000;
  lessons constant integer := jsonb_array_length(new.planned);
  students constant integer := jsonb_array_length(new.student_ids);
begin
  if lessons * students > most
    and (tg_op = 'INSERT' or (new.student_ids, new.schedule) is distinct from (old.student_ids, old.schedule))
  then
    raise exception using
      errcode = 'LM422',
      message = format(
        'These are %s lessons for %s students; a class has %s places at most. Let it end earlier, or make several classes of it.',
        lessons, students, most
      ),
      detail = new.id,
      column = 'schedule';
  end if;
  return new;
end
$$;

comment on function lms_private.check_places is 'LM422 for a class whose lessons times students are too many to be planned at once. The worker goes on with those that are.';

create trigger check_places
before insert or update on lms.classes
for each row execute function lms_private.check_places();

-- Today is the centre's day: two centres of one tenant need not have the same one, and neither need have that of UTC.
set local role lms_owner;

create function lms.today_in(time_zone text) returns date
language sql
stable
strict
parallel safe
return (now() at time zone time_zone)::date;

comment on function lms.today_in is 'The day that the transaction is on, by the clock of a zone. Every default of a day comes from here.';

grant execute on function lms.today_in to lms_application, lms_definer;

alter table lms.assessments alter column assessed_on drop default;

create function lms_private.date_assessment() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  today date;
begin
  select lms.today_in(c.time_zone)
  into today
  from lms.students as s
  join lms.centres as c
    on c.tenant_id = s.tenant_id
    and c.id = s.centre_id
  where s.tenant_id = new.tenant_id
    and s.id = new.student_id;
  -- A student who is not there is refused by the foreign key, which is checked later.
  today := coalesce(today, lms.today_in('UTC'));
  new.assessed_on := coalesce(new.assessed_on, today);
  if new.assessed_on > today
    and (tg_op = 'INSERT' or new.assessed_on is distinct from old.assessed_on)
    -- Rows that are copied from elsewhere or replayed stay as they were.
    and current_setting('app.role', true) <> ''
  then
    raise exception using
      errcode = 'LM422', message = 'This day has not come yet.', column = 'assessed_on', detail = new.id::text;
  end if;
  return new;
end
$$;

comment on function lms_private.date_assessment is
  'An assessment without a day is of today, by the clock of the student''s centre, and none is of a day that has not come there.';

alter function lms_private.date_assessment owner to lms_definer;

create trigger date_assessment
before insert or update of assessed_on on lms.assessments
for each row execute function lms_private.date_assessment();

comment on column lms.assessments.assessed_on is
  'The day on which it was held; today in the zone of the student''s centre when none is given.';

-- Lessons are paid, so of the own ones a tutor plans those that are ahead, at the own centre and of a usual length. Whatever else there is to
-- enter, the people of the centre enter: lessons that were given already, long ones, and those at another centre.
set local role lms_owner;

create function lms_private.hold_tutor_to_centre() returns trigger
language plpgsql
as $$
begin
  if tg_op = 'UPDATE' and (new.centre_id, new.tutor_id) = (old.centre_id, old.tutor_id) then
    return new;
  end if;
  if not exists (
    select
    from lms.tutors as t
    where t.tenant_id = new.tenant_id
      and t.id = new.tutor_id
      and t.centre_id = new.centre_id
  ) then
    raise exception using
      errcode = 'LM403',
      message = 'A tutor gives classes at the own centre. Ask the people of the other centre to enter this one.';
  end if;
  return new;
end
$$;

comment on function lms_private.hold_tutor_to_centre is
  'LM403 for a class that a tutor enters at, or moves to, a centre other than the own. The people of a centre may enter one for a tutor of another.';

create trigger hold_tutor_to_centre
before insert or update on lms.classes
for each row
when (current_setting('app.role', true) = 'tutor')
execute function lms_private.hold_tutor_to_centre();

create function lms_private.hold_tutor_to_plan() returns trigger
language plpgsql
as $$
declare
  longest interval := interval '4 hours';
  is_timed boolean := true;
begin
  if tg_op = 'UPDATE' then
    is_timed := (new.starts_at, new.ends_at) <> (old.starts_at, old.ends_at);
    if is_timed and old.starts_at <= now() then
      raise exception using
        errcode = 'LM403',
        message = 'This lesson has begun. Ask the people of the centre to change when it was.';
    end if;
    -- One that was not there when it began, because it was deleted, comes back by those who may enter it.
    if old.deleted_at < new.starts_at and new.deleted_at is null and new.starts_at <= now() then
      raise exception using
        errcode = 'LM403',
        message = 'A lesson would have begun while it was deleted. Ask the people of the centre to bring it back.';
    end if;
    if old.status <> 'completed'
      and new.status = 'completed'
      and old.created_at > old.starts_at
      and old.created_by = current_setting('app.user_id')::uuid
    then
      raise exception using
        errcode = 'LM403',
        message = 'You entered this lesson when it had begun. Ask the people of the centre to complete it.';
    end if;
    longest := greatest(longest, old.ends_at - old.starts_at);
  end if;
  if is_timed and new.starts_at <= now() then
    raise exception using
      errcode = 'LM403',
      message = 'A tutor plans lessons that are ahead. Ask the people of the centre to enter one that has begun.';
  end if;
  if is_timed and new.ends_at - new.starts_at > longest then
    raise exception using
      errcode = 'LM403',
      message = 'A tutor plans lessons of 4 hours at most. Ask the people of the centre to enter a longer one.';
  end if;
  return new;
end
$$;

comment on function lms_private.hold_tutor_to_plan is
  'LM403 for lessons that a tutor enters, moves, lengthens, brings back or completes and that only the people of the centre may.';

create trigger hold_tutor_to_plan
before insert or update on lms.occurrences
for each row
when (current_setting('app.role', true) = 'tutor')
execute function lms_private.hold_tutor_to_plan();

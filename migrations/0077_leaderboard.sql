-- The leaderboard: it compares students, so it looks past row security, and shows of those who are out of the caller's
-- sight no more than a first name.
set local role lms_owner;

create function lms.leaderboard(centre uuid, first_day date, last_day date, most integer)
returns table ("rank" bigint, student_id uuid, name text, points bigint, badges bigint, is_own boolean)
language plpgsql
stable
security definer
rows 50
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  tenant constant uuid := current_setting('app.tenant_id')::uuid;
  scope constant text := current_setting('app.role');
  own constant uuid[] := lms.caller_students();
  -- Null is every centre.
  centres uuid[] := case
    when scope in ('admin', 'assessor') then null
    when scope = 'supervisor' then array[current_setting('app.centre_id')::uuid]
    when scope = 'tutor' then array(
      select t.centre_id from lms.tutors as t where t.tenant_id = tenant and t.id = lms.caller_tutor()
    )
    else array(
      select distinct s.centre_id from lms.students as s where s.tenant_id = tenant and s.id = any (own)
    )
  end;
begin
  if centre is not null then
    if centre <> all (centres)
      or not exists (
        select from lms.centres as c where c.tenant_id = tenant and c.id = centre and c.deleted_at is null
      )
    then
      raise exception using errcode = 'LM422', message = 'There is no such thing here.', column = 'centre_id';
    end if;
    centres := array[centre];
  end if;

  return query
    with earned as (
      select
        s.id,
        u.name,
        sum(g.points) as points,
        count(g.badge) as badges
      from lms.gamification as g
      join lms.students as s
        on s.tenant_id = g.tenant_id
        and s.id = g.student_id
      join lms.centres as c
        on c.tenant_id = s.tenant_id
        and c.id = s.centre_id
      join lms.users as u
        on u.tenant_id = s.tenant_id
        and u.id = s.user_id
      where g.tenant_id = tenant
        and g.deleted_at is null
        and s.deleted_at is null
        and (centres is null or s.centre_id = any (centres))
        and (first_day is null or g.created_at >= first_day::timestamp at time zone c.time_zone)
        and (last_day is null or g.created_at < (last_day + 1)::timestamp at time zone c.time_zone)
      group by s.id, u.name
    ),
    placed as (
      select
        rank() over (order by e.points desc) as place,
        row_number() over (order by e.points desc, e.id) as line,
        e.id = any (own) as is_own,
        e.*
      from earned as e
    )
    select
      p.place,
      case when p.is_own or scope in ('admin', 'assessor', 'supervisor') then p.id end,
      case
        when p.is_own or scope in ('admin', 'assessor', 'supervisor') then p.name
        else split_part(p.name, ' ', 1)
      end,
      p.points,
      p.badges,
      p.is_own
    from placed as p
    where p.line <= most
      or p.is_own
    order by p.line;
end
$$;

comment on function lms.leaderboard is
  'Points of a period by student, most first, with the caller''s own students wherever they stand. Days are those of each student''s centre. LM422 for a centre out of the caller''s reach.';

alter function lms.leaderboard owner to lms_definer;

grant execute on function lms.leaderboard to lms_application;

-- The points of a week were found among those of all years, because a day begins at another time in each centre. A period without an end
-- is planned as such: a plan for any period would take it for a short one.
set local role lms_owner;

create or replace function lms.leaderboard(centre uuid, first_day date, last_day date, most integer)
returns table ("rank" bigint, student_id uuid, name text, points bigint, badges bigint, is_own boolean)
language plpgsql
stable
security definer
rows 50
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_variable
declare
  tenant constant uuid := current_setting('app.tenant_id')::uuid;
  scope constant text := current_setting('app.role');
  home constant uuid := current_setting('app.centre_id')::uuid;
  own constant uuid[] := lms.caller_students();
  -- Null is every centre.
  centres uuid[] := case
    when scope in ('admin', 'assessor') then null
    else array(
      select s.centre_id
      from lms.students as s
      where s.tenant_id = tenant
        and s.id = any (lms.caller_family())
      union
      select t.centre_id
      from lms.tutors as t
      where scope = 'tutor'
        and t.tenant_id = tenant
        and t.id = lms.caller_tutor()
      union
      select home
      where scope = 'supervisor'
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
        s.leaderboard_name,
        s.id = any (own) as is_own,
        scope in ('admin', 'assessor') or (scope = 'supervisor' and s.centre_id = home) as is_staffs,
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
        and s.left_at is null
        and (centres is null or s.centre_id = any (centres))
        -- No zone is a day off UTC. So much enters an index; the days of each centre are asked below.
        and g.created_at >= (coalesce(first_day, '-infinity') - 1)::timestamp at time zone 'UTC'
        and g.created_at < (coalesce(last_day, 'infinity') + 2)::timestamp at time zone 'UTC'
        and (first_day is null or g.created_at >= first_day::timestamp at time zone c.time_zone)
        and (last_day is null or g.created_at < (last_day + 1)::timestamp at time zone c.time_zone)
      group by s.id, s.centre_id, s.leaderboard_name, u.name
    ),
    placed as (
      select
        rank() over (order by e.points desc) as place,
        row_number() over (order by e.points desc, e.id) as line,
        e.*
      from earned as e
    )
    select
      p.place,
      case when p.is_own or p.is_staffs then p.id end,
      case
        when p.is_own or p.is_staffs then p.name
        else coalesce(p.leaderboard_name, lms_private.short_name(p.name))
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

-- People who have left (0240) are in no list of today: leaderboards, the lists of analytics, the tutors that a student can be given. Asked for by
-- id, the figures of somebody who has left are still there.
set local role lms_owner;

create or replace function lms.leaderboard(centre uuid, first_day date, last_day date, most integer)
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

create or replace function lms.student_progress(student uuid default null) returns table (
  tenant_id uuid,
  student_id uuid,
  centre_id uuid,
  assessments bigint,
  reading_average numeric,
  spelling_average numeric,
  numeracy_average numeric,
  reading_latest integer,
  spelling_latest integer,
  numeracy_latest integer,
  last_assessed_at timestamptz,
  points bigint,
  badges bigint,
  refreshed_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  scope constant text := current_setting('app.role');
  centre constant uuid := current_setting('app.centre_id')::uuid;
  own constant uuid[] := lms.caller_students();
begin
  return query
    select p.*, r.refreshed_at
    from lms_private.mv_student_progress as p
    cross join lms_private.view_refreshes as r
    where r.view = 'mv_student_progress'
      and p.tenant_id = current_setting('app.tenant_id')::uuid
      and case
        when student is null then exists (
          select from lms.students as s where s.tenant_id = p.tenant_id and s.id = p.student_id and s.left_at is null
        )
        else p.student_id = student
      end
      and case
        when scope = 'admin' then true
        when scope in ('supervisor', 'assessor') and p.centre_id = centre then true
        else p.student_id = any (own)
      end;
end
$$;

create or replace function lms.tutor_load(tutor uuid default null) returns table (
  tenant_id uuid,
  tutor_id uuid,
  centre_id uuid,
  max_students integer,
  students bigint,
  scheduled_classes bigint,
  completed_classes bigint,
  cancelled_classes bigint,
  load numeric,
  refreshed_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  scope constant text := current_setting('app.role');
  centre constant uuid := current_setting('app.centre_id')::uuid;
  own constant uuid := lms.caller_tutor();
begin
  return query
    select l.*, r.refreshed_at
    from lms_private.mv_tutor_load as l
    cross join lms_private.view_refreshes as r
    where r.view = 'mv_tutor_load'
      and l.tenant_id = current_setting('app.tenant_id')::uuid
      and case
        when tutor is null then exists (
          select from lms.tutors as t where t.tenant_id = l.tenant_id and t.id = l.tutor_id and t.left_at is null
        )
        else l.tutor_id = tutor
      end
      and case scope
        when 'admin' then true
        when 'supervisor' then l.centre_id = centre
        when 'tutor' then l.tutor_id = own
        else false
      end;
end
$$;

create or replace function lms.tutor_with_place(tutor uuid, student uuid) returns uuid
language plpgsql
volatile
parallel unsafe
as $$
declare
  found_tutor record;
begin
  if tutor is null then
    return null;
  end if;
  select t.max_students - t.current_students as places, t.left_at is not null as has_left
  into found_tutor
  from lms.tutors as t
  where t.id = tutor
    and t.deleted_at is null;
  if not found then
    raise exception using errcode = 'LM422', message = 'There is no such thing here.', column = 'tutor_id';
  end if;
  if found_tutor.has_left then
    raise exception using errcode = 'LM422', message = 'This tutor has left.', column = 'tutor_id';
  end if;
  if found_tutor.places < 1
    and not exists (
      select from lms.students as s
      where s.id = student
        and s.assigned_tutor_id = tutor
    )
  then
    raise exception using errcode = 'LM409', message = 'The tutor has no place left.', column = 'tutor_id';
  end if;
  return tutor;
end
$$;

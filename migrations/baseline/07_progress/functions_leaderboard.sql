-- The leaderboard. It compares students and therefore bypasses row security. Other families see a
-- child's first name and initial, or the name that the family chose. People who have left are
-- omitted.

-- With a custom plan an open-ended period is planned as such; a generic plan would assume a short
-- one.
create function lms.leaderboard(centre uuid, first_day date, last_day date, max_count integer)
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
  -- Null means all centres.
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
      raise exception using errcode = 'foreign_key_violation', column = 'centre_id';
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
        -- No time zone differs from UTC by more than a day. The rough limits use an index; the
        -- exact dates of each centre are checked below.
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
    where p.line <= max_count
      or p.is_own
    order by p.line;
end
$$;

comment on function lms.leaderboard is
  'Points of a period by student, highest first, including the caller''s own students at any rank. Students of others are named as their families chose, or by first name and initial; the staff of a centre see the names of its students. Dates are those of each student''s centre. 23503 for a centre that the caller does not reach.';

alter function lms.leaderboard owner to lms_definer;
grant execute on function lms.leaderboard to lms_application;

create function lms_private.short_name(name text) returns text
language plpgsql
immutable
strict
parallel safe
as $$
declare
  -- Combining marks that follow their letter: accents, vowel signs of Indic scripts and Thai,
  -- joiners.
  marks constant text := '[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u0610-\u061a\u064b-\u065f\u0670'
    || '\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963\u0981-\u0983\u09bc\u09be-\u09cd\u0a01-\u0a03\u0a3c-\u0a51'
    || '\u0a81-\u0a83\u0abc\u0abe-\u0acd\u0b01-\u0b03\u0b3c\u0b3e-\u0b57\u0b82\u0bbe-\u0bcd\u0c00-\u0c04\u0c3e-\u0c56'
    || '\u0c81-\u0c83\u0cbc\u0cbe-\u0cd6\u0d00-\u0d03\u0d3b\u0d3c\u0d3e-\u0d4d\u0dca-\u0ddf\u0e31\u0e34-\u0e3a\u0e47-\u0e4e'
    || '\u1ab0-\u1aff\u1dc0-\u1dff\u200c\u200d\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f]';
  written constant text := btrim(regexp_replace(normalize(name, nfc), '[[:space:]\u00a0\u2000-\u200b\u202f\u205f\u3000]+', ' ', 'g'));
  first text := written;
  last text := '';
begin
  if written ~ '^[^,]+, *[^, ]' then
    -- The form "Surname, First".
    first := split_part(btrim(substr(written, strpos(written, ',') + 1)), ' ', 1);
    last := btrim(split_part(written, ',', 1));
  elsif strpos(written, ' ') > 0 then
    first := split_part(written, ' ', 1);
    last := written;
  elsif written ~ '[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]' then
    -- Scripts that write both names as one word, the family name first.
    return substring(written from '^.' || marks || '*') || '.';
  end if;
  -- The initial is that of the last word, as people would say it: van der Berg becomes B.
  last := substring(last from '([^ ]*)$');
  last := substring(last from '^[^[:alnum:]\u0080-\U0010ffff]*([[:alnum:]\u0080-\U0010ffff]' || marks || '*)');
  return first || coalesce(' ' || last || '.', '');
end
$$;

comment on function lms_private.short_name is
  'A name as others may read it: the first name and the initial of the surname, with its accents. A single word is kept.';

grant execute on function lms_private.short_name to lms_definer;

-- Assessments: when they were held, scores within the range of their type, and the academic age that they find.
set local role lms_owner;

alter table lms.assessments
add column assessed_on date not null default current_date
  constraint assessments_assessed_on_check check (assessed_on between '1900-01-01' and '2200-01-01'),
add column academic_age numeric
  constraint assessments_academic_age_check check (
    academic_age is null
    or (academic_age between 0 and 30 and scale(academic_age) <= 2 and type <> 'custom')
  ),
drop constraint assessments_score_check,
add constraint assessments_score_check check (score between 0 and case when type = 'custom' then 1000 else 100 end)
  not valid;

comment on column lms.assessments.score is 'From 0 to 100; to 1000 of a custom one.';
comment on column lms.assessments.assessed_on is 'The day on which it was held.';
comment on column lms.assessments.academic_age is
  'The age in years that it found, of reading, spelling or numeracy: the latest one becomes the student''s, by trigger.';

create index idx_assessments_academic_age
on lms.assessments (tenant_id, student_id, type, assessed_on)
where deleted_at is null
  and academic_age is not null;

create function lms_private.move_academic_age() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- A type of a student whose age may have moved: {"tenant_id", "student_id", "type"}.
  touched jsonb;
begin
  -- A branch is planned when it is first taken, so one that names a transition table the trigger lacks does no harm.
  if tg_op = 'INSERT' then
    select jsonb_agg(distinct jsonb_build_object('tenant_id', n.tenant_id, 'student_id', n.student_id, 'type', n.type))
    into touched
    from new_rows as n
    where n.academic_age is not null
      and n.deleted_at is null;
  else
    select jsonb_agg(distinct jsonb_build_object('tenant_id', n.tenant_id, 'student_id', n.student_id, 'type', n.type))
    into touched
    from new_rows as n
    join old_rows as o
      on o.tenant_id = n.tenant_id
      and o.id = n.id
    where (n.academic_age, n.assessed_on, n.deleted_at) is distinct from (o.academic_age, o.assessed_on, o.deleted_at)
      and (n.academic_age is not null or o.academic_age is not null);
  end if;
  if touched is null then
    return null;
  end if;

  update lms.students as s
  set academic_age = latest.academic_age
  from (
    select
      s.tenant_id,
      s.id,
      s.academic_age - array_agg(t.type)
        || coalesce(jsonb_object_agg(t.type, a.academic_age) filter (where a.academic_age is not null), '{}')
        as academic_age
    from jsonb_to_recordset(touched) as t (tenant_id uuid, student_id uuid, type text)
    join lms.students as s
      on s.tenant_id = t.tenant_id
      and s.id = t.student_id
    left join lateral (
      select a.academic_age
      from lms.assessments as a
      where a.tenant_id = t.tenant_id
        and a.student_id = t.student_id
        and a.type = t.type
        and a.academic_age is not null
        and a.deleted_at is null
      order by a.assessed_on desc, a.created_at desc, a.id desc
      limit 1
    ) as a
      on true
    group by s.tenant_id, s.id
  ) as latest
  where s.tenant_id = latest.tenant_id
    and s.id = latest.id
    and s.academic_age <> latest.academic_age;
  return null;
end
$$;

comment on function lms_private.move_academic_age is
  'A student''s age of a type is that of the latest live assessment of this type that found one. When the last of them goes, so does the age.';

alter function lms_private.move_academic_age owner to lms_definer;

-- Named as in 0072: in the log the cause comes first.
create trigger then_move_academic_age_insert
after insert on lms.assessments
referencing new table as new_rows
for each statement execute function lms_private.move_academic_age();

create trigger then_move_academic_age_update
after update on lms.assessments
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.move_academic_age();

grant select on lms.assessments, lms.gamification to lms_definer;
grant update (academic_age) on lms.students to lms_definer;

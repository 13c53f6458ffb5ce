-- Gamification is a ledger: rows are added and never changed. Badges that a tenant's rules award by themselves.
set local role lms_owner;

alter table lms.gamification
add column reason text,
add column by_rule boolean not null default false,
-- Not valid for what was taken back before there was a place for the reason.
add constraint gamification_reason_check check (
  case when reason is null then points >= 0 else char_length(reason) between 1 and 1000 end
) not valid;

comment on column lms.gamification.reason is 'Why; points are not taken back without it.';
comment on column lms.gamification.by_rule is 'Whether a rule of the tenant awarded it.';

-- A rule awards its badge once. The case keeps badges that people award out of this.
create unique index gamification_by_rule_key
on lms.gamification (tenant_id, student_id, (case when by_rule then badge end));

drop policy scope_update on lms.gamification;
revoke insert, update on lms.gamification from lms_application;
grant insert (id, student_id, points, badge, metadata, reason) on lms.gamification to lms_application;
grant insert on lms.gamification to lms_definer;

create function lms_private.award_badges(tenant uuid, condition text, reached jsonb) returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
as $$
  insert into lms.gamification (tenant_id, student_id, badge, by_rule, reason)
  select distinct
    tenant,
    (r.found ->> 'student_id')::uuid,
    b.rule ->> 'badge',
    true,
    format('%s: %s', condition, b.rule ->> 'count')
  from lms.tenants as t
  cross join jsonb_array_elements(
    case when jsonb_typeof(t.settings -> 'badges') = 'array' then t.settings -> 'badges' else '[]' end
  ) as b (rule)
  cross join jsonb_array_elements(reached) as r (found)
  where t.tenant_id = tenant
    and b.rule ->> 'when' = condition
    and (r.found ->> 'count')::bigint >= (b.rule ->> 'count')::bigint
  on conflict do nothing
$$;

comment on function lms_private.award_badges is
  'Awards what a tenant''s rules give for a condition, once each. reached is a list of {"student_id", "count"}.';

create function lms_private.award_for_points() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  one record;
begin
  for one in
    select
      s.tenant_id,
      jsonb_agg(jsonb_build_object('student_id', s.student_id, 'count', s.points)) as reached
    from (
      select g.tenant_id, g.student_id, sum(g.points) as points
      from lms.gamification as g
      where (g.tenant_id, g.student_id) in (
          select n.tenant_id, n.student_id
          from new_rows as n
          join lms.tenants as t
            on t.tenant_id = n.tenant_id
          where n.points > 0
            and t.settings -> 'badges' @> '[{"when": "points_reached"}]'
        )
        and g.deleted_at is null
      group by g.tenant_id, g.student_id
    ) as s
    group by s.tenant_id
  loop
    perform lms_private.award_badges(one.tenant_id, 'points_reached', one.reached);
  end loop;
  return null;
end
$$;

comment on function lms_private.award_for_points is 'Badges for points reached.';

alter function lms_private.award_badges owner to lms_definer;
alter function lms_private.award_for_points owner to lms_definer;

-- Named as in 0072: in the log the cause comes first.
create trigger then_award_for_points
after insert on lms.gamification
referencing new table as new_rows
for each statement execute function lms_private.award_for_points();

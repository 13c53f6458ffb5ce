-- Earnings of tutors, computed from the lessons that they gave and the rates of those dates. A
-- lesson that is completed after the payroll of its month was posted is paid by the centre's next
-- run, which lists it as late. Paid lessons are stored, one row each, so that each is paid exactly
-- once, even if its centre or time zone changes.

create function lms_private.divide_half_up(total numeric, parts integer, digits integer) returns numeric
language sql
immutable
strict
parallel safe
return round(
  div(2 * total * ('1e' || digits)::numeric + parts, 2 * parts) * ('1e-' || digits)::numeric,
  digits
);

comment on function lms_private.divide_half_up is
  'One of so many equal parts of a non-negative total, rounded half up to the given digits. It uses whole numbers, because rounding the quotient first could push it over the half.';

grant execute on function lms_private.divide_half_up to lms_application;

-- Security definer within the tenant of the context: a run reads all lessons since the first posted
-- month, and row scope would be evaluated for each. Only admins and finance, who see all lessons,
-- draft and post payroll.
create function lms_private.payroll_lessons_due(centre uuid, month date) returns table (
  occurrence_id uuid,
  tutor_id uuid,
  held_on date,
  minutes integer
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  tenant constant uuid := current_setting('app.tenant_id')::uuid;
  following constant date := (payroll_lessons_due.month + interval '1 month')::date;
  zone text;
  -- The months of other posted runs: an unpaid lesson between them is late. Before the first,
  -- payroll was done outside the system.
  first_posted date;
  last_posted date;
begin
  select c.time_zone
  into zone
  from lms.centres as c
  where c.tenant_id = tenant
    and c.id = centre;
  select min(r.month), max(r.month)
  into first_posted, last_posted
  from lms.payroll_runs as r
  where r.tenant_id = tenant
    and r.centre_id = centre
    and r.month <> payroll_lessons_due.month
    and r.status = 'posted'
    and r.deleted_at is null;
  return query
    select l.id, l.tutor_id, l.held_on, l.minutes
    from (
      select
        o.id,
        o.tutor_id,
        (o.starts_at at time zone zone)::date as held_on,
        floor(extract(epoch from o.ends_at - o.starts_at) / 60)::integer as minutes
      from lms.occurrences as o
      where o.tenant_id = tenant
        and o.centre_id = centre
        and o.status = 'completed'
        and o.deleted_at is null
        -- No time zone differs from UTC by more than a day. The date itself is checked below,
        -- because midnight may occur twice or not at all.
        and o.starts_at >= (least(first_posted, payroll_lessons_due.month) - 1)::timestamp at time zone 'UTC'
        and o.starts_at < (following + 1)::timestamp at time zone 'UTC'
        and not exists (
          select from lms.payroll_lessons as p where p.tenant_id = tenant and p.occurrence_id = o.id
        )
    ) as l
    where l.held_on < following
      and (
        l.held_on >= payroll_lessons_due.month
        or (l.held_on >= first_posted and l.held_on < (last_posted + interval '1 month')::date)
      );
end
$$;

comment on function lms_private.payroll_lessons_due is
  'The completed lessons that the run of a centre and month pays: those that begin in the month in the centre''s time zone, and late lessons of earlier months whose payroll was posted; never those that a posted run has paid.';

alter function lms_private.payroll_lessons_due owner to lms_definer;
grant execute on function lms_private.payroll_lessons_due to lms_application;

create function lms_private.payroll_due(centre uuid, month date) returns table (
  tutor_id uuid,
  currency text,
  lessons integer,
  minutes integer,
  amount numeric,
  first_on date,
  last_on date,
  rates jsonb,
  late_lessons jsonb,
  problem text
)
language plpgsql
stable
as $$
#variable_conflict use_column
begin
  return query
    with rated as materialized (
      select l.tutor_id, l.held_on, l.minutes, r.id as rate_id, r.unit, r.amount, r.currency, r.effective_from
      from lms_private.payroll_lessons_due(centre, payroll_due.month) as l
      left join lateral (
        select t.id, t.unit, t.amount, t.currency, t.effective_from
        from lms.tutor_rates as t
        where t.tutor_id = l.tutor_id
          and t.effective_from <= l.held_on
          and t.deleted_at is null
        order by t.effective_from desc
        limit 1
      ) as r
        on true
    ), by_rate as (
      select
        r.tutor_id,
        r.currency,
        r.unit,
        r.amount,
        r.effective_from,
        count(*) as lessons,
        sum(r.minutes) as minutes,
        min(r.held_on) as first_on,
        max(r.held_on) as last_on,
        r.amount * case r.unit when 'hour' then sum(r.minutes) else 60 * count(*) end as sixtyfold
      from rated as r
      group by r.tutor_id, r.rate_id, r.currency, r.unit, r.amount, r.effective_from
    ), late as materialized (
      select
        m.tutor_id,
        m.currency,
        jsonb_agg(
          jsonb_build_object(
            'month', m.month,
            'lessons', m.lessons,
            'minutes', m.minutes,
            'first_on', m.first_on,
            'last_on', m.last_on
          )
          order by m.month
        ) as months
      from (
        select
          r.tutor_id,
          r.currency,
          date_trunc('month', r.held_on)::date as month,
          count(*) as lessons,
          sum(r.minutes) as minutes,
          min(r.held_on) as first_on,
          max(r.held_on) as last_on
        from rated as r
        where r.held_on < payroll_due.month
        group by r.tutor_id, r.currency, date_trunc('month', r.held_on)
      ) as m
      group by m.tutor_id, m.currency
    )
    select
      b.tutor_id,
      b.currency,
      sum(b.lessons)::integer,
      sum(b.minutes)::integer,
      lms_private.divide_half_up(sum(b.sixtyfold), 60, c.digits),
      min(b.first_on),
      max(b.last_on),
      coalesce(
        jsonb_agg(
          jsonb_build_object(
            'unit', b.unit,
            'amount', lms.money(b.amount, b.currency),
            'effective_from', b.effective_from,
            'lessons', b.lessons,
            'minutes', b.minutes
          )
          order by b.effective_from
        ) filter (where b.currency is not null),
        '[]'
      ),
      coalesce(
        (
          select l.months
          from late as l
          where l.tutor_id = b.tutor_id
            and l.currency is not distinct from b.currency
        ),
        '[]'
      ),
      case when b.currency is null then 'no_rate' end
    from by_rate as b
    left join lms_private.currencies as c
      on c.code = b.currency
    group by b.tutor_id, b.currency, c.digits;
end
$$;

comment on function lms_private.payroll_due is
  'The earnings of a centre''s tutors from the lessons that the run of a month pays, each at the rate of its date. Lessons without a rate have a row of their own.';

grant execute on function lms_private.payroll_due to lms_application;

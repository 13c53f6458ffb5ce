-- What tutors have earned in a month, from the lessons that they gave and the rates of those days.
set local role lms_owner;

create function lms_private.share_half_up(total numeric, parts integer, digits integer) returns numeric
language sql
immutable
strict
parallel safe
return round(
  div(2 * total * ('1e' || digits)::numeric + parts, 2 * parts) * ('1e-' || digits)::numeric,
  digits
);

comment on function lms_private.share_half_up is
  'One part of so many of a total that is not negative, rounded half up to so many decimals. In whole numbers: a quotient that is rounded first could be pushed over the half.';

create function lms_private.payroll_due(centre uuid, month date) returns table (
  tutor_id uuid,
  currency text,
  lessons integer,
  minutes integer,
  amount numeric,
  first_on date,
  last_on date,
  rates jsonb,
  problem text
)
language plpgsql
stable
as $$
#variable_conflict use_column
declare
  following constant date := (payroll_due.month + interval '1 month')::date;
  zone text;
begin
  select c.time_zone
  into zone
  from lms.centres as c
  where c.id = centre;
  return query
    with lesson as (
      select
        o.tutor_id,
        (o.starts_at at time zone zone)::date as day,
        floor(extract(epoch from o.ends_at - o.starts_at) / 60)::integer as minutes
      from lms.occurrences as o
      where o.centre_id = centre
        and o.status = 'completed'
        and o.deleted_at is null
        -- No zone is a day off UTC. The day itself is asked below: a midnight may come twice, or not at all.
        and o.starts_at >= (payroll_due.month - 1)::timestamp at time zone 'UTC'
        and o.starts_at < (following + 1)::timestamp at time zone 'UTC'
    ), rated as (
      select l.tutor_id, l.day, l.minutes, r.id as rate_id, r.unit, r.amount, r.currency, r.effective_from
      from lesson as l
      left join lateral (
        select t.id, t.unit, t.amount, t.currency, t.effective_from
        from lms.tutor_rates as t
        where t.tutor_id = l.tutor_id
          and t.effective_from <= l.day
          and t.deleted_at is null
        order by t.effective_from desc
        limit 1
      ) as r
        on true
      where l.day >= payroll_due.month
        and l.day < following
    ), by_rate as (
      select
        r.tutor_id,
        r.currency,
        r.unit,
        r.amount,
        r.effective_from,
        count(*) as lessons,
        sum(r.minutes) as minutes,
        min(r.day) as first_on,
        max(r.day) as last_on,
        r.amount * case r.unit when 'hour' then sum(r.minutes) else 60 * count(*) end as sixtyfold
      from rated as r
      group by r.tutor_id, r.rate_id, r.currency, r.unit, r.amount, r.effective_from
    )
    select
      b.tutor_id,
      b.currency,
      sum(b.lessons)::integer,
      sum(b.minutes)::integer,
      lms_private.share_half_up(sum(b.sixtyfold), 60, c.digits),
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
      case when b.currency is null then 'no_rate' end
    from by_rate as b
    left join lms_private.currencies as c
      on c.code = b.currency
    group by b.tutor_id, b.currency, c.digits;
end
$$;

comment on function lms_private.payroll_due is
  'What the tutors of a centre have earned in the month that begins on that day: the completed lessons that begin in it on the centre''s calendar, at the rate of their day. Lessons without one have a row of their own.';

grant execute on function lms_private.share_half_up, lms_private.payroll_due to lms_application;

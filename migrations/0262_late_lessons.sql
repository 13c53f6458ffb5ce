-- A lesson that is reported after the payroll of its month was posted is paid by the centre's next run, which names it. Which lessons a
-- posted run has paid is kept, one row each, so that none is paid twice, and none never, whatever becomes of its centre or its zone.
set local role lms_owner;

create table lms.payroll_lessons (
  like lms_private.row_template including all,
  run_id uuid not null,
  occurrence_id uuid not null,
  tutor_id uuid not null,
  held_on date not null,
  minutes integer not null
    constraint payroll_lessons_minutes_check check (minutes >= 0),
  constraint payroll_lessons_run_id_fkey foreign key (tenant_id, run_id) references lms.payroll_runs (tenant_id, id),
  constraint payroll_lessons_occurrence_id_fkey
    foreign key (tenant_id, occurrence_id) references lms.occurrences (tenant_id, id),
  constraint payroll_lessons_tutor_id_fkey foreign key (tenant_id, tutor_id) references lms.tutors (tenant_id, id)
);

create unique index payroll_lessons_occurrence_id_key
on lms.payroll_lessons (tenant_id, occurrence_id);

create index idx_payroll_lessons_run_id
on lms.payroll_lessons (tenant_id, run_id);

create index idx_payroll_lessons_tutor_id
on lms.payroll_lessons (tenant_id, tutor_id);

comment on table lms.payroll_lessons is 'The lessons that posted runs have paid, each once. Only ever added to.';
comment on column lms.payroll_lessons.held_on is 'Its day on the calendar of the centre when it was paid.';
comment on column lms.payroll_lessons.minutes is 'The whole minutes that were paid.';

call lms_private.adopt('payroll_lessons', 'payroll_lesson', listed => false);

create trigger append_only
before update or delete or truncate on lms.payroll_lessons
for each statement execute function lms_private.forbid_change();

alter table lms.payroll_lessons enable always trigger append_only;

grant select, insert on lms.payroll_lessons to lms_application;

create policy scope_read on lms.payroll_lessons
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'finance' then true
    when 'supervisor' then exists (
      select from lms.payroll_runs as r where r.tenant_id = payroll_lessons.tenant_id and r.id = payroll_lessons.run_id
    )
    else false
  end
);

create policy scope_insert on lms.payroll_lessons
as restrictive for insert to lms_application
with check ((select current_setting('app.role')) in ('admin', 'finance'));

alter table lms.payroll_items
add column late_lessons jsonb not null default '[]'
  constraint payroll_items_late_lessons_check check (jsonb_typeof(late_lessons) = 'array');

comment on column lms.payroll_items.late_lessons is
  'Those of the lessons that belong to earlier months, by month: [{"month", "lessons", "minutes", "first_on", "last_on"}].';

insert into lms_private.personal_tables (table_name, withheld)
values ('payroll_lessons', null);

insert into lms_private.personal_columns (table_name, column_name, class, replacement)
values
  ('payroll_items', 'late_lessons', 'plain', null),
  ('payroll_lessons', 'held_on', 'plain', null);

insert into lms_private.personal_rows (table_name, column_name, refers, is_for_guardians)
values ('payroll_lessons', 'tutor_id', 'tutor', false);

call lms_private.let_erase();

create or replace function lms_private.keep_posted_items() returns trigger
language plpgsql
as $$
begin
  if tg_op = 'UPDATE' then
    -- Posting links each item to its record, once.
    if old.finance_record_id is null
      and new.finance_record_id is not null
      and (old.run_id, old.tutor_id, old.currency, old.lessons, old.minutes, old.amount, old.first_on, old.last_on, old.rates,
        old.late_lessons, old.problem, old.deleted_at)
      is not distinct from
        (new.run_id, new.tutor_id, new.currency, new.lessons, new.minutes, new.amount, new.first_on, new.last_on, new.rates,
        new.late_lessons, new.problem, new.deleted_at)
    then
      return new;
    end if;
  end if;
  if exists (
    select
    from lms.payroll_runs as r
    where r.tenant_id = new.tenant_id
      and r.id = new.run_id
      and r.status = 'posted'
  ) then
    raise exception using errcode = '42501', message = 'A payroll run that is posted stays as it is.';
  end if;
  return new;
end
$$;

create function lms_private.payroll_lessons_due(centre uuid, month date) returns table (
  occurrence_id uuid,
  tutor_id uuid,
  held_on date,
  minutes integer
)
language plpgsql
stable
as $$
#variable_conflict use_column
declare
  following constant date := (payroll_lessons_due.month + interval '1 month')::date;
  zone text;
  -- The months that other runs were posted for: between them a lesson that nobody has paid is late. Before the first, payroll was done elsewhere.
  first_posted date;
  last_posted date;
begin
  select c.time_zone
  into zone
  from lms.centres as c
  where c.id = centre;
  select min(r.month), max(r.month)
  into first_posted, last_posted
  from lms.payroll_runs as r
  where r.centre_id = centre
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
      where o.centre_id = centre
        and o.status = 'completed'
        and o.deleted_at is null
        -- No zone is a day off UTC. The day itself is asked below: a midnight may come twice, or not at all.
        and o.starts_at >= (least(first_posted, payroll_lessons_due.month) - 1)::timestamp at time zone 'UTC'
        and o.starts_at < (following + 1)::timestamp at time zone 'UTC'
        and not exists (select from lms.payroll_lessons as p where p.occurrence_id = o.id)
    ) as l
    where l.held_on < following
      and (
        l.held_on >= payroll_lessons_due.month
        or (l.held_on >= first_posted and l.held_on < (last_posted + interval '1 month')::date)
      );
end
$$;

comment on function lms_private.payroll_lessons_due is
  'The completed lessons that a run of a centre and month pays: those that begin in the month on the centre''s calendar, and late ones of earlier months that payroll has passed already; none that a posted run has paid.';

-- It answers more than before, so it cannot be replaced.
drop function lms_private.payroll_due(uuid, date);

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
    ), late as (
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
  'What the tutors of a centre have earned by the lessons that the run of a month pays, each at the rate of its day. Lessons without one have a row of their own.';

grant execute on function lms_private.payroll_lessons_due, lms_private.payroll_due to lms_application;

-- The previous release answers what lms.payroll_run gives as it is, so this release adds what it says more. Volatile, to see what the
-- statement that calls it has written.
create function lms.name_late_lessons(run text) returns text
language plpgsql
volatile
as $$
begin
  return jsonb_set(
    run::jsonb,
    '{items}',
    (
      select coalesce(jsonb_agg(i.item || jsonb_build_object('late_lessons', p.late_lessons) order by i.place), '[]')
      from jsonb_array_elements(run::jsonb -> 'items') with ordinality as i (item, place)
      join lms.payroll_items as p
        on p.id = (i.item ->> 'id')::uuid
    )
  )::text;
end
$$;

comment on function lms.name_late_lessons is 'The body of lms.payroll_run, of which each item names its lessons of earlier months.';

grant execute on function lms.name_late_lessons to lms_application;

create or replace function lms_private.settle_payroll_items(run lms.payroll_runs) returns boolean
language plpgsql
as $$
declare
  changes bigint;
begin
  with due as materialized (
    select d.*
    from lms_private.payroll_due(run.centre_id, run.month) as d
  ), gone as (
    update lms.payroll_items as i
    set deleted_at = now()
    where i.run_id = run.id
      and i.deleted_at is null
      and not exists (
        select
        from due as d
        where d.tutor_id = i.tutor_id
          and d.currency is not distinct from i.currency
      )
    returning i.id
  ), changed as (
    update lms.payroll_items as i
    set
      lessons = d.lessons,
      minutes = d.minutes,
      amount = d.amount,
      first_on = d.first_on,
      last_on = d.last_on,
      rates = d.rates,
      late_lessons = d.late_lessons
    from due as d
    where i.run_id = run.id
      and i.deleted_at is null
      and i.tutor_id = d.tutor_id
      and i.currency is not distinct from d.currency
      and (i.lessons, i.minutes, i.amount, i.first_on, i.last_on, i.rates, i.late_lessons)
        is distinct from (d.lessons, d.minutes, d.amount, d.first_on, d.last_on, d.rates, d.late_lessons)
    returning i.id
  ), added as (
    insert into lms.payroll_items (
      run_id, tutor_id, currency, lessons, minutes, amount, first_on, last_on, rates, late_lessons, problem
    )
    select
      run.id,
      d.tutor_id,
      d.currency,
      d.lessons,
      d.minutes,
      d.amount,
      d.first_on,
      d.last_on,
      d.rates,
      d.late_lessons,
      d.problem
    from due as d
    where not exists (
      select
      from lms.payroll_items as i
      where i.run_id = run.id
        and i.deleted_at is null
        and i.tutor_id = d.tutor_id
        and i.currency is not distinct from d.currency
    )
    order by d.tutor_id, d.currency
    returning id
  )
  select (select count(*) from gone) + (select count(*) from changed) + (select count(*) from added)
  into changes;
  return changes > 0;
end
$$;

create or replace function lms_private.is_payroll_due(run lms.payroll_runs) returns boolean
language plpgsql
stable
as $$
begin
  return not exists (
    with due as materialized (
      select d.tutor_id, d.currency, d.lessons, d.minutes, d.amount, d.first_on, d.last_on, d.rates, d.late_lessons
      from lms_private.payroll_due(run.centre_id, run.month) as d
    ), drafted as materialized (
      select i.tutor_id, i.currency, i.lessons, i.minutes, i.amount, i.first_on, i.last_on, i.rates, i.late_lessons
      from lms.payroll_items as i
      where i.run_id = run.id
        and i.deleted_at is null
    )
    (table due except table drafted)
    union all
    (table drafted except table due)
  );
end
$$;

create or replace function lms_private.refuse_unready_payroll(run lms.payroll_runs) returns void
language plpgsql
as $$
declare
  zone text;
  following constant date := (run.month + interval '1 month')::date;
  lacking text;
begin
  select c.time_zone
  into zone
  from lms.centres as c
  where c.id = run.centre_id;
  if lms.today_in(zone) < following then
    raise exception using
      errcode = 'LM409',
      message = format('This month has not ended at the centre: post it from %s on.', following);
  end if;
  if not lms_private.is_payroll_due(run) then
    raise exception using
      errcode = 'LM409',
      message = 'Lessons or rates have changed since the draft was made: make it anew with POST /v1/payroll-runs, look at it, and post it then.';
  end if;
  select string_agg(
    format('%s (lessons: %s, from %s to %s)', t.name, i.lessons, i.first_on, i.last_on),
    ', '
    order by t.name, t.id
  )
  into lacking
  from lms.payroll_items as i
  join lms.tutors as t
    on t.id = i.tutor_id
  where i.run_id = run.id
    and i.problem = 'no_rate'
    and i.deleted_at is null;
  if lacking is not null then
    raise exception using
      errcode = 'LM409',
      message = format(
        'There is no rate for %s. Add one that holds from the first of these days with POST /v1/tutor-rates, make the draft anew, and post it then.',
        lacking
      );
  end if;
end
$$;

create or replace function lms.post_payroll(run uuid, method text, effective_on date) returns table (body text, tag text)
language plpgsql
as $$
#variable_conflict use_variable
declare
  draft lms.payroll_runs;
begin
  -- Of many who post at once, one finds a draft.
  update lms.payroll_runs as r
  set
    status = 'posted',
    posted_at = now()
  where r.id = run
    and r.status = 'draft'
    and r.deleted_at is null
  returning r.*
  into draft;
  if draft.id is not null then
    if effective_on < draft.month then
      raise exception using
        errcode = 'LM422', message = 'A salary is not booked before its month begins.', column = 'effective_on';
    end if;
    perform lms_private.refuse_unready_payroll(draft);
    -- Posting has the tenant's turn, so the lessons are still those that the draft was held against.
    insert into lms.payroll_lessons (run_id, occurrence_id, tutor_id, held_on, minutes)
    select draft.id, l.occurrence_id, l.tutor_id, l.held_on, l.minutes
    from lms_private.payroll_lessons_due(draft.centre_id, draft.month) as l
    order by l.held_on, l.occurrence_id;
    with booked as (
      insert into lms.finance_records as f (
        centre_id, tutor_id, amount, currency, type, method, reference, effective_on
      )
      select
        draft.centre_id,
        i.tutor_id,
        i.amount,
        i.currency,
        'salary',
        method,
        'Payroll ' || to_char(draft.month, 'YYYY-MM'),
        coalesce(effective_on, (draft.month + interval '1 month')::date - 1)
      from lms.payroll_items as i
      where i.run_id = run
        and i.amount > 0
        and i.deleted_at is null
      order by i.tutor_id, i.currency
      returning f.id, f.tutor_id, f.currency
    )
    update lms.payroll_items as i
    set finance_record_id = b.id
    from booked as b
    where i.run_id = run
      and i.tutor_id = b.tutor_id
      and i.currency = b.currency
      and i.deleted_at is null;
  elsif not exists (select from lms.payroll_runs as r where r.id = run and r.deleted_at is null) then
    raise exception using errcode = 'LM404';
  end if;
  return query
    select p.body, p.tag
    from lms.payroll_run(run) as p;
end
$$;

-- A run that an earlier release posted paid the completed lessons of its month. Those that were reported after it count as paid too: their salaries
-- were booked by hand, and nobody is paid twice.
alter table lms.payroll_runs no force row level security;

do $$
declare
  tenant uuid;
begin
  for tenant in
    select distinct r.tenant_id
    from lms.payroll_runs as r
    where r.status = 'posted'
      and r.deleted_at is null
  loop
    perform set_config('app.tenant_id', tenant::text, true);
    insert into lms.payroll_lessons (tenant_id, run_id, occurrence_id, tutor_id, held_on, minutes)
    select
      r.tenant_id,
      r.id,
      o.id,
      o.tutor_id,
      (o.starts_at at time zone c.time_zone)::date,
      floor(extract(epoch from o.ends_at - o.starts_at) / 60)::integer
    from lms.payroll_runs as r
    join lms.centres as c
      on c.tenant_id = r.tenant_id
      and c.id = r.centre_id
    join lms.occurrences as o
      on o.tenant_id = r.tenant_id
      and o.centre_id = r.centre_id
      and o.status = 'completed'
      and o.deleted_at is null
      and date_trunc('month', o.starts_at at time zone c.time_zone)::date = r.month
    where r.tenant_id = tenant
      and r.status = 'posted'
      and r.deleted_at is null;
  end loop;
end
$$;

alter table lms.payroll_runs force row level security;

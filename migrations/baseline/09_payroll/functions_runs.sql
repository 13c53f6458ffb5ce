-- Payroll runs: they are computed as drafts, read and posted with the caller's rights.

create function lms_private.protect_posted_run() returns trigger
language plpgsql
as $$
begin
  if old.status = 'posted' then
    raise exception using errcode = '42501', message = 'A posted payroll run cannot be changed.';
  end if;
  return new;
end
$$;

comment on function lms_private.protect_posted_run is 'Refuses changes to a posted run for every role.';

create function lms_private.protect_posted_items() returns trigger
language plpgsql
as $$
begin
  if tg_op = 'UPDATE' then
    -- Posting links each item to its finance record once.
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
    raise exception using errcode = '42501', message = 'A posted payroll run cannot be changed.';
  end if;
  return new;
end
$$;

comment on function lms_private.protect_posted_items is
  'Refuses changes to the items of a posted run, except for the link to their finance record.';

create function lms.payroll_run(run uuid) returns table (body text, tag text)
language sql
stable
begin atomic
  select
    json_build_object(
      'id', r.id,
      'centre_id', r.centre_id,
      'month', r.month,
      'status', r.status,
      'posted_at', lms.utc(r.posted_at),
      'items', (
        select coalesce(
          json_agg(
            json_build_object(
              'id', i.id,
              'tutor_id', i.tutor_id,
              'tutor_name', t.name,
              'lessons', i.lessons,
              'minutes', i.minutes,
              'first_on', i.first_on,
              'last_on', i.last_on,
              'rates', i.rates,
              'currency', i.currency,
              'amount', lms.money(i.amount, i.currency),
              'problem', i.problem,
              'finance_record_id', i.finance_record_id,
              'late_lessons', i.late_lessons
            )
            order by t.name, i.tutor_id, i.currency
          ),
          '[]'
        )
        from lms.payroll_items as i
        -- A supervisor may see an item without seeing its tutor, who may belong to another centre.
        left join lms.tutors as t
          on t.id = i.tutor_id
        where i.run_id = r.id
          and i.deleted_at is null
      ),
      'totals', (
        select coalesce(
          json_agg(
            json_build_object('currency', s.currency, 'amount', lms.money(s.amount, s.currency))
            order by s.currency
          ),
          '[]'
        )
        from (
          select i.currency, sum(i.amount) as amount
          from lms.payroll_items as i
          where i.run_id = r.id
            and i.currency is not null
            and i.deleted_at is null
          group by i.currency
        ) as s
      ),
      'created_at', lms.utc(r.created_at),
      'updated_at', lms.utc(r.updated_at),
      'created_by', r.created_by,
      'updated_by', r.updated_by
    )::text,
    r.version::text
  from lms.payroll_runs as r
  where r.id = run
    and r.deleted_at is null;
end;

comment on function lms.payroll_run is 'The response that shows a run with its items, and its tag; no row when there is none.';

grant execute on function lms.payroll_run to lms_application;

create function lms_private.sync_payroll_items(run lms.payroll_runs) returns boolean
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

comment on function lms_private.sync_payroll_items is
  'Updates the items of a draft to the amounts due now and returns true if anything changed. Items that are already right are not written.';

grant execute on function lms_private.sync_payroll_items to lms_application;

create function lms.draft_payroll(centre uuid, month date) returns table (body text, tag text)
language plpgsql
as $$
#variable_conflict use_variable
declare
  run lms.payroll_runs;
begin
  if extract(day from month) <> 1 then
    raise exception using
      errcode = 'LM422', message = 'Must be the first day of a month, such as 2026-03-01.', column = 'month';
  end if;
  perform lms.check_reference(
    'centre_id', centre, exists (select from lms.centres as c where c.id = centre and c.deleted_at is null)
  );
  -- This insert comes first so that the write lock of the tenant is taken before any row is locked:
  -- see lms_private.serialize_writers.
  insert into lms.payroll_runs as r (centre_id, month)
  values (centre, month)
  on conflict do nothing;
  select r.*
  into run
  from lms.payroll_runs as r
  where r.centre_id = centre
    and r.month = draft_payroll.month
    and r.deleted_at is null
  for update;
  if run.status = 'draft' and lms_private.sync_payroll_items(run) then
    -- The items are part of the response, so changed items make a new version of the run.
    update lms.payroll_runs as r
    set status = 'draft'
    where r.id = run.id;
  end if;
  return query
    select p.body, p.tag
    from lms.payroll_run(run.id) as p;
end
$$;

comment on function lms.draft_payroll is
  'The run of a centre and month, recomputed while it is a draft. LM422 for a date that is not the first of a month, and for a centre that the caller does not see.';

grant execute on function lms.draft_payroll to lms_application;

create function lms_private.is_payroll_draft_current(run lms.payroll_runs) returns boolean
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

comment on function lms_private.is_payroll_draft_current is 'True when the items of a run are equal to the amounts due now.';

grant execute on function lms_private.is_payroll_draft_current to lms_application;

create function lms_private.check_payroll_ready(run lms.payroll_runs) returns void
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
      message = format('The month has not ended at the centre. Post the payroll run on or after %s.', following);
  end if;
  if not lms_private.is_payroll_draft_current(run) then
    raise exception using
      errcode = 'LM409',
      message = 'Lessons or rates have changed since the draft was created. Recompute it with POST /v1/payroll-runs, review it, and post it again.';
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
        'There is no rate for %s. Create one that applies from the first of these days with POST /v1/tutor-rates, recompute the draft, and post it again.',
        lacking
      );
  end if;
end
$$;

comment on function lms_private.check_payroll_ready is
  'LM409 when the month has not ended, when the draft is outdated, or when lessons have no rate.';

grant execute on function lms_private.check_payroll_ready to lms_application;

create function lms.post_payroll(run uuid, method text, effective_on date) returns table (body text, tag text)
language plpgsql
as $$
#variable_conflict use_variable
declare
  draft lms.payroll_runs;
begin
  -- Of several concurrent requests only one finds a draft.
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
        errcode = 'LM422', message = 'Must not be before the month begins.', column = 'effective_on';
    end if;
    perform lms_private.check_payroll_ready(draft);
    -- Posting holds the write lock of the tenant, so the lessons are still those that the draft was
    -- compared with.
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

comment on function lms.post_payroll is
  'Posts a salary for each item of a draft that is greater than zero, dated the last day of the month by default. A run that is already posted is returned unchanged. LM404 when there is none; LM409 as check_payroll_ready.';

grant execute on function lms.post_payroll to lms_application;

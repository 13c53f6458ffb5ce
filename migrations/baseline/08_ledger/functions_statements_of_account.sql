-- Statements of account: the amounts posted for a student, or for the children of a guardian, in a
-- period. Deleted students are included if the caller sees their records, because the amounts
-- remain.

create function lms_private.account_students(student uuid, parent uuid) returns uuid[]
language plpgsql
stable
as $$
#variable_conflict use_variable
declare
  -- Tutors see their students, but not the students' accounts.
  family constant uuid[] := case when current_setting('app.role') = 'tutor' then lms.caller_family() end;
begin
  if student is not null then
    return array(
      select s.id
      from lms.students as s
      where s.id = student
        and (family is null or s.id = any (family))
        and (s.deleted_at is null or exists (select from lms.finance_records as r where r.student_id = s.id))
    );
  end if;
  if parent is null then
    return lms.caller_family();
  end if;
  return array(
    select s.id
    from lms.guardians as g
    join lms.students as s
      on s.id = g.student_id
    where g.user_id = parent
      and g.deleted_at is null
      and (family is null or s.id = any (family))
      and (s.deleted_at is null or exists (select from lms.finance_records as r where r.student_id = s.id))
  );
end
$$;

comment on function lms_private.account_students is
  'The students of a statement of account that the caller sees: one student, the children of a guardian, or by default the caller''s family.';

grant execute on function lms_private.account_students to lms_application;

create function lms_private.account_entries(students uuid[], until date) returns table (
  record_id uuid,
  "on" date,
  number bigint,
  centre_id uuid,
  student_id uuid,
  type text,
  method text,
  reference text,
  currency text,
  amount numeric,
  reverses_id uuid
)
language sql
stable
begin atomic
  select
    r.id,
    r.effective_on,
    r.number,
    r.centre_id,
    r.student_id,
    r.type,
    r.method,
    r.reference,
    r.currency,
    lms.signed_amount(case r.type when 'payment' then r.amount else -r.amount end, r.reverses_id),
    r.reverses_id
  from lms.finance_records as r
  where r.student_id = any (students)
    and r.effective_on <= until
    and r.deleted_at is null;
end;

comment on function lms_private.account_entries is
  'The entries posted for the students up to a date, as far as the caller sees them. Incoming money is positive, outgoing money negative, and a reversal has the opposite sign.';

grant execute on function lms_private.account_entries to lms_application;

create function lms.statement_of_account(student uuid, parent uuid, "from" date, "to" date) returns text
language plpgsql
stable
as $$
#variable_conflict use_column
declare
  max_count constant integer := 10000;
  holder constant uuid := coalesce(
    parent,
    case
      when student is null and current_setting('app.role') <> 'student' then current_setting('app.user_id')::uuid
    end
  );
  students constant uuid[] := lms_private.account_students(student, holder);
  today date;
  first_day date;
  last_day date;
begin
  if students = '{}' then
    return null;
  end if;
  select max((now() at time zone c.time_zone)::date)
  into today
  from lms.students as s
  join lms.centres as c
    on c.id = s.centre_id
  where s.id = any (students);
  last_day := coalesce("to", greatest(today, "from"));
  first_day := coalesce("from", date_trunc('month', last_day)::date);
  if (
    select count(*)
    from lms_private.account_entries(students, last_day) as e
    where e."on" >= first_day
  ) > max_count then
    raise exception using
      errcode = 'LM422',
      message = format('The period has more than %s entries. Request a shorter period.', max_count);
  end if;
  return (
    with entry as materialized (
      select e.*
      from lms_private.account_entries(students, last_day) as e
    ), account as (
      select
        e.currency,
        coalesce(sum(e.amount) filter (where e."on" < first_day), 0) as brought_forward,
        coalesce(sum(e.amount) filter (where e."on" >= first_day and e.amount > 0), 0) as paid_in,
        coalesce(-sum(e.amount) filter (where e."on" >= first_day and e.amount < 0), 0) as paid_out,
        sum(e.amount) as carried_forward,
        bool_or(e."on" >= first_day) as has_entries,
        -- The digits of the currency, or those of an amount that has more.
        greatest(c.digits, max(scale(trim_scale(e.amount)))) as places
      from entry as e
      join lms_private.currencies as c
        on c.code = e.currency
      group by e.currency, c.digits
    ), line as (
      select
        e.*,
        sum(e.amount) over (partition by e.currency order by e."on", e.number) as balance
      from entry as e
    )
    select
      json_build_object(
        'tenant', (
          select json_build_object('id', t.id, 'name', t.name)
          from lms.tenants as t
          where t.id = current_setting('app.tenant_id')::uuid
        ),
        'holder', (
          select json_build_object('user_id', h.id, 'name', u.name)
          from (
            select coalesce(holder, (select s.user_id from lms.students as s where s.id = students[1])) as id
            offset 0
          ) as h
          left join lms.users as u
            on u.id = h.id
        ),
        'students', (
          select json_agg(
            json_build_object('student_id', s.id, 'name', u.name, 'centre_id', c.id, 'centre', c.name)
            order by u.name, s.id
          )
          from lms.students as s
          join lms.centres as c
            on c.id = s.centre_id
          -- The caller may see a student without seeing the account; the name is then null.
          left join lms.users as u
            on u.id = s.user_id
          where s.id = any (students)
        ),
        'from', first_day,
        'to', last_day,
        'issued_at', lms.utc(now()),
        'accounts', (
          select coalesce(
            json_agg(
              json_build_object(
                'currency', a.currency,
                'brought_forward', round(a.brought_forward, a.places)::text,
                'entries', (
                  select coalesce(
                    json_agg(
                      json_build_object(
                        'finance_record_id', l.record_id,
                        'number', l.number,
                        'effective_on', l."on",
                        'centre_id', l.centre_id,
                        'centre', c.name,
                        'student_id', l.student_id,
                        'student', u.name,
                        'type', l.type,
                        'method', l.method,
                        'reference', l.reference,
                        'amount', round(l.amount, a.places)::text,
                        'balance', round(l.balance, a.places)::text,
                        'reverses', o.number,
                        'reversed_by', b.number
                      )
                      order by l."on", l.number
                    ),
                    '[]'
                  )
                  from line as l
                  join lms.centres as c
                    on c.id = l.centre_id
                  join lms.students as s
                    on s.id = l.student_id
                  left join lms.users as u
                    on u.id = s.user_id
                  left join lms.finance_records as o
                    on o.id = l.reverses_id
                  left join lms.finance_records as b
                    on b.reverses_id = l.record_id
                  where l.currency = a.currency
                    and l."on" >= first_day
                ),
                'paid_in', round(a.paid_in, a.places)::text,
                'paid_out', round(a.paid_out, a.places)::text,
                'carried_forward', round(a.carried_forward, a.places)::text
              )
              order by a.currency
            ),
            '[]'
          )
          from account as a
          where a.has_entries
            or a.brought_forward <> 0
        )
      )::text
  );
end
$$;

comment on function lms.statement_of_account is
  'The response of a statement of account, for a student, for a guardian''s children, or by default for the caller''s family; null when there is no student. By default it covers the current month up to today, in the time zone of the students'' centres.';

grant execute on function lms.statement_of_account to lms_application;

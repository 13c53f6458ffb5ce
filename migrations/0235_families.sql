-- Other places that ask whose child a student is: statements of account, progress, legal holds and the export of a person. All ask the guardians.
set local role lms_owner;

create or replace function lms_private.account_students(student uuid, parent uuid) returns uuid[]
language plpgsql
stable
as $$
#variable_conflict use_variable
declare
  -- A tutor sees pupils, but has nothing to do with their accounts.
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
  'The students that a statement is about, of those that the caller sees: one, or a guardian''s children, or without either the caller''s family.';

create or replace function lms.statement_of_account(student uuid, parent uuid, "from" date, "to" date) returns text
language plpgsql
stable
as $$
#variable_conflict use_column
declare
  most constant integer := 10000;
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
  ) > most then
    raise exception using
      errcode = 'LM422',
      message = format('There are more than %s entries in this period: ask for a shorter one.', most);
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
        -- Those of the currency: only rows of earlier releases may have more.
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
          -- An account may be out of the caller's sight where its student is not: then there is no name.
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
      and (student is null or p.student_id = student)
      and case
        when scope = 'admin' then true
        when scope in ('supervisor', 'assessor') and p.centre_id = centre then true
        else p.student_id = any (own)
      end;
end
$$;

create or replace function lms_private.hold_on(tenant uuid, person uuid) returns text
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select h.reason
  from lms.legal_holds as h
  where h.tenant_id = tenant
    and h.deleted_at is null
    and (
      h.user_id = person
      or h.user_id in (
        select s.user_id
        from lms.guardians as g
        join lms.students as s
          on s.tenant_id = g.tenant_id
          and s.id = g.student_id
        where g.tenant_id = tenant
          and g.user_id = person
          and g.deleted_at is null
      )
    )
  order by h.user_id <> person, h.created_at
  limit 1;
end;

create or replace function lms.export_subject(account uuid, most bigint) returns json
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  tenant constant uuid := current_setting('app.tenant_id')::uuid;
  given lms.users;
  own lms_private.person;
  children lms_private.person;
  document json;
begin
  if current_setting('app.role') <> 'admin' then
    raise exception using errcode = 'LM403';
  end if;
  select u.*
  into given
  from lms.users as u
  where u.tenant_id = tenant
    and u.id = account;
  if not found then
    raise exception using errcode = 'LM404';
  end if;

  own.users := array[account];
  own.students := array(select s.id from lms.students as s where s.tenant_id = tenant and s.user_id = account);
  own.tutors := array(select t.id from lms.tutors as t where t.tenant_id = tenant and t.user_id = account);
  -- Whom the interface shows to a guardian.
  select coalesce(array_agg(s.user_id), '{}'), coalesce(array_agg(s.id), '{}'), '{}'
  into children.users, children.students, children.tutors
  from lms.students as s
  where s.tenant_id = tenant
    and s.deleted_at is null
    and s.id in (
      select g.student_id
      from lms.guardians as g
      where g.tenant_id = tenant
        and g.user_id = account
        and g.deleted_at is null
    );

  document := json_build_object(
    'subject', account,
    'children', children.users,
    'made_at', lms.utc(now()),
    'files', lms_private.subject_files(tenant, own, children, most),
    'withheld', lms_private.withheld(children.users <> '{}')
  );
  -- The most that a component can take in one answer.
  if most is not null and octet_length(document::text) > 33554432 then
    raise exception using
      errcode = 'LM409', message = 'This is more than 32 MiB. The operator can export it by lms privacy export.', column = 'id';
  end if;
  return document;
end
$$;

comment on function lms.export_subject is
  'Everything held on a person of the context''s tenant, and on the children of a guardian, as long as it is no more than so many rows, if that is given: {"subject", "children", "made_at", "files", "withheld"}. For an admin and for the operator''s tool. LM404; LM409 when it is too much.';

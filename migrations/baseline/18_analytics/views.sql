-- The materialized views. They cannot have row security, so they are private and shown by functions
-- such as lms.student_progress. They belong to lms_refresher, which may read the rows of every
-- tenant to refresh them.

create materialized view lms_private.mv_student_progress as
select
  s.tenant_id,
  s.id as student_id,
  s.centre_id,
  coalesce(a.assessments, 0) as assessments,
  a.reading_average,
  a.spelling_average,
  a.numeracy_average,
  a.reading_latest,
  a.spelling_latest,
  a.numeracy_latest,
  a.last_assessed_at,
  coalesce(g.points, 0) as points,
  coalesce(g.badges, 0) as badges
from lms.students as s
left join (
  select
    tenant_id,
    student_id,
    count(*) as assessments,
    round(avg(score) filter (where type = 'reading'), 2) as reading_average,
    round(avg(score) filter (where type = 'spelling'), 2) as spelling_average,
    round(avg(score) filter (where type = 'numeracy'), 2) as numeracy_average,
    (array_agg(score order by created_at desc, id desc) filter (where type = 'reading'))[1] as reading_latest,
    (array_agg(score order by created_at desc, id desc) filter (where type = 'spelling'))[1] as spelling_latest,
    (array_agg(score order by created_at desc, id desc) filter (where type = 'numeracy'))[1] as numeracy_latest,
    max(created_at) as last_assessed_at
  from lms.assessments
  where deleted_at is null
  group by tenant_id, student_id
) as a
  on a.tenant_id = s.tenant_id
  and a.student_id = s.id
left join (
  select
    tenant_id,
    student_id,
    sum(points) as points,
    count(badge) as badges
  from lms.gamification
  where deleted_at is null
  group by tenant_id, student_id
) as g
  on g.tenant_id = s.tenant_id
  and g.student_id = s.id
where s.deleted_at is null
with no data;

create unique index mv_student_progress_student_id_key
on lms_private.mv_student_progress (tenant_id, student_id);

comment on materialized view lms_private.mv_student_progress is 'Assessments, points and badges of each live student.';

alter materialized view lms_private.mv_student_progress owner to lms_refresher;
grant select on lms_private.mv_student_progress to lms_definer;

create materialized view lms_private.mv_tutor_load as
select
  t.tenant_id,
  t.id as tutor_id,
  t.centre_id,
  t.max_students,
  coalesce(s.students, 0) as students,
  coalesce(c.scheduled_classes, 0) as scheduled_classes,
  coalesce(c.completed_classes, 0) as completed_classes,
  coalesce(c.cancelled_classes, 0) as cancelled_classes,
  round(coalesce(s.students, 0) / nullif(t.max_students, 0)::numeric, 4) as load
from lms.tutors as t
left join (
  select
    tenant_id,
    assigned_tutor_id,
    count(*) as students
  from lms.students
  where deleted_at is null
  group by tenant_id, assigned_tutor_id
) as s
  on s.tenant_id = t.tenant_id
  and s.assigned_tutor_id = t.id
left join (
  select
    tenant_id,
    tutor_id,
    count(*) filter (where status = 'scheduled') as scheduled_classes,
    count(*) filter (where status = 'completed') as completed_classes,
    count(*) filter (where status = 'cancelled') as cancelled_classes
  from lms.classes
  where deleted_at is null
  group by tenant_id, tutor_id
) as c
  on c.tenant_id = t.tenant_id
  and c.tutor_id = t.id
where t.deleted_at is null
with no data;

create unique index mv_tutor_load_tutor_id_key
on lms_private.mv_tutor_load (tenant_id, tutor_id);

comment on materialized view lms_private.mv_tutor_load is 'Students and classes of each live tutor.';
comment on column lms_private.mv_tutor_load.load is 'Assigned students divided by max_students; null when that is zero.';

alter materialized view lms_private.mv_tutor_load owner to lms_refresher;
grant select on lms_private.mv_tutor_load to lms_definer;

create materialized view lms_private.mv_centre_financials as
select
  s.tenant_id,
  s.centre_id,
  s.month,
  s.currency,
  s.income,
  s.salaries,
  s.expenses,
  s.reimbursements,
  s.income - s.salaries - s.expenses - s.reimbursements as net,
  s.records
from (
  select
    f.tenant_id,
    f.centre_id,
    date_trunc('month', f.effective_on)::date as month,
    f.currency,
    coalesce(sum(lms.signed_amount(f.amount, f.reverses_id)) filter (where f.type = 'payment'), 0) as income,
    coalesce(sum(lms.signed_amount(f.amount, f.reverses_id)) filter (where f.type = 'salary'), 0) as salaries,
    coalesce(sum(lms.signed_amount(f.amount, f.reverses_id)) filter (where f.type = 'expense'), 0) as expenses,
    coalesce(sum(lms.signed_amount(f.amount, f.reverses_id)) filter (where f.type = 'reimbursement'), 0) as reimbursements,
    count(*) as records
  from lms.finance_records as f
  group by f.tenant_id, f.centre_id, date_trunc('month', f.effective_on)::date, f.currency
) as s
with no data;

create unique index mv_centre_financials_month_key
on lms_private.mv_centre_financials (tenant_id, centre_id, month, currency);

comment on materialized view lms_private.mv_centre_financials is 'Finances of each centre by month and currency.';
comment on column lms_private.mv_centre_financials.month is 'First day of the month in which the records take effect.';
comment on column lms_private.mv_centre_financials.net is 'Income less salaries, expenses and reimbursements.';

alter materialized view lms_private.mv_centre_financials owner to lms_refresher;
grant select on lms_private.mv_centre_financials to lms_definer;

-- The views are filled once, because a view without data can be neither read nor refreshed
-- concurrently.
refresh materialized view lms_private.mv_student_progress;
refresh materialized view lms_private.mv_tutor_load;
refresh materialized view lms_private.mv_centre_financials;

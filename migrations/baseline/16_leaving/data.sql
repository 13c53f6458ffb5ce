-- The rule for each reference to users, students, tutors, staff and centres, with its reason.

insert into lms_private.dependency_rules (parent, child, child_column, rule, only_on_deletion, allowed_roles, condition, label, example, reason)
values
  ('users', 'students', 'user_id', 'delete', true, '{student}', 'true', null, null, 'A student belongs to its account.'),
  ('users', 'tutors', 'user_id', 'delete', true, '{tutor}', 'true', null, null, 'A tutor belongs to its account.'),
  (
    'users', 'staff', 'user_id', 'delete', true, '{tutor,supervisor,admin,finance,assessor,support}', 'true', null, null,
    'A staff member belongs to its account.'
  ),
  (
    -- A link that was created with the first contact is restored only if no other first contact has
    -- been set since.
    'users', 'guardians', 'user_id', 'delete', true, null,
    'not c.by_first_contact or exists (
      select
      from lms.students as s
      where s.tenant_id = c.tenant_id
        and s.id = c.student_id
        and coalesce(s.parent_id, c.user_id) = c.user_id
    )',
    null, null, 'The link is of no use without its account.'
  ),
  (
    'users', 'inventory_loans', 'user_id', 'refuse', false, null, 'c.returned_at is null and c.deleted_at is null',
    'loans that have not been returned',
    '''item '' || c.inventory_id',
    'A person who has left does not return items.'
  ),
  ('users', 'requests', 'created_by', 'keep', false, null, 'true', null, null, 'The request still has to be answered.'),
  ('users', 'legal_holds', 'user_id', 'keep', false, null, 'true', null, null, 'A legal hold also applies to a person who has left.'),
  ('users', 'erasures', 'user_id', 'keep', false, null, 'true', null, null, 'The row is a record of the past.'),
  (
    'tutors', 'students', 'assigned_tutor_id', 'refuse', false, null, 'c.deleted_at is null', 'students assigned to them',
    '''student '' || c.id', 'A new tutor for each student has to be found first.'
  ),
  (
    'tutors', 'occurrences', 'tutor_id', 'refuse', false, null,
    'c.starts_at > now() and c.status = ''scheduled'' and c.deleted_at is null', 'upcoming lessons',
    'format(''class %s at %s'', c.class_id, lms.utc(c.starts_at))', 'Families would come to a lesson without a tutor.'
  ),
  (
    'tutors', 'classes', 'tutor_id', 'refuse', false, null,
    'c.planned_until is not null and c.status = ''scheduled'' and c.deleted_at is null', 'classes without an end',
    '''class '' || c.id', 'The worker would plan more lessons.'
  ),
  ('tutors', 'assessments', 'tutor_id', 'keep', false, null, 'true', null, null, 'The row is a record of the past.'),
  ('tutors', 'finance_records', 'tutor_id', 'keep', false, null, 'true', null, null, 'The ledger is permanent.'),
  ('tutors', 'tutor_rates', 'tutor_id', 'keep', false, null, 'true', null, null, 'Lessons that were given still have to be paid.'),
  ('tutors', 'payroll_lessons', 'tutor_id', 'keep', false, null, 'true', null, null, 'The ledger is permanent.'),
  ('tutors', 'payroll_items', 'tutor_id', 'keep', false, null, 'true', null, null, 'The ledger is permanent.'),
  ('students', 'attendances', 'student_id', 'keep', false, null, 'true', null, null, 'Future attendances end with the enrolment; past ones are records.'),
  ('students', 'guardians', 'student_id', 'keep', false, null, 'true', null, null, 'Statements of account and legal holds of a family depend on it.'),
  ('students', 'assessments', 'student_id', 'keep', false, null, 'true', null, null, 'The row is a record of the past.'),
  ('students', 'gamification', 'student_id', 'keep', false, null, 'true', null, null, 'The row is a record of the past; leaderboards omit people who have left.'),
  ('students', 'finance_records', 'student_id', 'keep', false, null, 'true', null, null, 'The ledger is permanent.'),
  ('centres', 'users', 'centre_id', 'refuse', true, null, 'c.deleted_at is null', 'accounts', '''user '' || c.id', 'It is the home centre of the accounts.'),
  ('centres', 'students', 'centre_id', 'refuse', true, null, 'c.deleted_at is null', 'students', '''student '' || c.id', 'They belong to the centre.'),
  ('centres', 'tutors', 'centre_id', 'refuse', true, null, 'c.deleted_at is null', 'tutors', '''tutor '' || c.id', 'They belong to the centre.'),
  ('centres', 'staff', 'centre_id', 'refuse', true, null, 'c.deleted_at is null', 'staff members', '''staff '' || c.id', 'They belong to the centre.'),
  (
    'centres', 'occurrences', 'centre_id', 'refuse', false, null,
    'c.starts_at > now() and c.status = ''scheduled'' and c.deleted_at is null', 'upcoming lessons',
    'format(''class %s at %s'', c.class_id, lms.utc(c.starts_at))', 'Families would come to a closed centre.'
  ),
  (
    'centres', 'classes', 'centre_id', 'refuse', false, null,
    'c.planned_until is not null and c.status = ''scheduled'' and c.deleted_at is null', 'classes without an end',
    '''class '' || c.id', 'The worker would plan more lessons.'
  ),
  (
    'centres', 'requests', 'centre_id', 'refuse', true, null, 'c.status in (''open'', ''in_progress'') and c.deleted_at is null',
    'open requests', '''number '' || c.number', 'Nobody would answer the requests.'
  ),
  ('centres', 'inventory', 'centre_id', 'refuse', true, null, 'c.deleted_at is null', 'inventory items', '''item '' || c.id', 'The items have to be moved first.'),
  ('centres', 'inventory_loans', 'centre_id', 'keep', false, null, 'true', null, null, 'Their item prevents the deletion.'),
  ('centres', 'finance_records', 'centre_id', 'keep', false, null, 'true', null, null, 'The ledger is permanent.'),
  ('centres', 'payroll_runs', 'centre_id', 'keep', false, null, 'true', null, null, 'The ledger is permanent.');

insert into lms_private.dependency_rules (parent, child, child_column, rule, only_on_deletion, end_statement, restore_statement, reason)
values
  (
    'users', 'students', 'parent_id', 'end', true,
    'update lms.students as s
    set parent_id = null
    where s.tenant_id = $1
      and s.parent_id = $2
    returning s.id',
    'update lms.students as s
    set parent_id = $2
    where s.tenant_id = $1
      and s.id = any ($3)
      and s.parent_id is null',
    'The first contact has to be reachable.'
  ),
  (
    'staff', 'requests', 'assigned_to', 'end', false,
    'update lms.requests as r
    set assigned_to = null
    where r.tenant_id = $1
      and r.assigned_to = $2
      and r.status in (''open'', ''in_progress'')
    returning r.id',
    null,
    'Unassigned requests are noticed and taken over; a request that was reassigned keeps its assignee.'
  ),
  (
    'students', 'enrolments', 'student_id', 'end', false,
    'select p.id from lms_private.end_enrolments($1, $2) as p (id)',
    'update lms.classes as k
    set student_ids = k.student_ids || to_jsonb($2)
    where k.tenant_id = $1
      and k.id = any ($3)
      and k.status = ''scheduled''
      and k.deleted_at is null
      and not k.student_ids ? $2::text
      and k.centre_id = (select s.centre_id from lms.students as s where s.tenant_id = $1 and s.id = $2)',
    'Places in future lessons become free.'
  );

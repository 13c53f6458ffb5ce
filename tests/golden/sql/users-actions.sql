-- auth.logout
with ended as (
  update lms.sessions as r
  set revoked_at = now()
  where r.id = current_setting('app.session_id')::uuid
  returning r.id
)
select
  '' as body,
  null::text as tag
from ended;

-- auth.me
select
  json_build_object(
    'user', r.identity->'user',
    'tenant', r.identity->'tenant',
    'role', current_setting('app.role'),
    'region', r.identity->'tenant'->>'region',
    'scopes', json_build_array(
      case
        when current_setting('app.role') in ('admin', 'finance', 'support') then 'tenant'
        when current_setting('app.role') in ('supervisor', 'assessor') then 'centre'
        when current_setting('app.role') = 'tutor' then 'assigned_students'
        when current_setting('app.role') = 'parent' then 'children'
        else 'own'
      end
    ),
    'session_id', current_setting('app.session_id')
  )::text as body,
  null::text as tag
from (select lms.me() as identity) as r;

-- auth.sessions.list
select
  json_build_object(
    'data', coalesce(
      json_agg(
        json_build_object(
          'id', r.id,
          'current', r.id = current_setting('app.session_id')::uuid,
          'user_agent', r.user_agent,
          'address', r.address,
          'created_at', lms.utc(r.created_at),
          'last_used_at', lms.utc(r.last_used_at),
          'expires_at', lms.utc(r.expires_at)
        )
        order by r.last_used_at desc, r.id desc
      ),
      '[]'::json
    ),
    'next_cursor', null
  )::text as body,
  null::text as tag
from lms.sessions as r
where r.user_id = current_setting('app.user_id')::uuid
  and r.revoked_at is null
  and r.expires_at > now();

-- auth.sessions.delete
with ended as (
  update lms.sessions as r
  set revoked_at = now()
  where r.id = ($1->>'id')::uuid
    and r.user_id = current_setting('app.user_id')::uuid
    and r.revoked_at is null
  returning r.id
)
select
  '' as body,
  null::text as tag
from ended;

-- auth.password.reset
select
  lms.request_password_reset($1->>'tenant', $1->>'email', $1->>'address')::text as body,
  null::text as tag;

-- for supervisor
-- users.create
with given as (
  select
    $1->'input' as input,
    $1->'input'->'profile' as profile,
    ($1->>'profile_id')::uuid as profile_id
),
r as (
  insert into lms.users as r (
    id, name, email, phone, role, centre_id, language_preferences, accessibility_settings, password_hash
  )
  select
    ($1->>'id')::uuid,
    given.input->>'name',
    given.input->>'email',
    given.input->>'phone',
    given.input->>'role',
    lms.check_reference(
      'centre_id',
      (given.input->>'centre_id')::uuid,
      exists (
        select from lms.centres as t
        where t.id = (given.input->>'centre_id')::uuid
          and t.deleted_at is null
      )
    ),
    coalesce(given.input->'language_preferences', '[]'::jsonb),
    coalesce(given.input->'accessibility_settings', '{}'::jsonb),
    $1->>'password_hash'
  from given
  returning r.id, r.name, r.email, r.phone, r.role, r.centre_id, r.language_preferences, r.accessibility_settings, r.status, r.pending_email, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
, student as (
  insert into lms.students (id, user_id, centre_id, dob, special_needs, languages, parent_id)
  select
    given.profile_id,
    r.id,
    r.centre_id,
    (given.profile->>'dob')::date,
    coalesce(given.profile->'special_needs', '[]'::jsonb),
    coalesce(given.profile->'languages', '[]'::jsonb),
    lms.check_reference(
      'profile/parent_id',
      (given.profile->>'parent_id')::uuid,
      exists (
        select from lms.users as t
        where t.id = (given.profile->>'parent_id')::uuid
          and t.role = 'parent'
          and t.status = 'active'
          and t.deleted_at is null
      )
    )
  from r
  cross join given
  where r.role = 'student'
    and given.profile is not null
),
tutor as (
  insert into lms.tutors (id, user_id, centre_id, max_students)
  select
    given.profile_id,
    r.id,
    r.centre_id,
    coalesce((given.profile->>'max_students')::integer, 10)
  from r
  cross join given
  where r.role = 'tutor'
    and given.profile is not null
),
guardian as (
  insert into lms.guardians (id, user_id, student_id, relationship)
  select
    given.profile_id,
    r.id,
    lms.check_reference(
      'profile/student_id',
      (given.profile->>'student_id')::uuid,
      exists (
        select from lms.students as t
        where t.id = (given.profile->>'student_id')::uuid
          and t.deleted_at is null
      )
    ),
    given.profile->>'relationship'
  from r
  cross join given
  where r.role = 'parent'
    and given.profile is not null
),
staff as (
  insert into lms.staff (id, user_id, centre_id, title, department, hired_on)
  select
    given.profile_id,
    r.id,
    r.centre_id,
    given.profile->>'title',
    given.profile->>'department',
    (given.profile->>'hired_on')::date
  from r
  cross join given
  where r.role in ('supervisor', 'admin', 'finance', 'assessor', 'support')
    and given.profile is not null
)
select
  row_to_json((select visible from (select
    r.id,
    r.name,
    r.email,
    r.phone,
    r.role,
    r.centre_id,
    r.language_preferences,
    r.accessibility_settings,
    r.status,
    r.pending_email,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- users.create
with given as (
  select
    $1->'input' as input,
    $1->'input'->'profile' as profile,
    ($1->>'profile_id')::uuid as profile_id
),
r as (
  insert into lms.users as r (
    id, name, email, phone, role, centre_id, language_preferences, accessibility_settings, password_hash
  )
  select
    ($1->>'id')::uuid,
    given.input->>'name',
    given.input->>'email',
    given.input->>'phone',
    given.input->>'role',
    lms.check_reference(
      'centre_id',
      (given.input->>'centre_id')::uuid,
      exists (
        select from lms.centres as t
        where t.id = (given.input->>'centre_id')::uuid
          and t.deleted_at is null
      )
    ),
    coalesce(given.input->'language_preferences', '[]'::jsonb),
    coalesce(given.input->'accessibility_settings', '{}'::jsonb),
    $1->>'password_hash'
  from given
  returning r.id, r.name, r.email, r.phone, r.role, r.centre_id, r.language_preferences, r.accessibility_settings, r.status, r.pending_email, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
, student as (
  insert into lms.students (id, user_id, centre_id, dob, special_needs, languages, parent_id)
  select
    given.profile_id,
    r.id,
    r.centre_id,
    (given.profile->>'dob')::date,
    coalesce(given.profile->'special_needs', '[]'::jsonb),
    coalesce(given.profile->'languages', '[]'::jsonb),
    lms.check_reference(
      'profile/parent_id',
      (given.profile->>'parent_id')::uuid,
      exists (
        select from lms.users as t
        where t.id = (given.profile->>'parent_id')::uuid
          and t.role = 'parent'
          and t.status = 'active'
          and t.deleted_at is null
      )
    )
  from r
  cross join given
  where r.role = 'student'
    and given.profile is not null
),
tutor as (
  insert into lms.tutors (id, user_id, centre_id, max_students)
  select
    given.profile_id,
    r.id,
    r.centre_id,
    coalesce((given.profile->>'max_students')::integer, 10)
  from r
  cross join given
  where r.role = 'tutor'
    and given.profile is not null
),
guardian as (
  insert into lms.guardians (id, user_id, student_id, relationship)
  select
    given.profile_id,
    r.id,
    lms.check_reference(
      'profile/student_id',
      (given.profile->>'student_id')::uuid,
      exists (
        select from lms.students as t
        where t.id = (given.profile->>'student_id')::uuid
          and t.deleted_at is null
      )
    ),
    given.profile->>'relationship'
  from r
  cross join given
  where r.role = 'parent'
    and given.profile is not null
),
staff as (
  insert into lms.staff (id, user_id, centre_id, title, department, hired_on)
  select
    given.profile_id,
    r.id,
    r.centre_id,
    given.profile->>'title',
    given.profile->>'department',
    (given.profile->>'hired_on')::date
  from r
  cross join given
  where r.role in ('supervisor', 'admin', 'finance', 'assessor', 'support')
    and given.profile is not null
)
select
  row_to_json((select visible from (select
    r.id,
    r.name,
    r.email,
    r.phone,
    r.role,
    r.centre_id,
    r.language_preferences,
    r.accessibility_settings,
    r.status,
    r.pending_email,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for supervisor
-- users.deactivate
with r as (
  update lms.users as r
  set status = 'inactive'
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  returning r.id, r.name, r.email, r.phone, r.role, r.centre_id, r.language_preferences, r.accessibility_settings, r.status, r.pending_email, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.name,
    r.email,
    r.phone,
    r.role,
    r.centre_id,
    r.language_preferences,
    r.accessibility_settings,
    r.status,
    r.pending_email,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for support
-- users.deactivate
with r as (
  update lms.users as r
  set status = 'inactive'
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  returning r.id, r.name, r.email, r.phone, r.role, r.centre_id, r.language_preferences, r.accessibility_settings, r.status, r.pending_email, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.name,
    r.email,
    r.phone,
    r.role,
    r.centre_id,
    r.status,
    lms.utc(r.created_at) as created_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- users.deactivate
with r as (
  update lms.users as r
  set status = 'inactive'
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  returning r.id, r.name, r.email, r.phone, r.role, r.centre_id, r.language_preferences, r.accessibility_settings, r.status, r.pending_email, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.name,
    r.email,
    r.phone,
    r.role,
    r.centre_id,
    r.language_preferences,
    r.accessibility_settings,
    r.status,
    r.pending_email,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for supervisor
-- users.activate
with r as (
  update lms.users as r
  set status = 'active'
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  returning r.id, r.name, r.email, r.phone, r.role, r.centre_id, r.language_preferences, r.accessibility_settings, r.status, r.pending_email, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.name,
    r.email,
    r.phone,
    r.role,
    r.centre_id,
    r.language_preferences,
    r.accessibility_settings,
    r.status,
    r.pending_email,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for support
-- users.activate
with r as (
  update lms.users as r
  set status = 'active'
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  returning r.id, r.name, r.email, r.phone, r.role, r.centre_id, r.language_preferences, r.accessibility_settings, r.status, r.pending_email, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.name,
    r.email,
    r.phone,
    r.role,
    r.centre_id,
    r.status,
    lms.utc(r.created_at) as created_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- users.activate
with r as (
  update lms.users as r
  set status = 'active'
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  returning r.id, r.name, r.email, r.phone, r.role, r.centre_id, r.language_preferences, r.accessibility_settings, r.status, r.pending_email, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.name,
    r.email,
    r.phone,
    r.role,
    r.centre_id,
    r.language_preferences,
    r.accessibility_settings,
    r.status,
    r.pending_email,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- privacy.erase
select
  lms.erase_subject(($1->>'id')::uuid, $1->'input'->>'reason')::text as body,
  null::text as tag;

-- erasures.receipt
select
  lms.erasure_receipt(($1->>'id')::uuid)::text as body,
  null::text as tag;

-- for admin
-- webhooks.enable
with r as (
  update lms.webhooks as r
  set
    status = 'active',
    disabled_at = null,
    disabled_reason = null
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  returning r.id, r.url, r.description, r.kinds, r.status, r.disabled_at, r.disabled_reason, r.secret_changed_at, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.url,
    r.description,
    r.kinds,
    r.status,
    lms.utc(r.disabled_at) as disabled_at,
    r.disabled_reason,
    lms.utc(r.secret_changed_at) as secret_changed_at,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- for admin
-- webhooks.disable
with r as (
  update lms.webhooks as r
  set
    status = 'disabled',
    disabled_at = coalesce(r.disabled_at, now())
  where r.id = ($1->>'id')::uuid
    and r.deleted_at is null
  returning r.id, r.url, r.description, r.kinds, r.status, r.disabled_at, r.disabled_reason, r.secret_changed_at, r.created_at, r.updated_at, r.created_by, r.updated_by, r.deleted_at, r.version
)
select
  row_to_json((select visible from (select
    r.id,
    r.url,
    r.description,
    r.kinds,
    r.status,
    lms.utc(r.disabled_at) as disabled_at,
    r.disabled_reason,
    lms.utc(r.secret_changed_at) as secret_changed_at,
    lms.utc(r.created_at) as created_at,
    lms.utc(r.updated_at) as updated_at,
    r.created_by,
    r.updated_by,
    lms.utc(r.deleted_at) as deleted_at
  ) as visible))::text as body,
  r.version::text as tag
from r;

-- webhooks.replay
select
  json_build_object(
    'position', lms.replay_webhook(($1->>'id')::uuid, ($1->'input'->>'after')::bigint)
  )::text as body,
  null::text as tag;

-- webhooks.deliveries
select
  json_build_object(
    'position', q.position,
    'data', coalesce(json_agg(page.delivery order by page.position desc) filter (where page.row_number <= page.page_size), '[]'::json),
    'next_before', min(page.position) filter (where page.row_number = page.page_size and page.has_more)
  )::text as body,
  null::text as tag
from lms.webhooks as w
join lms.webhook_queues as q
  on q.id = w.id
left join lateral (
  select
    d.position,
    coalesce(($1->>'limit')::integer, 50) as page_size,
    row_number() over (order by d.position desc) as row_number,
    lead(d.position) over (order by d.position desc) is not null as has_more,
    json_build_object(
      'position', d.position,
      'event_id', d.event_id,
      'kind', d.kind,
      'status', d.status,
      'attempts', d.attempts,
      'last_attempt_at', lms.utc(d.last_attempt_at),
      'last_status', d.last_status,
      'last_error', d.last_error,
      'next_attempt_at', case when d.status = 'waiting' then lms.utc(d.next_attempt_at) end,
      'delivered_at', lms.utc(d.delivered_at),
      'failed_at', lms.utc(d.dead_at),
      'queued_at', lms.utc(d.created_at)
    ) as delivery
  from (
    select
      a.*,
      case
        when a.delivered_at is not null then 'delivered'
        when a.dead_at is not null then 'failed'
        else 'waiting'
      end as status
    from lms.webhook_deliveries as a
    where a.webhook_id = w.id
      and a.position < coalesce(($1->>'before')::bigint, 9223372036854775807)
  ) as d
  where $1->>'status' is null
    or d.status = $1->>'status'
  order by d.position desc
  limit coalesce(($1->>'limit')::integer, 50) + 1
) as page
  on true
where w.id = ($1->>'id')::uuid
  and w.deleted_at is null
group by q.position;


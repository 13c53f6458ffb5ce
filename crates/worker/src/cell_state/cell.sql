-- cell_state.cell
with recursive step as (
  (
    select u.tenant_id, u.at
    from lms_private.unsealed_events as u
    order by u.tenant_id, u.sequence
    limit 1
  )
  union all
  select n.tenant_id, n.at
  from step
  cross join lateral (
    select u.tenant_id, u.at
    from lms_private.unsealed_events as u
    where u.tenant_id > step.tenant_id
    order by u.tenant_id, u.sequence
    limit 1
  ) as n
), unsealed as (
  select min(s.at) as oldest_at
  from step as s
  where not exists (
    select from lms_private.relocated_tenants as a
    where a.tenant_id = s.tenant_id
  )
)
select
  c.name,
  c.region,
  (select max(m.version) from lms_private.migrations as m)::float8,
  pg_database_size(current_database())::float8,
  coalesce(extract(epoch from clock_timestamp() - u.oldest_at), 0)::float8,
  lms_private.count_clashes()::float8
from lms_private.cell as c
cross join unsealed as u

-- Retention: deleted rows are purged when they can no longer be restored. The tables, their order,
-- and what prevents or accompanies a purge are derived from triggers and foreign keys.

create function lms_private.retained_tables() returns setof text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  with recursive retained as (
    select c.oid, c.relname::text as name
    from pg_class as c
    where c.relnamespace = 'lms'::regnamespace
      and c.relkind = 'r'
      -- Tenants are kept, with their ledger and event log. Payroll belongs to the ledger.
      and c.relname not in ('tenants', 'payroll_runs', 'payroll_items')
      and exists (
        select from pg_trigger as t
        where t.tgrelid = c.oid
          and t.tgname = 'record_delete'
      )
      and not exists (
        select from pg_trigger as t
        where t.tgrelid = c.oid
          and t.tgfoid = 'lms_private.forbid_change'::regproc
      )
  ),
  below as (
    select r.oid, r.name, 0 as depth
    from retained as r
    union all
    select r.oid, r.name, b.depth + 1
    from below as b
    join pg_constraint as f
      on f.contype = 'f'
      and f.confrelid = b.oid
    join retained as r
      on r.oid = f.conrelid
  ) cycle oid set is_again using path
  select b.name
  from below as b
  where not b.is_again
  group by b.name
  order by max(b.depth) desc, b.name;
$$;

comment on function lms_private.retained_tables is
  'The tables whose deleted rows are purged, referring tables before those that they refer to: all that are recorded and not append-only.';

create function lms_private.retention_cutoff(now timestamptz) returns timestamptz
language sql
stable
begin atomic
  select now - case t.retention_class when 'regulated' then interval '7 years' else interval '30 days' end
  from lms.tenants as t
  where t.tenant_id = current_setting('app.tenant_id')::uuid;
end;

comment on function lms_private.retention_cutoff is
  'The time before which deletions of the context''s tenant can no longer be restored: 30 days ago, or 7 years ago for a regulated tenant.';

create function lms_private.tables_to_purge(tables text[], now timestamptz) returns setof text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  before constant timestamptz := lms_private.retention_cutoff(now);
  one text;
  is_due boolean;
begin
  foreach one in array tables loop
    execute format('select exists (select from lms.%I as t where t.tenant_id = $1 and t.deleted_at < $2)', one)
    into is_due
    using current_setting('app.tenant_id')::uuid, before;
    if is_due then
      return next one;
    end if;
  end loop;
end
$$;

comment on function lms_private.tables_to_purge is
  'The given tables in which the context''s tenant has rows to purge, in the given order.';

create function lms_private.reference_condition(reference pg_constraint, child text, parent text) returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select string_agg(format('%s.%I = %s.%I', child, c.attname, parent, p.attname), ' and ' order by k.place)
  from unnest(reference.conkey, reference.confkey) with ordinality as k (referring, referred, place)
  join pg_attribute as c
    on c.attrelid = reference.conrelid
    and c.attnum = k.referring
  join pg_attribute as p
    on p.attrelid = reference.confrelid
    and p.attnum = k.referred;
$$;

comment on function lms_private.reference_condition is
  'The condition under which a row with the alias child refers to a row with the alias parent.';

create function lms_private.held_person_condition(rows_of regclass, alias text) returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(string_agg(p.condition, ' or '), 'false')
  from (
    select format('lms_private.is_held(%s.tenant_id, %s.id)', alias, alias) as condition
    where rows_of = 'lms.users'::regclass
    union all
    -- The account itself, or the account of the student, tutor or staff member that the row refers
    -- to.
    select format(
      'exists (select from %s as person where %s and %s)',
      f.confrelid::regclass,
      lms_private.reference_condition(f, alias, 'person'),
      case
        when f.confrelid = 'lms.users'::regclass then 'lms_private.is_held(person.tenant_id, person.id)'
        else (
          select '(' || string_agg(format('lms_private.is_held(person.tenant_id, person.%I)', a.attname), ' or ') || ')'
          from pg_constraint as u
          join pg_attribute as a
            on a.attrelid = u.conrelid
            and a.attnum = any (u.conkey)
            and a.attname <> 'tenant_id'
          where u.contype = 'f'
            and u.conrelid = f.confrelid
            and u.confrelid = 'lms.users'::regclass
        )
      end
    )
    from pg_constraint as f
    where f.contype = 'f'
      and f.conrelid = rows_of
      and (
        f.confrelid = 'lms.users'::regclass
        or exists (
          select from pg_constraint as u
          where u.contype = 'f'
            and u.conrelid = f.confrelid
            and u.confrelid = 'lms.users'::regclass
        )
      )
  ) as p;
$$;

comment on function lms_private.held_person_condition is
  'The condition under which a row of a table, by its alias, belongs to or concerns a person under a legal hold.';

create function lms_private.purge_deleted(table_name text, now timestamptz, max_count integer) returns bigint
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  target constant regclass := ('lms.' || quote_ident(table_name))::regclass;
  before constant timestamptz := lms_private.retention_cutoff(now);
  conditions text;
  limited integer;
  removed bigint;
begin
  select
    string_agg(c.condition, ' and '),
    -- Fewer rows at a time when others are deleted with them.
    case when bool_or(c.goes_along) then least(max_count, 20) else max_count end
  into conditions, limited
  from (
    select format('not (%s)', lms_private.held_person_condition(target, 't')) as condition, false as goes_along
    union all
    -- A reference prevents the purge, unless it cascades and its row does not belong to a person
    -- under a legal hold.
    select
      format(
        'not exists (select from %s as child where %s and %s)',
        f.conrelid::regclass,
        lms_private.reference_condition(f, 'child', 't'),
        case f.confdeltype when 'c' then lms_private.held_person_condition(f.conrelid, 'child') else 'true' end
      ),
      f.confdeltype = 'c'
    from pg_constraint as f
    where f.contype = 'f'
      and f.confrelid = target
    union all
    -- A row that was deleted together with its parent can be restored with it, so it is kept as
    -- long.
    select
      format(
        'not exists (select from %s as parent where %s and parent.deleted_at = t.deleted_at)',
        f.confrelid::regclass,
        lms_private.reference_condition(f, 't', 'parent')
      ),
      false
    from pg_constraint as f
    where f.contype = 'f'
      and f.conrelid = target
      and f.confdeltype = 'c'
  ) as c;

  execute format(
    'with due as materialized (
      select t.tenant_id, t.id
      from %1$s as t
      where t.tenant_id = $1
        and t.deleted_at < $2
        and %2$s
      limit $3
      for update of t skip locked
    )
    delete from %1$s as t
    using due as d
    where t.tenant_id = d.tenant_id
      and t.id = d.id',
    target, conditions
  )
  using current_setting('app.tenant_id')::uuid, before, limited;
  get diagnostics removed = row_count;
  return removed;
end
$$;

comment on function lms_private.purge_deleted is
  'Purges up to the given number of rows of a table that the context''s tenant can no longer restore, and counts them. Rows that are still referred to are kept, and so are rows of or about a person under a legal hold.';

-- A refusal to leave names one row of each kind. All of them were sorted and written out to pick it, and a centre may have tens of
-- thousands of lessons ahead. Now they are counted, and one is read by its key.
set local role lms_owner;

create or replace function lms_private.leave_one(parent text, former jsonb, fresh jsonb) returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  tenant constant uuid := fresh ->> 'tenant_id';
  id constant uuid := fresh ->> 'id';
  leaves constant boolean := former ->> 'left_at' is null and fresh ->> 'left_at' is not null;
  returns constant boolean := former ->> 'left_at' is not null and fresh ->> 'left_at' is null;
  is_deleted constant boolean := former ->> 'deleted_at' is null and fresh ->> 'deleted_at' is not null;
  is_restored constant boolean := former ->> 'deleted_at' is not null and fresh ->> 'deleted_at' is null;
  dependant record;
  found record;
  standing text[] := '{}';
  standing_rows bigint;
  standing_id uuid;
  example text;
  ids uuid[];
  ended jsonb := coalesce(nullif(fresh -> 'left_with', 'null'), '{}');
  given_back constant jsonb := coalesce(nullif(former -> 'left_with', 'null'), '{}');
begin
  if leaves or is_deleted then
    for dependant in
      select d.*
      from lms_private.dependants as d
      where d.parent = leave_one.parent
        and d.rule = 'refuse'
        and case when d.is_for_deletion then is_deleted else leaves or is_deleted end
        -- Erasing is a right that waits for no laptop. What others rely on, their lessons, it waits for.
        and not (d.parent = 'users' and lms_private.is_erasing())
      order by d.child, d.child_column
    loop
      -- The first of them by its id. PostgreSQL 15 has no min(uuid); as text in "C" order it is the same.
      execute format(
        'select count(*), min(c.id::text collate "C")::uuid
        from lms.%I as c
        where c.tenant_id = $1 and c.%I = $2 and %s',
        dependant.child, dependant.child_column, dependant.condition
      )
      into standing_rows, standing_id
      using tenant, id;
      if standing_rows > 0 then
        execute format('select %s from lms.%I as c where c.tenant_id = $1 and c.id = $2', dependant.example, dependant.child)
        into example
        using tenant, standing_id;
        standing := standing || format('%s: %s (such as %s)', dependant.label, standing_rows, example);
      end if;
    end loop;
    if standing <> '{}' then
      raise exception using
        errcode = 'LM409',
        message = format(
          'This %s still has %s. Give them to others or end them first.',
          case parent when 'users' then 'person' when 'staff' then 'member of the staff' else left(parent, -1) end,
          array_to_string(standing, '; ')
        );
    end if;
  end if;

  for dependant in
    select d.*
    from lms_private.dependants as d
    where d.parent = leave_one.parent
      and d.rule = 'end'
      and case when d.is_for_deletion then is_deleted else leaves end
    order by d.child, d.child_column
  loop
    ids := '{}';
    for found in execute dependant.ending using tenant, id loop
      ids := ids || found.id;
    end loop;
    if ids <> '{}' and dependant.return is not null then
      ended := ended || jsonb_build_object(dependant.child || '.' || dependant.child_column, ids);
    end if;
  end loop;
  if (leaves or is_deleted) and ended <> '{}' and ended is distinct from fresh -> 'left_with' then
    execute format('update lms.%I as p set left_with = $3 where p.tenant_id = $1 and p.id = $2', parent)
    using tenant, id, ended;
  end if;

  -- The rows of an account leave and come back with it; their own triggers see to what stands on them.
  for dependant in
    select d.*
    from lms_private.dependants as d
    where d.parent = leave_one.parent
      and d.rule = 'delete'
      and (is_deleted or is_restored or leaves or returns)
    order by d.child, d.child_column
  loop
    if is_deleted or is_restored then
      execute format(
        'update lms.%I as c set deleted_at = $3 where c.tenant_id = $1 and c.%I = $2 and c.deleted_at is not distinct from $4',
        dependant.child, dependant.child_column
      )
      using tenant, id, (fresh ->> 'deleted_at')::timestamptz, (former ->> 'deleted_at')::timestamptz;
    elsif exists (
      select
      from pg_attribute as a
      where a.attrelid = format('lms.%I', dependant.child)::regclass
        and a.attname = 'left_at'
    ) then
      execute format(
        'update lms.%I as c set left_at = $3 where c.tenant_id = $1 and c.%I = $2 and c.left_at is not distinct from $4',
        dependant.child, dependant.child_column
      )
      using tenant, id, (fresh ->> 'left_at')::timestamptz, (former ->> 'left_at')::timestamptz;
    end if;
  end loop;

  for dependant in
    select d.*
    from lms_private.dependants as d
    where d.parent = leave_one.parent
      and d.rule = 'end'
      and d.return is not null
      and case when d.is_for_deletion then is_restored else returns end
    order by d.child, d.child_column
  loop
    ids := array(
      select one.id::uuid
      from jsonb_array_elements_text(
        coalesce(given_back -> (dependant.child || '.' || dependant.child_column), '[]')
      ) as one (id)
    );
    if ids <> '{}' then
      execute dependant.return
      using tenant, id, ids;
    end if;
  end loop;
end
$$;

-- Verification of erasure receipts against the database.

create function lms_private.redactions_hash(tenant uuid, erasure uuid) returns bytea
language sql
stable
begin atomic
  select sha256(coalesce(string_agg(int8send(r.position) || r.state_hash, ''::bytea order by r.position), ''))
  from lms.event_redactions as r
  where r.tenant_id = tenant
    and r.erasure_id = erasure;
end;

comment on function lms_private.redactions_hash is 'The hash over the event_redactions of an erasure, which its row contains.';

grant execute on function lms_private.redactions_hash to lms_application, lms_definer;

create function lms.erasure_receipt(erasure uuid) returns jsonb
language sql
stable
begin atomic
  select jsonb_build_object(
    'tenant_id', e.tenant_id,
    'erasure_id', e.id,
    'user_id', e.user_id,
    'reason', e.reason,
    'erased_at', lms.utc(e.created_at),
    'counts', e.counts,
    'events', e.events,
    'redactions_hash', encode(e.redactions_hash, 'hex'),
    'event', jsonb_build_object(
      'id', l.id,
      'position', l.position,
      'previous_hash', encode(l.previous_hash, 'hex'),
      'hash', encode(l.hash, 'hex')
    )
  )
  from lms.erasures as e
  join lms.event_log as l
    on l.tenant_id = e.tenant_id
    and l.entity_id = e.id
    and l.kind = 'erasure.created'
  where e.tenant_id = current_setting('app.tenant_id')::uuid
    and e.id = erasure;
end;

comment on function lms.erasure_receipt is 'The receipt of an erasure; lms privacy verify checks it against the database.';

grant execute on function lms.erasure_receipt to lms_application, lms_definer;

create function lms_private.find_unerased_table(tenant uuid, account uuid) returns text
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
#variable_conflict use_variable
declare
  person lms_private.data_subject;
  declared record;
  is_there boolean;
begin
  person.users := array[account];
  person.students := array(select s.id from lms.students as s where s.tenant_id = tenant and s.user_id = account);
  person.tutors := array(select t.id from lms.tutors as t where t.tenant_id = tenant and t.user_id = account);
  person.patterns := '{}';
  person.substitutes := '{}';
  for declared in
    select o.table_name, string_agg(format('r.%I = any ($2.%ss)', o.column_name, o.subject_kind), ' or ') as is_own
    from lms_private.personal_rows as o
    where exists (
      select
      from lms_private.personal_columns as c
      where c.table_name = o.table_name
        and c.replacement is not null
    )
    group by o.table_name
    order by o.table_name
  loop
    execute format(
      'select exists (
        select
        from lms.%1$I as r
        where r.tenant_id = $1
          and (%2$s)
          and lms_private.redact_row(%1$L, to_jsonb(r), $2) <> to_jsonb(r)
      )',
      declared.table_name, declared.is_own
    )
    into is_there
    using tenant, person;
    if is_there then
      return declared.table_name;
    end if;
  end loop;
  return null;
end
$$;

comment on function lms_private.find_unerased_table is
  'The first table in which rows of an account contain data that an erasure redacts; null when there is none.';

alter function lms_private.find_unerased_table owner to lms_definer;

create function lms.erasure_problem(receipt jsonb) returns text
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
#variable_conflict use_variable
declare
  tenant constant uuid := current_setting('app.tenant_id')::uuid;
  erasure lms.erasures;
  event lms.event_log;
  told record;
begin
  select e.*
  into erasure
  from lms.erasures as e
  where e.tenant_id = tenant
    and e.id = (receipt ->> 'erasure_id')::uuid;
  if not found or receipt ->> 'tenant_id' <> tenant::text then
    return format('The tenant has no erasure %s.', receipt ->> 'erasure_id');
  end if;
  select l.*
  into event
  from lms.event_log as l
  where l.tenant_id = tenant
    and l.position = (receipt -> 'event' ->> 'position')::bigint;
  if not found or event.entity_id <> erasure.id or event.kind <> 'erasure.created' then
    return format('Position %s of the event log is not this erasure''s.', receipt -> 'event' ->> 'position');
  end if;
  if encode(event.hash, 'hex') is distinct from receipt -> 'event' ->> 'hash'
    or event.hash <> lms_private.chain(null, event.previous_hash, lms_private.event_text(event))
    or event.position > 1 and not exists (
      select
      from lms.event_log as b
      where b.tenant_id = tenant
        and b.position = event.position - 1
        and b.hash = event.previous_hash
    )
  then
    return format('The event at position %s is not the one that the receipt was made of.', event.position);
  end if;
  -- The event's state must agree with the receipt. Only its reason may have been redacted by a
  -- later erasure.
  if lms_private.state_hash(event.salt, event.state) <> coalesce(
    (
      select r.state_hash
      from lms.event_redactions as r
      where r.tenant_id = tenant
        and r.position = event.position
      order by r.created_at desc
      limit 1
    ),
    event.state_hash
  )
    or (event.state ->> 'redactions_hash')::bytea <> erasure.redactions_hash
    or encode(erasure.redactions_hash, 'hex') is distinct from receipt ->> 'redactions_hash'
    or erasure.user_id::text is distinct from receipt ->> 'user_id'
    or lms.utc(erasure.created_at) is distinct from receipt ->> 'erased_at'
    or erasure.events::text is distinct from receipt ->> 'events'
    or erasure.counts is distinct from receipt -> 'counts'
  then
    return 'What the database says of this erasure is not what the receipt says.';
  end if;
  if lms_private.redactions_hash(tenant, erasure.id) <> erasure.redactions_hash then
    return 'The list of the events that were erased in is not the one that the erasure made.';
  end if;
  select r.position
  into told
  from lms.event_redactions as r
  left join lms.event_log as l
    on l.tenant_id = r.tenant_id
    and l.position = r.position
  where r.tenant_id = tenant
    and r.erasure_id = erasure.id
    and lms_private.state_hash(l.salt, l.state) is distinct from (
      select n.state_hash
      from lms.event_redactions as n
      where n.tenant_id = r.tenant_id
        and n.position = r.position
      order by n.created_at desc
      limit 1
    )
  order by r.position
  limit 1;
  if found then
    return format('The event at position %s does not hold what the erasure put there.', told.position);
  end if;
  return 'Rows of ' || lms_private.find_unerased_table(tenant, erasure.user_id) || ' hold something of the person again.';
end
$$;

comment on function lms.erasure_problem is
  'Why a receipt does not agree with the context''s tenant; null when it does. For the operator''s tool.';

alter function lms.erasure_problem owner to lms_definer;
grant execute on function lms.erasure_problem to lms_owner;

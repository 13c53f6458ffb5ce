-- Erasure of a person: rows, secrets and events, in one transaction, with a receipt.

create function lms_private.erase_rows(tenant uuid, person lms_private.data_subject) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
#variable_conflict use_variable
declare
  counts jsonb := '{}';
  declared record;
  changed bigint;
begin
  -- In alphabetical order students come after assessments and attendances, from which triggers
  -- derive data of students.
  for declared in
    select
      c.table_name,
      string_agg(format('%I', c.column_name), ', ' order by c.column_name) as columns,
      coalesce(
        string_agg(format('lms_private.may_mention(to_jsonb(r.%I)::text, $2)', c.column_name), ' or ') filter (where c.class = 'free_text'),
        'false'
      ) as has_words,
      coalesce(
        (
          select string_agg(format('r.%I = any ($2.%ss)', o.column_name, o.subject_kind), ' or ')
          from lms_private.personal_rows as o
          where o.table_name = c.table_name
        ),
        'false'
      ) as is_own
    from lms_private.personal_columns as c
    where c.class in ('personal', 'free_text')
      or c.replacement is not null
    group by c.table_name
    order by c.table_name
  loop
    execute format(
      'with erased as materialized (
        select r.id, lms_private.redact_row(%1$L, to_jsonb(r), $2) as state
        from lms.%1$I as r
        where r.tenant_id = $1
          and (%2$s or %3$s)
      )
      update lms.%1$I as r
      set (%4$s) = (select %4$s from jsonb_populate_record(null::lms.%1$I, e.state))
      from erased as e
      where r.tenant_id = $1
        and r.id = e.id
        and e.state <> to_jsonb(r)',
      declared.table_name, declared.is_own, declared.has_words, declared.columns
    )
    using tenant, person;
    get diagnostics changed = row_count;
    if changed > 0 then
      counts := counts || jsonb_build_object(declared.table_name, changed);
    end if;
  end loop;
  return counts;
end
$$;

comment on function lms_private.erase_rows is
  'Redacts the person''s rows and the rows that mention the person in every declared table, and counts them by table.';

alter function lms_private.erase_rows owner to lms_definer;

create function lms_private.erase_secrets(tenant uuid, person lms_private.data_subject) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  counts jsonb := '{}';
  deleted record;
begin
  for deleted in
    with secrets as (
      delete from lms_private.notification_secrets as k
      using lms.notifications as n
      where k.tenant_id = tenant
        and n.tenant_id = tenant
        and n.id = k.notification_id
        and n.user_id = any (person.users)
      returning 1
    ),
    refresh as (
      delete from lms.refresh_tokens as t
      using lms.sessions as s
      where t.tenant_id = tenant
        and s.tenant_id = tenant
        and s.id = t.session_id
        and s.user_id = any (person.users)
      returning 1
    ),
    one_use as (
      delete from lms.one_use_tokens as t
      where t.tenant_id = tenant
        and t.user_id = any (person.users)
      returning 1
    ),
    feeds as (
      delete from lms.calendar_feeds as f
      where f.tenant_id = tenant
        and f.user_id = any (person.users)
      returning 1
    ),
    keys as (
      delete from lms.idempotency_keys as k
      where k.tenant_id = tenant
        and (k.user_id = any (person.users) or lms_private.may_mention(concat_ws(' ', k.key, k.body, k.tag), person))
      returning 1
    ),
    failures as (
      delete from lms.sign_in_failures as f
      using lms_private.tenant_slugs as s
      cross join (
        select u.email
        from lms.users as u
        where u.tenant_id = tenant
          and u.id = any (person.users)
        union
        select l.state ->> 'email'
        from lms.event_log as l
        where l.tenant_id = tenant
          and l.entity = 'users'
          and l.entity_id = any (person.users)
      ) as k
      where s.tenant_id = tenant
        and f.account = lms_private.account_key(s.slug, k.email)
      returning 1
    )
    select 'notification_secrets' as table_name, (select count(*) from secrets) as rows
    union all
    select 'refresh_tokens', (select count(*) from refresh)
    union all
    select 'one_use_tokens', (select count(*) from one_use)
    union all
    select 'calendar_feeds', (select count(*) from feeds)
    union all
    select 'idempotency_keys', (select count(*) from keys)
    union all
    select 'sign_in_failures', (select count(*) from failures)
  loop
    if deleted.rows > 0 then
      counts := counts || jsonb_build_object(deleted.table_name, deleted.rows);
    end if;
  end loop;
  return counts;
end
$$;

comment on function lms_private.erase_secrets is
  'Deletes tokens, codes, stored responses and attempts of a person, and counts them by table.';

alter function lms_private.erase_secrets owner to lms_definer;

create function lms_private.cancel_deliveries(tenant uuid, person lms_private.data_subject) returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
begin
  update lms.notification_deliveries as d
  set dead_at = now()
  from lms.notifications as n
  where n.tenant_id = tenant
    and n.user_id = any (person.users)
    and d.tenant_id = tenant
    and d.notification_id = n.id
    and d.delivered_at is null
    and d.dead_at is null;

  update lms.notifications as n
  set
    status = 'failed',
    failure = 'The user has been erased.'
  where n.tenant_id = tenant
    and n.user_id = any (person.users)
    and n.status is null;
end
$$;

comment on function lms_private.cancel_deliveries is 'Cancels pending notifications to a person.';

alter function lms_private.cancel_deliveries owner to lms_definer;

create function lms_private.erase_events(tenant uuid, erasure uuid, person lms_private.data_subject) returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  place bigint;
  event lms.event_log;
  erased jsonb;
  fresh uuid;
  events bigint := 0;
begin
  foreach place in array array(
    select l.position
    from lms.event_log as l
    where l.tenant_id = tenant
      and lms_private.may_mention(l.state::text, person)
  ) loop
    select l.*
    into event
    from lms.event_log as l
    where l.tenant_id = tenant
      and l.position = place;
    erased := lms_private.redact_row(event.entity, event.state, person);
    continue when erased = event.state;

    -- A new salt, because with the former one the erased state could be guessed from its hash.
    fresh := gen_random_uuid();
    insert into lms.event_redactions (tenant_id, erasure_id, position, state_hash)
    values (tenant, erasure, place, lms_private.state_hash(fresh, erased));
    update lms.event_log as l
    set
      state = erased,
      salt = fresh
    where l.tenant_id = tenant
      and l.id = event.id
      and l.at = event.at;
    events := events + 1;
  end loop;
  return events;
end
$$;

comment on function lms_private.erase_events is
  'Redacts the sealed events that belong to the person or mention the person, each with a row in event_redactions, and counts them.';

alter function lms_private.erase_events owner to lms_definer;

create function lms.erase_subject(account uuid, reason text) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  tenant constant uuid := current_setting('app.tenant_id')::uuid;
  erasure constant uuid := lms.new_id();
  person lms_private.data_subject;
  counts jsonb;
  events bigint;
begin
  if current_setting('app.role') <> 'admin' then
    raise exception using errcode = 'LM403';
  end if;
  perform lms_private.acquire_write_lock(tenant);
  -- A concurrent writer of the person's rows waits and then sees that the person is erased.
  perform
  from lms.users as u
  where u.tenant_id = tenant
    and u.id = account
  for update;
  if not found then
    raise exception using errcode = 'LM404';
  end if;
  perform lms_private.check_erasure_allowed(tenant, account);
  perform lms_private.seal_events(tenant);
  person := lms_private.find_data_subject(tenant, account);

  insert into lms_private.erasures_in_progress
  default values;
  perform lms_private.cancel_deliveries(tenant, person);
  counts := lms_private.erase_secrets(tenant, person) || lms_private.erase_rows(tenant, person);
  update lms.users as u
  set status = 'inactive'
  where u.tenant_id = tenant
    and u.id = account
    and u.status <> 'inactive';
  update lms.sessions as s
  set revoked_at = now()
  where s.tenant_id = tenant
    and s.user_id = account
    and s.revoked_at is null;

  -- Seals again, because the previous statements recorded events and others may have committed.
  perform lms_private.seal_events(tenant);
  events := lms_private.erase_events(tenant, erasure, person);
  insert into lms.erasures (tenant_id, id, user_id, reason, counts, events, redactions_hash)
  values (
    tenant, erasure, account, lms_private.redact_text(reason, person), counts, events, lms_private.redactions_hash(tenant, erasure)
  );
  delete from lms_private.erasures_in_progress as u
  where u.transaction_id = pg_current_xact_id();
  perform lms_private.seal_events(tenant);
  return lms.erasure_receipt(erasure);
end
$$;

comment on function lms.erase_subject is
  'Erases a person of the context''s tenant and returns the receipt. For admins and the operator''s tool. LM404, LM409.';

alter function lms.erase_subject owner to lms_definer;
grant execute on function lms.erase_subject to lms_application, lms_owner;

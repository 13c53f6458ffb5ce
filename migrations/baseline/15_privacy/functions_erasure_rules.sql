-- Rules for erasure: legal holds, the transaction that erases, privileges, and the exception that
-- append-only tables make.

create procedure lms_private.grant_erasure()
language plpgsql
as $$
declare
  declared record;
begin
  for declared in
    select
      t.table_name,
      string_agg(format('%I', c.column_name), ', ') filter (where c.class in ('personal', 'free_text') or c.replacement is not null) as erased
    from lms_private.personal_tables as t
    left join lms_private.personal_columns as c
      using (table_name)
    where t.table_name not in ('event_log', 'event_heads', 'event_redactions')
    group by t.table_name
  loop
    execute format('grant select on lms.%I to lms_definer', declared.table_name);
    if declared.erased is not null then
      execute format('grant update (%s) on lms.%I to lms_definer', declared.erased, declared.table_name);
    end if;
  end loop;
end
$$;

comment on procedure lms_private.grant_erasure is
  'Grants lms_definer the privileges to read and redact what is declared. A change that declares more calls it again.';

create function lms_private.hold_reason(tenant uuid, account uuid) returns text
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
      h.user_id = account
      or h.user_id in (
        select s.user_id
        from lms.guardians as g
        join lms.students as s
          on s.tenant_id = g.tenant_id
          and s.id = g.student_id
        where g.tenant_id = tenant
          and g.user_id = account
          and g.deleted_at is null
      )
    )
  order by h.user_id <> account, h.created_at
  limit 1;
end;

comment on function lms_private.hold_reason is
  'The reason why a person is under a legal hold, directly or through a child; null when there is none.';

alter function lms_private.hold_reason owner to lms_definer;
grant execute on function lms_private.hold_reason to lms_owner;

create function lms_private.is_held(tenant uuid, account uuid) returns boolean
language sql
stable
begin atomic
  select lms_private.hold_reason(tenant, account) is not null;
end;

comment on function lms_private.is_held is
  'True when a person is under a legal hold, so that none of the person''s rows may be erased or purged.';

grant execute on function lms_private.is_held to lms_definer;

create function lms_private.is_erasing() returns boolean
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select exists (
    select
    from lms_private.erasures_in_progress as e
    where e.transaction_id = pg_current_xact_id_if_assigned()
  );
end;

comment on function lms_private.is_erasing is 'True when the current transaction erases a person.';

alter function lms_private.is_erasing owner to lms_definer;
grant execute on function lms_private.is_erasing to public;

create function lms_private.allow_redaction_only() returns trigger
language plpgsql
as $$
begin
  if to_jsonb(new) - tg_argv[0] = to_jsonb(old) - tg_argv[0]
    and lms_private.is_erasing()
  then
    return new;
  end if;
  raise exception using errcode = '42501', message = format('%I is append-only.', tg_table_name);
end
$$;

comment on function lms_private.allow_redaction_only is
  'Refuses every change of a row for every role, except that an erasure redacts the free-text column that the argument names.';

grant execute on function lms_private.allow_redaction_only to public;

create procedure lms_private.append_only_redactable(table_name text, column_name text)
language plpgsql
as $$
begin
  execute format(
    'create or replace trigger append_only before delete or truncate on lms.%I
    for each statement execute function lms_private.forbid_change()',
    table_name
  );
  -- The name sorts it before set_audit_columns, which would change more than this column.
  execute format(
    'create trigger append_only_update before update on lms.%I
    for each row execute function lms_private.allow_redaction_only(%L)',
    table_name, column_name
  );
  execute format('alter table lms.%I enable always trigger append_only', table_name);
  execute format('alter table lms.%I enable always trigger append_only_update', table_name);
end
$$;

comment on procedure lms_private.append_only_redactable is
  'Makes a table append-only, except that an erasure may redact its free-text column.';

create function lms_private.check_erasure_allowed(tenant uuid, account uuid) returns void
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  given lms.users;
  former uuid;
  hold constant text := lms_private.hold_reason(tenant, account);
begin
  select u.*
  into given
  from lms.users as u
  where u.tenant_id = tenant
    and u.id = account;
  if account = nullif(current_setting('app.user_id', true), '')::uuid then
    raise exception using errcode = 'LM409', message = 'You cannot erase yourself; another admin can.', column = 'id';
  end if;
  if hold is not null then
    raise exception using
      errcode = 'LM409',
      message = format('The person is under a legal hold: %s Delete the hold first.', regexp_replace(hold, '([[:alnum:]])$', '\1.')),
      column = 'id';
  end if;
  if given.role = 'admin' and not exists (
    select
    from lms.users as u
    where u.tenant_id = tenant
      and u.id <> account
      and u.role = 'admin'
      and u.status = 'active'
      and u.deleted_at is null
  ) then
    raise exception using
      errcode = 'LM409', message = 'This is the last admin who can sign in. Create another admin first.', column = 'id';
  end if;
  select e.id
  into former
  from lms.erasures as e
  where e.tenant_id = tenant
    and e.user_id = account
  order by e.created_at desc
  limit 1;
  -- An account that was given a name after its erasure can be erased again.
  if former is not null and (given.name, given.email, given.phone)
    is not distinct from ('Erased', format('erased-%s@erased.invalid', account), null)
  then
    raise exception using
      errcode = 'LM409',
      message = format('The person has already been erased. See the receipt of erasure %s.', former),
      column = 'id';
  end if;
end
$$;

comment on function lms_private.check_erasure_allowed is
  'LM409 for the caller, a person under a legal hold, the last admin, and a person who has been erased already.';

alter function lms_private.check_erasure_allowed owner to lms_definer;

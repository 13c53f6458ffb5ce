-- The procedure that every request calls, with its session check and prepared statements. An error
-- is returned as a value instead of raised, because PostgreSQL logs every error that leaves a
-- statement, and its DETAIL and CONTEXT contain user input. log_error_verbosity = terse would not
-- prevent that: CloudNativePG logs as CSV, which contains all parts of an error at every verbosity.

-- Most requests need only the row of lms_private.live_sessions. The rest of the function answers
-- for a session without one, and says why a request is not served. Without SET search_path, which
-- would account for a fifth of the cost of each session check; all names are schema-qualified
-- instead.
create function lms_private.check_session(context pg_catalog.jsonb) returns pg_catalog.text
language plpgsql
stable
security definer
as $$
declare
  nil_id constant pg_catalog.uuid := '00000000-0000-0000-0000-000000000000';
  tenant constant pg_catalog.uuid := (context ->> 'tenant')::pg_catalog.uuid;
  caller constant pg_catalog.uuid := (context ->> 'user')::pg_catalog.uuid;
  session constant pg_catalog.uuid := (context ->> 'session')::pg_catalog.uuid;
  home record;
  centre pg_catalog.uuid;
begin
  if session is not null then
    select l.centre_id
    into centre
    from lms_private.live_sessions as l
    where l.tenant_id = tenant
      and l.session_id = session
      and l.user_id = caller
      and l.role = context ->> 'role'
      and l.region = context ->> 'region'
      and l.cell = coalesce(context ->> 'cell', l.cell)
      and l.expires_at > pg_catalog.now()
      and not exists (select from lms_private.relocated_tenants as a where a.tenant_id = l.tenant_id);
    if found then
      return coalesce(centre, nil_id);
    end if;
  end if;

  select c.name, c.region
  into home
  from lms_private.cell as c;
  if home.region is distinct from context ->> 'region'
    or home.name is distinct from coalesce(context ->> 'cell', home.name)
  then
    raise exception using
      errcode = 'LM503',
      message = pg_catalog.format(
        'This cell is %s, in region %s; the component serves %s, in %s.',
        coalesce(home.name, '(none)'),
        coalesce(home.region, '(none)'),
        coalesce(context ->> 'cell', '(any)'),
        context ->> 'region'
      );
  end if;
  if tenant is not null then
    perform lms_private.check_tenant_location(tenant);
  end if;
  if session is not null then
    select u.centre_id
    into centre
    from lms.sessions as s
    join lms.users as u
      on u.tenant_id = s.tenant_id
      and u.id = s.user_id
    where s.tenant_id = tenant
      and s.id = session
      and s.user_id = caller
      and s.revoked_at is null
      and s.expires_at > pg_catalog.now()
      and u.role = context ->> 'role'
      and u.status = 'active'
      and u.deleted_at is null;
    if not found then
      raise exception using errcode = 'LM401', message = 'The session has ended. Sign in again.';
    end if;
  elsif caller is not null then
    select u.centre_id
    into centre
    from lms.users as u
    where u.tenant_id = tenant
      and u.id = caller;
  end if;
  return coalesce(centre, nil_id);
end
$$;

comment on function lms_private.check_session is
  'Checks that this cell serves the context: LM503 for another cell or region, LM401 for a session that is not live. Returns the user''s centre. Security definer, because applying the policies would cost more than the look-up itself.';

alter function lms_private.check_session owner to lms_definer;
grant execute on function lms_private.check_session to lms_application;

create procedure lms_private.prepare_statement(name text, prepared_name text, sql text)
language plpgsql
as $$
#variable_conflict use_variable
declare
  max_lists constant integer := 32;
  max_others constant integer := 256;
  evicted text;
begin
  if octet_length(name) > 52
    or name !~ '[#~][0-9a-f]{16}$'
    or right(name, 16) <> left(encode(sha256(convert_to(sql, 'UTF8')), 'hex'), 16)
  then
    raise exception using
      errcode = 'LM503',
      message = format(
        'Statement name %s must end in # or ~ and the first 16 hex digits of the SHA-256 of its text, in 52 bytes.',
        name
      );
  end if;

  -- Prepared statements occupy memory in the server process for as long as the connection lives, so
  -- their number is limited. There are as many lists as combinations of filters (~). They have a
  -- limit of their own, so that they cannot evict the fixed operations (#). Those used least often
  -- since they were prepared are evicted first.
  for evicted in
    select p.name
    from (
      select
        s.name,
        s.name like '%~________________@%' as is_list,
        row_number() over (
          partition by s.name like '%~________________@%'
          order by
            (s.generic_plans + s.custom_plans) / greatest(extract(epoch from clock_timestamp() - s.prepare_time), 0.001) desc,
            s.prepare_time desc
        ) as place
      from pg_prepared_statements as s
      where s.from_sql
        and s.name like '%@' || pg_backend_pid()
    ) as p
    where p.is_list = (name ~ '~[0-9a-f]{16}$')
      and p.place >= case when p.is_list then max_lists else max_others end
  loop
    execute format('deallocate %I', evicted);
  end loop;

  execute format('prepare %I (jsonb) as %s', prepared_name, sql);
end
$$;

comment on procedure lms_private.prepare_statement is
  'Prepares a statement for lms.run on this connection after checking that its name matches the hash of its text. Evicts the least used statements: 32 filtered lists (~) and 256 others (#) are kept.';

grant execute on procedure lms_private.prepare_statement to lms_application;

-- Neither security definer nor with SET, because both forbid COMMIT.
create procedure lms.run(
  context text,
  name text,
  sql text,
  args text,
  inout body text,
  inout tag text,
  inout replayed boolean,
  inout refusal text
)
language plpgsql
as $$
#variable_conflict use_variable
declare
  nil_id constant text := '00000000-0000-0000-0000-000000000000';
  -- A name for this connection that only prepare_statement assigns, after checking the text, so
  -- that a statement that another program prepared under the same name is not executed. Looking the
  -- text up in pg_prepared_statements would take a microsecond for each prepared statement in every
  -- request.
  prepared_name constant text := name || '@' || pg_backend_pid();
  request_context jsonb;
  has_key boolean;
  stored record;
  ignored text;
  is_missing boolean := false;
  code text;
  message text;
  detail text;
  about_constraint text;
  about_table text;
  about_column text;
begin
  -- This comes first on purpose: on a connection that was left inside a transaction it raises
  -- 2D000, and the host drops the connection instead of committing the work of another request.
  commit;

  -- The loop runs twice for a statement that is not prepared on this connection yet. Finding that
  -- out by executing it costs nothing once it is prepared.
  loop
    begin
      if not row_security_active('lms.users') then
        raise exception using errcode = 'LM503', message = format('Role %s is not held by row security.', current_user);
      end if;

      -- A single expression, because each expression adds to the cost of every request. All
      -- settings are local to this transaction. The arguments are a setting too, because EXECUTE of
      -- a prepared statement accepts an expression but no parameter, and as part of the text they
      -- would be logged with every error.
      request_context := context::jsonb;
      ignored := concat(
        set_config('app.tenant_id', coalesce(request_context ->> 'tenant', nil_id), true),
        set_config('app.user_id', coalesce(request_context ->> 'user', nil_id), true),
        set_config('app.role', coalesce(request_context ->> 'role', 'nobody'), true),
        set_config('app.session_id', coalesce(request_context ->> 'session', ''), true),
        set_config('app.request_id', coalesce(request_context ->> 'request_id', ''), true),
        set_config('app.centre_id', lms_private.check_session(request_context), true),
        case when name <> '' then set_config('app.arguments', args, true) end
      );

      has_key := request_context ->> 'idempotency_key' is not null and request_context ->> 'user' is not null;
      if has_key then
        -- Waits while another request with this key is in progress. An expired key is reused.
        insert into lms.idempotency_keys as k (tenant_id, user_id, key, fingerprint)
        values (
          (request_context ->> 'tenant')::uuid,
          (request_context ->> 'user')::uuid,
          request_context ->> 'idempotency_key',
          coalesce(request_context ->> 'fingerprint', '')
        )
        on conflict (tenant_id, user_id, key) do update
        set
          fingerprint = excluded.fingerprint,
          body = null,
          tag = null,
          expires_at = excluded.expires_at
        where k.expires_at <= now();
        if not found then
          select k.fingerprint, k.body, k.tag
          into stored
          from lms.idempotency_keys as k
          where k.tenant_id = (request_context ->> 'tenant')::uuid
            and k.user_id = (request_context ->> 'user')::uuid
            and k.key = request_context ->> 'idempotency_key';
          if stored.fingerprint is distinct from coalesce(request_context ->> 'fingerprint', '') then
            raise exception using errcode = 'LM424', message = 'The idempotency key was used for another request.';
          end if;
          body := stored.body;
          tag := stored.tag;
          replayed := true;
          return;
        end if;
      end if;

      replayed := false;
      if name = '' then
        execute sql into body, tag using args::jsonb;
      else
        if is_missing then
          call lms_private.prepare_statement(name, prepared_name, sql);
        end if;
        execute format('execute %I(current_setting(''app.arguments'')::jsonb)', prepared_name) into body, tag;
      end if;

      -- Checks deferred to the end of the transaction are made now, so that their errors are
      -- returned as well.
      set constraints all immediate;

      if tag = 'dry_run' then
        raise exception using errcode = 'LM200', message = 'Dry run: nothing was written.', detail = body;
      end if;

      if has_key then
        update lms.idempotency_keys as k
        set
          body = run.body,
          tag = run.tag
        where k.tenant_id = (request_context ->> 'tenant')::uuid
          and k.user_id = (request_context ->> 'user')::uuid
          and k.key = request_context ->> 'idempotency_key';
      end if;
      return;
    exception
      when others then
        if sqlstate = '26000' and name <> '' and not is_missing then
          is_missing := true;
          continue;
        end if;
        -- A full disk, lack of memory and damaged files: alarms watch the server's log for these
        -- errors, and none contains user input.
        if left(sqlstate, 2) in ('53', '58', 'XX') then
          raise;
        end if;
        get stacked diagnostics
          code = returned_sqlstate,
          message = message_text,
          detail = pg_exception_detail,
          about_constraint = constraint_name,
          about_table = table_name,
          about_column = column_name;
        body := null;
        tag := null;
        replayed := false;
        refusal := json_build_object(
          'code', code,
          'message', message,
          'detail', nullif(detail, ''),
          'constraint', nullif(about_constraint, ''),
          'table', nullif(about_table, ''),
          'column', nullif(about_column, '')
        );
        return;
    end;
  end loop;
end
$$;

comment on procedure lms.run is
  'Runs one statement in the context of a request and returns its row, or the error. Errors of the server itself (53, 58, XX), a timeout (57014) and a connection left inside a transaction (2D000) are raised.';

grant execute on procedure lms.run to lms_application;

-- Dry runs end behind their statement, not within it: what its triggers refuse, such as a double booking, is refused in a dry
-- run too. lms.run as in 0032, but for the tag that says so. lms.dry_run stays for components that still call it.
set local role lms_owner;

-- Neither security definer nor with SET: both would forbid the COMMIT.
create or replace procedure lms.run(
  context text,
  name text,
  sql text,
  args text,
  inout body text,
  inout tag text,
  inout replayed boolean
)
language plpgsql
as $$
#variable_conflict use_variable
declare
  nobody constant text := '00000000-0000-0000-0000-000000000000';
  given jsonb;
  kept record;
  ignored text;
begin
  -- First, and on purpose: on a connection that was left inside a transaction this raises 2D000, and its borrower
  -- drops the connection instead of finishing what another request began.
  commit;

  if not row_security_active('lms.users') then
    raise exception using errcode = 'LM503', message = format('Role %s is not held by row security.', current_user);
  end if;

  -- One expression, because each has its price in every request. All of it is for this transaction only.
  given := context::jsonb;
  ignored := concat(
    set_config('app.tenant_id', coalesce(given ->> 'tenant', nobody), true),
    set_config('app.user_id', coalesce(given ->> 'user', nobody), true),
    set_config('app.role', coalesce(given ->> 'role', 'nobody'), true),
    set_config('app.session_id', coalesce(given ->> 'session', ''), true),
    set_config('app.request_id', coalesce(given ->> 'request_id', ''), true),
    set_config('app.centre_id', lms_private.admit(given), true)
  );

  if given ->> 'idempotency_key' is not null and given ->> 'user' is not null then
    -- Waits while another request with this key is under way. An expired key is taken over.
    insert into lms.idempotency_keys as k (tenant_id, user_id, key, fingerprint)
    values (
      (given ->> 'tenant')::uuid,
      (given ->> 'user')::uuid,
      given ->> 'idempotency_key',
      coalesce(given ->> 'fingerprint', '')
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
      into kept
      from lms.idempotency_keys as k
      where k.tenant_id = (given ->> 'tenant')::uuid
        and k.user_id = (given ->> 'user')::uuid
        and k.key = given ->> 'idempotency_key';
      if kept.fingerprint is distinct from coalesce(given ->> 'fingerprint', '') then
        raise exception using errcode = 'LM424', message = 'This idempotency key was used for another request.';
      end if;
      body := kept.body;
      tag := kept.tag;
      replayed := true;
      return;
    end if;
  end if;

  replayed := false;
  if name = '' then
    execute sql into body, tag using args::jsonb;
  else
    begin
      execute format('execute %I(%L)', name, args) into body, tag;
    exception
      when invalid_sql_statement_name then
        -- A name that is true of its text when it is prepared is true of it ever after.
        if octet_length(name) > 63
          or right(name, 16) <> left(encode(sha256(convert_to(sql, 'UTF8')), 'hex'), 16)
        then
          raise exception using
            errcode = 'LM503',
            message = format('Statement name %s must end in the first 16 hex digits of the SHA-256 of its text, in 63 bytes.', name);
        end if;
        execute format('prepare %I (jsonb) as %s', name, sql);
        execute format('execute %I(%L)', name, args) into body, tag;
    end;
  end if;

  if tag = 'dry_run' then
    raise exception using errcode = 'LM200', message = 'Dry run: nothing was written.', detail = body;
  end if;

  if given ->> 'idempotency_key' is not null and given ->> 'user' is not null then
    update lms.idempotency_keys as k
    set
      body = run.body,
      tag = run.tag
    where k.tenant_id = (given ->> 'tenant')::uuid
      and k.user_id = (given ->> 'user')::uuid
      and k.key = given ->> 'idempotency_key';
  end if;
end
$$;

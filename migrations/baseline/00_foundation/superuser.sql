-- Roles of the cluster with their settings, the two schemas and the extension: the part for a superuser. Every other file needs only
-- membership of lms_owner. No password stands here: the operator's tool sets those of the two roles that may log in.

-- Roles belong to the cluster, databases are many and may be migrated at the same time. This lock is on a shared
-- catalog, so it makes those migrations take turns; reading roles, and so signing in, goes on.
lock table pg_catalog.pg_authid in share row exclusive mode;

do $$
declare
  wanted record;
begin
  for wanted in
    select *
    from (values
      ('lms_owner', 'nologin nobypassrls'),
      ('lms_application', 'login nobypassrls'),
      ('lms_refresher', 'nologin bypassrls'),
      ('lms_definer', 'nologin bypassrls'),
      ('lms_migrator', 'login nobypassrls')
    ) as role (name, attributes)
  loop
    if not exists (select from pg_catalog.pg_roles where rolname = wanted.name) then
      execute format('create role %I', wanted.name);
    end if;
    execute format('alter role %I nosuperuser nocreatedb nocreaterole noreplication inherit %s', wanted.name, wanted.attributes);
  end loop;
end
$$;

-- The owner hands functions and materialized views over to these two, so it has to be a member.
grant lms_definer, lms_refresher to lms_owner;
grant lms_owner to lms_migrator;

comment on role lms_owner is 'Owns the schema of the LMS. Cannot log in.';
comment on role lms_application is 'The role that components connect as: no DDL, no ownership, always under row security.';
comment on role lms_refresher is 'Owns the materialized views and may look past row security, to refresh them and for nothing else.';
comment on role lms_definer is 'Owns the few security definer functions, listed in migrations/README.md; may look past row security.';
comment on role lms_migrator is 'Logs in to apply migrations and to run maintenance.';

-- Without a context there is no tenant, no user and no role: no rows, never an error and never everything.
alter role lms_application set app.tenant_id = '00000000-0000-0000-0000-000000000000';
alter role lms_application set app.user_id = '00000000-0000-0000-0000-000000000000';
alter role lms_application set app.centre_id = '00000000-0000-0000-0000-000000000000';
alter role lms_application set app.role = 'nobody';
alter role lms_application set app.session_id = '';
alter role lms_application set app.request_id = '';

alter role lms_application set search_path = lms, pg_catalog, pg_temp;
alter role lms_application set timezone = 'UTC';
alter role lms_application set statement_timeout = '10s';
alter role lms_application set lock_timeout = '3s';
alter role lms_application set idle_in_transaction_session_timeout = '10s';
-- Requests are short: compiling them to machine code costs more than they do.
alter role lms_application set jit = off;

alter role lms_migrator set app.tenant_id = '00000000-0000-0000-0000-000000000000';
alter role lms_migrator set app.user_id = '00000000-0000-0000-0000-000000000000';
alter role lms_migrator set app.role = 'nobody';
alter role lms_migrator set timezone = 'UTC';

create schema if not exists lms;
-- The program that applies these files keeps its ledger in here, and may have made the schema for it.
create schema if not exists lms_private;
alter schema lms owner to lms_owner;
alter schema lms_private owner to lms_owner;

comment on schema lms is 'The LMS: every table in here is tenant-scoped and under forced row security.';
comment on schema lms_private is 'Objects that no request may read directly: the cell, slugs, materialized views, the migrations ledger.';

grant usage on schema lms to lms_application;
grant usage on schema lms_private to lms_application;
-- The new owner of a function or view needs the right to create in its schema.
grant usage, create on schema lms, lms_private to lms_definer, lms_refresher;

alter default privileges for role lms_owner revoke execute on functions from public;
alter default privileges for role lms_definer revoke execute on functions from public;
alter default privileges for role lms_refresher revoke execute on functions from public;

-- /readyz names the schema's version.
do $$
begin
  if to_regclass('lms_private.migrations') is not null then
    grant select on lms_private.migrations to lms_application;
  end if;
end
$$;

-- Trusted, so that whoever may create objects in the database may install it, if an operator has not done so already.
create extension if not exists btree_gist with schema lms_private;

-- The files that follow need no superuser, and all that they make belongs to the owner.
set local role lms_owner;

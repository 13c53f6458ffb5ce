-- Roles of the cluster and their settings, the two schemas and the extension: the part that
-- requires a superuser. All other files only require membership of lms_owner. Passwords are set by
-- the operator's tool and never written here.

-- Roles belong to the cluster, and several of its databases may be migrated at the same time. This
-- lock on a shared catalog serializes those migrations. Reading roles, and therefore signing in, is
-- not blocked.
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

-- The owner transfers functions and materialized views to these two roles, which requires
-- membership.
grant lms_definer, lms_refresher to lms_owner;
grant lms_owner to lms_migrator;

comment on role lms_owner is 'Owns the schema of the LMS. Cannot log in.';
comment on role lms_application is 'The role of the components: no DDL, no ownership, always subject to row security.';
comment on role lms_refresher is 'Owns the materialized views. It bypasses row security, and only to refresh them.';
comment on role lms_definer is
  'Owns the security definer functions that docs/reference/row-security.md lists. It bypasses row security.';
comment on role lms_migrator is 'Logs in to apply migrations and to run maintenance.';

-- A session without a context has no tenant, no user and no role, so that it sees no rows instead
-- of failing or seeing everything.
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
-- Requests are short, so compiling them to machine code would cost more than running them.
alter role lms_application set jit = off;

alter role lms_migrator set app.tenant_id = '00000000-0000-0000-0000-000000000000';
alter role lms_migrator set app.user_id = '00000000-0000-0000-0000-000000000000';
alter role lms_migrator set app.role = 'nobody';
alter role lms_migrator set timezone = 'UTC';

create schema if not exists lms;
-- The program that applies these files records the migrations in this schema and may have created
-- it for that purpose.
create schema if not exists lms_private;
alter schema lms owner to lms_owner;
alter schema lms_private owner to lms_owner;

comment on schema lms is 'The tables of the LMS. Every one belongs to a tenant and has forced row security.';
comment on schema lms_private is
  'Objects that no request may read directly: the cell, slugs, materialized views and the table of migrations.';

grant usage on schema lms to lms_application;
grant usage on schema lms_private to lms_application;
-- The new owner of a function or view needs the privilege to create in its schema.
grant usage, create on schema lms, lms_private to lms_definer, lms_refresher;

alter default privileges for role lms_owner revoke execute on functions from public;
alter default privileges for role lms_definer revoke execute on functions from public;
alter default privileges for role lms_refresher revoke execute on functions from public;

-- The endpoint /readyz reports the version of the schema.
do $$
begin
  if to_regclass('lms_private.migrations') is not null then
    grant select on lms_private.migrations to lms_application;
  end if;
end
$$;

-- The extension is trusted, so a role that may create objects in the database can install it if an
-- operator has not done so.
create extension if not exists btree_gist with schema lms_private;

-- The following files need no superuser, and everything that they create belongs to the owner.
set local role lms_owner;

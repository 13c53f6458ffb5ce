-- The two schemas and what is granted by default. Still run as a superuser: it takes the right to create schemas.

create schema if not exists lms;
-- The program that applies these files keeps its ledger in here, and may have made the schema for it.
create schema if not exists lms_private;
alter schema lms owner to lms_owner;
alter schema lms_private owner to lms_owner;

comment on schema lms is 'The LMS: every table in here is tenant-scoped and under forced row security.';
comment on schema lms_private is 'What no request may read directly: the cell, slugs, materialized views, the migrations ledger.';

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

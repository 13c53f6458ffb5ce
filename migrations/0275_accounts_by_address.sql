-- Accounts are looked up by what an address is known by, in whichever of its forms it was written here or there. Whatever looks one up
-- for somebody who is not signed in compares the column with the address in lower case; each such routine compares keys from here on and
-- is otherwise as it was.
set local role lms_owner;

do $$
declare
  routine record;
begin
  for routine in
    select pg_get_functiondef(p.oid) as definition
    from pg_proc as p
    where p.pronamespace in ('lms'::regnamespace, 'lms_private'::regnamespace)
      and p.prosrc ~ '\mu\.email = lower\(\w+\.email\)'
  loop
    execute regexp_replace(
      routine.definition,
      '\mu\.email = lower\((\w+)\.email\)',
      'lms_private.email_key(u.email) = lms_private.email_key(\1.email)',
      'g'
    );
  end loop;
end
$$;

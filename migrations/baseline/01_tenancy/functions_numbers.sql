-- Gapless numbers for the rows of a table, counted separately in each tenant. A statement that
-- inserts many rows takes the sequence once.

create function lms_private.advance_sequence(sequence text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  setting constant text := 'app.numbers_' || sequence;
  -- A tenant and its next number.
  held constant text[] := string_to_array(nullif(current_setting(setting, true), ''), ' ');
begin
  update lms.tenant_sequences as s
  set next_value = held[2]::bigint
  where s.tenant_id = held[1]::uuid
    and s.name = sequence;
  perform set_config(setting, '', true);
end
$$;

comment on function lms_private.advance_sequence is 'Stores the next value of the sequence that assign_number holds in a setting.';

alter function lms_private.advance_sequence owner to lms_definer;

create function lms_private.assign_number() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  sequence constant text := tg_argv[0];
  setting constant text := 'app.numbers_' || sequence;
  held constant text[] := string_to_array(nullif(current_setting(setting, true), ''), ' ');
begin
  if held[1]::uuid = new.tenant_id then
    new.number := held[2]::bigint;
  else
    perform lms_private.advance_sequence(sequence);
    insert into lms.tenant_sequences (tenant_id, name)
    values (new.tenant_id, sequence)
    on conflict (tenant_id, name) do nothing;
    select s.next_value
    into new.number
    from lms.tenant_sequences as s
    where s.tenant_id = new.tenant_id
      and s.name = sequence
    for update;
  end if;
  perform set_config(setting, format('%s %s', new.tenant_id, new.number + 1), true);
  return new;
end
$$;

comment on function lms_private.assign_number is
  'Before each row: assigns the next number of the sequence that the argument names. The sequence stays locked until commit, so that a number whose transaction is rolled back is used again. An insert that skips rows (on conflict do nothing) would leave gaps.';

alter function lms_private.assign_number owner to lms_definer;

create function lms_private.advance_sequence_after_insert() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform lms_private.advance_sequence(tg_argv[0]);
  return null;
end
$$;

comment on function lms_private.advance_sequence_after_insert is 'After the statement: calls advance_sequence.';

alter function lms_private.advance_sequence_after_insert owner to lms_definer;

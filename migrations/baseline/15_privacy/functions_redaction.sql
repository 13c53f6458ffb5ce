-- Redaction of a person in rows and in the states of events, by the declaration of personal data.

create function lms_private.redact_text(words text, person lms_private.data_subject) returns text
language plpgsql
immutable
parallel safe
as $$
begin
  for place in 1..cardinality(person.patterns) loop
    words := regexp_replace(words, person.patterns[place], person.substitutes[place], 'g');
  end loop;
  return words;
end
$$;

comment on function lms_private.redact_text(text, lms_private.data_subject) is
  'Replaces the person''s names, addresses and numbers in a text.';

grant execute on function lms_private.redact_text(text, lms_private.data_subject) to lms_definer;

create function lms_private.redact_json(given jsonb, person lms_private.data_subject) returns jsonb
language plpgsql
immutable
parallel safe
as $$
declare
  words text;
begin
  case jsonb_typeof(given)
    when 'string' then
      return to_jsonb(lms_private.redact_text(given #>> '{}', person));
    when 'number' then
      words := lms_private.redact_text(given::text, person);
      return case when words = given::text then given else to_jsonb(words) end;
    when 'array' then
      return coalesce(
        (
          select jsonb_agg(lms_private.redact_json(e.element, person) order by e.place)
          from jsonb_array_elements(given) with ordinality as e (element, place)
        ),
        '[]'
      );
    when 'object' then
      -- Redacted keys could collide and lose a value, so keys of one word, which may be names of
      -- fields, are kept.
      return coalesce(
        (
          select jsonb_object_agg(
            case when m.key ~ '[^[:alnum:]_]' then lms_private.redact_text(m.key, person) else m.key end,
            lms_private.redact_json(m.value, person)
          )
          from jsonb_each(given) as m
        ),
        '{}'
      );
    else
      return given;
  end case;
end
$$;

comment on function lms_private.redact_json(jsonb, lms_private.data_subject) is
  'Redacts all texts, numbers and keys of a JSON value.';

grant execute on function lms_private.redact_json(jsonb, lms_private.data_subject) to lms_definer;

create function lms_private.may_mention(words text, person lms_private.data_subject) returns boolean
language plpgsql
immutable
parallel safe
as $$
declare
  id text;
begin
  -- The ids are not part of the pattern, because a comparison costs a tenth of a match.
  foreach id in array person.ids loop
    if strpos(words, id) > 0 then
      return true;
    end if;
  end loop;
  return coalesce(words ~* person.anywhere, false);
end
$$;

comment on function lms_private.may_mention is
  'True when JSON text may mention a person and has to be examined more closely. Most texts do not.';

grant execute on function lms_private.may_mention to lms_definer;

create function lms_private.is_row_of_subject(table_name text, state jsonb, person lms_private.data_subject) returns boolean
language sql
stable
parallel safe
begin atomic
  select exists (
    select
    from lms_private.personal_rows as r
    where r.table_name = is_row_of_subject.table_name
      and (state ->> r.column_name)::uuid = any (
        case r.subject_kind
          when 'user' then person.users
          when 'student' then person.students
          else person.tutors
        end
      )
  );
end;

comment on function lms_private.is_row_of_subject is 'True when a row, or the state of one, belongs to the person.';

grant execute on function lms_private.is_row_of_subject to lms_definer;

create function lms_private.redact_row(table_name text, state jsonb, person lms_private.data_subject) returns jsonb
language plpgsql
stable
parallel safe
as $$
#variable_conflict use_variable
declare
  is_own constant boolean := lms_private.is_row_of_subject(table_name, state, person);
  declared record;
begin
  for declared in
    select c.column_name, c.class, c.replacement
    from lms_private.personal_columns as c
    where c.table_name = redact_row.table_name
      and (c.class = 'free_text' or is_own and c.replacement is not null)
  loop
    -- A column that was null or missing stays so.
    continue when coalesce(state -> declared.column_name, 'null') = 'null';
    state := state || jsonb_build_object(
      declared.column_name,
      case
        when is_own and declared.replacement is not null
          then replace(declared.replacement::text, '{id}', state ->> 'id')::jsonb
        else lms_private.redact_json(state -> declared.column_name, person)
      end
    );
  end loop;
  -- The classes of a table that has been dropped are not known, so all of its state is treated as
  -- free text.
  if not exists (select from lms_private.personal_tables as t where t.table_name = redact_row.table_name) then
    state := lms_private.redact_json(state, person);
  end if;
  return state;
end
$$;

comment on function lms_private.redact_row is 'A row, or the state of one, after the erasure of the person.';

grant execute on function lms_private.redact_row to lms_definer;

create function lms_private.find_data_subject(tenant uuid, account uuid) returns lms_private.data_subject
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  person lms_private.data_subject;
  names text[];
  emails text[];
  phones text[];
begin
  person.users := array[account];
  -- Deleted rows are known from the event log.
  person.students := array(
    select s.id
    from lms.students as s
    where s.tenant_id = tenant
      and s.user_id = account
    union
    select l.entity_id
    from lms.event_log as l
    where l.tenant_id = tenant
      and l.entity = 'students'
      and l.state ->> 'user_id' = account::text
  );
  person.tutors := array(
    select t.id
    from lms.tutors as t
    where t.tenant_id = tenant
      and t.user_id = account
    union
    select l.entity_id
    from lms.event_log as l
    where l.tenant_id = tenant
      and l.entity = 'tutors'
      and l.state ->> 'user_id' = account::text
  );

  person.ids := (person.users || person.students || person.tutors)::text[];

  -- Present and former values, except for those that an earlier erasure wrote.
  select
    coalesce(array_agg(distinct k.state ->> 'name') filter (where k.state ->> 'name' <> 'Erased'), '{}'),
    coalesce(array_agg(distinct k.state ->> 'email') filter (where k.state ->> 'email' not like 'erased-%@erased.invalid'), '{}'),
    coalesce(array_agg(distinct k.state ->> 'phone') filter (where k.state ->> 'phone' is not null), '{}')
  into names, emails, phones
  from (
    select to_jsonb(u) as state
    from lms.users as u
    where u.tenant_id = tenant
      and u.id = account
    union all
    select l.state
    from lms.event_log as l
    where l.tenant_id = tenant
      and l.entity = 'users'
      and l.entity_id = account
  ) as k;

  select
    coalesce(array_agg(i.pattern order by char_length(i.pattern) desc), '{}'),
    coalesce(array_agg(i.substitute order by char_length(i.pattern) desc), '{}'),
    string_agg(i.in_json, '|')
  into person.patterns, person.substitutes, person.anywhere
  from lms_private.identifier_patterns(names, emails, phones) as i;
  return person;
end
$$;

comment on function lms_private.find_data_subject is
  'The data subject of an account: the ids of its rows, and patterns for its present and former names, addresses and numbers. The log has to be sealed first.';

alter function lms_private.find_data_subject owner to lms_definer;

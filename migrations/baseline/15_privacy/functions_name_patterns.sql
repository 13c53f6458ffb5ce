-- Patterns for a person's names, addresses and numbers: names in their order and with the surname
-- first, with and without a comma. The same patterns serve rows, events and the quick search of
-- JSON text. functions_letter_patterns.sql has the patterns of single words.

create function lms_private.name_parts(name text) returns text[]
language sql
immutable
strict
parallel safe
return array_remove(
  regexp_split_to_array(
    regexp_replace(name, '[,;\uFF0C\u060C\u3001]', ' , ', 'g'), '[\s\u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]+'
  ),
  ''
);

comment on function lms_private.name_parts is 'The words of a name, with its commas.';

grant execute on function lms_private.name_parts to lms_definer;

create function lms_private.name_forms(parts text[]) returns table (pattern text, in_json text)
language plpgsql
immutable
strict
parallel safe
rows 2
as $$
declare
  space constant text := lms_private.space_pattern();
  commas constant text := '[,;\uFF0C\u060C\u3001]';
  dots constant text := '[\u00B7\u30FB\uFF65]';
  words constant text[] := array_remove(parts, ',');
  size constant integer := cardinality(words);
  first_comma constant integer := coalesce(array_position(parts, ','), 0);
  second_comma constant integer := coalesce(array_position(parts, ',', first_comma + 1), 0);
  -- A name that contains a comma has the surname first.
  is_turned constant boolean := first_comma between 2 and cardinality(parts) - 1;
  anyhow constant text[] := array(
    select lms_private.name_word_pattern(w.word, 'any') from unnest(words) with ordinality as w (word, place) order by w.place
  );
  -- The word as written, or in capitals.
  exact constant text[] := array(
    select format('(?:%s|%s)', lms_private.name_word_pattern(w.word, 'written'), lms_private.name_word_pattern(w.word, 'capitals'))
    from unnest(words) with ordinality as w (word, place)
    order by w.place
  );
  loose text[] := '{}';
  narrow text[] := '{}';
  rough text[] := '{}';
  form text;
  glue text;
  one record;
begin
  for one in
    with turns as (
      select
        f.first,
        array(select (f.first + n - 2) % size + 1 from generate_series(1, size) as n order by n) as places
      from generate_series(1, size) as f (first)
    )
    -- The word that a comma follows: none, this one, or any.
    select t.places, case when is_turned then 'any' else '0' end as comma, size = 1 as is_exact, true as is_turn
    from turns as t
    where t.first = 1
      or is_turned
    union all
    select t.places, (size - t.first + 1)::text, false, true
    from turns as t
    where t.first > 1
      and not is_turned
    union all
    select t.places, '0', true, true
    from turns as t
    where t.first > 1
      and not is_turned
    union all
    -- The form "First Surname, Jr."
    select
      array(select n from generate_series(first_comma, second_comma - 2) as n order by n)
        || array(select n from generate_series(1, first_comma - 1) as n order by n)
        || array(select n from generate_series(second_comma - 1, size) as n order by n),
      'any',
      false,
      false
    where is_turned
      and second_comma > first_comma + 1
      and second_comma < cardinality(parts)
  loop
    -- Text in a script without spaces has no word boundaries. A single letter needs boundaries in
    -- any case, or it would match everywhere.
    form := case
      when lms_private.is_unspaced(left(words[one.places[1]], 1)) and char_length(array_to_string(words, '')) > 1 then ''
      else '(?<![[:alnum:]])'
    end;
    for place in 1..size loop
      form := form || case when one.is_exact then exact[one.places[place]] else anyhow[one.places[place]] end;
      continue when place = size;
      glue := case
        when lms_private.is_unspaced(right(words[one.places[place]], 1)) and lms_private.is_unspaced(left(words[one.places[place + 1]], 1))
          then '(?:' || space || '|' || dots || ')*'
        else space || '+'
      end;
      form := form || case
        when one.comma = 'any' then '(?:' || space || '*' || commas || space || '*|' || glue || ')'
        when one.comma = place::text then space || '*' || commas || space || '*'
        else glue
      end;
    end loop;
    form := form || case
      when lms_private.is_unspaced(right(words[one.places[size]], 1)) and char_length(array_to_string(words, '')) > 1 then ''
      -- A combining mark after the last letter would make it another letter.
      else '(?![[:alnum:]\u0300-\u036F])'
    end;
    if one.is_exact then
      narrow := narrow || form;
    else
      loose := loose || form;
    end if;
    -- Two adjacent words of a longer name suffice: every order of the words contains the first and
    -- the second, or the second and the third.
    form := array_to_string(
      array(
        select anyhow[p.place]
        from unnest(case when size > 2 and one.is_turn then one.places[:2] else one.places end) with ordinality as p (place, turn)
        order by p.turn
      ),
      '(?:' || space || '|' || commas || '|' || dots || ')*'
    );
    continue when size > 2 and one.is_turn and one.places[1] > 2;
    if form <> all (rough) then
      rough := rough || form;
    end if;
  end loop;
  if loose <> '{}' then
    return query select '(?i)(?:' || array_to_string(loose, '|') || ')', array_to_string(rough, '|');
  end if;
  if narrow <> '{}' then
    -- The quick pattern is the same for both.
    return query select '(?c)(?:' || array_to_string(narrow, '|') || ')', case when loose = '{}' then array_to_string(rough, '|') end;
  end if;
end
$$;

comment on function lms_private.name_forms is
  'Regular expressions for a name, given as its words and commas: in order and as "Surname, First" in any case; a name with a comma in both orders, with and without it. Forms that could be ordinary words, a single word and the surname first without a comma, match only as written and in capitals. in_json is a quick, less exact pattern for JSON text, if it adds anything.';

grant execute on function lms_private.name_forms to lms_definer;

create function lms_private.identifier_patterns(names text[], emails text[], phones text[])
returns table (pattern text, in_json text, substitute text)
language sql
immutable
parallel safe
begin atomic
  select
    w.pattern,
    w.in_json,
    left('[erased]', n.shortest)
  from (
    select
      p.parts,
      -- A double s may be one letter, and spaces may be missing.
      char_length(
        regexp_replace(
          array_to_string(array_remove(p.parts, ','), case when lms_private.is_unspaced(left(p.parts[1], 1)) then '' else ' ' end),
          'ss', 's', 'gi'
        )
      ) as shortest,
      not exists (
        select
        from unnest(array_remove(p.parts, ',')) as w (word)
        where not lms_private.is_unspaced(left(w.word, 1))
      ) as is_unspaced
    from (
      select distinct lms_private.name_parts(normalize(g.name, nfc)) as parts
      from unnest(names) as g (name)
    ) as p
  ) as n
  cross join lateral lms_private.name_forms(n.parts) as w
  where n.shortest >= case when n.is_unspaced then 2 else 3 end
  union all
  select
    '(?i)(?<![[:alnum:]._%+-])'
      || replace(lms_private.spelling_pattern(e.email, true), '\@', '(?:@|%40)')
      || '(?!\.?[[:alnum:]-])',
    replace(lms_private.spelling_pattern(e.email, true), '\@', '(?:@|%40)'),
    case when char_length(e.email) >= 21 then 'erased@erased.invalid' when char_length(e.email) >= 14 then 'erased@invalid' else 'x@x' end
  from unnest(emails) as e (email)
  union all
  select
    '(?<![[:alnum:]])\+?' || lms_private.phone_pattern(f.phone) || '(?![[:alnum:]])',
    lms_private.phone_pattern(f.phone),
    '[erased]'
  from unnest(phones) as f (phone)
  where char_length(regexp_replace(f.phone, '[^0-9]', '', 'g')) >= 8;
end;

comment on function lms_private.identifier_patterns is
  'Patterns for names, e-mail addresses and telephone numbers: whole words, except in scripts without spaces, and a quick pattern for JSON text. The substitute is never longer than a match, so that it fits, and keeps the form of an address. Names of fewer than three letters (two in scripts without spaces) and numbers of fewer than eight digits are too ambiguous to look for.';

grant execute on function lms_private.identifier_patterns to lms_definer;

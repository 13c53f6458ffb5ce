-- A name is found in all forms that case gives its letters, Turkish and German ones too, and within text of scripts that have no spaces. One
-- that is stored as "Surname, First" is found in both orders, with the comma and without. What nobody sees between letters is passed over.
set local role lms_owner;

create function lms_private.unseen_pattern() returns text
language sql
immutable
parallel safe
-- Soft hyphens, joiners, marks of direction and what has no width.
return '[\u00AD\u061C\u200B-\u200F\u202A-\u202E\u2060-\u2064\u2066-\u2069\uFEFF]';

comment on function lms_private.unseen_pattern is 'A regular expression for a character that is not seen: it may stand within a word of a name.';

create or replace function lms_private.space_pattern() returns text
language sql
immutable
parallel safe
-- White space of every kind, what is not seen, and the escapes by which JSON text, HTML and addresses write spaces.
return '(?:[\s\u0085\u00A0\u00AD\u061C\u1680\u2000-\u200F\u2028-\u202F\u205F-\u2064\u2066-\u2069\u3000\uFEFF]|\\[tnrfb]|&nbsp;|&#160;|&#xa0;|%20|%C2%A0)';

create function lms_private.is_unspaced(letter text) returns boolean
language sql
immutable
strict
parallel safe
-- Thai, Lao, Myanmar, Khmer; Han, Hiragana and Katakana.
return letter ~ '^[\u0E00-\u0EFF\u1000-\u109F\u1780-\u17FF\u19E0-\u19FF\u2E80-\u2FDF\u3005-\u3007\u3021-\u3029\u3038-\u303B\u3040-\u30FF\u31F0-\u31FF\u3400-\u4DBF\u4E00-\u9FFF\uA9E0-\uA9FF\uAA60-\uAA7F\uF900-\uFAFF\uFF66-\uFF9F\U00020000-\U0003FFFF]$';

comment on function lms_private.is_unspaced is 'Returns whether a letter is of a script that is written without spaces between words.';

create function lms_private.case_forms(letter text, mode text) returns text
language sql
immutable
strict
parallel safe
begin atomic
  select case
    -- The dot of i comes and goes with the case in Turkish, and may stand behind the letter.
    when letter in ('i', 'I', 'ı', 'İ') and mode = 'any' then '[iI\u0130\u0131]\u0307?'
    when letter in ('i', 'I', 'ı', 'İ') and mode = 'capitals' then '[I\u0130]\u0307?'
    when letter ~ '^([sS]{2}|[ßẞ])$' and mode = 'any' then '(?:[sS]' || lms_private.unseen_pattern() || '*[sS]|[\u00DF\u1E9E])'
    when letter ~ '^([sS]{2}|[ßẞ])$' and mode = 'capitals' then '(?:S' || lms_private.unseen_pattern() || '*S|\u1E9E)'
    when letter in ('σ', 'ς', 'Σ') and mode = 'any' then '[\u03A3\u03C2\u03C3]'
    when ascii(letter) < 128 and mode = 'capitals' then lms_private.quoted(upper(letter))
    -- An unaccented letter has one form, for the whole pattern looks past case.
    when ascii(letter) < 128 then lms_private.quoted(letter)
    else (
      select case count(*)
        when 1 then min(lms_private.quoted(n.form))
        else '(?:' || string_agg(
          case
            -- A letter in title case is taken for that of another case, but for what is written as a range.
            when n.form not in (upper(n.form collate "und-x-icu"), lower(n.form collate "und-x-icu")) and char_length(n.form) = 1
              then '[' || n.form || '-' || n.form || ']'
            else lms_private.quoted(n.form)
          end,
          '|' order by char_length(n.form) desc, n.form
        ) || ')'
      end
      from (
        select normalize(f.form, nfc) as form
        from (
          values
            (letter, mode <> 'capitals'),
            (upper(letter collate "und-x-icu"), mode <> 'written'),
            (lower(letter collate "und-x-icu"), mode = 'any'),
            (initcap(letter collate "und-x-icu"), mode = 'any')
        ) as f (form, is_asked)
        where f.is_asked
        union
        select normalize(f.form, nfd)
        from (
          values
            (letter, mode <> 'capitals'),
            (upper(letter collate "und-x-icu"), mode <> 'written'),
            (lower(letter collate "und-x-icu"), mode = 'any'),
            (initcap(letter collate "und-x-icu"), mode = 'any')
        ) as f (form, is_asked)
        where f.is_asked
      ) as n
    )
  end;
end;

comment on function lms_private.case_forms is
  'A regular expression for a letter or a double s, composed and decomposed: in any case, as it is written, or in capitals, title case and the forms of Turkish and German among them. The case of a letter is ICU''s, whatever locale the database has.';

create function lms_private.spelled_name(word text, mode text) returns text
language sql
immutable
strict
parallel safe
begin atomic
  select coalesce(
    string_agg(
      case
        when c.place = 1 then ''
        -- Where the surname ends in a word of such a script, some write a space.
        when lms_private.is_unspaced(c.letter) and lms_private.is_unspaced(c.former) then lms_private.space_pattern() || '*'
        else lms_private.unseen_pattern() || '*'
      end || case
        when c.letter ~ lms_private.unseen_pattern() then lms_private.space_pattern() || '*'
        -- Apostrophes, quotation marks, hyphens and the backslash.
        when c.letter ~ '[''\u0060\u00B4\u02B9\u02BB\u02BC\u2018\u2019\u201B\u2032\uFF07"\u00AB\u00BB\u201C-\u201F\u2033\uFF02\u002D\u2010-\u2015\u2043\u2212\uFE58\uFE63\uFF0D\\]'
          then lms_private.spelled(c.letter, false)
        else lms_private.case_forms(c.letter, mode)
      end,
      '' order by c.place
    ),
    ''
  )
  from (
    select m.match[1] as letter, lag(m.match[1]) over (order by m.place) as former, m.place
    from regexp_matches(
      normalize(word, nfc),
      case mode when 'written' then '.' else '[sS]{2}|.' end,
      'g'
    ) with ordinality as m (match, place)
  ) as c;
end;

comment on function lms_private.spelled_name is
  'A regular expression for a word of a name in all its spellings that differ by typography, and by what nobody sees in it: in any case, as it is written, or in capitals.';

create or replace function lms_private.name_parts(name text) returns text[]
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

comment on function lms_private.name_parts is 'The words of a name, and its commas.';

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
  -- A name that has a comma itself says its surname first.
  is_turned constant boolean := first_comma between 2 and cardinality(parts) - 1;
  anyhow constant text[] := array(
    select lms_private.spelled_name(w.word, 'any') from unnest(words) with ordinality as w (word, place) order by w.place
  );
  -- As the word is written, or in capitals.
  exact constant text[] := array(
    select format('(?:%s|%s)', lms_private.spelled_name(w.word, 'written'), lms_private.spelled_name(w.word, 'capitals'))
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
    -- Behind which word a comma stands: none, this one, or any.
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
    -- First Surname, Jr.
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
    -- Text of a script without spaces has no edges of words; one letter alone would be found everywhere.
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
      -- A mark behind the last letter makes it another one.
      else '(?![[:alnum:]\u0300-\u036F])'
    end;
    if one.is_exact then
      narrow := narrow || form;
    else
      loose := loose || form;
    end if;
    -- Of many words two that stand side by side will do: every turn of them has the first and the second, or the second and the third.
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
    -- The rough look is the same.
    return query select '(?c)(?:' || array_to_string(narrow, '|') || ')', case when loose = '{}' then array_to_string(rough, '|') end;
  end if;
end
$$;

comment on function lms_private.name_forms is
  'Regular expressions for the words and commas of a name: in their order, and as Surname, First, in any case; one that has a comma itself in both orders, with the comma and without. What could as well be words of the language, a single word and the surname first without a comma, is found as it is written and in capitals. Beside each, if it adds something, what finds all of it roughly in JSON text.';

create or replace function lms_private.identifiers(names text[], emails text[], phones text[])
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
      || replace(lms_private.spelled(e.email, true), '\@', '(?:@|%40)')
      || '(?!\.?[[:alnum:]-])',
    replace(lms_private.spelled(e.email, true), '\@', '(?:@|%40)'),
    case when char_length(e.email) >= 21 then 'erased@erased.invalid' when char_length(e.email) >= 14 then 'erased@invalid' else 'x@x' end
  from unnest(emails) as e (email)
  union all
  select
    '(?<![[:alnum:]])\+?' || lms_private.digits_pattern(f.phone) || '(?![[:alnum:]])',
    lms_private.digits_pattern(f.phone),
    '[erased]'
  from unnest(phones) as f (phone)
  where char_length(regexp_replace(f.phone, '[^0-9]', '', 'g')) >= 8;
end;

comment on function lms_private.identifiers is
  'How names, e-mail addresses and telephone numbers are found: in text as whole words, but where a script has no spaces between them, and roughly in JSON text. What stands there instead is never longer, so that it fits where they did, and keeps the form of an address. Names of less than three letters, of scripts without spaces of less than two, and numbers of less than eight digits could be anything, so they are not looked for.';

-- contracts: nothing has called it but lms_private.identifiers, which does no longer.
drop function lms_private.name_patterns(text[]);

grant execute on function
  lms_private.unseen_pattern,
  lms_private.is_unspaced,
  lms_private.case_forms,
  lms_private.spelled_name,
  lms_private.name_forms
to lms_definer;

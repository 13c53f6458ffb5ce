-- How a person's name is found as people write it: other apostrophes, quotation marks, hyphens and spaces, the surname first, composed
-- and decomposed letters, other case. One pattern serves rows, events and the look through JSON text that comes before both.
set local role lms_owner;

create function lms_private.letter_forms(letter text, is_any_case boolean) returns text
language sql
immutable
strict
parallel safe
begin atomic
  select case count(*)
    when 1 then min(lms_private.quoted(f.form))
    else '(?:' || string_agg(lms_private.quoted(f.form), '|' order by char_length(f.form) desc, f.form) || ')'
  end
  from (
    select normalize(s.form, nfc) as form
    from (values (letter), (lower(letter collate "und-x-icu")), (upper(letter collate "und-x-icu"))) as s (form)
    where is_any_case
      or s.form = letter
    union
    select normalize(s.form, nfd)
    from (values (letter), (lower(letter collate "und-x-icu")), (upper(letter collate "und-x-icu"))) as s (form)
    where is_any_case
      or s.form = letter
  ) as f;
end;

comment on function lms_private.letter_forms is
  'A regular expression for a letter, composed and decomposed and, if asked, in both cases: the case of a letter is ICU''s, whatever locale the database has.';

create function lms_private.spelled(word text, is_any_case boolean) returns text
language sql
immutable
strict
parallel safe
begin atomic
  select coalesce(
    string_agg(
      case
        -- Apostrophes, and what keyboards have in their place.
        when c.letter ~ '[''\u0060\u00B4\u02B9\u02BB\u02BC\u2018\u2019\u201B\u2032\uFF07]'
          then '[''\u0060\u00B4\u02B9\u02BB\u02BC\u2018\u2019\u201B\u2032\uFF07]'
        -- Quotation marks; JSON text has a backslash before its own.
        when c.letter ~ '["\u00AB\u00BB\u201C-\u201F\u2033\uFF02]' then '\\?["\u00AB\u00BB\u201C-\u201F\u2033\uFF02]'
        -- Hyphens and dashes.
        when c.letter ~ '[\u002D\u00AD\u2010-\u2015\u2043\u2212\uFE58\uFE63\uFF0D]'
          then '[\u002D\u00AD\u2010-\u2015\u2043\u2212\uFE58\uFE63\uFF0D]'
        when c.letter = '\' then '\\\\?'
        -- An unaccented letter has one form, for the whole pattern looks past case.
        when ascii(c.letter) < 128 then lms_private.quoted(c.letter)
        else lms_private.letter_forms(c.letter, is_any_case)
      end,
      '' order by c.place
    ),
    ''
  )
  from regexp_split_to_table(normalize(word, nfc), '') with ordinality as c (letter, place);
end;

comment on function lms_private.spelled is
  'A regular expression for a word in all its spellings that differ by typography: to be used with (?i), or with (?c) where case matters.';

create function lms_private.space_pattern() returns text
language sql
immutable
parallel safe
-- White space of every kind, what has no width, and the escapes by which JSON text writes line breaks and tabs.
return '(?:[\s\u0085\u00A0\u1680\u2000-\u200D\u2028\u2029\u202F\u205F\u2060\u3000\uFEFF]|\\[tnrfb])';

comment on function lms_private.space_pattern is 'A regular expression for what may stand between two words of a name.';

create or replace function lms_private.name_parts(name text) returns text[]
language sql
immutable
strict
parallel safe
return array_remove(
  regexp_split_to_array(name, '[\s,;\u0085\u00A0\u1680\u2000-\u200D\u2028\u2029\u202F\u205F\u2060\u3000\uFEFF]+'), ''
);

create function lms_private.name_patterns(parts text[]) returns table (pattern text, is_any_case boolean)
language plpgsql
immutable
strict
parallel safe
rows 2
as $$
declare
  size constant integer := cardinality(parts);
  words constant text[] := array(
    select lms_private.spelled(p.part, size > 1) from unnest(parts) with ordinality as p (part, place) order by p.place
  );
  -- As the word is written, or in capitals.
  exact constant text[] := array(
    select format('(?:%s|%s)', lms_private.spelled(p.part, false), lms_private.spelled(upper(p.part collate "und-x-icu"), false))
    from unnest(parts) with ordinality as p (part, place)
    order by p.place
  );
  space constant text := lms_private.space_pattern() || '+';
  comma constant text := lms_private.space_pattern() || '*[,;]' || lms_private.space_pattern() || '*';
  loose text[] := array[array_to_string(words, space)];
  narrow text[] := '{}';
begin
  if size = 1 then
    return query select exact[1], false;
    return;
  end if;
  for place in 2..size loop
    loose := loose || (array_to_string(words[place:], space) || comma || array_to_string(words[:place - 1], space));
    narrow := narrow || array_to_string(exact[place:] || exact[:place - 1], space);
  end loop;
  return query
    select '(?:' || array_to_string(loose, '|') || ')', true
    union all
    select '(?:' || array_to_string(narrow, '|') || ')', false;
end
$$;

comment on function lms_private.name_patterns is
  'Regular expressions for the words of a name: in their order, and as Surname, First, in any case. What could as well be words of the language, a single word and the surname first without a comma, is found as it is written and in capitals.';

create or replace function lms_private.digits_pattern(phone text) returns text
language sql
immutable
strict
parallel safe
return regexp_replace(
  regexp_replace(phone, '[^0-9]', '', 'g'),
  '([0-9])(?=[0-9])',
  '\1[\\s().\\u002F\\u002D\\u00A0\\u2007-\\u2015\\u202F\\u2060\\u2212]*',
  'g'
);

create or replace function lms_private.identifiers(names text[], emails text[], phones text[])
returns table (pattern text, in_json text, substitute text)
language sql
immutable
parallel safe
begin atomic
  select
    case when w.is_any_case then '(?i)' else '(?c)' end
      || '(?<![[:alnum:]])'
      || w.pattern
      -- A mark behind the last letter makes it another one.
      || '(?![[:alnum:]\u0300-\u036F])',
    w.pattern,
    left('[erased]', char_length(array_to_string(n.parts, ' ')))
  from (
    select distinct lms_private.name_parts(normalize(g.name, nfc)) as parts
    from unnest(names) as g (name)
  ) as n
  cross join lateral lms_private.name_patterns(n.parts) as w
  where char_length(array_to_string(n.parts, ' ')) >= 3
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
  'How names, e-mail addresses and telephone numbers are found: in text as whole words, and roughly in JSON text, by the same pattern. What stands there instead is never longer, so that it fits where they did, and keeps the form of an address. Names of less than three letters and numbers of less than eight digits could be anything, so they are not looked for.';

grant execute on function
  lms_private.letter_forms,
  lms_private.spelled,
  lms_private.space_pattern,
  lms_private.name_patterns
to lms_definer;

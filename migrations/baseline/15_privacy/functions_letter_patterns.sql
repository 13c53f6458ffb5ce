-- Patterns for a word of a name in all its spellings: variants of apostrophes, quotation marks,
-- hyphens and spaces, composed and decomposed letters, every case of a letter, including Turkish
-- and German ones, and text in scripts without spaces. Invisible characters between letters are
-- ignored.

create function lms_private.quote_regex(words text) returns text
language sql
immutable
strict
parallel safe
return regexp_replace(words, '([^[:alnum:]])', '\\\1', 'g');

comment on function lms_private.quote_regex is 'Escapes a text as a regular expression that matches only this text.';

grant execute on function lms_private.quote_regex to lms_definer;

create function lms_private.phone_pattern(phone text) returns text
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

comment on function lms_private.phone_pattern is 'A regular expression for a telephone number with any grouping of its digits.';

grant execute on function lms_private.phone_pattern to lms_definer;

create function lms_private.letter_forms(letter text, is_any_case boolean) returns text
language sql
immutable
strict
parallel safe
begin atomic
  select case count(*)
    when 1 then min(lms_private.quote_regex(f.form))
    else '(?:' || string_agg(lms_private.quote_regex(f.form), '|' order by char_length(f.form) desc, f.form) || ')'
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
  'A regular expression for a letter, composed or decomposed and optionally in both cases. ICU determines the case, whatever locale the database has.';

grant execute on function lms_private.letter_forms to lms_definer;

create function lms_private.spelling_pattern(word text, is_any_case boolean) returns text
language sql
immutable
strict
parallel safe
begin atomic
  select coalesce(
    string_agg(
      case
        -- Apostrophes, and the characters that keyboards offer instead.
        when c.letter ~ '[''\u0060\u00B4\u02B9\u02BB\u02BC\u2018\u2019\u201B\u2032\uFF07]'
          then '[''\u0060\u00B4\u02B9\u02BB\u02BC\u2018\u2019\u201B\u2032\uFF07]'
        -- Quotation marks; JSON text has a backslash before its own.
        when c.letter ~ '["\u00AB\u00BB\u201C-\u201F\u2033\uFF02]' then '\\?["\u00AB\u00BB\u201C-\u201F\u2033\uFF02]'
        -- Hyphens and dashes.
        when c.letter ~ '[\u002D\u00AD\u2010-\u2015\u2043\u2212\uFE58\uFE63\uFF0D]'
          then '[\u002D\u00AD\u2010-\u2015\u2043\u2212\uFE58\uFE63\uFF0D]'
        when c.letter = '\' then '\\\\?'
        -- An unaccented letter has one form, because the whole pattern ignores case.
        when ascii(c.letter) < 128 then lms_private.quote_regex(c.letter)
        else lms_private.letter_forms(c.letter, is_any_case)
      end,
      '' order by c.place
    ),
    ''
  )
  from regexp_split_to_table(normalize(word, nfc), '') with ordinality as c (letter, place);
end;

comment on function lms_private.spelling_pattern is
  'A regular expression for a word in all its typographic spellings, for use with (?i), or with (?c) to respect case.';

grant execute on function lms_private.spelling_pattern to lms_definer;

create function lms_private.space_pattern() returns text
language sql
immutable
parallel safe
-- White space of every kind, invisible characters, and the escapes for spaces in JSON, HTML and
-- URLs.
return '(?:[\s\u0085\u00A0\u00AD\u061C\u1680\u2000-\u200F\u2028-\u202F\u205F-\u2064\u2066-\u2069\u3000\uFEFF]|\\[tnrfb]|&nbsp;|&#160;|&#xa0;|%20|%C2%A0)';

comment on function lms_private.space_pattern is 'A regular expression for what may be between two words of a name.';

grant execute on function lms_private.space_pattern to lms_definer;

create function lms_private.invisible_pattern() returns text
language sql
immutable
parallel safe
-- Soft hyphens, joiners, directional marks and characters without width.
return '[\u00AD\u061C\u200B-\u200F\u202A-\u202E\u2060-\u2064\u2066-\u2069\uFEFF]';

comment on function lms_private.invisible_pattern is
  'A regular expression for an invisible character, which may occur within a word of a name.';

grant execute on function lms_private.invisible_pattern to lms_definer;

create function lms_private.is_unspaced(letter text) returns boolean
language sql
immutable
strict
parallel safe
-- Thai, Lao, Myanmar, Khmer; Han, Hiragana and Katakana.
return letter ~ '^[\u0E00-\u0EFF\u1000-\u109F\u1780-\u17FF\u19E0-\u19FF\u2E80-\u2FDF\u3005-\u3007\u3021-\u3029\u3038-\u303B\u3040-\u30FF\u31F0-\u31FF\u3400-\u4DBF\u4E00-\u9FFF\uA9E0-\uA9FF\uAA60-\uAA7F\uF900-\uFAFF\uFF66-\uFF9F\U00020000-\U0003FFFF]$';

comment on function lms_private.is_unspaced is 'True when the script of a letter is written without spaces between words.';

grant execute on function lms_private.is_unspaced to lms_definer;

create function lms_private.case_forms(letter text, mode text) returns text
language sql
immutable
strict
parallel safe
begin atomic
  select case
    -- In Turkish the dot of i depends on the case, and it may follow as a combining mark.
    when letter in ('i', 'I', 'ı', 'İ') and mode = 'any' then '[iI\u0130\u0131]\u0307?'
    when letter in ('i', 'I', 'ı', 'İ') and mode = 'capitals' then '[I\u0130]\u0307?'
    when letter ~ '^([sS]{2}|[ßẞ])$' and mode = 'any' then '(?:[sS]' || lms_private.invisible_pattern() || '*[sS]|[\u00DF\u1E9E])'
    when letter ~ '^([sS]{2}|[ßẞ])$' and mode = 'capitals' then '(?:S' || lms_private.invisible_pattern() || '*S|\u1E9E)'
    when letter in ('σ', 'ς', 'Σ') and mode = 'any' then '[\u03A3\u03C2\u03C3]'
    when ascii(letter) < 128 and mode = 'capitals' then lms_private.quote_regex(upper(letter))
    -- An unaccented letter has one form, because the whole pattern ignores case.
    when ascii(letter) < 128 then lms_private.quote_regex(letter)
    else (
      select case count(*)
        when 1 then min(lms_private.quote_regex(n.form))
        else '(?:' || string_agg(
          case
            -- Without the range, the regular expression would treat a letter in title case as one
            -- of another case.
            when n.form not in (upper(n.form collate "und-x-icu"), lower(n.form collate "und-x-icu")) and char_length(n.form) = 1
              then '[' || n.form || '-' || n.form || ']'
            else lms_private.quote_regex(n.form)
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
  'A regular expression for a letter or a double s, composed or decomposed: in any case, as written, or in capitals, including title case and Turkish and German forms. ICU determines the case, whatever locale the database has.';

grant execute on function lms_private.case_forms to lms_definer;

create function lms_private.name_word_pattern(word text, mode text) returns text
language sql
immutable
strict
parallel safe
begin atomic
  select coalesce(
    string_agg(
      case
        when c.place = 1 then ''
        -- Between words in such a script some people write a space.
        when lms_private.is_unspaced(c.letter) and lms_private.is_unspaced(c.former) then lms_private.space_pattern() || '*'
        else lms_private.invisible_pattern() || '*'
      end || case
        when c.letter ~ lms_private.invisible_pattern() then lms_private.space_pattern() || '*'
        -- Apostrophes, quotation marks, hyphens and the backslash.
        when c.letter ~ '[''\u0060\u00B4\u02B9\u02BB\u02BC\u2018\u2019\u201B\u2032\uFF07"\u00AB\u00BB\u201C-\u201F\u2033\uFF02\u002D\u2010-\u2015\u2043\u2212\uFE58\uFE63\uFF0D\\]'
          then lms_private.spelling_pattern(c.letter, false)
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

comment on function lms_private.name_word_pattern is
  'A regular expression for a word of a name in all its typographic spellings, with invisible characters ignored: in any case, as written, or in capitals.';

grant execute on function lms_private.name_word_pattern to lms_definer;

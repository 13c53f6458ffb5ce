-- Functions on which the tables of people are built: the normal form of an e-mail address and the
-- keys of an index on a jsonb array. An address denotes one account in every encoding; the column
-- keeps the address as it was given.

create function lms_private.tenant_prefixed_keys(tenant uuid, items jsonb) returns text[]
language sql
immutable
parallel safe
return array(
  select tenant::text || ':' || item
  from jsonb_array_elements_text(items) as item
);

comment on function lms_private.tenant_prefixed_keys is
  'The items of a list, each prefixed with the tenant. A GIN index of these keys shares no entries between tenants, so a look-up costs only as much as the tenant''s own rows.';

grant execute on function lms_private.tenant_prefixed_keys to lms_application, lms_definer;

create function lms_private.decode_punycode(label text) returns text
language plpgsql
immutable
strict
parallel safe
as $$
declare
  -- RFC 3492, sections 5 and 6. A label has at most 63 characters, so the loops are short.
  basic constant text := coalesce(substring(label from '^(.*)-[^-]*$'), '');
  extended constant text := coalesce(substring(label from '^.*-([^-]*)$'), label);
  letters integer[] := coalesce(
    (select array_agg(ascii(c.letter) order by c.place) from regexp_split_to_table(basic, '') with ordinality as c (letter, place) where basic <> ''),
    '{}'
  );
  code bigint := 128;
  bias bigint := 72;
  place bigint := 0;
  start bigint;
  weight bigint;
  threshold bigint;
  digit bigint;
  step bigint;
  delta bigint;
  reached integer := 0;
begin
  while reached < char_length(extended) loop
    start := place;
    weight := 1;
    step := 36;
    loop
      reached := reached + 1;
      digit := strpos('abcdefghijklmnopqrstuvwxyz0123456789', substr(extended, reached, 1)) - 1;
      place := place + digit * weight;
      if reached > char_length(extended) or digit < 0 or place > 100000000 then
        return null;
      end if;
      threshold := greatest(1, least(26, step - bias));
      exit when digit < threshold;
      weight := weight * (36 - threshold);
      if weight > 100000000 then
        return null;
      end if;
      step := step + 36;
    end loop;
    delta := (place - start) / case start when 0 then 700 else 2 end;
    delta := delta + delta / (cardinality(letters) + 1);
    bias := 0;
    while delta > 455 loop
      delta := delta / 35;
      bias := bias + 36;
    end loop;
    bias := bias + 36 * delta / (delta + 38);
    code := code + place / (cardinality(letters) + 1);
    place := place % (cardinality(letters) + 1);
    if code > 1114111 or code between 55296 and 57343 then
      return null;
    end if;
    letters := letters[1:place] || code::integer || letters[place + 1:];
    place := place + 1;
  end loop;
  return (select string_agg(chr(c.code), '' order by c.place) from unnest(letters) with ordinality as c (code, place));
end
$$;

comment on function lms_private.decode_punycode is 'Decodes a punycode label without its prefix xn--; null when it is invalid.';

grant execute on function lms_private.decode_punycode to lms_application, lms_definer;

create function lms_private.email_key(email text) returns text
language plpgsql
immutable
strict
parallel safe
as $$
declare
  address constant text := normalize(lower(email), NFC);
begin
  if strpos(address, 'xn--') = 0 then
    return address;
  end if;
  return (
    select coalesce(substring(address from '^(.*@)'), '') || string_agg(
      case
        when l.label like 'xn--%' then coalesce(lms_private.decode_punycode(substr(l.label, 5)), l.label)
        else l.label
      end,
      '.' order by l.place
    )
    from string_to_table(substring(address from '[^@]*$'), '.') with ordinality as l (label, place)
  );
end
$$;

comment on function lms_private.email_key is
  'The normal form of an e-mail address: lower case, composed (NFC), the domain in Unicode instead of punycode.';

grant execute on function lms_private.email_key to lms_application, lms_definer;

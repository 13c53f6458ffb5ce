-- Rendering of templates: language, text and values. Templates have sections as in Mustache:
-- {{#reason}} Reason: {{reason}}{{/reason}} is omitted without a reason, and {{^room}}...{{/room}}
-- is used only without a room. Optional placeholders are declared, and lists of names are joined in
-- the language of the message. The subject is kept on one line, because a line break would start
-- another header of the e-mail.

create function lms_private.check_template_text(words text, allowed text[], field text, id uuid) returns void
language plpgsql
immutable
as $$
declare
  tag record;
  opened text;
begin
  for tag in
    select m.match[1] as sigil, btrim(m.match[2]) as name
    from regexp_matches(words, '\{\{\s*([#^/]?)([^{}]*)\}\}', 'g') as m (match)
  loop
    if tag.name <> all (allowed) then
      raise exception using
        errcode = 'LM422',
        message = format(
          'No such placeholder: {{%s}}. The placeholders are: {{%s}}.',
          left(tag.name, 50),
          array_to_string(allowed, '}}, {{')
        ),
        detail = check_template_text.id,
        column = field;
    end if;
    if tag.sigil in ('#', '^') and opened is null then
      opened := tag.name;
    elsif tag.sigil = '/' and opened = tag.name then
      opened := null;
    elsif tag.sigil <> '' then
      raise exception using
        errcode = 'LM422',
        message = format(
          'A section must begin with {{#%1$s}} or {{^%1$s}}, end with {{/%1$s}}, and contain no other section.',
          left(tag.name, 50)
        ),
        detail = check_template_text.id,
        column = field;
    end if;
  end loop;
  if opened is not null then
    raise exception using
      errcode = 'LM422',
      message = format('The section {{#%1$s}} must end with {{/%1$s}}.', opened),
      detail = check_template_text.id,
      column = field;
  end if;
  if regexp_replace(words, '\{\{[^{}]*\}\}', '', 'g') ~ '\{\{|\}\}' then
    raise exception using
      errcode = 'LM422',
      message = 'Double braces must be used in pairs around the name of a placeholder, such as {{name}}.',
      detail = check_template_text.id,
      column = field;
  end if;
end
$$;

comment on function lms_private.check_template_text is
  'LM422 for a placeholder that is not allowed, for unpaired double braces, and for sections that do not begin and end correctly.';

grant execute on function lms_private.check_template_text to lms_definer;

create function lms_private.check_template() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  event lms_private.notification_events;
begin
  select e.*
  into event
  from lms_private.notification_events as e
  where e.key = new.key;
  perform
    lms_private.check_template_text(new.message, event.placeholders, 'message', new.id),
    lms_private.check_template_text(new.subject, array_remove(event.placeholders, event.secret), 'subject', new.id);
  if event.secret is not null and new.message !~ format('\{\{\s*%s\s*\}\}', event.secret) then
    raise exception using
      errcode = 'LM422',
      message = format('The message must contain {{%s}}.', event.secret),
      detail = new.id,
      column = 'message';
  end if;
  return new;
end
$$;

comment on function lms_private.check_template is 'LM422 for a template with placeholders that its event does not have.';

alter function lms_private.check_template owner to lms_definer;

create function lms_private.preferred_languages(preferred jsonb, settings jsonb) returns text[]
language sql
immutable
parallel safe
begin atomic
  select array_agg(t.tag order by t.place, t.parts desc)
  from (
    select
      lower(array_to_string(w.parts[1:n.parts], '-')) as tag,
      w.place,
      n.parts
    from (
      select p.place, string_to_array(p.tag, '-') as parts
      from (
        select l.place, l.tag
        from jsonb_array_elements_text(preferred) with ordinality as l (tag, place)
        union all
        select 1000, settings ->> 'language'
        union all
        select 1001, 'en'
      ) as p (place, tag)
      where p.tag is not null
    ) as w
    cross join lateral generate_series(1, cardinality(w.parts)) as n (parts)
  ) as t;
end;

comment on function lms_private.preferred_languages is
  'Language tags in order of preference: the user''s, each with its fallbacks (pt-BR, pt), the tenant''s, English.';

grant execute on function lms_private.preferred_languages to lms_definer;

create function lms_private.join_list(items jsonb, language text) returns text
language sql
immutable
parallel safe
begin atomic
  select case
    when jsonb_typeof(items) <> 'array' then items #>> '{}'
    else (
      select
        coalesce(string_agg(i.item, ', ' order by i.place) filter (where i.place < l.size - 1) || ', ', '')
          || coalesce(max(i.item) filter (where i.place = l.size - 1) || c.conjunction, '')
          || coalesce(max(i.item) filter (where i.place = l.size), '')
      from jsonb_array_elements_text(items) with ordinality as i (item, place)
      cross join (select jsonb_array_length(items) as size) as l
      cross join lateral (
        select case split_part(lower(language), '-', 1)
          when 'en' then ' and '
          when 'de' then ' und '
          -- In Spanish "y" becomes "e" before the sound of i.
          when 'es' then case when lower(items ->> -1) ~ '^h?[ií]' and lower(items ->> -1) !~ '^h?i[aeou]' then ' e ' else ' y ' end
          else ', '
        end as conjunction
      ) as c
      group by c.conjunction
    )
  end;
end;

comment on function lms_private.join_list is
  'Joins a list as in a sentence: "Ada, Ben and Cy"; with commas only in a language whose conjunction is not known.';

grant execute on function lms_private.join_list to lms_definer;

create function lms_private.render_message(n lms.notifications) returns lms.notifications
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  event lms_private.notification_events;
  person record;
  languages text[];
  words record;
  stray record;
begin
  select e.*
  into event
  from lms_private.notification_events as e
  where e.key = n.template;
  if not found then
    raise exception using errcode = 'foreign_key_violation', column = 'template';
  end if;
  select
    d.key,
    d.key = any (event.placeholders) and d.key not in ('name', 'tenant') and d.key is distinct from event.secret as is_known
  into stray
  from jsonb_each(coalesce(n.data, '{}')) as d
  where d.key <> all (event.placeholders)
    or d.key in ('name', 'tenant')
    or d.key = event.secret
    or case jsonb_typeof(d.value)
      when 'object' then true
      when 'null' then true
      when 'array' then d.key <> all (event.lists) or jsonb_path_exists(d.value, '$[*] ? (@.type() != "string")')
      else false
    end
  order by d.key
  limit 1;
  if found then
    raise exception using
      errcode = 'LM422',
      message = case
        when not stray.is_known then 'The template has no such placeholder.'
        when stray.key = any (event.lists) then 'Must be a string or a list of strings.'
        else 'Must be a string or a number.'
      end,
      column = 'data/' || replace(replace(left(stray.key, 100), '~', '~0'), '/', '~1');
  end if;

  select u.name, t.name as tenant, lms_private.preferred_languages(u.language_preferences, t.settings) as languages
  into person
  from lms.users as u
  join lms.tenants as t
    on t.tenant_id = u.tenant_id
  where u.tenant_id = n.tenant_id
    and u.id = n.user_id;
  languages := person.languages;
  select w.language, coalesce(w.subject, s.subject) as subject, w.message
  into words
  from (
    select t.language, t.subject, t.message, 1 as preference
    from lms.notification_templates as t
    where t.tenant_id = n.tenant_id
      and t.key = n.template
      and t.type = n.type
      and t.deleted_at is null
    union all
    select s.language, s.subject, s.message, 2
    from lms_private.notification_texts as s
    where s.key = n.template
  ) as w
  -- A template without a subject gets the default subject, in its language or else in the next
  -- preferred one.
  cross join lateral (
    select s.subject
    from lms_private.notification_texts as s
    where s.key = n.template
    order by
      lower(s.language) <> split_part(lower(w.language), '-', 1),
      array_position(languages, lower(s.language))
    limit 1
  ) as s
  where lower(w.language) = any (languages)
  order by array_position(languages, lower(w.language)), w.preference
  limit 1;

  n.language := words.language;
  -- The rendered text is stored, so lists are stored as text.
  n.data := coalesce(
    (
      select jsonb_object_agg(
        d.key, case jsonb_typeof(d.value) when 'array' then to_jsonb(lms_private.join_list(d.value, words.language)) else d.value end
      )
      from jsonb_each(n.data) as d
    ),
    '{}'
  );
  n.subject := lms_private.render_template(
    words.subject, n.data || jsonb_build_object('name', person.name, 'tenant', person.tenant), null, event.optional
  );
  n.message := lms_private.render_template(
    words.message, n.data || jsonb_build_object('name', person.name, 'tenant', person.tenant), event.secret, event.optional
  );
  return n;
end
$$;

comment on function lms_private.render_message is
  'Returns the notification with language, subject and message from its template. 23503 for a template that does not exist, LM422 for invalid data.';

alter function lms_private.render_message owner to lms_definer;

create function lms_private.format_local_time(moment timestamptz, zone text) returns text
language sql
stable
strict
parallel safe
return to_char(moment at time zone zone, 'YYYY-MM-DD HH24:MI') || ' (' || zone || ')';

comment on function lms_private.format_local_time is 'A local time as people read it: date, time and time zone.';

grant execute on function lms_private.format_local_time to lms_definer;

create function lms_private.render_template(words text, given jsonb, secret text, optional text[]) returns text
language plpgsql
immutable
as $$
declare
  form constant text := '\{\{\s*([#^/]?)\s*([a-z_]+)\s*\}\}';
  pieces constant text[] := regexp_split_to_array(words, form);
  filled text := pieces[1];
  is_shown boolean := true;
  tag record;
  value text;
begin
  for tag in
    select m.match[1] as sigil, m.match[2] as name, m.place
    from regexp_matches(words, form, 'g') with ordinality as m (match, place)
    order by m.place
  loop
    value := case when tag.name = secret then '{{' || secret || '}}' else nullif(given ->> tag.name, '') end;
    case tag.sigil
      when '#' then is_shown := value is not null;
      when '^' then is_shown := value is null;
      when '/' then is_shown := true;
      else
        if is_shown then
          -- An empty value that was given is used; a value that was not given is missing.
          value := coalesce(value, given ->> tag.name, case when tag.name = any (optional) then '' end);
          if value is null then
            raise exception using
              errcode = 'LM422',
              message = 'The template requires this value.',
              column = 'data/' || tag.name;
          end if;
          filled := filled || case when value = '' and tag.name = any (optional) then '—' else value end;
        end if;
    end case;
    if is_shown then
      filled := filled || pieces[tag.place + 1];
    end if;
  end loop;
  return filled;
end
$$;

comment on function lms_private.render_template is
  'Renders a text by replacing its sections and placeholders in one pass, so that braces in a value are plain text. LM422 for a missing value.';

grant execute on function lms_private.render_template to lms_definer;

create function lms_private.strip_subject_line_breaks() returns trigger
language plpgsql
as $$
begin
  new.subject := btrim(regexp_replace(new.subject, '[[:cntrl:]\u0085\u2028\u2029]+', ' ', 'g'));
  return new;
end
$$;

comment on function lms_private.strip_subject_line_breaks is
  'Replaces line breaks and other control characters of a subject with spaces.';

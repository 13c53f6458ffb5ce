-- From a template to what is sent: the language, the words, the values. Whoever inserts a notification gets it by trigger.
set local role lms_owner;

alter table lms.notifications
alter column status drop default,
alter column status drop not null,
add column template text,
add column language text,
add column data jsonb
  constraint notifications_data_check check (jsonb_typeof(data) = 'object' and octet_length(data::text) <= 16384),
add column delivered_at timestamptz,
add column attempts integer,
add column failure text
  constraint notifications_failure_check check (char_length(failure) between 1 and 500);

comment on column lms.notifications.status is 'Null as long as it is under way.';
comment on column lms.notifications.template is 'The event whose words it has; null when its words were given.';
comment on column lms.notifications.language is 'The language of the template that was taken.';
comment on column lms.notifications.data is 'The values that were filled into the template.';
comment on column lms.notifications.attempts is 'How often it was handed to the provider; known with the outcome.';
comment on column lms.notifications.failure is 'Why it could not be delivered, in plain words.';

create function lms_private.language_order(preferred jsonb, settings jsonb) returns text[]
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

comment on function lms_private.language_order is
  'Language tags in the order in which they are wanted: the user''s, each with what it falls back on (pt-BR, pt), the tenant''s, English.';

create function lms_private.fill_in(words text, given jsonb, secret text) returns text
language plpgsql
immutable
as $$
declare
  form constant text := '\{\{\s*([a-z_]+)\s*\}\}';
  pieces constant text[] := regexp_split_to_array(words, form);
  names constant text[] := array(select m.match[1] from regexp_matches(words, form, 'g') as m (match));
  filled text := pieces[1];
begin
  for place in 1..cardinality(names) loop
    if names[place] = secret then
      filled := filled || '{{' || secret || '}}' || pieces[place + 1];
    elsif given ->> names[place] is null then
      raise exception using
        errcode = 'LM422',
        message = 'The template needs this value.',
        column = 'data/' || names[place];
    else
      filled := filled || (given ->> names[place]) || pieces[place + 1];
    end if;
  end loop;
  return filled;
end
$$;

comment on function lms_private.fill_in is
  'Words with their placeholders replaced, all at once: braces in a value are text. LM422 for a value that is missing.';

create function lms_private.worded(n lms.notifications) returns lms.notifications
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
    raise exception using errcode = 'LM422', message = 'There is no such template.', column = 'template';
  end if;
  select
    d.key,
    d.key = any (event.placeholders) and d.key not in ('name', 'tenant') and d.key is distinct from event.secret as is_known
  into stray
  from jsonb_each(coalesce(n.data, '{}')) as d
  where d.key <> all (event.placeholders)
    or d.key in ('name', 'tenant')
    or d.key = event.secret
    or jsonb_typeof(d.value) in ('object', 'array', 'null')
  order by d.key
  limit 1;
  if found then
    raise exception using
      errcode = 'LM422',
      message = case when stray.is_known then 'This must be a text or a number.' else 'The template has no place for it.' end,
      column = 'data/' || replace(replace(left(stray.key, 100), '~', '~0'), '/', '~1');
  end if;

  select u.name, t.name as tenant, lms_private.language_order(u.language_preferences, t.settings) as languages
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
    from lms_private.notification_words as s
    where s.key = n.template
  ) as w
  -- A template without a subject has the one that comes with the schema, in its language or the next that is wanted.
  cross join lateral (
    select s.subject
    from lms_private.notification_words as s
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
  n.data := coalesce(n.data, '{}');
  n.subject := lms_private.fill_in(
    words.subject, n.data || jsonb_build_object('name', person.name, 'tenant', person.tenant), null
  );
  n.message := lms_private.fill_in(
    words.message, n.data || jsonb_build_object('name', person.name, 'tenant', person.tenant), event.secret
  );
  return n;
end
$$;

comment on function lms_private.worded is 'The notification with language, subject and message from its template. LM422 about what is wrong with template or data.';

create function lms_private.prepare_notification() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  obstacle text;
begin
  -- One that has an outcome already is an entry in the log and nothing more.
  if new.status is not null then
    return new;
  end if;
  obstacle := lms_private.notification_obstacle(new.tenant_id, new.user_id, new.type, new.template);
  if obstacle is not null then
    raise exception using
      errcode = case obstacle when 'opted_out' then 'LM409' else 'LM422' end,
      message = case obstacle
        when 'opted_out' then format('The user has opted out of %s.', new.type)
        when 'no_phone' then 'The user has no telephone number.'
        else 'The user is not active.'
      end,
      column = case obstacle when 'inactive' then 'user_id' else 'type' end;
  end if;
  if new.template is not null then
    new := lms_private.worded(new);
  end if;
  if new.type = 'sms' and char_length(new.message) > 1600 then
    raise exception using errcode = 'LM422', message = 'An SMS has at most 1600 characters.', column = 'message';
  end if;
  return new;
end
$$;

comment on function lms_private.prepare_notification is
  'Refuses a notification that its user is not to be sent (LM409, LM422), and words one that has a template.';

create function lms_private.notify(tenant uuid, recipient uuid, template text, data jsonb) returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into lms.notifications (tenant_id, user_id, type, template, data)
  select notify.tenant, recipient, w.type, notify.template, notify.data
  from unnest(array['email', 'push', 'sms']) with ordinality as w (type, place)
  where lms_private.notification_obstacle(notify.tenant, recipient, w.type, notify.template) is null
  order by w.place
  limit 1;
end
$$;

comment on function lms_private.notify is
  'Tells a user about an event by the first way that is open: e-mail, push, SMS. Nothing when the user wants none or is not active.';

alter function lms_private.worded owner to lms_definer;
alter function lms_private.prepare_notification owner to lms_definer;
alter function lms_private.notify owner to lms_definer;

create trigger prepare_notification
before insert on lms.notifications
for each row execute function lms_private.prepare_notification();

drop index lms.idx_notifications_user_id;

create index idx_notifications_user_id
on lms.notifications (tenant_id, user_id, created_at, id)
where deleted_at is null;

create index idx_notifications_failed
on lms.notifications (tenant_id, created_at, id)
where status = 'failed' and deleted_at is null;

-- What becomes of one is settled by the worker. Only to be tried again can a request change it.
drop policy scope_update on lms.notifications;

create policy scope_update on lms.notifications
as restrictive for update to lms_application
using ((select current_setting('app.role')) in ('admin', 'support'));

revoke insert, update on lms.notifications from lms_application;
grant insert (id, user_id, type, subject, message, template, data) on lms.notifications to lms_application;
grant update (status, attempts, failure) on lms.notifications to lms_application;
grant execute on function lms_private.language_order, lms_private.fill_in to lms_definer;

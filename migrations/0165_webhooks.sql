-- Webhooks: who outside is told of a tenant's events, and the secrets that sign what they are told.
set local role lms_owner;

create table lms.webhooks (
  like lms_private.row_template including all,
  url text not null
    constraint webhooks_url_check check (url ~ '^https?://' and char_length(url) <= 2048),
  description text
    constraint webhooks_description_check check (char_length(description) between 1 and 500),
  kinds jsonb not null default '[]'
    constraint webhooks_kinds_check check (jsonb_typeof(kinds) = 'array'),
  status text not null default 'active'
    constraint webhooks_status_check check (status in ('active', 'disabled')),
  disabled_at timestamptz,
  disabled_reason text
    constraint webhooks_disabled_reason_check check (char_length(disabled_reason) between 1 and 500),
  secret_changed_at timestamptz not null default now(),
  constraint webhooks_disabled_at_check check ((status = 'disabled') = (disabled_at is not null))
);

create unique index webhooks_url_key
on lms.webhooks (tenant_id, url)
where deleted_at is null;

comment on table lms.webhooks is 'Endpoints that are told of events, by the worker. How far that has come is in webhook_queues.';
comment on column lms.webhooks.url is 'Where events are posted. As it was normalised when it was checked; checked again with every attempt.';
comment on column lms.webhooks.kinds is 'Kinds (student.created) and entities (students) to be told of; all when it is empty.';
comment on column lms.webhooks.disabled_reason is 'Why, in plain words.';
comment on column lms.webhooks.secret_changed_at is 'When there was a new secret. The secrets themselves are in webhook_secrets.';

create table lms.webhook_secrets (
  like lms_private.row_template including all,
  webhook_id uuid not null,
  secret bytea not null
    constraint webhook_secrets_secret_check check (octet_length(secret) between 24 and 64),
  expires_at timestamptz,
  constraint webhook_secrets_webhook_id_fkey foreign key (tenant_id, webhook_id) references lms.webhooks (tenant_id, id) on delete cascade
);

create unique index webhook_secrets_webhook_id_key
on lms.webhook_secrets (tenant_id, webhook_id)
where expires_at is null;

create index idx_webhook_secrets_webhook_id
on lms.webhook_secrets (tenant_id, webhook_id);

create index idx_webhook_secrets_expires_at
on lms.webhook_secrets (expires_at)
where expires_at is not null;

comment on table lms.webhook_secrets is
  'What signs. The application writes secrets and cannot read them; its changes are no events, that a secret was changed is one of webhooks.';
comment on column lms.webhook_secrets.secret is 'Random bytes. Shown once, as whsec_ and base64, when it is made.';
comment on column lms.webhook_secrets.expires_at is 'Until when a former secret signs beside the present one, whose is null.';

create table lms.webhook_queues (
  like lms_private.row_template including all,
  position bigint not null
    constraint webhook_queues_position_check check (position >= 0),
  succeeded_at timestamptz not null default now(),
  constraint webhook_queues_id_fkey foreign key (tenant_id, id) references lms.webhooks (tenant_id, id) on delete cascade
);

comment on table lms.webhook_queues is
  'How far the log has been queued for each webhook, under its id. Bookkeeping of the worker, so its changes are no events.';
comment on column lms.webhook_queues.position is 'The position of the last event that was looked at.';
comment on column lms.webhook_queues.succeeded_at is 'When something was last delivered, to within a minute; at first when it was made or enabled.';

call lms_private.adopt('webhooks', 'webhook');
call lms_private.adopt('webhook_secrets', listed => false);
call lms_private.adopt('webhook_queues', listed => false);

create policy scope_all on lms.webhooks
as restrictive for all to lms_application
using ((select current_setting('app.role')) = 'admin');

create policy scope_all on lms.webhook_secrets
as restrictive for all to lms_application
using ((select current_setting('app.role')) = 'admin');

create policy scope_all on lms.webhook_queues
as restrictive for all to lms_application
using ((select current_setting('app.role')) = 'admin');

grant select on lms.webhooks, lms.webhook_queues to lms_application;
grant insert (id, url, description, kinds) on lms.webhooks to lms_application;
grant update (url, description, kinds, status, disabled_at, disabled_reason, secret_changed_at, deleted_at)
on lms.webhooks to lms_application;
grant select (tenant_id, id, webhook_id, expires_at), insert (id, webhook_id, secret), update (expires_at)
on lms.webhook_secrets to lms_application;
grant update (position) on lms.webhook_queues to lms_application;

grant select on lms.webhooks, lms.webhook_secrets to lms_definer;
grant select, insert, update on lms.webhook_queues to lms_definer;
grant delete on lms.webhook_secrets to lms_definer;

create function lms_private.begin_webhook() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  most constant integer := 20;
begin
  if (
    select count(*)
    from lms.webhooks as w
    where w.tenant_id = new.tenant_id
      and w.deleted_at is null
  ) > most
  then
    raise exception using
      errcode = 'LM409',
      message = format('There are %s webhooks already, which is the most: delete one first.', most);
  end if;
  insert into lms.webhook_queues (tenant_id, id, position)
  select
    new.tenant_id,
    new.id,
    coalesce(
      (
        select h.position
        from lms.event_heads as h
        where h.tenant_id = new.tenant_id
      ),
      0
    )
  on conflict (tenant_id, id) do nothing;
  return null;
end
$$;

comment on function lms_private.begin_webhook is 'A new webhook is told of what comes behind the present end of the log. LM409 when the tenant has too many.';

create function lms_private.resume_webhook() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update lms.webhook_queues as q
  set succeeded_at = now()
  where q.tenant_id = new.tenant_id
    and q.id = new.id;
  return null;
end
$$;

comment on function lms_private.resume_webhook is 'A webhook that is enabled has its full time to succeed again.';

alter function lms_private.begin_webhook owner to lms_definer;
alter function lms_private.resume_webhook owner to lms_definer;

create trigger then_begin_webhook
after insert on lms.webhooks
for each row execute function lms_private.begin_webhook();

create trigger then_count_webhooks
after update of deleted_at on lms.webhooks
for each row
when (old.deleted_at is not null and new.deleted_at is null)
execute function lms_private.begin_webhook();

create trigger then_resume_webhook
after update of status on lms.webhooks
for each row
when (old.status <> 'active' and new.status = 'active')
execute function lms_private.resume_webhook();

create function lms.rotate_webhook_secret(webhook uuid, secret bytea) returns lms.webhooks
language plpgsql
as $$
#variable_conflict use_variable
declare
  most constant integer := 5;
  w lms.webhooks;
begin
  update lms.webhooks as r
  set secret_changed_at = now()
  where r.id = webhook
    and r.deleted_at is null
  returning r.*
  into w;
  if not found then
    raise exception using errcode = 'LM404';
  end if;
  if (
    select count(*)
    from lms.webhook_secrets as s
    where s.webhook_id = webhook
      and s.expires_at > now()
  ) >= most
  then
    raise exception using
      errcode = 'LM409',
      message = format('%s former secrets sign still: rotate again when the oldest is a day old.', most);
  end if;
  update lms.webhook_secrets as s
  set expires_at = now() + interval '24 hours'
  where s.webhook_id = webhook
    and s.expires_at is null;
  insert into lms.webhook_secrets (webhook_id, secret)
  values (webhook, secret);
  return w;
end
$$;

comment on function lms.rotate_webhook_secret is 'Gives a webhook a new secret; the former one signs beside it for 24 hours. LM404, and LM409 when too many do.';

create function lms.replay_webhook(webhook uuid, after bigint) returns bigint
language plpgsql
as $$
#variable_conflict use_variable
begin
  perform
  from lms.webhooks as w
  where w.id = webhook
    and w.deleted_at is null;
  if not found then
    raise exception using errcode = 'LM404';
  end if;
  perform lms.check_position(after);
  update lms.webhook_queues as q
  set position = after
  where q.id = webhook;
  return after;
end
$$;

comment on function lms.replay_webhook is
  'Lets a webhook be told again of what is behind a position, or not of what is before it. LM404, and LM422 for a position beyond the end.';

grant execute on function lms.rotate_webhook_secret, lms.replay_webhook to lms_application;

create function lms_private.check_webhook_kinds() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  unknown record;
begin
  select k.place - 1 as place, k.kind
  into unknown
  from jsonb_array_elements_text(new.kinds) with ordinality as k (kind, place)
  where not exists (
    select
    from pg_trigger as t
    join pg_class as c
      on c.oid = t.tgrelid
    where t.tgname = 'record_insert'
      and c.relnamespace = 'lms'::regnamespace
      and (
        k.kind = c.relname
        or (
          -- The first argument is the noun of its kinds.
          split_part(k.kind, '.', 1) = split_part(encode(t.tgargs, 'escape'), '\000', 1)
          and split_part(k.kind, '.', 2) in ('created', 'updated', 'deleted', 'restored', 'purged', 'revoked')
          and split_part(k.kind, '.', 3) = ''
        )
      )
  )
  order by k.place
  limit 1;
  if found then
    raise exception using
      errcode = 'LM422',
      message = 'There are no such events: this is a kind, such as student.created, or an entity, such as students.',
      column = 'kinds/' || unknown.place;
  end if;
  return new;
end
$$;

comment on function lms_private.check_webhook_kinds is 'LM422 for a kind or an entity of which there never will be an event.';

alter function lms_private.check_webhook_kinds owner to lms_definer;

create trigger check_webhook_kinds
before insert or update of kinds on lms.webhooks
for each row execute function lms_private.check_webhook_kinds();

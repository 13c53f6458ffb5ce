-- The tenant's admins are told when the worker has disabled a webhook.
set local role lms_owner;

alter table lms.notification_templates
drop constraint notification_templates_key_check,
add constraint notification_templates_key_check check (
  key in (
    'announcement', 'lesson_cancelled', 'lesson_moved', 'lessons_cancelled', 'loan_made', 'loan_overdue', 'low_stock',
    'password_reset', 'request_assigned', 'request_escalated', 'request_resolved', 'webhook_disabled'
  )
);

insert into lms_private.notification_events (key, placeholders)
values ('webhook_disabled', '{name,tenant,webhook,reason}');

insert into lms_private.notification_words (key, language, subject, message)
values
  (
    'webhook_disabled', 'en', 'A webhook was disabled',
    'Hello {{name}}, the webhook {{webhook}} of {{tenant}} was disabled. Reason: {{reason}}. When it works again, enable it: it then goes on where it stopped.'
  ),
  (
    'webhook_disabled', 'de', 'Ein Webhook wurde abgeschaltet',
    'Guten Tag {{name}}, der Webhook {{webhook}} von {{tenant}} wurde abgeschaltet. Grund: {{reason}}. Wenn er wieder arbeitet, schalten Sie ihn ein: Dann geht es dort weiter, wo es aufgehört hat.'
  ),
  (
    'webhook_disabled', 'es', 'Un webhook se ha desactivado',
    'Hola, {{name}}: el webhook {{webhook}} de {{tenant}} se ha desactivado. Motivo: {{reason}}. Cuando vuelva a funcionar, actívelo: continuará donde se detuvo.'
  );

create function lms_private.tell_of_webhook() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  person uuid;
begin
  for person in
    select u.id
    from lms.users as u
    where u.tenant_id = new.tenant_id
      and u.role = 'admin'
      and u.deleted_at is null
    order by u.id
  loop
    perform lms_private.notify(
      new.tenant_id,
      person,
      'webhook_disabled',
      jsonb_build_object(
        -- A path may be a secret, and a host says enough.
        'webhook', coalesce(new.description, substring(new.url from '^[a-z]+://([^/]+)'), new.id::text),
        'reason', new.disabled_reason
      )
    );
  end loop;
  return null;
end
$$;

comment on function lms_private.tell_of_webhook is 'Tells the tenant''s admins of a webhook that was disabled by the worker.';

alter function lms_private.tell_of_webhook owner to lms_definer;

-- Who disables one by hand need not be told.
create trigger then_tell_of_webhook
after update of status on lms.webhooks
for each row
when (old.status = 'active' and new.status = 'disabled' and new.updated_by is null)
execute function lms_private.tell_of_webhook();

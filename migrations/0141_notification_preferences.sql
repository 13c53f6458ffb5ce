-- What a user wants to be sent, and what stands in the way of sending it.
set local role lms_owner;

create table lms.notification_preferences (
  like lms_private.row_template including all,
  user_id uuid not null,
  email boolean not null default true,
  sms boolean not null default true,
  push boolean not null default true,
  constraint notification_preferences_user_id_fkey foreign key (tenant_id, user_id) references lms.users (tenant_id, id)
);

create unique index notification_preferences_user_id_key
on lms.notification_preferences (tenant_id, user_id);

comment on table lms.notification_preferences is 'By which ways a user is to be reached; who has no row is reached by all.';

call lms_private.adopt('notification_preferences', 'notification_preference', listed => false);

create policy scope_all on lms.notification_preferences
as restrictive for all to lms_application
using (user_id = current_setting('app.user_id')::uuid);

create function lms_private.notification_obstacle(tenant uuid, recipient uuid, type text, template text) returns text
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  person record;
begin
  select
    u.status = 'active' and u.deleted_at is null as is_active,
    u.phone,
    coalesce(case notification_obstacle.type when 'email' then p.email when 'sms' then p.sms else p.push end, true)
      as is_wanted,
    coalesce(e.is_security, false) as is_security
  into person
  from lms.users as u
  left join lms.notification_preferences as p
    on p.tenant_id = u.tenant_id
    and p.user_id = u.id
  left join lms_private.notification_events as e
    on e.key = notification_obstacle.template
  where u.tenant_id = tenant
    and u.id = recipient;
  return case
    when not person.is_active then 'inactive'
    when notification_obstacle.type = 'sms' and person.phone is null then 'no_phone'
    when not person.is_wanted and not person.is_security then 'opted_out'
  end;
end
$$;

comment on function lms_private.notification_obstacle is
  'Why a user is not to be sent something: inactive, no_phone or opted_out. Null when nothing is in the way.';

alter function lms_private.notification_obstacle owner to lms_definer;

grant select, insert, update on lms.notification_preferences to lms_application;
grant select on lms.notification_preferences to lms_definer;
grant execute on function lms_private.notification_obstacle to lms_owner;

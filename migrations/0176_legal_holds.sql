-- Legal holds: while one is set, nothing of the person is erased or removed.
set local role lms_owner;

create table lms.legal_holds (
  like lms_private.row_template including all,
  user_id uuid not null,
  reason text not null
    constraint legal_holds_reason_check check (char_length(reason) between 1 and 1000),
  constraint legal_holds_user_id_fkey foreign key (tenant_id, user_id) references lms.users (tenant_id, id)
);

create index idx_legal_holds_user_id
on lms.legal_holds (tenant_id, user_id)
where deleted_at is null;

comment on table lms.legal_holds is 'Who must not be erased, and why. Deleting one releases it; several on one person are each on their own.';

call lms_private.adopt('legal_holds', 'legal_hold');

create policy scope_read on lms.legal_holds
as restrictive for select to lms_application
using ((select current_setting('app.role')) = 'admin');

create policy scope_insert on lms.legal_holds
as restrictive for insert to lms_application
with check ((select current_setting('app.role')) = 'admin');

create policy scope_update on lms.legal_holds
as restrictive for update to lms_application
using ((select current_setting('app.role')) = 'admin');

grant select, insert, update on lms.legal_holds to lms_application;

create function lms_private.hold_on(tenant uuid, person uuid) returns text
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select h.reason
  from lms.legal_holds as h
  where h.tenant_id = tenant
    and h.deleted_at is null
    and (
      h.user_id = person
      or h.user_id in (
        select s.user_id
        from lms.students as s
        where s.tenant_id = tenant
          and s.parent_id = person
        union all
        select s.user_id
        from lms.guardians as g
        join lms.students as s
          on s.tenant_id = g.tenant_id
          and s.id = g.student_id
        where g.tenant_id = tenant
          and g.user_id = person
          and g.deleted_at is null
      )
    )
  order by h.user_id <> person, h.created_at
  limit 1;
end;

comment on function lms_private.hold_on is
  'Why a person is held: by a hold of the person''s own or of a child of the person. Null when nothing holds.';

create function lms_private.is_held(tenant uuid, person uuid) returns boolean
language sql
stable
begin atomic
  select lms_private.hold_on(tenant, person) is not null;
end;

comment on function lms_private.is_held is 'Whether a legal hold keeps the person''s rows: then nothing of them is erased or removed.';

insert into lms_private.personal_tables (table_name, withheld)
values ('legal_holds', 'What a hold is for may be a matter between the tenant and a court.');

insert into lms_private.personal_columns (table_name, column_name, class, replacement)
values ('legal_holds', 'reason', 'words', '"[erased]"');

insert into lms_private.personal_rows (table_name, column_name, refers)
values ('legal_holds', 'user_id', 'user');

call lms_private.let_erase();

alter function lms_private.hold_on owner to lms_definer;

grant execute on function lms_private.hold_on, lms_private.is_held to lms_owner, lms_definer;

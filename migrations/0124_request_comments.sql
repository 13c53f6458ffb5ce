-- What is said about a request: to everybody who sees it, or among those who work on it. Added to, never changed.
set local role lms_owner;

create table lms.request_comments (
  like lms_private.row_template including all,
  request_id uuid not null,
  visibility text not null default 'public'
    constraint request_comments_visibility_check check (visibility in ('public', 'internal')),
  body text not null
    constraint request_comments_body_check check (char_length(body) between 1 and 10000),
  constraint request_comments_request_id_fkey foreign key (tenant_id, request_id) references lms.requests (tenant_id, id)
);

create index idx_request_comments_request_id
on lms.request_comments (tenant_id, request_id, id)
where deleted_at is null;

comment on table lms.request_comments is 'Comments on requests. Append-only.';
comment on column lms.request_comments.visibility is
  'public: whoever sees the request; internal: support, admins, the centre''s supervisor, and the tutor it is assigned to.';

call lms_private.adopt('request_comments', 'request_comment', listed => false);

create trigger append_only
before update or delete or truncate on lms.request_comments
for each statement execute function lms_private.forbid_change();

-- A comment is its request's, whose own policy is asked. A tutor who asked sees no more than others who ask.
create policy scope_read on lms.request_comments
as restrictive for select to lms_application
using (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'support' then true
    when 'supervisor' then exists (
      select from lms.requests as r where r.tenant_id = request_comments.tenant_id and r.id = request_comments.request_id
    )
    when 'tutor' then exists (
      select
      from lms.requests as r
      where r.tenant_id = request_comments.tenant_id
        and r.id = request_comments.request_id
        and (request_comments.visibility = 'public' or r.assigned_to = (select lms.caller_staff()))
    )
    when 'nobody' then false
    else visibility = 'public' and exists (
      select from lms.requests as r where r.tenant_id = request_comments.tenant_id and r.id = request_comments.request_id
    )
  end
);

create policy scope_insert on lms.request_comments
as restrictive for insert to lms_application
with check (
  case (select current_setting('app.role'))
    when 'admin' then true
    when 'support' then true
    when 'supervisor' then exists (
      select from lms.requests as r where r.tenant_id = request_comments.tenant_id and r.id = request_comments.request_id
    )
    when 'tutor' then exists (
      select
      from lms.requests as r
      where r.tenant_id = request_comments.tenant_id
        and r.id = request_comments.request_id
        and (request_comments.visibility = 'public' or r.assigned_to = (select lms.caller_staff()))
    )
    when 'nobody' then false
    else visibility = 'public' and exists (
      select from lms.requests as r where r.tenant_id = request_comments.tenant_id and r.id = request_comments.request_id
    )
  end
);

grant select, insert (request_id, visibility, body) on lms.request_comments to lms_application;

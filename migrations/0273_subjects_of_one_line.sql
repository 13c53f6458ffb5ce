-- The subject of a notification is one line, whatever fills the placeholders of its template: a break would begin another header of a mail.
-- A line break in a client's subject is refused by its component; one that comes in by a template's values is turned into a space.
set local role lms_owner;

create function lms_private.keep_subject_on_one_line() returns trigger
language plpgsql
as $$
begin
  new.subject := btrim(regexp_replace(new.subject, '[[:cntrl:]\u0085\u2028\u2029]+', ' ', 'g'));
  return new;
end
$$;

comment on function lms_private.keep_subject_on_one_line is 'Turns line breaks and other control characters of a subject into spaces.';

-- Behind prepare_notification by its name, which fills the template in.
create trigger then_keep_subject_on_one_line
before insert or update of subject on lms.notifications
for each row execute function lms_private.keep_subject_on_one_line();

-- A plan that is made anew has new rows: the lessons ahead are noted before, so that they can be compared.
set local role lms_owner;

create function lms_private.note_lessons() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  notes jsonb;
begin
  select jsonb_object_agg(
    n.id,
    coalesce(
      (
        select jsonb_agg(
          jsonb_build_object(
            'id', l.id,
            'original_start', l.original_start,
            'starts_at', l.starts_at,
            'ends_at', l.ends_at,
            'centre_id', l.centre_id,
            'tutor_id', l.tutor_id,
            'room', l.room,
            'status', l.status
          )
        )
        from lms.occurrences as l
        where l.tenant_id = n.tenant_id
          and l.class_id = n.id
          and l.starts_at > now()
          and l.deleted_at is null
          and o.deleted_at is null
      ),
      '[]'
    )
  )
  into notes
  from old_rows as o
  join new_rows as n
    on n.tenant_id = o.tenant_id
    and n.id = o.id
  where (n.deleted_at, n.status, n.centre_id, n.tutor_id, n.student_ids, n.room, n.planned)
    is distinct from (o.deleted_at, o.status, o.centre_id, o.tutor_id, o.student_ids, o.room, o.planned);
  perform set_config('app.lessons_before', coalesce(notes::text, ''), true);
  return null;
end
$$;

comment on function lms_private.note_lessons is
  'Notes the lessons ahead of classes that are changed, before they are planned anew, for lms_private.tell_of_classes.';

alter function lms_private.note_lessons owner to lms_definer;

create function lms_private.some_of(placeholder text, items text[], most integer) returns jsonb
language sql
immutable
parallel safe
return case
  when cardinality(items) = 0 then '{}'
  when cardinality(items) <= most then jsonb_build_object(placeholder, items)
  else jsonb_build_object(placeholder || '_count', cardinality(items))
end;

comment on function lms_private.some_of is
  'A placeholder of a message with its list, or, with _count behind its name, how many there are when they are too many to be named; nothing when there are none.';

grant execute on function lms_private.some_of to lms_definer;

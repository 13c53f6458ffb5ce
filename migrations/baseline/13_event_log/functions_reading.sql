-- Reading the event log. All committed events are sealed first, so that readers see their own
-- writes.

create function lms.check_event_position(after bigint) returns void
language plpgsql
volatile
as $$
declare
  last_position bigint;
begin
  perform lms.seal_events();
  select h.position
  into last_position
  from lms.event_heads as h
  where h.tenant_id = current_setting('app.tenant_id')::uuid;
  if after > coalesce(last_position, 0) then
    perform lms.raise_error('LM422', format('Must be at most %s, the last position of the event log.', coalesce(last_position, 0)), 'after');
  end if;
end
$$;

comment on function lms.check_event_position is
  'Seals the committed events of the context''s tenant. LM422 for a position beyond the end of its log.';

grant execute on function lms.check_event_position to lms_application;

create function lms.event_json(event lms.event_log) returns json
language sql
stable
parallel safe
return json_build_object(
  'position', event.position,
  'id', event.id,
  'entity', event.entity,
  'entity_id', event.entity_id,
  'kind', event.kind,
  'actor', event.actor,
  'request_id', event.request_id,
  'at', lms.utc(event.at),
  'state', event.state,
  'hash', encode(event.hash, 'hex')
);

comment on function lms.event_json is 'An event as the interface and webhooks show it.';

grant execute on function lms.event_json to lms_application;

create function lms.read_events(after bigint, max_count integer, of_entity text, of_row uuid) returns setof lms.event_log
language plpgsql
volatile
as $$
begin
  perform lms.check_event_position(after);
  -- There are two queries, because each uses another index.
  if of_row is null then
    return query
      select l.*
      from lms.event_log as l
      where l.position > after
        and (of_entity is null or l.entity = of_entity)
      order by l.position
      limit max_count;
  else
    return query
      select l.*
      from lms.event_log as l
      where l.entity_id = of_row
        and l.position > after
        and (of_entity is null or l.entity = of_entity)
      order by l.position
      limit max_count;
  end if;
end
$$;

comment on function lms.read_events is
  'Events of the context''s tenant after a position, in order, optionally of one table or one row. LM422 for a position beyond the end.';

grant execute on function lms.read_events to lms_application;

create function lms.state_at(of_entity text, of_row uuid, moment timestamptz) returns jsonb
language plpgsql
volatile
as $$
begin
  if moment > now() then
    perform lms.raise_error('LM422', 'Must not be in the future.', 'as_of');
  end if;
  perform lms.seal_events();
  return (
    select l.state
    from lms.event_log as l
    where l.entity_id = of_row
      and l.entity = of_entity
      and l.at <= moment
    order by l.position desc
    limit 1
  );
end
$$;

comment on function lms.state_at is
  'The state of a row at a time: empty when it had been purged, null when it did not exist. LM422 for a time in the future.';

grant execute on function lms.state_at to lms_application;

-- The first partitions of the event log.

-- The months that are at hand; the worker makes those that follow.
select lms.make_event_partitions((now() + interval '3 months')::date);

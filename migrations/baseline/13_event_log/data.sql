-- The first partitions of the event log.

-- The next months; the worker creates the following ones.
select lms.make_event_partitions((now() + interval '3 months')::date);

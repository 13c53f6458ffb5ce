-- cell_state.archive
with archiver as (
  select
    current_setting('archive_mode') <> 'off' as is_on,
    coalesce(a.last_failed_time > coalesce(a.last_archived_time, '-infinity'), false) as is_failing,
    coalesce(a.last_archived_time, a.stats_reset) as last_archived_at,
    -- The name of a segment has its timeline, and the upper and lower half of its number. The names
    -- of other archived files say nothing of segments.
    case
      when a.last_archived_wal ~ '^[0-9A-F]{24}$' then pg_lsn(
        substr(a.last_archived_wal, 9, 8)
          || '/'
          || to_hex(('x' || substr(a.last_archived_wal, 17, 8))::bit(32)::bigint * s.size)
      )
    end as last_segment_start,
    s.size as segment_size
  from pg_stat_archiver as a
  cross join lateral pg_size_bytes(current_setting('wal_segment_size')) as s (size)
)
select
  a.is_failing or coalesce(pg_current_wal_lsn() - a.last_segment_start > 2 * a.segment_size, false),
  extract(epoch from clock_timestamp() - greatest(a.last_archived_at, $1::timestamptz))::float8,
  clock_timestamp()
from archiver as a
where a.is_on

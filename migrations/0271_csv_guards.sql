-- Full-width signs begin a formula too, and a text behind apostrophes gets one more, so that an import finds what was exported.
set local role lms_owner;

create or replace function lms.csv_cell(value text) returns text
language sql
immutable
parallel safe
return case
  when value is null then ''
  else (
    select
      case
        when guarded.value ~ '[",\r\n]' then '"' || replace(guarded.value, '"', '""') || '"'
        else guarded.value
      end
    from (select case when value ~ '^''*[=+@＝＋－＠\t\r-]' then '''' || value else value end as value) as guarded
  )
end;

comment on function lms.csv_cell is
  'A cell by RFC 4180. What a spreadsheet would take for a formula gets an apostrophe in front, and so does what would be taken for a text with one; an import takes it off.';

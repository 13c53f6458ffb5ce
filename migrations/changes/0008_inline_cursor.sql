-- PostgreSQL inlines lms.cursor only if it is as stable as what it calls.

set local role lms_owner;

alter function lms.cursor stable;

-- Triggers that make the log append-only. They stay enabled when triggers are switched off.

create trigger append_only
before update or truncate on lms_private.unsealed_events
for each statement execute function lms_private.forbid_change();

alter table lms_private.unsealed_events enable always trigger append_only;

create trigger sealed_only
before delete on lms_private.unsealed_events
for each statement execute function lms_private.protect_unsealed_events();

alter table lms_private.unsealed_events enable always trigger sealed_only;

create trigger append_only
before update or delete on lms.event_log
for each row execute function lms_private.protect_event();

alter table lms.event_log enable always trigger append_only;

create trigger append_only_truncate
before truncate on lms.event_log
for each statement execute function lms_private.forbid_change();

alter table lms.event_log enable always trigger append_only_truncate;

create trigger append_only_truncate
before truncate on lms_private.event_log_default
for each statement execute function lms_private.forbid_change();

alter table lms_private.event_log_default enable always trigger append_only_truncate;

create trigger append_only
before update or delete or truncate on lms.event_redactions
for each statement execute function lms_private.forbid_change();

alter table lms.event_redactions enable always trigger append_only;

-- Triggers that follow assessments and points.

-- Named to fire behind the trigger that records the statement: in the log the cause comes first.
create trigger then_update_academic_age_insert
after insert on lms.assessments
referencing new table as new_rows
for each statement execute function lms_private.update_academic_age();

create trigger then_update_academic_age_update
after update on lms.assessments
referencing old table as old_rows new table as new_rows
for each statement execute function lms_private.update_academic_age();

create trigger set_assessment_date
before insert or update of assessed_on on lms.assessments
for each row execute function lms_private.set_assessment_date();

-- Badges for a sum of points, once each.
call lms_private.serialize_writers('gamification');

-- Named to fire behind the trigger that records the statement: in the log the cause comes first.
create trigger then_award_for_points
after insert on lms.gamification
referencing new table as new_rows
for each statement execute function lms_private.award_for_points();

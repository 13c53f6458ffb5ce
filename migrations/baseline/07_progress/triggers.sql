-- Triggers on assessments and points.

-- Fires after the trigger that records the statement.
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

-- Badges for a total of points, each awarded once.
call lms_private.serialize_writers('gamification');

-- Fires after the trigger that records the statement.
create trigger then_award_for_points
after insert on lms.gamification
referencing new table as new_rows
for each statement execute function lms_private.award_for_points();

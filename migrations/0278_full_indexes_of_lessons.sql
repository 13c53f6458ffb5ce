-- As 0277, for classes and their lessons.
-- contracts: indexes of live rows alone; each is made over all rows under its name, and no release names an index.
set local role lms_owner;

create index idx_classes_centre_id_full
on lms.classes (tenant_id, centre_id);

create index idx_classes_tutor_id_full
on lms.classes (tenant_id, tutor_id);

create index idx_occurrences_centre_id_full
on lms.occurrences (tenant_id, centre_id, starts_at);

drop index lms.idx_classes_centre_id;

alter index lms.idx_classes_centre_id_full
rename to idx_classes_centre_id;

drop index lms.idx_classes_tutor_id;

alter index lms.idx_classes_tutor_id_full
rename to idx_classes_tutor_id;

drop index lms.idx_occurrences_centre_id;

alter index lms.idx_occurrences_centre_id_full
rename to idx_occurrences_centre_id;

-- Purging, erasing, leaving and PostgreSQL's own checks of references ask for deleted rows too, so the index of a foreign key is over all
-- rows. An index of live rows alone had them read everything that the tenant has. All are made first: to drop one locks its table.
-- contracts: indexes of live rows alone; each is made over all rows under its name, and no release names an index.
set local role lms_owner;

create index idx_users_centre_id_full
on lms.users (tenant_id, centre_id);

create index idx_students_user_id
on lms.students (tenant_id, user_id);

create index idx_students_centre_id_full
on lms.students (tenant_id, centre_id);

create index idx_students_parent_id_full
on lms.students (tenant_id, parent_id);

create index idx_students_assigned_tutor_full
on lms.students (tenant_id, assigned_tutor_id);

create index idx_tutors_user_id
on lms.tutors (tenant_id, user_id);

create index idx_tutors_centre_id_full
on lms.tutors (tenant_id, centre_id);

create index idx_staff_user_id
on lms.staff (tenant_id, user_id);

create index idx_staff_centre_id_full
on lms.staff (tenant_id, centre_id);

create index idx_guardians_user_id
on lms.guardians (tenant_id, user_id);

create index idx_guardians_student_id_full
on lms.guardians (tenant_id, student_id);

create index idx_calendar_feeds_user_id
on lms.calendar_feeds (tenant_id, user_id);

create index idx_legal_holds_user_id_full
on lms.legal_holds (tenant_id, user_id);

drop index lms.idx_users_centre_id;

alter index lms.idx_users_centre_id_full
rename to idx_users_centre_id;

drop index lms.idx_students_centre_id;

alter index lms.idx_students_centre_id_full
rename to idx_students_centre_id;

drop index lms.idx_students_parent_id;

alter index lms.idx_students_parent_id_full
rename to idx_students_parent_id;

drop index lms.idx_students_assigned_tutor;

alter index lms.idx_students_assigned_tutor_full
rename to idx_students_assigned_tutor;

drop index lms.idx_tutors_centre_id;

alter index lms.idx_tutors_centre_id_full
rename to idx_tutors_centre_id;

drop index lms.idx_staff_centre_id;

alter index lms.idx_staff_centre_id_full
rename to idx_staff_centre_id;

drop index lms.idx_guardians_student_id;

alter index lms.idx_guardians_student_id_full
rename to idx_guardians_student_id;

drop index lms.idx_legal_holds_user_id;

alter index lms.idx_legal_holds_user_id_full
rename to idx_legal_holds_user_id;

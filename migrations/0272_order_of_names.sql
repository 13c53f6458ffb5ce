-- Names are sorted as people sort them: upper and lower case together, accents behind the letter that bears them. That is the root order of
-- Unicode (CLDR) by ICU; every field of one line of text is sorted by it, and these are the lists that can be. The comparisons of text are
-- leakproof, so a page behind a cursor enters the index at its place.
set local role lms_owner;

create index idx_users_name
on lms.users (tenant_id, name collate "und-x-icu", id)
where deleted_at is null;

create index idx_tutors_name
on lms.tutors (tenant_id, name collate "und-x-icu", id)
where deleted_at is null;

create index idx_centres_name
on lms.centres (tenant_id, name collate "und-x-icu", id)
where deleted_at is null;

create index idx_inventory_item_name
on lms.inventory (tenant_id, item_name collate "und-x-icu", id)
where deleted_at is null;

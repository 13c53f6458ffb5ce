-- As 0277, for requests and things. Most requests are about no thing, and a foreign key never asks for those.
-- contracts: indexes of live rows alone; each is made over all rows under its name, and no release names an index.
set local role lms_owner;

create index idx_requests_centre_id_full
on lms.requests (tenant_id, centre_id, status, urgency, created_at, id);

create index idx_requests_assigned_to_full
on lms.requests (tenant_id, assigned_to, status, urgency, created_at, id);

create index idx_requests_inventory_id_full
on lms.requests (tenant_id, inventory_id)
where inventory_id is not null;

create index idx_request_comments_request_id_full
on lms.request_comments (tenant_id, request_id, id);

create index idx_inventory_centre_id_full
on lms.inventory (tenant_id, centre_id);

create index idx_inventory_adjustments_inventory_id_full
on lms.inventory_adjustments (tenant_id, inventory_id, id);

create index idx_inventory_loans_inventory_id_full
on lms.inventory_loans (tenant_id, inventory_id, id);

create index idx_inventory_loans_centre_id_full
on lms.inventory_loans (tenant_id, centre_id, created_at, id);

create index idx_inventory_loans_user_id_full
on lms.inventory_loans (tenant_id, user_id, id);

drop index lms.idx_requests_centre_id;

alter index lms.idx_requests_centre_id_full
rename to idx_requests_centre_id;

drop index lms.idx_requests_assigned_to;

alter index lms.idx_requests_assigned_to_full
rename to idx_requests_assigned_to;

drop index lms.idx_requests_inventory_id;

alter index lms.idx_requests_inventory_id_full
rename to idx_requests_inventory_id;

drop index lms.idx_request_comments_request_id;

alter index lms.idx_request_comments_request_id_full
rename to idx_request_comments_request_id;

drop index lms.idx_inventory_centre_id;

alter index lms.idx_inventory_centre_id_full
rename to idx_inventory_centre_id;

drop index lms.idx_inventory_adjustments_inventory_id;

alter index lms.idx_inventory_adjustments_inventory_id_full
rename to idx_inventory_adjustments_inventory_id;

drop index lms.idx_inventory_loans_inventory_id;

alter index lms.idx_inventory_loans_inventory_id_full
rename to idx_inventory_loans_inventory_id;

drop index lms.idx_inventory_loans_centre_id;

alter index lms.idx_inventory_loans_centre_id_full
rename to idx_inventory_loans_centre_id;

drop index lms.idx_inventory_loans_user_id;

alter index lms.idx_inventory_loans_user_id_full
rename to idx_inventory_loans_user_id;

//! Requests: the requests of people to a centre. Their transitions from one status to the next are
//! in [`crate::transitions`], and the comments on them are in [`crate::comments`].

use domain::role;
use platform::auth::policy::{Grant, Policy, Verb};
use platform::auth::verbs;
use platform::declare::field::{Field, Kind};
use platform::declare::resource::Resource;

/// A request.
pub(crate) const REQUESTS: Resource = Resource {
    name: "requests",
    table: "requests",
    singular: "request",
    plural: "requests",
    description: "A request or complaint to a centre, from opening to resolution.",
    fields: &[
        Field::new(
            "number",
            Kind::Integer {
                min: 1,
                max: i64::MAX,
            },
            "The number of the request within the tenant, from 1 and without gaps.",
        )
        .read_only()
        .sortable(),
        Field::new("centre_id", Kind::Reference("centres"), "The centre.")
            .required()
            .on_create()
            .filterable(),
        Field::new(
            "type",
            Kind::OneOf(&["it", "inventory", "complaint", "reschedule", "maintenance"]),
            "The type of the request.",
        )
        .required()
        .filterable(),
        Field::new(
            "details",
            Kind::Multiline {
                min: 1,
                max: 10_000,
            },
            "The details of the request.",
        )
        .required(),
        Field::new(
            "priority",
            Kind::OneOf(&["low", "medium", "high"]),
            "The priority of the request. Lists are sorted by priority from high to low.",
        )
        .default("'medium'")
        .sort_column("urgency"),
        Field::new(
            "status",
            Kind::OneOf(&["open", "in_progress", "resolved", "closed"]),
            "The status of the request. It changes with the start, resolve, close and reopen operations.",
        )
        .read_only()
        .filterable(),
        Field::new(
            "assigned_to",
            Kind::Reference("staff"),
            "The staff member to whom the request is assigned. It changes with the assign operation.",
        )
        .read_only()
        .nullable()
        .filterable(),
        Field::new(
            "class_id",
            Kind::Reference("classes"),
            "The class that the request is about. It must be a class of the centre.",
        )
        .nullable()
        .filterable(),
        Field::new(
            "occurrence_start",
            Kind::Time,
            "The lesson of the class that the request is about, identified by its `original_start`.",
        )
        .nullable(),
        Field::new(
            "inventory_id",
            Kind::Reference("inventory"),
            "The inventory item that the request is about. It must be an item of the centre.",
        )
        .nullable()
        .filterable(),
        Field::new(
            "by_rule",
            Kind::Boolean,
            "Whether the request was opened automatically because the stock of the item is low.",
        )
        .read_only()
        .filterable(),
        Field::new(
            "opened_at",
            Kind::Time,
            "The time at which the request was created or last reopened. The due time is counted from it.",
        )
        .read_only(),
        Field::new(
            "due_at",
            Kind::Time,
            "The due time: the end of the time allowed for the request's type and priority, counted in the centre's \
             working hours.",
        )
        .read_only()
        .sortable(),
        Field::new(
            "overdue",
            Kind::Boolean,
            "Whether the request is open or in progress after its due time.",
        )
        .condition("r.due_at < now() and r.status in ('open', 'in_progress')"),
        Field::new(
            "escalated_at",
            Kind::Time,
            "The time at which the request was found to be overdue and its priority was raised.",
        )
        .read_only()
        .nullable()
        .filterable(),
        Field::new("resolved_at", Kind::Time, "The time at which the request was resolved.")
            .read_only()
            .nullable()
            .filterable(),
        Field::new("closed_at", Kind::Time, "The time at which the request was closed.")
            .read_only()
            .nullable()
            .filterable(),
        Field::new(
            "resolution",
            Kind::Multiline {
                min: 1,
                max: 10_000,
            },
            "The resolution: what was done.",
        )
        .read_only()
        .nullable(),
    ],
    owner: None,
    verbs: verbs::PLAIN,
    validate: None,
    requires_match: false,
    requires_key: false,
};

/// Assigns a request to a staff member.
pub(crate) const ASSIGN_VERB: Verb = Verb::Action("assign");
/// Starts the work on a request.
pub(crate) const START_VERB: Verb = Verb::Action("start");
/// Resolves a request.
pub(crate) const RESOLVE_VERB: Verb = Verb::Action("resolve");
/// Closes a request.
pub(crate) const CLOSE_VERB: Verb = Verb::Action("close");
/// Reopens a request.
pub(crate) const REOPEN_VERB: Verb = Verb::Action("reopen");

const TRANSITIONS: &[Verb] = &[
    ASSIGN_VERB,
    START_VERB,
    RESOLVE_VERB,
    CLOSE_VERB,
    REOPEN_VERB,
];

const OWN: &str = "r.created_by = (select current_setting('app.user_id')::uuid)";
const OWN_OR_ASSIGNED: &str = "r.created_by = (select current_setting('app.user_id')::uuid) \
                               or r.assigned_to = (select lms.caller_staff())";
const OF_CENTRE: &str = "r.centre_id = (select current_setting('app.centre_id')::uuid)";

/// The grants on requests.
pub(crate) const POLICY: Policy = Policy {
    resource: "requests",
    grants: &[
        Grant::new(role::STUDENT, verbs::READ_CREATE).index_condition(OWN),
        Grant::new(role::PARENT, verbs::READ_CREATE).index_condition(OWN),
        Grant::new(role::TUTOR, verbs::EDIT)
            .with_verbs(TRANSITIONS)
            .index_condition(OWN_OR_ASSIGNED),
        Grant::new(role::ASSESSOR, verbs::READ_CREATE).index_condition(OWN),
        Grant::new(role::SUPERVISOR, verbs::PLAIN)
            .with_verbs(TRANSITIONS)
            .index_condition(OF_CENTRE),
        Grant::new(role::SUPPORT, verbs::PLAIN).with_verbs(TRANSITIONS),
        Grant::new(role::FINANCE, verbs::READ_CREATE).index_condition(OWN),
        Grant::new(role::ADMIN, verbs::PLAIN).with_verbs(TRANSITIONS),
    ],
};

//! Payroll runs: the earnings of a centre's tutors in a month, computed as a draft and posted once.
//! The rates are in [`crate::tutor_rates`], and the records that a run posts are in
//! [`crate::finance_records`].

use domain::role;
use platform::auth::policy::{Grant, Policy, Verb};
use platform::auth::verbs;
use platform::declare::action::Action;
use platform::declare::field::{Field, Kind};
use platform::declare::resource::Resource;
use platform::declare::response_spec::ResponseSpec;

use crate::finance_records::METHODS;
use crate::tutor_rates::UNIT;

const CENTRE: Field = Field::new("centre_id", Kind::Reference("centres"), "The centre.");
const MONTH: Field = Field::new(
    "month",
    Kind::Date,
    "The first day of the month, in the centre's time zone.",
);
const STATUS: Field = Field::new(
    "status",
    Kind::OneOf(&["draft", "posted"]),
    "The status of the run. A draft is recomputed whenever it is created again; a posted run never changes.",
);
const POSTED_AT: Field = Field::new(
    "posted_at",
    Kind::Time,
    "The time at which the run was posted.",
)
.nullable();

/// A payroll run without its items.
pub(crate) const PAYROLL_RUNS: Resource = Resource {
    name: "payroll-runs",
    table: "payroll_runs",
    singular: "payroll run",
    plural: "payroll runs",
    description: "A payroll run: what the tutors of a centre have earned in a month. There is one run per centre and month.",
    fields: &[
        CENTRE.read_only().filterable(),
        MONTH.read_only().sortable(),
        STATUS.read_only().filterable(),
        POSTED_AT.read_only(),
    ],
    owner: None,
    validate: None,
    // Creating, reading and posting a run are actions, because its items belong to it.
    verbs: &[Verb::List, Verb::Export],
    requires_match: false,
    requires_key: true,
};

/// Posts a draft.
const POST_VERB: Verb = Verb::Action("post");

const MANAGE: &[Verb] = &[Verb::Create, POST_VERB];

/// The grants on payroll runs.
pub(crate) const POLICY: Policy = Policy {
    resource: "payroll-runs",
    grants: &[
        Grant::new(role::SUPERVISOR, verbs::READ_EXPORT),
        Grant::new(role::FINANCE, verbs::READ_EXPORT).with_verbs(MANAGE),
        Grant::new(role::ADMIN, verbs::READ_EXPORT).with_verbs(MANAGE),
    ],
};

const COUNT: Kind = Kind::Integer {
    min: 0,
    max: i32::MAX as i64,
};

/// A rate by which an item was computed.
const RATE: &[Field] = &[
    UNIT.required(),
    Field::new("amount", Kind::SignedMoney, "The amount of the rate.").required(),
    Field::new(
        "effective_from",
        Kind::Date,
        "The first day on which the rate applied.",
    )
    .required(),
    Field::new("lessons", COUNT, "The number of lessons at this rate.").required(),
    Field::new("minutes", COUNT, "The total of the lessons' whole minutes.").required(),
];

/// The lessons of an earlier month that a run pays.
const LATE_LESSONS: &[Field] = &[
    Field::new(
        "month",
        Kind::Date,
        "The first day of the month to which the lessons belong.",
    )
    .required(),
    Field::new(
        "lessons",
        COUNT,
        "The number of late lessons of that month.",
    )
    .required(),
    Field::new("minutes", COUNT, "The total of the lessons' whole minutes.").required(),
    Field::new("first_on", Kind::Date, "The day of the first lesson.").required(),
    Field::new("last_on", Kind::Date, "The day of the last lesson.").required(),
];

/// The earnings of a tutor.
const ITEM: &[Field] = &[
    Field::new("id", Kind::Id, "The unique identifier.").required(),
    Field::new("tutor_id", Kind::Id, "The tutor.").required(),
    Field::new(
        "tutor_name",
        Kind::Text { min: 1, max: 200 },
        "The tutor's name. Null if the tutor is not visible to the caller.",
    )
    .nullable()
    .required(),
    Field::new("lessons", COUNT, "The number of completed lessons.").required(),
    Field::new("minutes", COUNT, "The total of the lessons' whole minutes.").required(),
    Field::new(
        "first_on",
        Kind::Date,
        "The day of the first lesson, in the centre's time zone.",
    )
    .required(),
    Field::new("last_on", Kind::Date, "The day of the last lesson.").required(),
    Field::new(
        "rates",
        Kind::Rows(RATE),
        "The rates that applied, each with its lessons.",
    )
    .required(),
    Field::new(
        "late_lessons",
        Kind::Rows(LATE_LESSONS),
        "The lessons among these that were reported after the payroll of their month had been posted, by month. Each is \
         paid at the rate of its day.",
    )
    .required(),
    Field::new(
        "currency",
        Kind::Currency,
        "The currency of the rates. Null if there is no rate.",
    )
    .nullable()
    .required(),
    Field::new(
        "amount",
        Kind::SignedMoney,
        "The exact total, rounded once (half up) to the decimal places of the currency. Null if there is no rate.",
    )
    .nullable()
    .required(),
    Field::new(
        "problem",
        Kind::OneOf(&["no_rate"]),
        "The reason why there is no amount: no rate applies on the days of these lessons.",
    )
    .nullable()
    .required(),
    Field::new(
        "finance_record_id",
        Kind::Id,
        "The salary posted for the item. Null in a draft, and if nothing is due.",
    )
    .nullable()
    .required(),
];

const TOTAL: &[Field] = &[
    Field::new("currency", Kind::Currency, "The currency.").required(),
    Field::new(
        "amount",
        Kind::SignedMoney,
        "The total of the items in this currency.",
    )
    .required(),
];

/// A payroll run with its items.
const RUN: &[Field] = &[
    Field::new("id", Kind::Id, "The unique identifier.").required(),
    CENTRE.required(),
    MONTH.required(),
    STATUS.required(),
    POSTED_AT.required(),
    Field::new(
        "items",
        Kind::Rows(ITEM),
        "What each tutor has earned, ordered by name: one item per currency, and one \
        for lessons without a rate.",
    )
    .required(),
    Field::new("totals", Kind::Rows(TOTAL), "The totals by currency.").required(),
    Field::new("created_at", Kind::Time, "The time of creation.").required(),
    Field::new(
        "updated_at",
        Kind::Time,
        "The time at which the run or its items were last changed.",
    )
    .required(),
    Field::new("created_by", Kind::Id, "The user who created the resource.")
        .nullable()
        .required(),
    Field::new(
        "updated_by",
        Kind::Id,
        "The user who last changed the resource.",
    )
    .nullable()
    .required(),
];

/// Creates a draft, or computes it again.
pub(crate) const CREATE: Action = Action::post("/v1/payroll-runs")
    .id("payroll-runs.create")
    .summary("Create or recompute a payroll run")
    .granted("payroll-runs", Verb::Create)
    .body(&[CENTRE.required(), MONTH.required()])
    .responds(ResponseSpec::fields(
        RUN,
        "The run of the centre and month: a draft as of now, computed from the completed lessons and the rates of their \
         days. It includes lessons of earlier months that were reported after the payroll of their month had been \
         posted, and lists them. Nothing is posted to the ledger. A run that is already posted is returned unchanged.",
    ))
    .sql(CREATE_SQL);

/// Gets a payroll run.
pub(crate) const GET: Action = Action::get("/v1/payroll-runs/{id}")
    .id("payroll-runs.get")
    .summary("Get a payroll run")
    .granted("payroll-runs", Verb::Get)
    .responds(ResponseSpec::fields(RUN, "The payroll run with its items.").problems(&[304]))
    .sql(GET_SQL);

/// Posts the earnings of a draft to the ledger.
pub(crate) const POST: Action = Action::post("/v1/payroll-runs/{id}/post")
    .id("payroll-runs.post")
    .summary("Post a payroll run")
    .granted("payroll-runs", POST_VERB)
    .body(&[
        Field::new("method", METHODS, "The payment method of the salaries.").required(),
        Field::new(
            "effective_on",
            Kind::Date,
            "The day on which the salaries take effect. Defaults to the last day of the month.",
        ),
    ])
    .responds(ResponseSpec::fields(
        RUN,
        "The posted run with the finance record of each item. A run that was posted before is returned unchanged. \
         Refused with 409 if the month has not ended, if lessons or rates have changed since the draft was created, or \
         if lessons have no rate.",
    ))
    .sql(POST_SQL);

const CREATE_SQL: &str = "select
  p.body,
  p.tag
from lms.draft_payroll(
  ($1->'input'->>'centre_id')::uuid,
  ($1->'input'->>'month')::date
) as p";

const GET_SQL: &str = "select
  p.body,
  p.tag
from lms.payroll_run(($1->>'id')::uuid) as p";

const POST_SQL: &str = "select
  p.body,
  p.tag
from lms.post_payroll(
  ($1->>'id')::uuid,
  $1->'input'->>'method',
  ($1->'input'->>'effective_on')::date
) as p";
